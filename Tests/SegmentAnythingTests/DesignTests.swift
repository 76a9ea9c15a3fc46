// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import Tensors
import Testing

@testable import SegmentAnything

/// Each fact of the design's section 4 about the model, by name.
///
/// A test computes one stage from the reference's own inputs with ``PlainModel``, once as the official package does it
/// and once with the mistake that published ports make. Ours and the plain one must agree with the reference; the
/// mistake must be outside the tolerance, or the test could not tell.
@Suite struct DesignTests {
    static let small = Fixture(name: "small.wide-box")

    /// Expects `name` to be the same in our recording, in the reference and in `plain`, and other in each mistake.
    private func expect(
        _ name: String, of fixture: Fixture, is plain: [Double], not mistakes: [[Double]],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let reference = fixture.values(name)
        let ours = try #require(fixture.recorded().activations[name]).values.map(Double.init)
        let tolerance = fixture.tolerance(name)
        #expect(relativeError(ours, reference) <= tolerance, "ours", sourceLocation: sourceLocation)
        // Both are in double precision; another order of summation loses some ten times its 1e-16 a layer.
        #expect(relativeError(plain, reference) <= 1e-11, "the plain definition", sourceLocation: sourceLocation)
        for mistake in mistakes {
            #expect(relativeError(mistake, reference) > tolerance, "the mistake", sourceLocation: sourceLocation)
        }
    }

    // MARK: - Norms and activations

    @Test(arguments: ["small.wide-box", "head80.square-box-with-mask"])
    func layerNormOfTheEncoderHasEpsilon1e6(_ name: String) throws {
        let fixture = Fixture(name: name)
        func norm(_ epsilon: Double) -> [Double] {
            PlainModel(fixture).layerNorm(
                fixture.rows("image_encoder.blocks.0"), "image_encoder.blocks.1.norm1", epsilon: epsilon
            ).flatMap { $0 }
        }
        try expect("image_encoder.blocks.1.norm1", of: fixture, is: norm(1e-6), not: [norm(1e-5)])
    }

    @Test(arguments: [1, 3])
    func layerNorm2dOfTheNeckHasEpsilon1e6(_ layer: Int) throws {
        let name = "image_encoder.neck.\(layer)"
        func norm(_ epsilon: Double) -> [Double] {
            let x = Self.small.rows("image_encoder.neck.\(layer - 1)", channelsFirst: true)
            return channelsFirst(PlainModel(Self.small).layerNorm(x, name, epsilon: epsilon))
        }
        try expect(name, of: Self.small, is: norm(1e-6), not: [norm(1e-5)])
    }

    /// Two transposed convolutions, the first with a norm, both with GELU.
    @Test func layerNorm2dOfTheUpscalingHasEpsilon1e6AndItsGELUIsErf() throws {
        let model = PlainModel(Self.small)
        func upscaled(_ epsilon: Double, _ activation: (Double) -> Double) -> [Double] {
            let path = "mask_decoder.output_upscaling"
            let x = model.doubled(Self.small.rows("mask_decoder.transformer.keys"), "\(path).0")
            let hidden = model.layerNorm(x, "\(path).1", epsilon: epsilon).map { $0.map(activation) }
            return channelsFirst(model.doubled(hidden, "\(path).3").map { $0.map(activation) })
        }
        try expect(
            "mask_decoder.output_upscaling", of: Self.small, is: upscaled(1e-6, gelu),
            not: [upscaled(1e-5, gelu), upscaled(1e-6, geluByTanh)])
    }

    /// The mask input: three convolutions, the first two with a norm and GELU.
    @Test(arguments: ["head80.square-box-with-mask", "plain.high-point-with-mask"])
    func layerNorm2dOfTheMaskInputHasEpsilon1e6AndItsGELUIsErf(_ name: String) throws {
        let fixture = Fixture(name: name)
        let model = PlainModel(fixture)
        func embedded(_ epsilon: Double, _ activation: (Double) -> Double) -> [Double] {
            let path = "prompt_encoder.mask_downscaling"
            var x = fixture.values("prompt.mask").map { [$0] }
            for (convolution, norm) in [(0, 1), (3, 4)] {
                x = model.patches(x, "\(path).\(convolution)", kernel: 2)
                x = model.layerNorm(x, "\(path).\(norm)", epsilon: epsilon).map { $0.map(activation) }
            }
            return channelsFirst(model.patches(x, "\(path).6", kernel: 1))
        }
        try expect(
            "prompt_encoder.dense", of: fixture, is: embedded(1e-6, gelu),
            not: [embedded(1e-5, gelu), embedded(1e-6, geluByTanh)])
    }

    @Test func geluOfTheEncoderIsErfAndNotTanh() throws {
        let model = PlainModel(Self.small)
        func mlp(_ activation: (Double) -> Double) -> [Double] {
            let path = "image_encoder.blocks.0"
            let hidden = model.linear(Self.small.rows("\(path).norm2"), "\(path).mlp.lin1")
            return model.linear(hidden.map { $0.map(activation) }, "\(path).mlp.lin2").flatMap { $0 }
        }
        try expect("image_encoder.blocks.0.mlp", of: Self.small, is: mlp(gelu), not: [mlp(geluByTanh)])
    }

    // MARK: - Attention of the encoder

    /// A global block, and heads 80 wide.
    @Test(arguments: ["small.wide-box", "head80.square-box-with-mask"])
    func relativePositionsTakeTheUnscaledQuery(_ name: String) throws {
        let fixture = Fixture(name: name)
        let (path, heads) = ("image_encoder.blocks.1", fixture.model == "small" ? 3 : 2)
        let headDim = Double(fixture.rows("\(path).norm1")[0].count / heads)
        func attention(_ scale: Double) -> [Double] {
            PlainModel(fixture).windowedAttention(
                fixture.rows("\(path).norm1"), "\(path).attn", heads: heads, relativeScale: scale
            ).flatMap { $0 }
        }
        try expect(
            "\(path).attn", of: fixture, is: attention(1), not: [attention(1 / headDim.squareRoot()), attention(0)])
    }

    /// A grid of 10 in windows of 4, and one of 5 in a window of 9.
    @Test(arguments: [("small.wide-box", 3), ("plain.wide-boxes-with-mask", 4)])
    func paddedTokensOfAWindowContributeTheBias(_ name: String, _ heads: Int) throws {
        let fixture = Fixture(name: name)
        let path = "image_encoder.blocks.0"
        func attention(_ padding: PlainModel.Padding) -> [Double] {
            PlainModel(fixture).windowedAttention(
                fixture.rows("\(path).norm1"), "\(path).attn", heads: heads, padding: padding
            ).flatMap { $0 }
        }
        try expect("\(path).attn", of: fixture, is: attention(.bias), not: [attention(.zero), attention(.masked)])
    }

    // MARK: - The decoder

    /// The first block's queries and keys, the second's from the reference's first, with some options.
    private func twoWay(_ layer: Int, _ options: PlainModel.TwoWay) -> (queries: [Double], keys: [Double]) {
        let (model, fixture, path) = (PlainModel(Self.small), Self.small, "mask_decoder.transformer.layers.0")
        let tokens =
            model.rows("mask_decoder.iou_token.weight") + model.rows("mask_decoder.mask_tokens.weight")
            + fixture.rows("prompt_encoder.sparse")
        let image = sum(
            fixture.rows("image_encoder", channelsFirst: true),
            fixture.rows("prompt_encoder.dense", channelsFirst: true))
        let result = model.twoWayBlock(
            layer, queries: layer == 0 ? tokens : fixture.rows("\(path).queries"),
            keys: layer == 0 ? image : fixture.rows("\(path).keys"), queryPositions: tokens,
            keyPositions: model.positions(grid: 10), options)
        return (result.queries.flatMap { $0 }, result.keys.flatMap { $0 })
    }

    private func expectTwoWay(_ layer: Int, not mistakes: [PlainModel.TwoWay]) throws {
        let (path, plain) = ("mask_decoder.transformer.layers.\(layer)", twoWay(layer, .init()))
        let wrong = mistakes.map { twoWay(layer, $0) }
        try expect("\(path).queries", of: Self.small, is: plain.queries, not: wrong.map(\.queries))
        try expect("\(path).keys", of: Self.small, is: plain.keys, not: wrong.map(\.keys))
    }

    /// Hugging Face's `SamModel` has 1e-6 here.
    @Test(arguments: [0, 1])
    func layerNormOfTheTwoWayBlocksHasEpsilon1e5(_ layer: Int) throws {
        try expectTwoWay(layer, not: [.init(epsilon: 1e-6)])
    }

    @Test(arguments: [0, 1])
    func mlpOfTheTwoWayBlocksUsesReLU(_ layer: Int) throws {
        try expectTwoWay(layer, not: [.init(activation: gelu)])
    }

    @Test func firstTwoWayBlockReplacesItsQueriesWithoutResidual() throws {
        try expectTwoWay(0, not: [.init(firstHasResidual: true)])
    }

    @Test func firstTwoWayBlockAddsNoPositionsToItsSelfAttention() throws {
        try expectTwoWay(0, not: [.init(firstAddsPositions: true)])
    }

    /// From the IoU token; with multimask output masks 1 to 3.
    @Test func mlpOfThePredictedIoUUsesReLUAndNoSigmoid() throws {
        let model = PlainModel(Self.small)
        func scores(_ activation: (Double) -> Double) -> [Double] {
            var x = [Self.small.rows("mask_decoder.transformer.queries")[0]]
            for layer in 0..<3 {
                x = model.linear(x, "mask_decoder.iou_prediction_head.layers.\(layer)")
                if layer < 2 { x = x.map { $0.map(activation) } }
            }
            return Array(x[0][1...])
        }
        let right = scores { max($0, 0) }
        try expect(
            "mask_decoder.iou_predictions", of: Self.small, is: right,
            not: [scores(gelu), right.map { 1 / (1 + exp(-$0)) }])
    }

    /// Whole numbers whose products and sums are exact, and cancel: dividing the result by √8 rounds once, while dividing
    /// the query first leaves an error as large as the scores.
    @Test func attentionOfTheDecoderDividesAfterTheProduct() {
        let query: [Float] = [4199, 3984, 1, 0, 0, 0, 0, 0]
        let keys: [[Float]] = [[3984, -4199, 0, 0, 0, 0, 0, 0], [0, 0, 3, 0, 0, 0, 0, 0]]
        let values: [Float] = [1, 0, 0, 0, 0, 0, 0, 0] + [0, 1, 0, 0, 0, 0, 0, 0]
        let result = multiHeadAttention(
            queries: Tensor(query, shape: [1, 1, 8]), keys: Tensor(keys.flatMap { $0 }, shape: [1, 2, 8]),
            values: Tensor(values, shape: [1, 2, 8]), heads: 1)
        // q·k is 0 and 3. Two roundings of a score of 1 and some of a weight below 1.
        let weight = 1 / (1 + exp(3 / 8.0.squareRoot()))
        #expect(abs(Double(result[0, 0, 0]) - weight) <= 4e-7)

        let scaled = query.map { $0 / Float(8).squareRoot() }
        let scores = keys.map { key in zip(scaled, key).reduce(Float(0)) { $0 + $1.0 * $1.1 } }
        let mistake = 1 / (1 + exp(Double(scores[1] - scores[0])))
        #expect(abs(mistake - weight) > 4e-7)
    }
}

/// Tokens of channels in the order `[channels, tokens]`.
func channelsFirst(_ rows: Rows) -> [Double] {
    rows[0].indices.flatMap { channel in rows.map { $0[channel] } }
}
