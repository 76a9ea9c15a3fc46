import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Imaging

/// When volumes are in the same place, and what is said of a header whose parts disagree.
@Suite struct GeometryComparisonTests {
    let folder = Folder()
    let size = VolumeSize(i: 5, j: 3, k: 2)
    /// Right, anterior, superior; an odd size for each axis.
    let ras = Affine(alongI: [0.5, 0, 0], alongJ: [0, 0.25, 0], alongK: [0, 0, 2.5], origin: [1, 22, -33])

    private func geometry(
        _ change: (inout Affine) -> Void = { _ in }, unit: Geometry.Unit = .millimetre,
        source: Geometry.Source = .sform, size: VolumeSize? = nil
    ) -> Geometry {
        var affine = ras
        change(&affine)
        return Geometry(size: size ?? self.size, affine: affine, unit: unit, source: source)
    }

    // MARK: The same place

    /// The smallest voxel is 0.25 mm, so 0.0025 mm are too far, and 0.0024 mm are not.
    @Test func placesDifferFromAHundredthOfAVoxelOn() throws {
        #expect(geometry().difference(from: geometry { $0.origin.y += 0.0024 }) == nil)
        #expect(
            geometry().difference(from: geometry { $0.origin.y += 0.0026 })
                == "voxel (0, 0, 0) at (1.000, 22.003, -33.000) mm, where it has it at (1.000, 22.000, -33.000) mm")
        // At the far corner alone: by 0.003 mm over the four steps along i.
        let turned = try #require(geometry().difference(from: geometry { $0.alongI.z = 0.003 / 4 }))
        #expect(turned.hasPrefix("voxel (4, 0, 0) at (3.000, 22.000, -32.997) mm"))
        // A larger voxel allows more: its own hundredth is 0.01 mm.
        let coarse: (inout Affine) -> Void = { $0 = $0.scaled(by: 4) }
        let shifted = geometry {
            coarse(&$0)
            $0.origin.y += 0.0099
        }
        #expect(geometry(coarse).difference(from: shifted) == nil)
    }

    /// Three decimals would show the same numbers for voxels of micrometres.
    @Test func asManyDecimalsAsShowTheDifference() throws {
        let moved = geometry({ $0.origin.y += 0.3 }, unit: .micrometre)
        #expect(
            geometry(unit: .micrometre).difference(from: moved)
                == "voxel (0, 0, 0) at (0.001000, 0.022300, -0.033000) mm, where it has it at "
                + "(0.001000, 0.022000, -0.033000) mm")
        #expect(geometry(unit: .micrometre).difference(from: geometry { $0 = $0.scaled(by: 0.001) }) == nil)
    }

    /// Also where one or both do not say where they are in the patient.
    @Test(arguments: [Geometry.Source.sform, .none], [Geometry.Source.sform, .none])
    func sizesOfVoxelsCount(one: Geometry.Source, other: Geometry.Source) {
        let near = geometry({ $0.alongK.z = 2.52 }, source: other)
        let far = geometry({ $0.alongK.z = 2.53 }, source: other)
        #expect(
            geometry(source: one).difference(from: far)
                == "voxels of 0.500×0.250×2.530 mm, where it has 0.500×0.250×2.500 mm")
        // 0.02 mm are within a hundredth of 2.5 mm; as a place they are not.
        #expect((geometry(source: one).difference(from: near) == nil) == (one == .none || other == .none))
        #expect(geometry(source: one).difference(from: geometry(source: other)) == nil)
        // Of an axis with one voxel, the size is often not known.
        let flat = VolumeSize(i: 5, j: 3, k: 1)
        #expect(
            geometry(source: one, size: flat).difference(from: geometry({ $0.alongK.z = 1 }, source: other, size: flat))
                == nil)
    }

    @Test func sizesOfVolumesCount() {
        #expect(
            geometry().difference(from: geometry(size: VolumeSize(i: 5, j: 4, k: 2)))
                == "5×4×2 voxels, where it has 5×3×2")
    }

    /// numpy.linalg.det of the matrix is 0.3125; the product of the axes' lengths is 0.3351….
    @Test func aVoxelsVolumeIsItsDeterminant() {
        let tilted = geometry { $0.alongK = [0, 0.971, 2.5] }
        #expect(abs(tilted.millilitresPerVoxel - 0.3125e-3) < 1e-15)
        #expect(abs(geometry { $0.alongI.x = -0.5 }.millilitresPerVoxel - 0.3125e-3) < 1e-15)
        #expect(abs(geometry(unit: .metre).millilitresPerVoxel - 0.3125e6) < 1e-6)
    }

    // MARK: What is said of headers

    /// A header that says one thing by its sform, code 1, and by its qform, code 1.
    private func header(_ affine: Affine? = nil) throws -> [UInt8] {
        try LabelVolume(geometry: Geometry(size: size, affine: affine ?? ras)).write(to: folder.file("l.nii"))
        return [UInt8](try readFile(folder.file("l.nii"), limit: .picture))
    }

    /// The same, with a qform that is mirrored along i, 9 mm to the right.
    private func mirrored(_ codes: (sform: Int16, qform: Int16)) throws -> [UInt8] {
        try header().with(codes.qform, at: 252).with(codes.sform, at: 254).with(Float(-1), at: 76)
            .with(Float(0), at: 256).with(Float(1), at: 260).with(Float(0), at: 264).with(Float(9), at: 268)
    }

    private func warnings(_ bytes: [UInt8]) throws -> [String] {
        try Volume(contentsOf: folder.write("v.nii", bytes)).warnings.map(\.what)
    }

    /// What ITK follows was read off SimpleITK 2.5.7 for all codes from 0 to 5 and 4: the sform where its code is 1 or the
    /// qform has none.
    @Test(arguments: [Int16(0), 1, 2, 3, 4, 5], [Int16(0), 1, 2, 4]) func formsThatDisagree(sform: Int16, qform: Int16)
        throws
    {
        let warnings = try warnings(mirrored((sform, qform)))
        let found = warnings.joined()
        switch (sform, qform) {
        case (0, 0): #expect(warnings.count == 1 && found.contains("orientation is unknown"))
        case (0, _), (_, 0): #expect(warnings.isEmpty, "one form alone")
        default:
            #expect(warnings.count == 1)
            // From 1 to 9 mm at one end, from 3 to 7 at the other.
            #expect(found.contains("its sform (RAS) and qform (LAS) disagree by up to 8.000 mm"))
            #expect(found.contains("ITK (SimpleITK, 3D Slicer, nnU-Net) the qform") == (sform != 1))
            #expect(found.contains("as ITK (SimpleITK, 3D Slicer, nnU-Net) does") == (sform == 1))
        }
    }

    /// Half a turn as a quaternion of single precision is no disagreement, and nor is a volume without any.
    @Test func formsThatAgree() throws {
        #expect(try warnings(header()).isEmpty)
        var turned = ras
        (turned.alongI, turned.alongJ) = ([-0.499_999, 0.000_9, 0], [-0.000_45, -0.249_999_6, 0])
        #expect(try warnings(header(turned)).isEmpty)
    }

    /// nibabel takes voxel sizes for its affine from the sform, and ITK from pixdim.
    @Test func otherVoxelSizesByPixdim() throws {
        for qform in [Int16(0), 1] {
            let warnings = try warnings(header().with(qform, at: 252).with(Float(1), at: 80))
            #expect(warnings.count == 1)
            #expect(warnings[0].contains("0.500×0.250×2.500 mm by the sform and 1.000×0.250×2.500 mm by pixdim"))
            #expect(warnings[0].contains("ITK (SimpleITK, 3D Slicer, nnU-Net) and FSL by pixdim"))
        }
        // Within a hundredth, and of an axis of one voxel, nothing is said.
        #expect(try warnings(header().with(Float(0.504), at: 80)).isEmpty)
        let flat = Geometry(size: VolumeSize(i: 5, j: 3, k: 1), affine: ras)
        try LabelVolume(geometry: flat).write(to: folder.file("l.nii"))
        let bytes = [UInt8](try readFile(folder.file("l.nii"), limit: .picture))
        #expect(try warnings(bytes.with(Float(0), at: 88)).isEmpty)
    }

    /// ITK refuses an sform with sheared axes, and follows a qform where there is one.
    @Test func shearedAxes() throws {
        var sheared = ras
        sheared.alongK.x = 0.25
        let alone = try header(sheared)
        #expect(
            try warnings(alone).map { $0.contains("perpendicular") && $0.hasSuffix("nnU-Net) refuses it") } == [true])
        #expect(try !Geometry(ofVolume: folder.file("v.nii")).isReadByITK)
        let both = try warnings(alone.with(Int16(1), at: 252))
        #expect(
            both.map { $0.contains("perpendicular") && $0.hasSuffix("nnU-Net) follows its qform instead") } == [true])
        #expect(try Geometry(ofVolume: folder.file("v.nii")).isReadByITK)
    }
}
