import Tensors

/// SAM's vision transformer (`image_encoder.py:17`; ViTDet, Li et al. 2022): patches with absolute positions, blocks
/// of which most attend within windows and some globally, and a neck of two convolutions.
struct ImageEncoderViT: Sendable {
    let path: String
    let patchEmbed: PatchConvolution
    /// `[grid, grid, width]`.
    let positions: Tensor
    let blocks: [Block]
    let neck: Neck

    /// - Parameter outputs: channels of the embedding.
    init(_ weights: Weights, _ sizes: ViTConfiguration, outputs: Int) {
        path = weights.path
        patchEmbed = PatchConvolution(
            weights / "patch_embed" / "proj", inputs: 3, outputs: sizes.width, kernel: sizes.patchSize)
        positions = weights.tensor("pos_embed", [1, sizes.grid, sizes.grid, sizes.width]).selecting(axis: 0, 0)
        blocks = sizes.windows.enumerated().map { Block(weights / "blocks" / "\($0)", sizes, window: $1) }
        neck = Neck(weights / "neck", inputs: sizes.width, outputs: outputs)
    }

    /// See ``ImageEncoder/callAsFunction(_:recorder:progress:)``.
    func callAsFunction(
        _ image: Tensor, recorder: Recorder?, progress: (_ done: Int, _ total: Int) throws -> Void
    ) rethrows -> Tensor {
        precondition(image.shape.count == 3 && image.shape[2] == 3, "image of shape \(image.shape)")
        var x = patchEmbed(image)
        recorder?.record("\(path).patch_embed", x.batched)
        x = x + positions
        recorder?.recordPart("\(path).pos_embed", x.batched)
        for (index, block) in blocks.enumerated() {
            x = block(x, recorder: recorder)
            try progress(index + 1, blocks.count)
        }
        x = neck(x, recorder: recorder)
        recorder?.record(path, x.channelsFirst)
        return x
    }
}

/// A transformer block with attention in windows or over the whole grid (`image_encoder.py:119`).
struct Block: Sendable {
    let path: String
    let norm1: LayerNorm
    let attn: Attention
    let norm2: LayerNorm
    let mlp: MLPBlock

    init(_ weights: Weights, _ sizes: ViTConfiguration, window: Int) {
        path = weights.path
        norm1 = LayerNorm(weights / "norm1", channels: sizes.width, epsilon: 1e-6)
        attn = Attention(weights / "attn", sizes, window: window)
        norm2 = LayerNorm(weights / "norm2", channels: sizes.width, epsilon: 1e-6)
        mlp = MLPBlock(weights / "mlp", channels: sizes.width, hidden: sizes.mlpWidth, activation: .gelu)
    }

    /// `[grid, grid, channels]` to the same shape.
    func callAsFunction(_ x: Tensor, recorder: Recorder? = nil) -> Tensor {
        precondition(x.shape.count == 3, "block of \(x.shape)")
        let normalised = norm1(x)
        let attended = attn(normalised)
        let middle = x + attended
        let normalisedMiddle = norm2(middle)
        let mapped = mlp(normalisedMiddle)
        let result = middle + mapped
        guard let recorder else { return result }
        recorder.record("\(path).norm1", normalised.batched)
        attn.recordParts(normalised, path: "\(path).attn", recorder)
        recorder.record("\(path).attn", attn.recorded(normalised, attended: attended))
        recorder.record("\(path).norm2", normalisedMiddle.batched)
        mlp.recordParts(normalisedMiddle.batched, path: "\(path).mlp", recorder)
        recorder.record("\(path).mlp", mapped.batched)
        recorder.record(path, result.batched)
        return result
    }
}

/// The neck (`image_encoder.py:88`): a 1×1 and a 3×3 convolution without bias, each with a layer norm.
struct Neck: Sendable {
    let path: String
    let reduce: PatchConvolution
    let norm1: LayerNorm
    let smooth: Convolution3x3
    let norm2: LayerNorm

    init(_ weights: Weights, inputs: Int, outputs: Int) {
        path = weights.path
        reduce = PatchConvolution(weights / "0", inputs: inputs, outputs: outputs, kernel: 1, hasBias: false)
        norm1 = LayerNorm(weights / "1", channels: outputs, epsilon: 1e-6)
        smooth = Convolution3x3(weights / "2", inputs: outputs, outputs: outputs)
        norm2 = LayerNorm(weights / "3", channels: outputs, epsilon: 1e-6)
    }

    /// `[grid, grid, inputs]` to `[grid, grid, outputs]`.
    func callAsFunction(_ x: Tensor, recorder: Recorder? = nil) -> Tensor {
        let reduced = reduce(x)
        let normalised = norm1(reduced)
        let smoothed = smooth(normalised)
        let result = norm2(smoothed)
        for (index, activation) in [reduced, normalised, smoothed, result].enumerated() {
            recorder?.record("\(path).\(index)", activation.channelsFirst)
        }
        return result
    }
}
