// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import SafeFiles
import Tensors
import Testing

@testable import SegmentAnything

/// The design's section 4 on prompts, images and masks; see ``DesignTests``.
@Suite struct PromptDesignTests {
    /// Where the official package puts a place of the original image, from 0 to 1 across the padded square.
    private struct Placement {
        var shift = 0.5
        var shiftsFirst = false
        var hasOneScale = false
    }

    private func place(_ x: Double, _ y: Double, of fixture: Fixture, _ options: Placement = .init()) -> [Double] {
        let size = fixture.image.size
        let square = Double(fixture.reference.entries["input"]!.shape[3])
        let scale = square / Double(max(size.width, size.height))
        func scaled(_ value: Double, _ side: Int) -> Double {
            let factor = options.hasOneScale ? scale : (Double(side) * scale + 0.5).rounded(.down) / Double(side)
            return options.shiftsFirst ? (value + options.shift) * factor : value * factor + options.shift
        }
        return PlainModel(fixture).position(x: scaled(x, size.width) / square, y: scaled(y, size.height) / square)
    }

    private func embedding(_ name: String, of fixture: Fixture) -> [Double] {
        PlainModel(fixture).vector("prompt_encoder.\(name).weight")
    }

    private func points(of fixture: Fixture, _ options: Placement = .init()) -> Rows {
        zip(split(fixture.values("prompt.points"), 2), fixture.values("prompt.labels")).map { point, label in
            zip(
                place(point[0], point[1], of: fixture, options),
                embedding("point_embeddings.\(Int(label))", of: fixture)
            ).map(+)
        }
    }

    private func corners(of fixture: Fixture, _ options: Placement = .init()) -> Rows {
        split(fixture.values("prompt.boxes"), 2).enumerated().map { index, corner in
            zip(
                place(corner[0], corner[1], of: fixture, options),
                embedding("point_embeddings.\(2 + index % 2)", of: fixture)
            )
            .map(+)
        }
    }

    /// Expects the tokens to be those, in the reference and ours, and no mistake's.
    private func expectTokens(
        of fixture: Fixture, are plain: Rows, not mistakes: [Rows], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let reference = fixture.values("prompt_encoder.sparse")
        let ours = try #require(fixture.recorded().activations["prompt_encoder.sparse"]).values.map(Double.init)
        let tolerance = fixture.tolerance("prompt_encoder.sparse")
        #expect(relativeError(ours, reference) <= tolerance, sourceLocation: sourceLocation)
        #expect(relativeError(plain.flatMap { $0 }, reference) <= 1e-11, sourceLocation: sourceLocation)
        for mistake in mistakes.map({ $0.flatMap { $0 } }) where mistake.count == reference.count {
            #expect(relativeError(mistake, reference) > tolerance, sourceLocation: sourceLocation)
        }
    }

    // MARK: - Points and boxes

    private static let misplacements = [
        Placement(shift: 0), Placement(shiftsFirst: true), Placement(hasOneScale: true),
    ]

    @Test(arguments: ["small.wide-box", "small.high-boxes"])
    func boxesAreScaledByNewSizesThenShifted(_ name: String) throws {
        let fixture = Fixture(name: name)
        try expectTokens(
            of: fixture, are: corners(of: fixture), not: Self.misplacements.map { corners(of: fixture, $0) })
    }

    @Test func pointsAreScaledByNewSizesThenShifted() throws {
        let fixture = Fixture(name: "global.high-point")
        let padding = [embedding("not_a_point_embed", of: fixture)]
        try expectTokens(
            of: fixture, are: points(of: fixture) + padding,
            not: Self.misplacements.map { points(of: fixture, $0) + padding })
    }

    /// Two prompts of two points and a box each: four tokens, and no padding.
    @Test func pointsPrecedeCorners() throws {
        let fixture = Fixture(name: "head80.wide-point-with-box")
        #expect(fixture.reference.entries["prompt_encoder.sparse"]?.shape[1] == 4)
        let (points, corners) = (split(points(of: fixture), 2), split(corners(of: fixture), 2))
        try expectTokens(
            of: fixture, are: zip(points, corners).flatMap { $0 + $1 },
            not: [zip(points, corners).flatMap { $1 + $0 }])
    }

    /// Two prompts of three points: a fourth token each, which has no position.
    @Test func aPaddingPointFollowsPointsWithoutABox() throws {
        let fixture = Fixture(name: "small.square-points")
        #expect(fixture.reference.entries["prompt_encoder.sparse"]?.shape[1] == 4)
        let prompts = split(points(of: fixture), 3)
        let padding = embedding("not_a_point_embed", of: fixture)
        let placed = zip(padding, place(0, 0, of: fixture, .init(shift: 0))).map(+)
        try expectTokens(
            of: fixture, are: prompts.flatMap { $0 + [padding] },
            not: [prompts.flatMap { $0 + [placed] }, prompts.flatMap { [padding] + $0 }])
    }

    @Test func aMaskAloneHasNoTokens() throws {
        let fixture = Fixture(name: "plain.high-point-with-mask")
        let (sam, recorder) = (try fixture.sam(), Recorder())
        let encoded = try sam.encode(fixture.image, name: "")
        _ = try sam.predict([Prompt(mask: fixture.prompts[0].mask)], on: encoded, recorder: recorder)
        #expect(recorder.activations["prompt_encoder.sparse"]?.shape == [1, 0, 64])
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
    }

    @Test func imagesAreNormalisedAndThenPaddedWithZeros() throws {
        let fixture = Fixture(name: "global.high-point")
        let reference = fixture.values("input")
        let ours = try #require(fixture.recorded().activations["input"]).values.map(Double.init)
        #expect(relativeError(ours, reference) <= fixture.tolerance("input"))

        // The scaled pixels themselves are held to Pillow's elsewhere.
        let pixels = split(resized(fixture.image, to: PixelSize(width: 17, height: 45)).pixels.map(Double.init), 3)
        let (mean, deviation) = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
        func normalised(_ pixel: [Double]) -> [Double] { (0..<3).map { (pixel[$0] - mean[$0]) / deviation[$0] } }
        func padded(_ padding: [Double]) -> [Double] {
            channelsFirst((0..<45 * 45).map { $0 % 45 < 17 ? normalised(pixels[$0 / 45 * 17 + $0 % 45]) : padding })
        }
        // The reference's buffers of mean and deviation are in single precision.
        #expect(relativeError(padded([0, 0, 0]), reference) <= 1e-7)
        #expect(relativeError(padded(normalised([0, 0, 0])), reference) > fixture.tolerance("input"))
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
