import Foundation
import ImageFrames
import Imaging
import TestSupport
import Testing

@testable import Evaluation

@Suite struct OverlapTests {
    func overlap(_ truth: [Int], _ predicted: [Int]) -> Overlap {
        var overlap = Overlap()
        for (one, other) in zip(truth, predicted) { overlap.count(inTruth: one == 1, inPrediction: other == 1) }
        return overlap
    }

    @Test func diceCountsTwiceWhatIsShared() {
        #expect(overlap([1, 1, 1, 0, 0], [0, 1, 1, 1, 0]).dice() == 4.0 / 6)
        #expect(overlap([1, 0], [1, 0]).dice() == 1)
        #expect(overlap([1, 0], [0, 1]).dice() == 0)
    }

    @Test func emptyTruthAndPrediction() {
        #expect(overlap([0, 0], [0, 0]).dice().isNaN)
        #expect(overlap([1, 0], [0, 0]).dice() == 0)
        #expect(overlap([1, 0], [0, 0]).dice(miss: .nan).isNaN)
        #expect(overlap([0, 0], [1, 0]).dice() == 0)
        #expect(overlap([0, 0], [1, 0]).dice(miss: .nan) == 0)
    }

    @Test func overlapsOfSeveralLabelsBySlice() {
        let geometry = Geometry(
            size: VolumeSize(i: 4, j: 1, k: 2),
            affine: Affine(alongI: [1, 0, 0], alongJ: [0, 1, 0], alongK: [0, 0, 1], origin: .zero))
        let truth = LabelVolume(geometry: geometry, values: [1, 1, 0, 9, 0, 2, 2, 0])
        let predicted = LabelVolume(geometry: geometry, values: [1, 2, 2, 0, 0, 2, 1, 7])
        func counts(_ axis: VoxelAxis) -> [UInt16: [[Int]]] {
            overlaps(
                truth: truth, predicted: predicted, labels: [1, 2, 5], slices: SliceGeometry(geometry, axis: axis)
            ).mapValues { $0.map { [$0.truth, $0.predicted, $0.both] } }
        }
        #expect(
            counts(.k) == [1: [[2, 1, 1], [0, 1, 0]], 2: [[0, 2, 0], [2, 1, 1]], 5: [[0, 0, 0], [0, 0, 0]]])
        #expect(counts(.j) == [1: [[2, 2, 1]], 2: [[2, 3, 1]], 5: [[0, 0, 0]]])
    }

    // MARK: Surfaces

    private func distances(
        _ truth: String, _ predicted: String, _ size: [Int], _ affine: Affine, _ hausdorff: Hausdorff95
    ) throws -> SurfaceDistance {
        try #require(
            SurfaceDistance(
                truth: truth.map { $0 == "1" }, predicted: predicted.map { $0 == "1" },
                size: VolumeSize(i: size[0], j: size[1], k: size[2]), affine: affine, hausdorff: hausdorff))
    }

    /// MedPy takes distances by SciPy's exact transform and the percentile by NumPy; both are in double precision. The
    /// larger of both ways is by brute force there, as MONAI defines it.
    @Test(arguments: Reference.read.surfaces.indices) func surfaceDistancesAreMedPys(index: Int) throws {
        let reference = Reference.read.surfaces[index]
        for (hausdorff, expected) in [(Hausdorff95.pooled, reference.hd95), (.larger, reference.larger)] {
            let found = try distances(
                reference.truth, reference.predicted, reference.size, Affine(spacing: SIMD3(reference.spacing)),
                hausdorff)
            #expect(abs(found.hausdorff95 - expected) <= 1e-9)
            #expect(abs(found.mean - reference.mean) <= 1e-9)
        }
    }

    /// By brute force over all pairs of places, with NumPy.
    @Test(arguments: Reference.read.sheared.indices) func surfaceDistancesAlongShearedAxes(index: Int) throws {
        let reference = Reference.read.sheared[index]
        let axes = reference.axes.map { SIMD3($0) }
        let affine = Affine(alongI: axes[0], alongJ: axes[1], alongK: axes[2], origin: [5, 6, 7])
        #expect(!affine.isOrthogonal)
        for (hausdorff, expected) in [(Hausdorff95.pooled, reference.hd95), (.larger, reference.larger)] {
            let found = try distances(reference.truth, reference.predicted, reference.size, affine, hausdorff)
            #expect(abs(found.hausdorff95 - expected) <= 1e-9)
            #expect(abs(found.mean - reference.mean) <= 1e-9)
        }
    }

    @Test(arguments: UInt64(0)..<30) func distancesAreTheLeastOfAll(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        let (size, spacing) = (VolumeSize(i: 6, j: 4, k: 5), SIMD3(0.7, 1.3, 2.9))
        let mask = (0..<size.count).map { _ in Int.random(in: 0..<20, using: &generator) == 0 }
        let distances = squaredDistances(to: mask, size, spacing)
        for offset in 0..<size.count {
            let here = size.voxel(at: offset)
            let expected = mask.indices.filter { mask[$0] }.map { other in
                let there = size.voxel(at: other)
                let step = SIMD3(Double(here.i - there.i), Double(here.j - there.j), Double(here.k - there.k)) * spacing
                return (step * step).sum()
            }.min()
            // A difference of squares loses some digits where parabolas meet.
            #expect(expected == nil ? distances[offset] == .infinity : abs(distances[offset] - (expected ?? 0)) < 1e-9)
        }
    }

    /// Surfaces are sought in the smallest box, at whose sides the volume seems to end.
    @Test(arguments: 0..<10) func whatIsAroundChangesNothing(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let (size, spacing) = (VolumeSize(i: 9, j: 8, k: 7), SIMD3(0.7, 1.3, 2.9))
        let geometry = Geometry(
            size: size,
            affine: Affine(alongI: [0.7, 0, 0], alongJ: [0, 1.3, 0], alongK: [0, 0, 2.9], origin: .zero))
        let volumes = (0..<2).map { _ in
            LabelVolume(
                geometry: geometry,
                values: (0..<size.count).map { offset in
                    let voxel = size.voxel(at: offset)
                    let isInside = (3..<7).contains(voxel.i) && (0..<5).contains(voxel.j) && (2..<6).contains(voxel.k)
                    return isInside ? UInt16.random(in: 0..<3, using: &random) : 0
                })
        }
        let scores = try scores(
            of: volumes[1], file: "", truth: volumes[0],
            organs: [1, 2, 3].map { Organ(name: "\($0)", label: $0) }, axis: .k, miss: .zero)
        for label in [UInt16(1), 2, 3] {
            let masks = volumes.map { $0.values.map { $0 == label } }
            let whole = SurfaceDistance(
                truth: masks[0], predicted: masks[1], size: size, affine: Affine(spacing: spacing))
            let found = scores[Int(label) - 1].surface
            #expect((found == nil) == (label == 3) && (whole == nil) == (label == 3))
            // Positions count from the box, so the last bits may differ.
            #expect(abs((found?.mean ?? 0) - (whole?.mean ?? 0)) < 1e-12)
            #expect(abs((found?.hausdorff95 ?? 0) - (whole?.hausdorff95 ?? 0)) < 1e-12)
        }
    }

    @Test func noSurfaceWhereNothingIs() {
        let size = VolumeSize(i: 2, j: 1, k: 1)
        #expect(
            SurfaceDistance(
                truth: [true, false], predicted: [false, false], size: size, affine: Affine(spacing: [1, 1, 1])) == nil)
        let same = SurfaceDistance(
            truth: [true, false], predicted: [true, false], size: size, affine: Affine(spacing: [1, 1, 1]))
        #expect(same?.hausdorff95 == 0 && same?.mean == 0)
    }
}

extension Affine {
    /// Axes along the world's.
    fileprivate init(spacing: SIMD3<Double>) {
        self.init(
            alongI: [spacing.x, 0, 0], alongJ: [0, spacing.y, 0], alongK: [0, 0, spacing.z], origin: .zero)
    }
}
