// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import Tensors
import Testing

@testable import SegmentAnything

/// The design's section 4 on masks and scores; see ``DesignTests``.
@Suite struct MaskDesignTests {
    /// Bilinear interpolation of one `[rows, columns]` to another size, in double precision.
    private func bilinear(
        _ x: Rows, height: Int, width: Int, alignsCorners: Bool = false, isNearest: Bool = false
    ) -> Rows {
        func samples(_ target: Int, _ source: Int) -> [(Int, Int, Double)] {
            (0..<target).map {
                let place =
                    alignsCorners
                    ? Double($0) * Double(source - 1) / Double(max(target - 1, 1))
                    : max((Double($0) + 0.5) * Double(source) / Double(target) - 0.5, 0)
                if isNearest { return ($0 * source / target, $0 * source / target, 0) }
                let first = min(Int(place), source - 1)
                return (first, min(first + 1, source - 1), place - Double(first))
            }
        }
        return samples(height, x.count).map { top, bottom, down in
            samples(width, x[0].count).map { left, right, across in
                (x[top][left] * (1 - across) + x[top][right] * across) * (1 - down)
                    + (x[bottom][left] * (1 - across) + x[bottom][right] * across) * down
            }
        }
    }

    private func cropped(_ x: Rows, _ height: Int, _ width: Int) -> Rows { x[..<height].map { Array($0[..<width]) } }

    /// 40 × 40 logits to the square of 80, the part of 50 × 80 that is the image, and 61 × 97 pixels.
    @Test func masksAreInterpolatedTwiceWithTheCropBetween() throws {
        let fixture = DesignTests.small
        let ours = try #require(fixture.recorded().activations["mask_logits"]).values.map(Double.init)
        let (reference, tolerance) = (fixture.values("mask_logits"), fixture.tolerance("mask_logits"))
        let masks = split(fixture.values("mask_decoder.low_res_logits"), 1600).map { split($0, 40) }
        func upscaled(_ body: (Rows) -> Rows) -> [Double] { masks.flatMap { body($0).flatMap { $0 } } }

        let plain = upscaled { bilinear(cropped(bilinear($0, height: 80, width: 80), 50, 80), height: 61, width: 97) }
        #expect(relativeError(ours, reference) <= tolerance)
        #expect(relativeError(plain, reference) <= 1e-11)
        for mistake in [
            upscaled { bilinear(cropped($0, 25, 40), height: 61, width: 97) },
            upscaled { bilinear(bilinear($0, height: 80, width: 80), height: 61, width: 97) },
            upscaled {
                bilinear(
                    cropped(bilinear($0, height: 80, width: 80, alignsCorners: true), 50, 80), height: 61, width: 97,
                    alignsCorners: true)
            },
            upscaled {
                bilinear(
                    cropped(bilinear($0, height: 80, width: 80, isNearest: true), 50, 80), height: 61, width: 97,
                    isNearest: true)
            },
        ] {
            #expect(relativeError(mistake, reference) > tolerance)
        }
    }

    /// A mask of one row, of the model's size already.
    private func mask(_ logits: [Float], score: Float = 0, index: Int = 1) throws -> PredictedMask {
        PredictedMask(
            index: index, score: score, lowResLogits: Tensor(logits, shape: [1, logits.count]),
            transform: try ImageTransform(
                PixelSize(width: logits.count, height: 1), imageSize: logits.count, file: ""),
            imageSize: logits.count)
    }

    @Test func aMaskIsStrictlyAboveZero() throws {
        let logits: [Float] = [0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1, -1, .nan]
        #expect(try mask(logits).mask.values == [false, false, true, false, true, false, false])
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
    }

    /// The official score, of logits at the original size and not of the decoder's.
    @Test(arguments: Fixture.all)
    func stabilityIsTheOfficialScoreAtTheOriginalSize(_ fixture: Fixture) throws {
        func score(_ logits: [Double]) -> Double {
            let union = logits.count { $0 > -1 }
            return union == 0 ? 0 : Double(logits.count { $0 > 1 }) / Double(union)
        }
        let reference = fixture.values("stability")
        let size = fixture.image.size.area
        let plain = split(fixture.values("mask_logits"), size).map(score)
        #expect(zip(plain, reference).allSatisfy { abs($0 - $1) <= 1e-12 })
        let shape = try #require(fixture.reference.entries["mask_decoder.low_res_logits"]?.shape)
        let small = split(fixture.values("mask_decoder.low_res_logits"), shape[2] * shape[3]).map(score)
        #expect(zip(small, reference).contains { abs($0 - $1) > 1e-3 })
    }

    /// 3 of 5 logits above −1 are above 1; exactly ±1 is not above.
    @Test func stabilityCountsStrictlyAndIsZeroWhereEmpty() throws {
        #expect(try mask([2, 1.5, 1.01, 1, -0.9, -1, -1.01, -5]).stability == 3.0 / 5)
        #expect(try mask([-2, -1, -3]).stability == 0)
        #expect(try mask([0, 0]).stability == 0)
        #expect(try mask([9, 9]).stability == 1)
    }
}
