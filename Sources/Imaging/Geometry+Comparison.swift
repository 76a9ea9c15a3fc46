import Foundation
import ImageFrames
import SafeFiles

/// The most by which sizes of voxels and places may differ where they are the same, in voxels: tools round rotations and
/// offsets to single precision.
private let tolerance = 0.01

extension Geometry {
    /// How another geometry differs from this one, in words; nil where voxels have the same sizes and places to within a
    /// hundredth of the smallest.
    ///
    /// Where either does not say where it is in the patient, sizes alone count.
    public func difference(from other: Geometry) -> String? {
        if size != other.size { return "\(other.size) voxels, where it has \(size)" }
        if hasOtherSpacing(than: VoxelAxis.allCases.map(other.spacing)) {
            return "voxels of \(other.spacingText) mm, where it has \(spacingText) mm"
        }
        if source == .none || other.source == .none { return nil }
        for corner in corners {
            let (own, others) = (millimetres(of: corner), other.millimetres(of: corner))
            if length(own - others) > tolerance * leastSpacing {
                return "voxel (\(corner.i), \(corner.j), \(corner.k)) at \(text(others)) mm, where it has it at "
                    + "\(text(own)) mm"
            }
        }
        return nil
    }

    private func millimetres(of voxel: VoxelIndex) -> SIMD3<Double> {
        affine.position(of: voxel) * millimetresPerUnit
    }

    /// Whether voxels have other sizes than these, in millimetres, along an axis that has more than one.
    private func hasOtherSpacing(than other: [Double]) -> Bool {
        zip(VoxelAxis.allCases, other).contains { axis, other in
            size[axis] > 1 && !(abs(spacing(along: axis) - other) <= tolerance * spacing(along: axis))
        }
    }

    // MARK: Words

    private var spacingText: String { text(VoxelAxis.allCases.map(spacing)) }

    private func text(_ lengths: [Double]) -> String { lengths.map(text).joined(separator: "×") }

    private func text(_ place: SIMD3<Double>) -> String { "(\(text(place.x)), \(text(place.y)), \(text(place.z)))" }

    /// A length with three decimals, or as many as show a hundredth of a voxel.
    private func text(_ millimetres: Double) -> String {
        let decimals = -log10(tolerance * leastSpacing)
        return String(format: "%.\(Int(min(max(decimals.rounded(.up), 3), 12)))f", millimetres)
    }
}

// MARK: - What other tools see

extension Geometry {
    /// What the person should know: that tools disagree on where the voxels are, and which goes by what.
    ///
    /// ITK's way, read off SimpleITK 2.5.7: spacing is pixdim; directions and origin are the sform's where its code is 1 or
    /// the qform has none, and where axes are perpendicular; else the qform's.
    ///
    /// - Parameter file: what the warnings are about.
    public func warnings(file: String) -> [Warning] {
        if source == .none {
            return [
                Warning(
                    file: file,
                    "its orientation is unknown (sform and qform codes are 0): nibabel, ITK (SimpleITK, 3D Slicer, "
                        + "nnU-Net) and FSL disagree on which side of it is left")
            ]
        }
        let forms = header?.forms
        var warnings: [String] = []
        if !affine.isOrthogonal {
            let itk = "ITK (SimpleITK, 3D Slicer, nnU-Net)"
            warnings.append(
                "its axes are not perpendicular, as of a tilted gantry: swift-sam and nibabel go by them, "
                    + (isReadByITK ? "\(itk) follows its qform instead" : "\(itk) refuses it"))
        }
        if source == .sform, let forms {
            let pixdim = forms.spacing.map { $0 * millimetresPerUnit }
            if hasOtherSpacing(than: pixdim) {
                warnings.append(
                    "its voxels are \(spacingText) mm by the sform and \(text(pixdim)) mm by pixdim: swift-sam and "
                        + "nibabel's affine go by the sform, ITK (SimpleITK, 3D Slicer, nnU-Net) and FSL by pixdim")
            }
            if let qform = forms.qform, affine.isOrthogonal, let apart = distance(toForm: qform) {
                let one = "swift-sam and nibabel follow the sform"
                warnings.append(
                    "its sform (\(orientation)) and qform (\(qform.letters)) disagree by up to \(text(apart)) mm: "
                        + (forms.itkFollowsSForm
                            ? "\(one), as ITK (SimpleITK, 3D Slicer, nnU-Net) does; other tools follow the qform"
                            : "\(one), ITK (SimpleITK, 3D Slicer, nnU-Net) the qform"))
            }
        }
        return warnings.map { Warning(file: file, $0) }
    }

    /// Whether ITK, and so nnU-Net, reads the volume: sheared axes only where there is a qform to follow instead.
    var isReadByITK: Bool { affine.isOrthogonal || header?.forms?.qform != nil }

    /// The largest distance between a corner's places by this form and by the directions and origin of another, in
    /// millimetres; nil where it is at most a hundredth of a voxel.
    private func distance(toForm form: Affine) -> Double? {
        var scaled = form
        scaled.alongI *= affine.spacing(along: .i) / form.spacing(along: .i)
        scaled.alongJ *= affine.spacing(along: .j) / form.spacing(along: .j)
        scaled.alongK *= affine.spacing(along: .k) / form.spacing(along: .k)
        let distances = corners.map { length(affine.position(of: $0) - scaled.position(of: $0)) * millimetresPerUnit }
        let farthest = distances.max() ?? 0
        return farthest > tolerance * leastSpacing ? farthest : nil
    }
}

extension Affine {
    /// Where the axes i, j and k point.
    fileprivate var letters: String { (directions ?? []).map(\.letter).joined() }
}
