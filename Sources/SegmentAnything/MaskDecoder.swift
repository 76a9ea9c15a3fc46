import Tensors

/// Masks and their predicted IoU from an image's and prompts' embeddings (`mask_decoder.py:16`).
struct MaskDecoder: Sendable {
    let path: String
    let transformer: TwoWayTransformer
    /// The IoU token and the four mask tokens, `[5, channels]`.
    let outputTokens: Tensor
    let upscale1: UpConvolution
    let upscaleNorm: LayerNorm
    let upscale2: UpConvolution
    let hypernetworks: [MLP]
    let iouHead: MLP

    init(_ weights: Weights, _ configuration: Configuration) {
        path = weights.path
        transformer = TwoWayTransformer(weights / "transformer", configuration)
        outputTokens = concatenated([(weights / "iou_token")["weight"], (weights / "mask_tokens")["weight"]])
        upscale1 = UpConvolution(weights / "output_upscaling" / "0")
        upscaleNorm = LayerNorm(weights / "output_upscaling" / "1", epsilon: 1e-6)
        upscale2 = UpConvolution(weights / "output_upscaling" / "3")
        hypernetworks = (0..<Configuration.maskCount).map {
            MLP(weights / "output_hypernetworks_mlps" / "\($0)", depth: 3)
        }
        iouHead = MLP(weights / "iou_prediction_head", depth: configuration.iouDepth)
    }

    /// - Parameters:
    ///   - image: the embedding with each prompt's dense embedding added, `[prompts, grid, grid, channels]`.
    ///   - positions: `[grid, grid, channels]`.
    ///   - prompts: the prompts' tokens, `[prompts, tokens, channels]`.
    ///   - masks: which masks: 1…3 with multimask output, else 0.
    /// - Returns: logits `[prompts, masks, 4·grid, 4·grid]` and predicted IoU `[prompts, masks]`.
    func callAsFunction(
        image: Tensor, positions: Tensor, prompts: Tensor, masks: Range<Int>, recorder: Recorder? = nil
    ) -> (logits: Tensor, scores: Tensor) {
        precondition(image.shape.count == 4 && prompts.shape.count == 3, "\(image.shape), \(prompts.shape)")
        let (count, grid, channels) = (image.shape[0], image.shape[1], image.shape[3])
        let tokens = concatenated(
            (0..<count).map { concatenated([outputTokens, prompts.selecting(axis: 0, $0)]).batched })
        let (queries, keys) = transformer(
            image: image.reshaped([count, grid * grid, channels]),
            positions: positions.reshaped([grid * grid, channels]), tokens: tokens, recorder: recorder)

        let upscaled = upscale2(
            gelu(upscaleNorm(upscale1(keys.reshaped([count, grid, grid, channels])))), activation: .gelu)
        recorder?.record("\(path).output_upscaling", upscaled.permuted(0, 3, 1, 2))
        let (size, upscaledChannels) = (upscaled.shape[1], upscaled.shape[3])

        let weights = masks.map { hypernetworks[$0](queries.selecting(axis: 1, 1 + $0)) }
        let logits = (0..<count).map { prompt in
            linear(
                concatenated(weights.map { $0.sliced(axis: 0, prompt..<prompt + 1) }),
                weight: upscaled.selecting(axis: 0, prompt).reshaped([size * size, upscaledChannels])
            ).reshaped([1, masks.count, size, size])
        }
        let result = (
            logits: concatenated(logits),
            scores: iouHead(queries.selecting(axis: 1, 0)).sliced(axis: 1, masks).contiguous()
        )
        recorder?.record("\(path).low_res_logits", result.logits)
        recorder?.record("\(path).iou_predictions", result.scores)
        return result
    }
}

/// Linear maps with ReLU between them (`mask_decoder.py:152`).
struct MLP: Sendable {
    let layers: [Linear]

    init(_ weights: Weights, depth: Int) {
        layers = (0..<depth).map { Linear(weights / "layers" / "\($0)") }
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        layers.enumerated().reduce(x) { x, layer in
            layer.element(x, activation: layer.offset < layers.count - 1 ? .relu : .none)
        }
    }
}
