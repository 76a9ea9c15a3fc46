import Foundation
import ImageFrames
import Imaging
import SafeFiles
import TestSupport
import Testing

@testable import Evaluation

/// `evaluate` takes no more for each voxel because there are more labels.
@Suite(.serialized) struct GrowthTests {
    private func volume(_ size: VolumeSize, _ label: (_ offset: Int) -> Int) -> LabelVolume {
        let affine = Affine(alongI: [0.75, 0, 0], alongJ: [0, 0.5, 0], alongK: [0, 0, 2], origin: [5, -3, 1])
        return LabelVolume(
            geometry: Geometry(size: size, affine: affine), values: (0..<size.count).map { UInt16(label($0)) })
    }

    private func score(_ truth: LabelVolume, _ predicted: LabelVolume) throws -> [OrganScore] {
        let organs = Set(truth.values).subtracting([0]).sorted().map { Organ(name: "label\($0)", label: $0) }
        return try scores(of: predicted, file: "p", truth: truth, organs: organs, axis: .k, miss: .zero)
    }

    /// Each voxel has a label of its own; each label has two voxels, at opposite ends; each has eight, all over the volume.
    @Test func labels() throws {
        for label in [
            { (offset: Int, count: Int) in offset + 1 }, { offset, count in min(offset, count - 1 - offset) + 1 },
            { offset, count in offset % (count / 8) + 1 },
        ] {
            try expectLinearGrowth(from: 512) { count in
                let size = VolumeSize(i: 8, j: count / 64, k: 8)
                let volume = volume(size) { label($0, size.count) }
                return { _ = try score(volume, volume) }
            }
        }
    }

    /// Voxels that lie far apart are compared with each other, others by a transform of their box: with one result.
    @Test func distancesOfVoxelsFarApart() throws {
        var random = SplitMix(seed: 5)
        let size = VolumeSize(i: 7, j: 9, k: 8)
        for count in [2, 5, 20, 40] {
            let places = (0..<2 * count).map { _ in Int.random(in: 0..<size.count, using: &random) }
            let (truth, predicted) = (Set(places.prefix(count)), Set(places.suffix(count)))
            let volumes = [truth, predicted].map { own in volume(size) { own.contains($0) ? 3 : 0 } }
            #expect(try #require(VoxelBox.boxes(of: volumes[0], volumes[1])[3]).isSparse)
            let found = try #require(try score(volumes[0], volumes[1])[0].surface)
            let whole = try #require(
                SurfaceDistance(
                    truth: volumes[0].values.map { $0 == 3 }, predicted: volumes[1].values.map { $0 == 3 }, size: size,
                    affine: volumes[0].geometry.affine))
            // Rounded in other places, of numbers below ten.
            #expect(abs(found.hausdorff95 - whole.hausdorff95) < 1e-13 && abs(found.mean - whole.mean) < 1e-13)
        }
    }

    /// A number for each label on each slice would take more than the file justifies.
    @Test func labelsOnSlices() throws {
        let volume = volume(VolumeSize(i: 1, j: 1, k: 9000)) { $0 + 1 }
        expectError(.badData, "too many labels on too many slices: expected at most 16777216, found 81000000") {
            _ = try score(volume, volume)
        }
    }
}
