import Checkpoints
import Foundation
import Testing

@testable import PlainSam

/// Every activation of every fixture against the official package.
@Suite struct PlainOracleTests {
    /// Both are in double precision, the oracle's positional encodings too, and differ in the order of sums alone: by at
    /// most 2.4e-15 after all layers, where measured.
    static let tolerance = 1e-13

    /// The design's names in the order of the forward pass.
    private func names(blocks: Int) -> [String] {
        let encoder = (0..<blocks).flatMap { block in
            ["norm1", "attn", "norm2", "mlp"].map { "image_encoder.blocks.\(block).\($0)" } + [
                "image_encoder.blocks.\(block)"
            ]
        }
        let decoder = ["layers.0.", "layers.1.", ""].flatMap { layer in
            ["queries", "keys"].map { "mask_decoder.transformer.\(layer)\($0)" }
        }
        return ["input", "image_encoder.patch_embed"] + encoder + (0..<4).map { "image_encoder.neck.\($0)" }
            + ["image_encoder", "prompt_encoder.sparse", "prompt_encoder.dense"] + decoder + [
                "mask_decoder.output_upscaling", "mask_decoder.low_res_logits", "mask_decoder.iou_predictions",
                "mask_logits",
            ]
    }

    @Test(arguments: Reference.all)
    func everyActivationAgrees(_ reference: Reference) throws {
        let visits = Visits()
        var model = reference.model
        model.visit = visits.add
        let embedding = model.encode(reference.picture)
        let results = reference.prompts.map { model.predict($0, on: reference.picture, embedding) }

        let blocks = visits.names.count { $0.hasSuffix(".attn") }
        #expect(blocks >= 2)
        #expect(visits.names == names(blocks: blocks))
        for name in visits.names {
            #expect(visits.shapes[name] == reference.shape(name), "\(name)")
            let error = relativeError(visits.values[name] ?? [], reference.values(name))
            #expect(error <= Self.tolerance, "\(name)")
        }
        let stability = results.flatMap { $0.map(\.stability) }
        let expected = reference.values("stability")
        // Counts of pixels, divided: equal but for the last bit.
        #expect(stability.count == expected.count && zip(stability, expected).allSatisfy { abs($0 - $1) <= 1e-15 })
        #expect(results.allSatisfy { $0.map(\.index) == [1, 2, 3] })
    }

    @Test(arguments: Reference.all)
    func theSingleMaskAgrees(_ reference: Reference) throws {
        let visits = Visits()
        var model = reference.model
        let embedding = model.encode(reference.picture)
        model.visit = visits.add
        let results = reference.prompts.map {
            model.predict($0, on: reference.picture, embedding, multimask: false)
        }
        #expect(results.allSatisfy { $0.map(\.index) == [0] })
        for (name, single) in [
            ("mask_decoder.low_res_logits", "low_res_logits"), ("mask_decoder.iou_predictions", "iou_predictions"),
            ("mask_logits", "mask_logits"),
        ] {
            #expect(visits.shapes[name] == reference.shape("single.\(single)"))
            let values = visits.values[name] ?? []
            #expect(relativeError(values, reference.values("single.\(single)")) <= Self.tolerance, "\(single)")
        }
    }
}
