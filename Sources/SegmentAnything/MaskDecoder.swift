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

    /// The weights' precision is that of the up-scaling's products; all others are in single precision.
    init(_ weights: Weights, _ configuration: Configuration) {
        let (sizes, upscaling, plain) = (
            configuration.decoder, weights / "output_upscaling", weights.with(.float32)
        )
        let (width, masks) = (sizes.width, DecoderConfiguration.maskCount)
        path = weights.path
        transformer = TwoWayTransformer(plain / "transformer", sizes)
        outputTokens = concatenated([
            (plain / "iou_token").tensor("weight", [1, width]),
            (plain / "mask_tokens").tensor("weight", [masks, width]),
        ])
        upscale1 = UpConvolution(upscaling / "0", inputs: width, outputs: width / 4)
        upscaleNorm = LayerNorm(upscaling / "1", channels: width / 4, epsilon: 1e-6)
        upscale2 = UpConvolution(upscaling / "3", inputs: width / 4, outputs: width / 8)
        hypernetworks = (0..<masks).map {
            MLP(plain / "output_hypernetworks_mlps" / "\($0)", sizes: [width, width, width, width / 8])
        }
        let hidden = [Int](repeating: sizes.iouWidth, count: max(sizes.iouDepth - 1, 0))
        iouHead = MLP(plain / "iou_prediction_head", sizes: [width] + hidden + [masks])
    }

    /// - Parameters:
    ///   - image: the embedding with each prompt's dense embedding added, or once with the one that all share,
    ///     `[prompts or 1, grid, grid, channels]`.
    ///   - positions: `[grid, grid, channels]`.
    ///   - prompts: the prompts' tokens, `[prompts, tokens, channels]`.
    ///   - masks: which masks: 1…3 with multimask output, else 0.
    ///   - isWanted: whether a mask of this predicted IoU is made.
    /// - Returns: each prompt's masks' logits, `[4·grid, 4·grid]` each, nil where not wanted, and predicted IoU
    ///   `[prompts, masks]`.
    func callAsFunction(
        image: Tensor, positions: Tensor, prompts: Tensor, masks: Range<Int>, recorder: Recorder? = nil,
        where isWanted: (_ score: Float) -> Bool = { _ in true }
    ) -> (logits: [[Tensor?]], scores: Tensor) {
        precondition(image.shape.count == 4 && prompts.shape.count == 3, "\(image.shape), \(prompts.shape)")
        let (count, grid, channels) = (prompts.shape[0], image.shape[1], image.shape[3])
        let tokens = concatenated(
            (0..<count).map { concatenated([outputTokens, prompts.selecting(axis: 0, $0)]).batched })
        let (queries, keys) = transformer(
            image: image.reshaped([image.shape[0], grid * grid, channels]),
            positions: positions.reshaped([grid * grid, channels]), tokens: tokens, recorder: recorder)
        recordParts(queries: queries, keys: keys, grid: grid, recorder)
        recorder?.record("\(path).output_upscaling", upscaled(keys, grid: grid).permuted(0, 3, 1, 2))

        let scores = iouHead(queries.selecting(axis: 1, 0)).sliced(axis: 1, masks).contiguous()
        let wanted = (0..<count).map { prompt in masks.indices.map { isWanted(scores[prompt, $0 - masks.lowerBound]) } }
        let weights = masks.map { hypernetworks[$0](queries.selecting(axis: 1, 1 + $0)) }
        let logits = logits(keys, weights: weights, wanted: wanted, grid: grid)
        recorder?.record("\(path).low_res_logits", stacked(logits.map { stacked($0.compactMap { $0 }) }))
        recorder?.record("\(path).iou_predictions", scores)
        return (logits, scores)
    }
}

// MARK: - Up-scaling

extension MaskDecoder {
    /// The logits of each prompt's masks, `[4·grid, 4·grid]` each: a mask's weights `[prompts, channels]` times the upscaled
    /// embedding, which is made a row of the grid at a time and never exists as a whole.
    ///
    /// Each mask has memory of its own: one that is kept keeps no other alive. A prompt of which no mask is wanted is not
    /// upscaled.
    func logits(_ keys: Tensor, weights: [Tensor], wanted: [[Bool]]? = nil, grid: Int) -> [[Tensor?]] {
        let side = 4 * grid
        let wanted = wanted ?? Array(repeating: weights.map { _ in true }, count: keys.shape[0])
        let results = wanted.map { $0.map { $0 ? Storage(count: side * side) : nil } }
        let prompts = wanted.indices.filter { wanted[$0].contains(true) }
        parallelFor(prompts.count * grid) { task in
            let (prompt, y) = (prompts[task / grid], task % grid)
            let masks = weights.indices.filter { wanted[prompt][$0] }
            withUpscaledRow(keys, prompt: prompt, y: y, grid: grid) { upscaled in
                let factor = Panels(inner: upscaled.columns, columns: masks.count, .float32)
                factor.pack(transposing: { weights[masks[$0]].base + prompt * upscaled.columns })
                withScratch(upscaled.rows * factor.paddedColumns) { products in
                    panelProduct(
                        upscaled, factor,
                        into: MutableMatrix(
                            products, rows: upscaled.rows, columns: masks.count, stride: factor.paddedColumns))
                    let targets = results[prompt].compactMap { $0.map { $0.base + 4 * y * side } }
                    for row in 0..<upscaled.rows {
                        let pixel = pixel(ofUpscaled: row)
                        for (mask, target) in targets.enumerated() {
                            target[pixel.y * side + pixel.x] = products[row * factor.paddedColumns + mask]
                        }
                    }
                }
            }
        }
        return results.map { $0.map { $0.map { Tensor(storage: $0, layout: Layout(shape: [side, side])) } } }
    }

    /// The upscaled embedding as a whole, `[prompts, 4·grid, 4·grid, channels]`, for a recorder.
    func upscaled(_ keys: Tensor, grid: Int) -> Tensor {
        let (prompts, side, channels) = (keys.shape[0], 4 * grid, upscale2.outputs)
        return Tensor(shape: [prompts, side, side, channels]) { result in
            parallelFor(prompts * grid) { task in
                withUpscaledRow(keys, prompt: task / grid, y: task % grid, grid: grid) { upscaled in
                    for row in 0..<upscaled.rows {
                        let pixel = pixel(ofUpscaled: row)
                        (result + ((task / grid * side + 4 * (task % grid) + pixel.y) * side + pixel.x) * channels)
                            .update(from: upscaled.base + row * upscaled.stride, count: channels)
                    }
                }
            }
        }
    }

    /// Where a row of ``withUpscaledRow(_:prompt:y:grid:_:)`` lies: within the four rows of pixels, and across.
    ///
    /// Each token becomes four places, and each of those four again, every time in the order of rows, then columns.
    private func pixel(ofUpscaled row: Int) -> (y: Int, x: Int) {
        let (token, first, second) = (row / 16, row / 4 % 4, row % 4)
        return (2 * (first / 2) + second / 2, 4 * token + 2 * (first % 2) + second % 2)
    }

    /// The upscaled embedding of one row of the grid, `[16 · grid, channels]`, 16 for each token
    /// (`mask_decoder.py:53`): transposed convolution, norm, GELU, transposed convolution, GELU.
    private func withUpscaledRow(
        _ keys: Tensor, prompt: Int, y: Int, grid: Int, _ body: (ConstMatrix) -> Void
    ) {
        let (imageTokens, channels) = (keys.shape[1], keys.shape[2])
        let (middle, outer) = (upscale1.outputs, upscale2.outputs)
        let (stride1, stride2) = (upscale1.weight.paddedColumns, upscale2.weight.paddedColumns)
        withScratch(grid * stride1 + 4 * grid * (middle + stride2)) { scratch in
            let normalised = scratch + grid * stride1
            let last = normalised + 4 * grid * middle
            upscale1(
                ConstMatrix(
                    keys.base + (prompt * imageTokens + y * grid) * channels, rows: grid, columns: channels,
                    stride: channels),
                into: MutableMatrix(scratch, rows: grid, columns: 4 * middle, stride: stride1))
            for place in 0..<4 * grid {
                let target = UnsafeMutableBufferPointer(start: normalised + place * middle, count: middle)
                upscaleNorm(UnsafePointer(scratch + place / 4 * stride1 + place % 4 * middle), into: target)
                applyGELU(target)
            }
            upscale2(
                ConstMatrix(normalised, rows: 4 * grid, columns: middle, stride: middle),
                into: MutableMatrix(last, rows: 4 * grid, columns: 4 * outer, stride: stride2))
            // Where the panels have no padding, the four places of each row follow one another.
            for place in 0..<4 * grid {
                let row = UnsafeMutableBufferPointer(start: last + place * stride2, count: 4 * outer)
                applyGELU(row)
                if stride2 > 4 * outer {
                    (last + place * 4 * outer).update(from: last + place * stride2, count: 4 * outer)
                }
            }
            body(ConstMatrix(last, rows: 16 * grid, columns: outer, stride: outer))
        }
    }
}

/// Linear maps with ReLU between them (`mask_decoder.py:154`).
struct MLP: Sendable {
    let layers: [Linear]

    /// - Parameter sizes: the channels before, between and after the layers.
    init(_ weights: Weights, sizes: [Int]) {
        layers = zip(sizes, sizes.dropFirst()).enumerated().map { layer, channels in
            Linear(weights / "layers" / "\(layer)", inputs: channels.0, outputs: channels.1)
        }
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        layers.enumerated().reduce(x) { x, layer in
            layer.element(x, activation: layer.offset < layers.count - 1 ? .relu : .none)
        }
    }
}
