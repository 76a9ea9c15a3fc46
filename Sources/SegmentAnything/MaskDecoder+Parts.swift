import Tensors

// What a recorder is shown of the decoder. The fast code multiplies the few tokens by the image's weights (see
// Transformer+Image.swift), makes the up-scaled image a row at a time, and runs only the hypernetworks that are asked for.

extension DecoderAttention {
    /// Shows projected queries, keys and values, scores, weights and weighted values (`transformer.py:218`).
    ///
    /// - Parameters:
    ///   - queries: `[prompts, queries, channels]`.
    ///   - keys: `[prompts, keys, channels]`, as `values`.
    func recordParts(_ path: String, queries: Tensor, keys: Tensor, values: Tensor, _ recorder: Recorder?) {
        guard let recorder, recorder.showsParts else { return }
        let heads = DecoderConfiguration.heads
        func split(_ x: Tensor) -> Tensor {
            let (prompts, tokens, headDim) = (x.shape[0], x.shape[1], x.shape[2] / heads)
            return x.reshaped([prompts, tokens, heads, headDim]).permuted(0, 2, 1, 3)
                .reshaped([prompts * heads, tokens, headDim])
        }
        func byPrompt(_ x: Tensor) -> Tensor { x.reshaped([x.shape[0] / heads, heads] + x.shape.dropFirst()) }
        lazy var q = queryProjection(queries)
        lazy var k = keyProjection(keys)
        lazy var v = valueProjection(values)
        lazy var scores = products(split(q), split(k).permuted(0, 2, 1))
            .mapped { $0 / Float(q.shape[2] / heads).squareRoot() }
        lazy var weights = softmax(scores)
        recorder.recordPart("\(path).q_proj", q)
        recorder.recordPart("\(path).k_proj", k)
        recorder.recordPart("\(path).v_proj", v)
        recorder.recordPart("\(path).scores", byPrompt(scores))
        recorder.recordPart("\(path).weights", byPrompt(weights))
        recorder.recordPart(
            "\(path).values", byPrompt(products(weights, split(v))).permuted(0, 2, 1, 3).reshaped(q.shape))
    }
}

extension TokenToImage {
    /// As ``DecoderAttention/recordParts(_:queries:keys:values:_:)``.
    func recordParts(_ path: String, queries: Tensor, image: ImageTokens, _ recorder: Recorder?) {
        guard let recorder, recorder.showsParts else { return }
        let tokens = image.each(prompts: queries.shape[0])
        attention.recordParts(path, queries: queries, keys: tokens + image.positions, values: tokens, recorder)
    }
}

extension ImageToToken {
    /// As ``DecoderAttention/recordParts(_:queries:keys:values:_:)``, and the output, which is fused with the norm after it.
    func recordParts(_ path: String, image: ImageTokens, keys: Tensor, values: Tensor, _ recorder: Recorder?) {
        guard let recorder, recorder.showsParts else { return }
        let queries = image.each(prompts: keys.shape[0]) + image.positions
        attention.recordParts(path, queries: queries, keys: keys, values: values, recorder)
        recorder.recordPart(path, attention(queries: queries, keys: keys, values: values))
    }
}

extension ImageTokens {
    /// Each prompt's own, `[prompts, imageTokens, channels]`.
    fileprivate func each(prompts: Int) -> Tensor {
        tokens.shape[0] == prompts ? tokens : tokens.expanded(axis: 0, to: prompts).contiguous()
    }
}

extension MaskDecoder {
    /// Shows the up-scaling's steps, every mask's weights, and all four masks with their predicted IoU.
    func recordParts(queries: Tensor, keys: Tensor, grid: Int, _ recorder: Recorder?) {
        guard let recorder, recorder.showsParts else { return }
        let prompts = keys.shape[0]
        lazy var doubled = upscale1(keys.reshaped([prompts, grid, grid, keys.shape[2]]))
        lazy var normalised = upscaleNorm(doubled)
        lazy var activated = gelu(normalised)
        lazy var weights = hypernetworks.indices.map { hypernetworks[$0](queries.selecting(axis: 1, 1 + $0)) }
        let path = "\(path).output_upscaling"
        recorder.recordPart("\(path).0", doubled.permuted(0, 3, 1, 2))
        recorder.recordPart("\(path).1", normalised.permuted(0, 3, 1, 2))
        recorder.recordPart("\(path).2", activated.permuted(0, 3, 1, 2))
        recorder.recordPart("\(path).3", upscale2(activated).permuted(0, 3, 1, 2))
        for mask in hypernetworks.indices {
            recorder.recordPart("\(self.path).output_hypernetworks_mlps.\(mask)", weights[mask])
        }
        recorder.recordPart(
            "\(self.path).masks",
            stacked(logits(keys, weights: weights, grid: grid).map { stacked($0.compactMap { $0 }) }))
        recorder.recordPart("\(self.path).iou_prediction_head", iouHead(queries.selecting(axis: 1, 0)))
    }
}

extension UpConvolution {
    /// `[prompts, height, width, inputs]` to `[prompts, 2·height, 2·width, outputs]`.
    func callAsFunction(_ x: Tensor) -> Tensor {
        let (x, shape, stride) = (x.contiguous(), x.shape, weight.paddedColumns)
        let rows = x.count / shape[3]
        let places = Tensor(shape: [rows, 4 * outputs]) { result in
            withScratch(rows * stride) { scratch in
                self(
                    ConstMatrix(x.base, rows: rows, columns: shape[3], stride: shape[3]),
                    into: MutableMatrix(scratch, rows: rows, columns: 4 * outputs, stride: stride))
                for row in 0..<rows {
                    (result + row * 4 * outputs).update(from: scratch + row * stride, count: 4 * outputs)
                }
            }
        }
        return places.reshaped([shape[0], shape[1], shape[2], 2, 2, outputs]).permuted(0, 1, 3, 2, 4, 5)
            .reshaped([shape[0], 2 * shape[1], 2 * shape[2], outputs])
    }
}

extension MaskDownscaling {
    /// Shows the results of the first six modules for masks `[4·grid, 4·grid]` (`prompt_encoder.py:51`).
    func recordParts(_ masks: [Tensor], path: String, _ recorder: Recorder?) {
        guard let recorder, recorder.showsParts, !masks.isEmpty else { return }
        let steps: [(Tensor) -> Tensor] = [
            { convolution1($0.reshaped($0.shape + [1])) }, norm1.callAsFunction, gelu, convolution2.callAsFunction,
            norm2.callAsFunction, gelu,
        ]
        for count in steps.indices {
            recorder.recordPart(
                "\(path).\(count)", stacked(masks.map { steps[...count].reduce($0) { $1($0) }.permuted(2, 0, 1) }))
        }
    }
}
