import Tensors

/// SAM's vision transformer (`image_encoder.py:17`; ViTDet, Li et al. 2022): patches with absolute positions, blocks
/// of which most attend within windows and some globally, and a neck of two convolutions.
struct ImageEncoder: Sendable {
    let path: String
    let patchEmbed: PatchConvolution
    /// `[grid, grid, channels]`.
    let positions: Tensor
    let blocks: [Block]
    let neck: Neck

    init(_ weights: Weights, _ configuration: Configuration) {
        path = weights.path
        patchEmbed = PatchConvolution(weights / "patch_embed" / "proj")
        positions = weights["pos_embed"].selecting(axis: 0, 0)
        blocks = (0..<configuration.depth).map { Block(weights / "blocks" / "\($0)", configuration) }
        neck = Neck(weights / "neck")
    }

    /// - Parameter image: normalised and padded, `[imageSize, imageSize, 3]`.
    /// - Returns: the embedding, `[grid, grid, decoderWidth]`.
    func callAsFunction(_ image: Tensor, recorder: Recorder? = nil) -> Tensor {
        precondition(image.shape.count == 3 && image.shape[2] == 3, "image of shape \(image.shape)")
        var x = patchEmbed(image)
        recorder?.record("\(path).patch_embed", x.batched)
        x = x + positions
        for block in blocks { x = block(x, recorder: recorder) }
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

    init(_ weights: Weights, _ configuration: Configuration) {
        path = weights.path
        norm1 = LayerNorm(weights / "norm1", epsilon: 1e-6)
        attn = Attention(weights / "attn", grid: configuration.grid)
        norm2 = LayerNorm(weights / "norm2", epsilon: 1e-6)
        mlp = MLPBlock(weights / "mlp", activation: .gelu)
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
        recorder?.record("\(path).norm1", normalised.batched)
        recorder?.record("\(path).attn", attn.isGlobal ? attended.batched : windows(attended, attn.window))
        recorder?.record("\(path).norm2", normalisedMiddle.batched)
        recorder?.record("\(path).mlp", mapped.batched)
        recorder?.record(path, result.batched)
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

    init(_ weights: Weights) {
        path = weights.path
        reduce = PatchConvolution(weights / "0")
        norm1 = LayerNorm(weights / "1", epsilon: 1e-6)
        smooth = Convolution3x3(weights / "2")
        norm2 = LayerNorm(weights / "3", epsilon: 1e-6)
    }

    /// `[grid, grid, channels]` to `[grid, grid, decoderWidth]`.
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

// MARK: - The official memory orders

extension Tensor {
    /// `[height, width, channels]` as the reference has it in its encoder: `[1, height, width, channels]`.
    var batched: Tensor { reshaped([1] + shape) }

    /// `[height, width, channels]` as the reference has convolutions' results: `[1, channels, height, width]`.
    var channelsFirst: Tensor { permuted(2, 0, 1).batched }
}

/// The windows of `[grid, grid, channels]` as the reference has them, `[windows, window, window, channels]`, with
/// zeros where a window reaches beyond the grid (`image_encoder.py:243`).
func windows(_ x: Tensor, _ window: Int) -> Tensor {
    let (grid, channels) = (x.shape[0], x.shape[2])
    let across = (grid + window - 1) / window
    var values = [Float](repeating: 0, count: across * across * window * window * channels)
    let source = x.values
    for y in 0..<grid {
        for x in 0..<grid {
            let place = ((y / window * across + x / window) * window + y % window) * window + x % window
            for channel in 0..<channels {
                values[place * channels + channel] = source[(y * grid + x) * channels + channel]
            }
        }
    }
    return Tensor(values, shape: [across * across, window, window, channels])
}
