// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import ImageFrames
import SegmentAnything
import Tensors
import TestSupport
import Testing

@testable import Inspection

/// Running without a part: what is left is computed here from the activations of the whole model.
@Suite struct AblationTests {
    private let sam = Fixture(name: "small").sam
    private let reference = Fixture(name: "small.high-boxes").reference

    /// The activations of a run of a model on the fixture's picture, of some names.
    private func activations(_ sam: Sam, _ names: String...) throws -> [String: Tensor] {
        var found: [String: Tensor] = [:]
        let recorder = Recorder(parts: true) { name, activation in
            if names.contains(name) { found[name] = activation() }
        }
        let encoded = try sam.encode(reference.image, name: "", recorder: recorder)
        _ = try sam.predict(reference.prompts, on: encoded, recorder: recorder)
        return found
    }

    private func without(_ part: String) throws -> Sam { try Ablation(part, of: sam.file).applied(to: sam) }

    /// The attention's last layer of values among which the head's are zeros. The same sums but for rounding.
    @Test(arguments: [
        ("image_encoder.blocks.1.attn", "proj", 3), ("image_encoder.blocks.2.attn", "proj", 3),
        ("mask_decoder.transformer.layers.1.self_attn", "out_proj", 8),
    ])
    func aHeadAddsNothing(module: String, layer: String, heads: Int) throws {
        let head = heads - 1
        let whole = try activations(sam, "\(module).values")
        let part = try activations(without("\(module).head.\(head)"), module, "\(module).values")
        // What leads to it is the same.
        let values = try #require(part["\(module).values"])
        #expect(values.values == whole["\(module).values"]!.values)
        let channels = values.shape.last!
        let others = values.values.enumerated().map { index, value in
            index % channels / (channels / heads) == head ? 0 : value
        }
        let expected = linear(
            Tensor(others, shape: values.shape), weight: sam.file.tensor("\(module).\(layer).weight"),
            bias: sam.file.tensor("\(module).\(layer).bias"))
        for (value, expected) in zip(part[module]!.values, expected.values) { #expect(abs(value - expected) < 1e-5) }
    }

    @Test func modulesAddNothing() throws {
        let block = "image_encoder.blocks.1"
        let attention = try activations(without("\(block).attn"), "\(block).attn", "\(block).norm2")
        #expect(attention["\(block).attn"]!.values.allSatisfy { $0 == 0 })
        let mlp = try activations(without("\(block).mlp"), "\(block).mlp", "\(block).attn")
        #expect(mlp["\(block).mlp"]!.values.allSatisfy { $0 == 0 } && mlp["\(block).attn"]!.values.contains { $0 != 0 })
        let all = try activations(without(block), block, "image_encoder.blocks.0")
        #expect(all[block]!.values == all["image_encoder.blocks.0"]!.values)
        let positions = try activations(
            without("image_encoder.pos_embed"), "image_encoder.pos_embed", "image_encoder.patch_embed")
        #expect(positions["image_encoder.pos_embed"]!.values == positions["image_encoder.patch_embed"]!.values)
    }

    /// A mask's token takes part in the self-attention of the others, so that all masks change; other tokens' rows are kept.
    @Test func aTokenIsZero() throws {
        let name = "mask_decoder.mask_tokens.2"
        let name0 = "mask_decoder.transformer.layers.0.self_attn.q_proj"
        let (whole, part) = (try activations(sam, name0)[name0]!, try activations(without(name), name0)[name0]!)
        let bias = sam.file.tensor("\(name0).bias").values
        for token in 0..<whole.shape[1] {
            let found = part.selecting(axis: 0, 0).selecting(axis: 0, token).values
            let expected = token == 3 ? bias : whole.selecting(axis: 0, 0).selecting(axis: 0, token).values
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "token \(token)")
        }
    }

    /// Without a part of the prompt, the answer is that to the rest.
    @Test func aPromptWithoutAPart() throws {
        let point = Prompt.Point(PixelPoint(x: 20, y: 30), isForeground: true)
        let other = Prompt.Point(PixelPoint(x: 5, y: 8), isForeground: false)
        let box = reference.prompts[0].box!
        let whole = Prompt(points: [point, other], box: box)
        let encoded = try sam.encode(reference.image, name: "a.png")
        let answers = try sam.predict([whole], on: encoded)
        for (part, rest) in [
            ("prompt.box", Prompt(points: [point, other])), ("prompt.points", Prompt(box: box)),
            ("prompt.point.1", Prompt(points: [other], box: box)),
            ("prompt.point.2", Prompt(points: [point], box: box)),
        ] {
            let ablation = try Ablation(part, of: sam.file)
            let pairs = try ablation.run(sam, reference.image, encoded, [whole], answers)[0]
            let expected = try sam.predict([rest], on: encoded)[0]
            #expect(pairs.map(\.after.score) == expected.map(\.score), "\(part)")
            #expect(pairs.map(\.before.score) == answers[0].map(\.score))
            #expect(pairs.map { $0.after.mask } == expected.map(\.mask))
        }
        for (part, prompt) in [
            ("prompt.box", Prompt(box: box)), ("prompt.mask", whole), ("prompt.point.3", whole),
            ("prompt.points", Prompt(points: [point])),
        ] {
            let ablation = try Ablation(part, of: sam.file)
            let answers = try sam.predict([prompt], on: encoded)
            expectError(.usage, "cannot be asked without \(part)", about: "a.png") {
                _ = try ablation.run(sam, reference.image, encoded, [prompt], answers)
            }
        }
    }

    @Test(arguments: [
        "", "image_encoder", "image_encoder.blocks.3", "image_encoder.blocks.1.attn.head.3",
        "image_encoder.blocks.1.head.0",
        "image_encoder.blocks.1.mlp.head.0", "image_encoder.blocks.1.norm1", "image_encoder.patch_embed",
        "prompt.point.0",
        "image_encoder.blocks.1.attn.head.-1", "mask_decoder.mask_tokens.4", "mask_decoder.transformer.layers.0",
        "prompt.x",
        "image_encoder.blocks.1.attn.head.x", "mask_decoder.iou_prediction_head", "foo.mask_decoder.mask_tokens.1",
        "xprompt.point.1", "prompt.point.01", "prompt.point.+1", "mask_decoder.mask_tokens.00",
        "image_encoder.blocks.1.attn.head.+1",
    ])
    func partsThatAreNone(part: String) {
        expectError(.usage, "no such part of the model", about: sam.path) { _ = try Ablation(part, of: sam.file) }
    }

    @Test(arguments: [
        "mask_decoder.iou_token", "mask_decoder.mask_tokens", "prompt_encoder.no_mask_embed",
        "prompt_encoder.point_embeddings.2", "prompt_encoder.not_a_point_embed", "mask_decoder.mask_tokens.0",
        "mask_decoder.transformer.final_attn_token_to_image", "mask_decoder.transformer.layers.0.mlp",
        "mask_decoder.transformer.layers.1.cross_attn_image_to_token.head.7",
    ])
    func partsThatAre(part: String) throws {
        #expect(try Ablation(part, of: sam.file).part == part)
    }

    @Test func intersectionsOverUnions() {
        func mask(_ values: [Bool]) -> Mask { Mask(size: PixelSize(width: values.count, height: 1), values: values) }
        #expect(mask([true, true, false]).intersectionOverUnion(with: mask([false, true, true])) == 1.0 / 3)
        #expect(mask([false]).intersectionOverUnion(with: mask([false])) == 1)
        #expect(mask([true]).intersectionOverUnion(with: mask([false])) == 0)
    }
}
