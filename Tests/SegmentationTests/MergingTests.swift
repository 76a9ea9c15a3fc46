import ImageFrames
import TestSupport
import Testing

@testable import Segmentation

/// How masks become labels, against the definition applied pixel by pixel.
@Suite struct MergingTests {
    let size = PixelSize(width: 7, height: 5)

    /// The label of the highest rank of all masks on a pixel; of equals the lowest label.
    func labelByDefinition(_ claims: [Claim], _ pixel: Int) -> UInt16 {
        let own = claims.filter { $0.mask.values[pixel] }
        let highest = own.map(\.rank).max()
        return own.filter { $0.rank == highest }.map(\.label).min() ?? 0
    }

    func randomClaims(_ generator: inout SplitMix) -> [Claim] {
        (0..<Int.random(in: 0...6, using: &generator)).map { _ in
            Claim(
                label: UInt16.random(in: 1...3, using: &generator),
                // Few different scores, so that equals are frequent.
                rank: .score(Float(Int.random(in: -1...2, using: &generator)) / 2),
                mask: Mask(
                    size: size, values: (0..<size.area).map { _ in Bool.random(using: &generator) }))
        }
    }

    @Test func everyPixelHasTheLabelOfTheHighestRank() {
        var generator = SplitMix(seed: 1)
        for _ in 0..<300 {
            let claims = randomClaims(&generator)
            let (labels, _) = merged(claims, slice: 0, size: size)
            #expect(labels == (0..<size.area).map { labelByDefinition(claims, $0) }, "\(claims)")
        }
    }

    @Test func theOrderOfClaimsDoesNotMatter() {
        var generator = SplitMix(seed: 1)
        for _ in 0..<300 {
            let claims = randomClaims(&generator)
            let (one, other) = (
                merged(claims, slice: 3, size: size), merged(claims.shuffled(using: &generator), slice: 3, size: size)
            )
            #expect(one.labels == other.labels)
            #expect(one.conflicts == other.conflicts)
        }
    }

    @Test func conflictsCountThePixelsThatALabelLost() {
        var generator = SplitMix(seed: 1)
        for _ in 0..<300 {
            let claims = randomClaims(&generator)
            let (labels, conflicts) = merged(claims, slice: 3, size: size)
            for winner in UInt16(1)...3 {
                for loser in UInt16(1)...3 where loser != winner {
                    let expected = (0..<size.area).count { pixel in
                        labels[pixel] == winner && claims.contains { $0.label == loser && $0.mask.values[pixel] }
                    }
                    let found = conflicts.filter { $0.winner == winner && $0.loser == loser }
                    #expect(found.reduce(0) { $0 + $1.pixels } == expected)
                    #expect(found.allSatisfy { $0.slice == 3 && $0.pixels > 0 })
                }
            }
        }
    }

    @Test func masksOfOneLabelAreUnitedWithoutConflict() {
        let left = Mask(size: size, values: (0..<size.area).map { $0 % 7 < 4 })
        let right = Mask(size: size, values: (0..<size.area).map { $0 % 7 > 2 })
        let claims = [Claim(label: 2, rank: .place(0), mask: left), Claim(label: 2, rank: .place(1), mask: right)]
        let (labels, conflicts) = merged(claims, slice: 0, size: size)
        #expect(labels == [UInt16](repeating: 2, count: size.area))
        #expect(conflicts.isEmpty)
    }
}
