import Checkpoints
import Foundation
import Tensors
import TestSupport

/// Writes a random model that no fixture holds: 34 patches along a side (1,156 tokens), a window of 14 that
/// does not divide them, heads of 32 channels, and a global block.
///
/// Values are uniform with the deviations of `tools/oracle/sam_model.py`, so that activations stay of order 1.
func writeRandomWeights(_ path: String, seed: UInt64) throws {
    let (grid, patch, width, headDim, window, decoder) = (34, 4, 96, 32, 14, 64)
    var shapes: [String: [Int]] = [:]
    func linear(_ path: String, _ weight: [Int], bias: Int? = nil) {
        shapes["\(path).weight"] = weight
        shapes["\(path).bias"] = [bias ?? weight[0]]
    }
    linear("image_encoder.patch_embed.proj", [width, 3, patch, patch])
    shapes["image_encoder.pos_embed"] = [1, grid, grid, width]
    for (block, window) in [window, grid].enumerated() {
        let path = "image_encoder.blocks.\(block)"
        linear("\(path).norm1", [width])
        linear("\(path).norm2", [width])
        linear("\(path).attn.qkv", [3 * width, width])
        linear("\(path).attn.proj", [width, width])
        for axis in ["h", "w"] { shapes["\(path).attn.rel_pos_\(axis)"] = [2 * window - 1, headDim] }
        linear("\(path).mlp.lin1", [3 * width, width])
        linear("\(path).mlp.lin2", [width, 3 * width])
    }
    shapes["image_encoder.neck.0.weight"] = [decoder, width, 1, 1]
    linear("image_encoder.neck.1", [decoder])
    shapes["image_encoder.neck.2.weight"] = [decoder, decoder, 3, 3]
    linear("image_encoder.neck.3", [decoder])

    shapes["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"] = [2, decoder / 2]
    for name in (0..<4).map({ "point_embeddings.\($0)" }) + ["not_a_point_embed", "no_mask_embed"] {
        shapes["prompt_encoder.\(name).weight"] = [1, decoder]
    }
    linear("prompt_encoder.mask_downscaling.0", [4, 1, 2, 2])
    linear("prompt_encoder.mask_downscaling.1", [4])
    linear("prompt_encoder.mask_downscaling.3", [16, 4, 2, 2])
    linear("prompt_encoder.mask_downscaling.4", [16])
    linear("prompt_encoder.mask_downscaling.6", [decoder, 16, 1, 1])

    func attention(_ path: String, _ inner: Int) {
        for name in ["q_proj", "k_proj", "v_proj"] { linear("\(path).\(name)", [inner, decoder]) }
        linear("\(path).out_proj", [decoder, inner])
    }
    let transformer = "mask_decoder.transformer"
    for layer in 0..<2 {
        let path = "\(transformer).layers.\(layer)"
        attention("\(path).self_attn", decoder)
        attention("\(path).cross_attn_token_to_image", decoder / 2)
        attention("\(path).cross_attn_image_to_token", decoder / 2)
        for norm in 1...4 { linear("\(path).norm\(norm)", [decoder]) }
        linear("\(path).mlp.lin1", [100, decoder])
        linear("\(path).mlp.lin2", [decoder, 100])
    }
    attention("\(transformer).final_attn_token_to_image", decoder / 2)
    linear("\(transformer).norm_final_attn", [decoder])
    shapes["mask_decoder.iou_token.weight"] = [1, decoder]
    shapes["mask_decoder.mask_tokens.weight"] = [4, decoder]
    linear("mask_decoder.output_upscaling.0", [decoder, decoder / 4, 2, 2], bias: decoder / 4)
    linear("mask_decoder.output_upscaling.1", [decoder / 4])
    linear("mask_decoder.output_upscaling.3", [decoder / 4, decoder / 8, 2, 2], bias: decoder / 8)
    for (head, outputs) in (0..<4).map({ ("output_hypernetworks_mlps.\($0)", decoder / 8) })
        + [("iou_prediction_head", 4)]
    {
        for layer in 0..<3 {
            linear("mask_decoder.\(head).layers.\(layer)", [layer < 2 ? decoder : outputs, decoder])
        }
    }

    var generator = SplitMix(seed: seed)
    let tensors = Dictionary(
        uniqueKeysWithValues: shapes.sorted { $0.key < $1.key }.map { name, shape in
            let inputs = name.contains("output_upscaling") ? shape[0] : shape.dropFirst().reduce(1, *)
            let (mean, deviation): (Float, Float) =
                if name.hasSuffix(".bias") {
                    (0, 0.2)
                } else if shape.count == 1 {
                    (1, 0.2)
                } else if name.contains("embed") || name.contains("token.") || name.contains("tokens.") {
                    (0, 0.5)
                } else {
                    (0, name.contains("gaussian") ? 1 : 1 / Float(inputs).squareRoot())
                }
            // A uniform number from −a to a has the deviation a/√3.
            let values = (0..<shape.reduce(1, *)).map { _ in
                mean + deviation * Float(3).squareRoot() * Float.random(in: -1...1, using: &generator)
            }
            return (name, Tensor(values, shape: shape))
        })
    try writeSafetensors(path, names: tensors.keys) { .tensor(tensors[$0] ?? Tensor([], shape: [0]), .float32) }
}
