import Foundation
import ImageFrames
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

    // MARK: Surfaces

    /// MedPy takes distances by SciPy's exact transform and the percentile by NumPy; both are in double precision.
    @Test(arguments: Reference.read.surfaces.indices) func surfaceDistancesAreMedPys(index: Int) throws {
        let reference = Reference.read.surfaces[index]
        let size = VolumeSize(i: reference.size[0], j: reference.size[1], k: reference.size[2])
        let spacing = SIMD3(reference.spacing)
        let found = try #require(
            SurfaceDistance(
                truth: reference.truth.map { $0 == "1" }, predicted: reference.predicted.map { $0 == "1" }, size: size,
                spacing: spacing))
        #expect(abs(found.hausdorff95 - reference.hd95) <= 1e-9)
        #expect(abs(found.mean - reference.mean) <= 1e-9)
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

    @Test func noSurfaceWhereNothingIs() {
        let size = VolumeSize(i: 2, j: 1, k: 1)
        #expect(
            SurfaceDistance(truth: [true, false], predicted: [false, false], size: size, spacing: [1, 1, 1]) == nil)
        let same = SurfaceDistance(truth: [true, false], predicted: [true, false], size: size, spacing: [1, 1, 1])
        #expect(same?.hausdorff95 == 0 && same?.mean == 0)
    }
}
