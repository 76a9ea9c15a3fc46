// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import SafeFiles
import Tensors
import Testing

@testable import PlainSam
@testable import SegmentAnything

/// The design's section 4 on prompts and images; see ``DesignTests``.
@Suite struct PromptDesignTests {
    /// Expects the tokens of all prompts to be the plain model's, and no mistake's.
    private func expectTokens(_ name: String, not mistakes: [Mistake]) throws {
        let fixture = Fixture(name: name)
        try expectFact("prompt_encoder.sparse", of: fixture, not: mistakes) { model in
            fixture.plainPrompts.flatMap { model.embedPoints($0, on: fixture.picture) }
        }
    }

    // MARK: - Points and boxes

    private static let misplacements: [Mistake] = [
        { $0.facts.pointShift = 0 }, { $0.facts.shiftsBeforeScaling = true }, { $0.facts.scalesSidesApart = false },
    ]

    @Test(arguments: ["small.wide-box", "small.high-boxes"])
    func boxesAreScaledByNewSizesThenShifted(_ name: String) throws {
        try expectTokens(name, not: Self.misplacements)
    }

    @Test func pointsAreScaledByNewSizesThenShifted() throws {
        try expectTokens("global.high-point", not: Self.misplacements)
    }

    /// Two prompts of two points and a box each: four tokens, and no padding.
    @Test func pointsPrecedeCorners() throws {
        let name = "head80.wide-point-with-box"
        #expect(Fixture(name: name).reference.entries["prompt_encoder.sparse"]?.shape[1] == 4)
        try expectTokens(name, not: [{ $0.facts.pointsPrecedeCorners = false }])
    }

    /// Two prompts of three points: a fourth token each, which has no position.
    @Test func aPaddingPointFollowsPointsWithoutABox() throws {
        let fixture = Fixture(name: "small.square-points")
        #expect(fixture.reference.entries["prompt_encoder.sparse"]?.shape[1] == 4)
        try expectTokens(
            fixture.name, not: [{ $0.facts.paddingPoint = .positioned }, { $0.facts.paddingPoint = .first }])
        func count(_ prompt: PlainModel.Prompt, _ padding: Facts.PaddingPoint) -> Int {
            var model = fixture.plain
            model.facts.paddingPoint = padding
            return model.embedPoints(prompt, on: fixture.picture).count
        }
        var prompt = fixture.plainPrompts[0]
        #expect(count(prompt, .none) == 3 && count(prompt, .last) == 4)
        prompt.box = (x0: 1, y0: 2, x1: 30, y1: 40)
        #expect(count(prompt, .last) == 5 && count(prompt, .always) == 6)
    }

    /// Single precision is not wrong, and the official package's; the reference has no such rounding.
    @Test(arguments: ["small.wide-box", "global.high-point"])
    func positionsOfTheReferenceAreInDoublePrecision(_ name: String) throws {
        let fixture = Fixture(name: name)
        func error(_ inFloat32: Bool) -> Double {
            var model = fixture.plain
            model.facts.positionsInFloat32 = inFloat32
            let tokens = fixture.plainPrompts.flatMap { model.embedPoints($0, on: fixture.picture).flatMap { $0 } }
            return relativeError(tokens, fixture.values("prompt_encoder.sparse"))
        }
        #expect(error(false) <= 1e-12)
        #expect(error(true) > 1e-8 && error(true) <= fixture.tolerance("prompt_encoder.sparse"))
    }

    @Test func aMaskAloneHasNoTokens() throws {
        let fixture = Fixture(name: "plain.high-point-with-mask")
        let (sam, recording) = (try fixture.sam(), Recording())
        let encoded = try sam.encode(fixture.image, name: "")
        _ = try sam.predict([Prompt(mask: fixture.prompts[0].mask)], on: encoded, recorder: recording.recorder)
        #expect(recording.activations["prompt_encoder.sparse"]?.shape == [1, 0, 64])
        let prompt: PlainModel.Prompt = (points: [], box: nil, mask: fixture.plainPrompts[0].mask)
        #expect(fixture.plain.embedPoints(prompt, on: fixture.picture).isEmpty)
    }

    // MARK: - Images

    /// 100 × 0.45 is the long side; 37 × 0.45 = 16.65 becomes 17 and not 16; 4.5 becomes 5 and not the even 4.
    @Test func theShortSideIsRoundedHalfUp() throws {
        let fixture = Fixture(name: "global.high-point")
        let input = fixture.rows("input", channelsFirst: true)
        let widths = (0..<45).map { y in (0..<45).last { input[y * 45 + $0] != [0, 0, 0] } }
        #expect(Set(widths) == [16])
        #expect(
            try ImageTransform(fixture.image.size, imageSize: 45, file: "").scaled
                == PixelSize(width: 17, height: 45))
        #expect(
            try ImageTransform(PixelSize(width: 10, height: 1), imageSize: 45, file: "").scaled
                == PixelSize(width: 45, height: 5))

        var model = fixture.plain
        let wide: PlainModel.Picture = (width: 10, height: 1, pixels: [])
        #expect(model.preprocessShape(fixture.picture) == (17, 45))
        #expect(model.preprocessShape(wide) == (45, 5))
        model.facts.rounding = { $0.rounded(.down) }
        #expect(model.preprocessShape(fixture.picture) == (16, 45))
        model.facts.rounding = { $0.rounded(.toNearestOrEven) }
        #expect(model.preprocessShape(wide) == (45, 4))
    }

    /// Shrunk, height first, to 17 × 45 of 45 × 45.
    @Test func imagesAreScaledNormalisedAndThenPaddedWithZeros() throws {
        let fixture = Fixture(name: "global.high-point")
        let picture = fixture.picture
        try expectFact(
            "input", of: fixture,
            not: [
                { $0.facts.rounding = { $0.rounded(.down) } }, { $0.facts.resize = .bilinear },
                { $0.facts.resize = .nearest }, { $0.facts.resizesTallFirst = false },
                { $0.facts.padsAfterNormalising = false }, { $0.facts.pixelMean = [0, 0, 0] },
                { swap(&$0.facts.pixelMean, &$0.facts.pixelDeviation) }, { $0.facts.pixelMean.reverse() },
                { $0.facts.pixelDeviation.reverse() },
            ]
        ) { $0.preprocess(picture).transposed }
    }

    @Test func pixelsAreRedGreenBlue() throws {
        let fixture = Fixture(name: "global.high-point")
        let reversed = split(fixture.image.pixels, 3).flatMap { $0.reversed() }
        let picture: PlainModel.Picture = (fixture.picture.width, fixture.picture.height, reversed)
        let input = fixture.plain.preprocess(picture).transposed.flatMap { $0 }
        #expect(relativeError(input, fixture.values("input")) > fixture.tolerance("input"))
    }

    @Test func aShortSideThatRoundsToZeroIsBadData() throws {
        let sam = try Fixture(name: "small.wide-box").sam()
        func encode(_ width: Int, _ height: Int) throws {
            let size = PixelSize(width: width, height: height)
            _ = try sam.encode(RGBImage(size: size, grey: [UInt8](repeating: 9, count: size.area)), name: "thin.png")
        }
        // The image size is 80: a half of a pixel still counts.
        try encode(160, 1)
        try encode(1, 160)
        for (width, height) in [(161, 1), (1, 161), (1, 3000)] {
            let error = #expect(throws: FileError.self) { try encode(width, height) }
            #expect(error?.kind == .badData)
            #expect(error?.file == "thin.png")
            #expect(error?.description.contains("found \(width)×\(height)") == true)
        }
    }
}
