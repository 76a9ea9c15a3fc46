import Foundation
import ImageFrames
import Imaging

/// What a Hausdorff distance at 95% is. Each voxel of a label's two surfaces has a distance to the nearest voxel of the
/// other surface; percentiles are linearly interpolated between ranks.
public enum Hausdorff95: String, CaseIterable, Sendable, Codable {
    /// The 95th percentile of all distances, both ways together, as MedPy's `hd95` has it.
    case pooled
    /// The larger of the two ways' own 95th percentiles, as MONAI's `HausdorffDistanceMetric(percentile=95)` has it.
    case larger
}

/// How far the surfaces of a label are apart in two volumes.
///
/// A surface is the voxels that have a neighbour (of six; beyond the volume's edge counts) of another label. From each
/// voxel of either surface goes the distance to the nearest of the other, between the voxels' centres.
public struct SurfaceDistance: Hashable, Sendable {
    /// See ``Hausdorff95``.
    public let hausdorff95: Double
    /// The mean of all distances, both ways together, as MedPy's `assd` has it.
    public let mean: Double

    /// - Parameter affine: where the voxels are; distances are in its unit.
    /// - Returns: nil where either volume has no such label.
    public init?(
        truth: [Bool], predicted: [Bool], size: VolumeSize, affine: Affine, hausdorff: Hausdorff95 = .pooled
    ) {
        precondition(truth.count == size.count && predicted.count == size.count, "surfaces of \(size)")
        let (one, other) = (surface(truth, size), surface(predicted, size))
        guard one.contains(true), other.contains(true) else { return nil }
        self.init(
            distances(from: one, to: other, size, affine), distances(from: other, to: one, size, affine), hausdorff)
    }

    /// The same by where the voxels of the surfaces are.
    init?(truth: [SIMD3<Double>], predicted: [SIMD3<Double>], hausdorff: Hausdorff95 = .pooled) {
        guard !truth.isEmpty, !predicted.isEmpty else { return nil }
        self.init(distances(from: truth, to: predicted), distances(from: predicted, to: truth), hausdorff)
    }

    private init(_ there: [Double], _ back: [Double], _ hausdorff: Hausdorff95) {
        let all = there + back
        hausdorff95 =
            switch hausdorff {
            case .pooled: percentile(all, 0.95)
            case .larger: max(percentile(there, 0.95), percentile(back, 0.95))
            }
        mean = all.reduce(0, +) / Double(all.count)
    }
}

/// The distance of each voxel of a mask to the nearest of another, which has one.
private func distances(from one: [Bool], to other: [Bool], _ size: VolumeSize, _ affine: Affine) -> [Double] {
    if affine.isOrthogonal {
        let spacing = SIMD3(affine.spacing(along: .i), affine.spacing(along: .j), affine.spacing(along: .k))
        let squares = squaredDistances(to: other, size, spacing)
        return one.indices.filter { one[$0] }.map { squares[$0].squareRoot() }
    }
    func places(_ mask: [Bool]) -> [SIMD3<Double>] {
        mask.indices.filter { mask[$0] }.map { affine.position(of: size.voxel(at: $0)) }
    }
    return distances(from: places(one), to: places(other))
}

/// The distance of each place to the nearest of others, also where axes are not perpendicular: outwards along z from the
/// place's own, until only z is farther than the nearest yet.
private func distances(from places: [SIMD3<Double>], to others: [SIMD3<Double>]) -> [Double] {
    let sorted = others.sorted { $0.z < $1.z }
    return places.map { place in
        var (first, end) = (0, sorted.count)
        while first < end {
            let middle = (first + end) / 2
            if sorted[middle].z < place.z { first = middle + 1 } else { end = middle }
        }
        var least = Double.infinity
        func isWithin(_ other: SIMD3<Double>) -> Bool {
            let step = other - place
            if step.z * step.z >= least { return false }
            least = min(least, (step * step).sum())
            return true
        }
        for other in sorted[first...] where !isWithin(other) { break }
        for other in sorted[..<first].reversed() where !isWithin(other) { break }
        return least.squareRoot()
    }
}

/// A box of voxels.
struct VoxelBox {
    var low: VoxelIndex
    var high: VoxelIndex
    /// How many voxels of both volumes have the label.
    private(set) var count = 0

    init(at voxel: VoxelIndex) { (low, high) = (voxel, voxel) }

    /// Whether to compare voxels with each other takes less time than to go through the box: labels of a few voxels far apart
    /// would each cost as much as the volume. A step of the one takes about a sixty-fourth of the other's.
    var isSparse: Bool {
        let (pairs, overflow) = count.multipliedReportingOverflow(by: count)
        return !overflow && pairs / 64 < size.count
    }

    /// The smallest box of each label that holds it in both of two volumes: what is outside it changes no surface of the
    /// label and no distance between them.
    static func boxes(of one: LabelVolume, _ other: LabelVolume) -> [UInt16: VoxelBox] {
        var boxes: [UInt16: VoxelBox] = [:]
        for volume in [one, other] {
            for (offset, label) in volume.values.enumerated() where label != 0 {
                let voxel = volume.size.voxel(at: offset)
                boxes[label, default: VoxelBox(at: voxel)].include(voxel)
            }
        }
        return boxes
    }

    private mutating func include(_ voxel: VoxelIndex) {
        for axis in VoxelAxis.allCases {
            low[axis] = min(low[axis], voxel[axis])
            high[axis] = max(high[axis], voxel[axis])
        }
        count += 1
    }

    var size: VolumeSize { VolumeSize(i: high.i - low.i + 1, j: high.j - low.j + 1, k: high.k - low.k + 1) }

    /// Whether each voxel of the box has a label, i fastest.
    func mask(_ volume: LabelVolume, _ label: UInt16) -> [Bool] {
        (low.k...high.k).flatMap { k in
            (low.j...high.j).flatMap { j in
                (low.i...high.i).map { volume[VoxelIndex(i: $0, j: j, k: k)] == label }
            }
        }
    }
}

/// The voxels of a mask that have a neighbour outside it.
func surface(_ mask: [Bool], _ size: VolumeSize) -> [Bool] {
    let (rows, planes) = (size.i, size.i * size.j)
    return mask.indices.map { offset in
        guard mask[offset] else { return false }
        let voxel = size.voxel(at: offset)
        let isInside =
            voxel.i > 0 && voxel.i < size.i - 1 && voxel.j > 0 && voxel.j < size.j - 1 && voxel.k > 0
            && voxel.k < size.k - 1
        return !isInside
            || [1, -1, rows, -rows, planes, -planes].contains { !mask[offset + $0] }
    }
}

extension LabelVolume {
    /// Where the voxels of some labels are that have a neighbour of another.
    func surfaces(of labels: Set<UInt16>, affine: Affine) -> [UInt16: [SIMD3<Double>]] {
        var isWanted = [Bool](repeating: false, count: Int(UInt16.max) + 1)
        for label in labels { isWanted[Int(label)] = true }
        var places: [UInt16: [SIMD3<Double>]] = [:]
        for (offset, label) in values.enumerated() where isWanted[Int(label)] {
            let voxel = size.voxel(at: offset)
            let isSurface = VoxelAxis.allCases.contains { axis in
                [-1, 1].contains { step in
                    var neighbour = voxel
                    neighbour[axis] += step
                    return !(0..<size[axis]).contains(neighbour[axis]) || self[neighbour] != label
                }
            }
            if isSurface { places[label, default: []].append(affine.position(of: voxel)) }
        }
        return places
    }
}

/// The value below which a share of the values lie, between ranks linearly interpolated (`numpy.percentile`).
func percentile(_ values: [Double], _ share: Double) -> Double {
    let sorted = values.sorted()
    let rank = share * Double(sorted.count - 1)
    let below = Int(rank)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (rank - Double(below)) * (sorted[above] - sorted[below])
}
