// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Foundation
import ImageFrames
import Tensors
import Testing

@testable import PlainSam
@testable import SegmentAnything

/// Each fact of the design's section 4 about the model, by name.
///
/// A test computes one stage from the reference's own inputs with the plain model, once as it is and once under each
/// mistake that published ports make. The fast model and the plain one must agree with the reference; the mistake must
/// be outside the tolerance, or the test could not tell.
@Suite struct DesignTests {
    static let small = Fixture(name: "small.wide-box")

    // MARK: - Norms and activations

    @Test(arguments: ["small.wide-box", "head80.square-box-with-mask"])
    func layerNormOfTheEncoderHasEpsilon1e6(_ name: String) throws {
        let fixture = Fixture(name: name)
        let path = "image_encoder.blocks.1"
        try expectFact("\(path).norm1", of: fixture, not: [{ $0.facts.encoderEpsilon = 1e-5 }]) {
            $0.layerNorm(fixture.rows("image_encoder.blocks.0"), "\(path).norm1", $0.facts.encoderEpsilon)
        }
    }

    @Test(arguments: [1, 3])
    func layerNorm2dOfTheNeckHasEpsilon1e6(_ layer: Int) throws {
        let name = "image_encoder.neck.\(layer)"
        let x = Self.small.rows("image_encoder.neck.\(layer - 1)", channelsFirst: true)
        try expectFact(name, of: Self.small, not: [{ $0.facts.layerNorm2dEpsilon = 1e-5 }]) {
            $0.layerNorm(x, name, $0.facts.layerNorm2dEpsilon).transposed
        }
    }

    @Test func layerNorm2dOfTheUpscalingHasEpsilon1e6AndItsGELUIsErf() throws {
        let x = Self.small.rows("mask_decoder.transformer.keys")
        try expectFact(
            "mask_decoder.output_upscaling", of: Self.small,
            not: [{ $0.facts.layerNorm2dEpsilon = 1e-5 }, { $0.facts.upscalingActivation = tanhGELU }]
        ) { $0.outputUpscaling(x).transposed }
    }

    @Test(arguments: ["head80.square-box-with-mask", "plain.high-point-with-mask"])
    func layerNorm2dOfTheMaskInputHasEpsilon1e6AndItsGELUIsErf(_ name: String) throws {
        let fixture = Fixture(name: name)
        let mask = fixture.plainPrompts[0].mask
        try expectFact(
            "prompt_encoder.dense", of: fixture,
            not: [{ $0.facts.layerNorm2dEpsilon = 1e-5 }, { $0.facts.maskActivation = tanhGELU }]
        ) { $0.embedMask(mask).transposed }
    }

    @Test func geluOfTheEncoderIsErfAndNotTanh() throws {
        let path = "image_encoder.blocks.0"
        let x = Self.small.rows("\(path).norm2")
        try expectFact("\(path).mlp", of: Self.small, not: [{ $0.facts.encoderActivation = tanhGELU }]) {
            $0.mlp(x, ["\(path).mlp.lin1", "\(path).mlp.lin2"], $0.facts.encoderActivation)
        }
    }

    // MARK: - Attention of the encoder

    /// A global block, and heads 80 wide. Height and width have tables of their own, and a distance has a sign.
    @Test(arguments: ["small.wide-box", "head80.square-box-with-mask"])
    func relativePositionsTakeTheUnscaledQuery(_ name: String) throws {
        let fixture = Fixture(name: name)
        let path = "image_encoder.blocks.1"
        let x = fixture.rows("\(path).norm1")
        try expectFact(
            "\(path).attn", of: fixture,
            not: [
                { $0.facts.scalesRelativeQuery = true },
                { $0.changeWeights("rel_pos_") { $0.each { _ in 0 } } },
                { $0.changeWeights("rel_pos_") { $0.reversed() } },
                { model in
                    let weight = model.weight
                    model.weight = { name in
                        let axes = ["\(path).attn.rel_pos_h", "\(path).attn.rel_pos_w"]
                        return weight(axes.firstIndex(of: name).map { axes[1 - $0] } ?? name)
                    }
                },
            ]
        ) { $0.windowAttention(path, x) }
    }

    /// q, k and v are thirds of the rows, and a head is a run of channels.
    @Test(arguments: [[1, 0, 2], [2, 1, 0], [0, 2, 1]])
    func queriesKeysAndValuesComeInThatOrder(_ order: [Int]) throws {
        let path = "image_encoder.blocks.1"
        let x = Self.small.rows("\(path).norm1")
        try expectFact(
            "\(path).attn", of: Self.small,
            not: [
                { $0.changeWeights(".qkv.") { rows in order.flatMap { rows[$0 * 48..<($0 + 1) * 48] } } },
                // Channels of heads, not heads of channels: row 16·head + channel is taken for 3·channel + head.
                {
                    $0.changeWeights(".qkv.") { rows in
                        (0..<144).map { rows[$0 / 48 * 48 + $0 % 16 * 3 + $0 % 48 / 16] }
                    }
                },
            ]
        ) { $0.windowAttention(path, x) }
    }

    /// A grid of 10 in windows of 4, and one of 5 in a window of 9. Of the attention
    /// itself, ``OracleTests`` compare the padded tokens too.
    @Test(arguments: ["small.wide-box", "plain.wide-boxes-with-mask"])
    func paddedTokensOfAWindowContributeTheBias(_ name: String) throws {
        let fixture = Fixture(name: name)
        let path = "image_encoder.blocks.0"
        let x = sum(
            fixture.rows("image_encoder.patch_embed"),
            split(fixture.plain.weight("image_encoder.pos_embed")[0], fixture.rows("\(path).norm1")[0].count))
        try expectFact(
            path, of: fixture,
            not: [
                { $0.facts.windowPadding = .beforeNorm }, { $0.facts.windowPadding = .zero },
                { $0.facts.windowPadding = .masked },
            ]
        ) { $0.block(path, x) }
    }

    // MARK: - The decoder

    /// A two-way block's queries and keys from the reference's inputs of it.
    private func expectTwoWay(_ layer: Int, not mistakes: [Mistake]) throws {
        let (fixture, path) = (Self.small, "mask_decoder.transformer.layers.")
        let embedding = sum(
            fixture.rows("image_encoder", channelsFirst: true),
            fixture.rows("prompt_encoder.dense", channelsFirst: true))
        func block(_ model: PlainModel) -> (queries: Rows, keys: Rows) {
            let tokens =
                model.weight("mask_decoder.iou_token.weight") + model.weight("mask_decoder.mask_tokens.weight")
                + fixture.rows("prompt_encoder.sparse")
            return model.twoWayAttentionBlock(
                "\(path)\(layer)", layer == 0 ? tokens : fixture.rows("\(path)0.queries"),
                layer == 0 ? embedding : fixture.rows("\(path)0.keys"), tokens, model.densePositions())
        }
        try expectFact("\(path)\(layer).queries", of: fixture, not: mistakes) { block($0).queries }
        try expectFact("\(path)\(layer).keys", of: fixture, not: mistakes) { block($0).keys }
    }

    /// Hugging Face's `SamModel` has 1e-6 here.
    @Test(arguments: [0, 1])
    func layerNormOfTheTwoWayBlocksHasEpsilon1e5(_ layer: Int) throws {
        try expectTwoWay(layer, not: [{ $0.facts.twoWayEpsilon = 1e-6 }])
    }

    @Test(arguments: [0, 1])
    func mlpOfTheTwoWayBlocksUsesReLU(_ layer: Int) throws {
        try expectTwoWay(layer, not: [{ $0.facts.twoWayActivation = gelu }])
    }

    @Test func firstTwoWayBlockReplacesItsQueriesWithoutResidual() throws {
        try expectTwoWay(0, not: [{ $0.facts.firstBlockHasResidual = true }])
    }

    @Test func firstTwoWayBlockAddsNoPositionsToItsSelfAttention() throws {
        try expectTwoWay(0, not: [{ $0.facts.firstBlockAddsPositions = true }])
    }

    @Test(arguments: [0, 1])
    func keysHavePositionsAndValuesHaveNone(_ layer: Int) throws {
        try expectTwoWay(
            layer, not: [{ $0.facts.keysHavePositions = false }, { $0.facts.valuesHavePositions = true }])
    }

    @Test(arguments: [0, 1])
    func theDecoderHasEightHeads(_ layer: Int) throws {
        try expectTwoWay(layer, not: [{ $0.facts.decoderHeads = 4 }, { $0.facts.decoderHeads = 16 }])
    }

    /// The final norm too: the transformer's queries from its second block's.
    @Test func theFinalNormOfTheTransformerHasEpsilon1e5() throws {
        let (fixture, path) = (Self.small, "mask_decoder.transformer")
        try expectFact("\(path).queries", of: fixture, not: [{ $0.facts.twoWayEpsilon = 1e-6 }]) { model in
            let tokens =
                model.weight("mask_decoder.iou_token.weight") + model.weight("mask_decoder.mask_tokens.weight")
                + fixture.rows("prompt_encoder.sparse")
            let queries = fixture.rows("\(path).layers.1.queries")
            let seen = model.crossAttention(
                queries, tokens, fixture.rows("\(path).layers.1.keys"), model.densePositions(),
                "\(path).final_attn_token_to_image")
            return model.layerNorm(sum(queries, seen), "\(path).norm_final_attn", model.facts.twoWayEpsilon)
        }
    }

    /// Masks and scores from the reference's embedding and prompts.
    private func decoded(_ model: PlainModel) -> (logits: [Rows], scores: [Double]) {
        model.maskDecoder(
            Self.small.rows("image_encoder", channelsFirst: true), sparse: Self.small.rows("prompt_encoder.sparse"),
            dense: Self.small.rows("prompt_encoder.dense", channelsFirst: true), multimask: true)
    }

    /// From the IoU token; with multimask output masks 1 to 3.
    @Test func mlpOfThePredictedIoUUsesReLUAndNoSigmoid() throws {
        try expectFact(
            "mask_decoder.iou_predictions", of: Self.small,
            not: [
                { $0.facts.headActivation = gelu }, { $0.facts.scoreActivation = { 1 / (1 + exp(-$0)) } },
                { $0.facts.multimask = 0..<3 },
            ]
        ) { [decoded($0).scores] }
    }

    /// Each of the hypernetworks makes its own mask's weights; masks 1 to 3 with multimask output.
    @Test func mlpsOfTheHypernetworksUseReLU() throws {
        try expectFact(
            "mask_decoder.low_res_logits", of: Self.small,
            not: [{ $0.facts.headActivation = gelu }, { $0.facts.multimask = 0..<3 }]
        ) { decoded($0).logits.flatMap { $0 } }
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

    /// The same in double precision, with products below 2⁵³ and projections that change nothing.
    @Test func attentionOfThePlainDecoderDividesAfterTheProduct() {
        var model = Self.small.plain
        model.facts.decoderHeads = 1
        model.weight = { name in
            (0..<8).map { row in name.hasSuffix("bias") ? [0] : (0..<8).map { $0 == row ? 1 : 0 } }
        }
        let (query, keys) = ([59_714_059.0, 62_596_939, 1, 0, 0, 0, 0, 0], [[62_596_939.0, -59_714_059], [0, 0, 3]])
        let places = keys.map { $0 + [Double](repeating: 0, count: 8 - $0.count) }
        func weight() -> Double {
            let values = (0..<2).map { row in (0..<8).map { $0 == row ? 1.0 : 0 } }
            return model.attention([query], places, values, "mask_decoder.transformer.layers.0.self_attn")[0][0]
        }
        let expected = 1 / (1 + exp(3 / 8.0.squareRoot()))
        #expect(abs(weight() - expected) <= 1e-15)
        model.facts.dividesAfterProduct = false
        #expect(abs(weight() - expected) > 1e-3)
    }
}
