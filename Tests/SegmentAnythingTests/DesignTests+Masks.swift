// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import Tensors
import Testing

@testable import PlainSam
@testable import SegmentAnything

/// The design's section 4 on masks and scores; see ``DesignTests``.
@Suite struct MaskDesignTests {
    /// 40 × 40 logits to the square of 80, the part of 50 × 80 that is the image, and 61 × 97 pixels. The other picture is
    /// smaller than the square: 80 × 80 become 56 × 56.
    @Test(arguments: ["small.wide-box", "small.square-points"])
    func masksAreInterpolatedTwiceWithTheCropBetween(_ name: String) throws {
        let fixture = Fixture(name: name)
        let masks = split(fixture.values("mask_decoder.low_res_logits"), 1600).map { split($0, 40) }
        let mistakes: [Mistake] = [
            { $0.facts.crop = .beforeOneInterpolation }, { $0.facts.interpolation = .alignedCorners },
            { $0.facts.interpolation = .nearest },
        ]
        // The one has padding to cut off, the other shrinks.
        let own: [String: Mistake] = [
            "small.wide-box": { $0.facts.crop = .never },
            "small.square-points": { $0.facts.interpolation = .antialiased },
        ]
        try expectFact("mask_logits", of: fixture, not: mistakes + [try #require(own[name])]) { model in
            masks.flatMap { model.postprocessMask($0, for: fixture.picture) }
        }
    }

    /// A mask of one row, of the model's size already.
    private func mask(_ logits: [Float], score: Float = 0, index: Int = 1) throws -> PredictedMask {
        PredictedMask(
            index: index, score: score, lowResLogits: Tensor(logits, shape: [1, logits.count]),
            transform: try ImageTransform(
                PixelSize(width: logits.count, height: 1), imageSize: logits.count, file: ""))
    }

    @Test func aMaskIsStrictlyAboveZero() throws {
        let logits: [Float] = [0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1, -1, .nan]
        let expected = [false, false, true, false, true, false, false]
        #expect(try mask(logits).mask.values == expected)
        var model = DesignTests.small.plain
        #expect(model.threshold([logits.map(Double.init)]) == expected)
        model.facts.thresholdIsStrict = false
        #expect(model.threshold([[0, -1, 1]]) == [true, false, true])
    }

    /// Both runs against the reference's; the single mask is none of the three.
    @Test func multimaskGivesOneToThreeAndElseZero() throws {
        for fixture in Fixture.all {
            let sam = try fixture.sam()
            let encoded = try sam.encode(fixture.image, name: "")
            let several = try sam.predict(fixture.prompts, on: encoded)
            let single = try sam.predict(fixture.prompts, on: encoded, multimask: false)
            #expect(several.allSatisfy { $0.map(\.index) == [1, 2, 3] })
            #expect(single.allSatisfy { $0.map(\.index) == [0] })
            func logits(_ masks: [[PredictedMask]]) -> [Double] {
                masks.flatMap { $0.flatMap { $0.lowResLogits.values.map(Double.init) } }
            }
            let (severalName, singleName) = ("mask_decoder.low_res_logits", "single.low_res_logits")
            #expect(relativeError(logits(several), fixture.values(severalName)) <= fixture.tolerance(severalName))
            #expect(relativeError(logits(single), fixture.values(singleName)) <= fixture.tolerance(singleName))
            let size = single[0][0].lowResLogits.count
            let first = Array(fixture.values(singleName)[..<size])
            for other in 0..<3 {
                let values = Array(fixture.values(severalName)[other * size..<(other + 1) * size])
                #expect(relativeError(values, first) > fixture.tolerance(singleName))
            }
        }
    }

    @Test func tiesGoToTheFirst() throws {
        func best(_ scores: [Float]) throws -> Int? {
            try scores.enumerated().map { try mask([1], score: $1, index: $0 + 1) }.best?.index
        }
        #expect(try best([0.5, 0.5, 0.5]) == 1)
        #expect(try best([0.5, 0.7, 0.7]) == 2)
        #expect(try best([0.5, 0.6, 0.7]) == 3)
        #expect(try best([-0.5, -0.6, -0.5]) == 1)
        #expect(try best([]) == nil)

        var model = DesignTests.small.plain
        func plainBest(_ scores: [Double]) -> Int? {
            model.best(scores.enumerated().map { (index: $0 + 1, score: $1, logits: [], stability: 0) })?.index
        }
        #expect(plainBest([0.5, 0.5, 0.5]) == 1)
        #expect(plainBest([0.5, 0.7, 0.7]) == 2)
        model.facts.tiesGoToFirst = false
        #expect(plainBest([0.5, 0.5, 0.5]) == 3)
        #expect(plainBest([0.7, 0.7, 0.5]) == 2)
    }

    /// The official score, of logits at the original size and not of the decoder's.
    @Test(arguments: Fixture.all)
    func stabilityIsTheOfficialScoreAtTheOriginalSize(_ fixture: Fixture) throws {
        let reference = fixture.values("stability")
        func scores(_ name: String, _ size: Int) -> [Double] {
            split(fixture.values(name), size).map { fixture.plain.stabilityScore([$0]) }
        }
        let plain = scores("mask_logits", fixture.image.size.area)
        #expect(zip(plain, reference).allSatisfy { abs($0 - $1) <= 1e-12 })
        let shape = try #require(fixture.reference.entries["mask_decoder.low_res_logits"]?.shape)
        let small = scores("mask_decoder.low_res_logits", shape[2] * shape[3])
        #expect(zip(small, reference).contains { abs($0 - $1) > 1e-3 })

        var model = fixture.plain
        model.facts.stabilityAtFullSize = false
        let masks = model.predict(
            fixture.plainPrompts[0], on: fixture.picture, fixture.rows("image_encoder", channelsFirst: true))
        #expect(zip(masks, small).allSatisfy { abs($0.stability - $1) <= 1e-12 })
    }

    /// 3 of 5 logits above −1 are above 1; exactly ±1 is not above.
    @Test func stabilityCountsStrictlyAndIsZeroWhereEmpty() throws {
        #expect(try mask([2, 1.5, 1.01, 1, -0.9, -1, -1.01, -5]).stability == 3.0 / 5)
        #expect(try mask([-2, -1, -3]).stability == 0)
        #expect(try mask([0, 0]).stability == 0)
        #expect(try mask([9, 9]).stability == 1)
        let model = DesignTests.small.plain
        #expect(model.stabilityScore([[2, 1.5, 1.01, 1, -0.9, -1, -1.01, -5]]) == 3.0 / 5)
        #expect(model.stabilityScore([[-2, -1, -3]]) == 0)
    }
}
