import Foundation
import Tensors

// Attention between a few tokens and the thousands of an image. The reference projects the image's tokens to queries,
// keys and values; here the few tokens' sides are multiplied by those weights instead, which is the same in algebra:
// (W·x)·q = x·(Wᵀ·q), and Σ aᵢ·(W·xᵢ) = W·Σ aᵢ·xᵢ. For 7 tokens of 8 heads that is 56 columns in place of 128, and
// nothing but the image's tokens themselves is as large as the image.

/// Attention of tokens to the image (`transformer.py:185` with queries from the tokens).
///
/// The key's bias adds the same to all scores of a query, and the weights sum to 1, so that the bias of the value
/// can be added at the end.
struct TokenToImage: Sendable {
    let attention: DecoderAttention

    init(_ weights: Weights, _ sizes: DecoderConfiguration) {
        attention = DecoderAttention(weights, channels: sizes.width, inner: sizes.crossAttentionWidth)
    }

    /// `[prompts, tokens, channels]` to the same shape; keys are the image's tokens with positions, values without.
    func callAsFunction(queries: Tensor, image: ImageTokens) -> Tensor {
        precondition(queries.shape.count == 3, "queries of \(queries.shape)")
        let (prompts, tokens, channels) = (queries.shape[0], queries.shape[1], queries.shape[2])
        let imageTokens = image.tokens.shape[1]
        let projected = attention.queryProjection(queries)
        let headDim = projected.shape[2] / DecoderConfiguration.heads
        let folded = foldHeads(projected, by: attention.keyProjection.weight)
        let scale = 1 / Float(headDim).squareRoot()
        let columns = folded.shape[1]

        let panels = panelsOfPrompts(folded)

        // Blocks of the image are attended to apart, and put together by their largest scores (FlashAttention).
        let blocks = (imageTokens + imageBlock - 1) / imageBlock
        let stride = channels + 2
        let parts = Tensor(shape: [prompts, blocks, columns, stride]) { parts in
            parallelFor(prompts * blocks) { task in
                let (prompt, first) = (task / blocks, task % blocks * imageBlock)
                let block = first..<min(first + imageBlock, imageTokens)
                image.withPositions(block, prompt: prompt) { keys in
                    attendFew(
                        queries: panels[prompt], scale: scale, keys: keys, values: image.rows(block, prompt: prompt),
                        into: MutableMatrix(
                            parts + task * columns * stride, rows: columns, columns: channels, stride: stride))
                }
            }
        }
        let attended = Tensor(shape: [prompts, columns, channels]) { result in
            parallelFor(prompts * columns) { task in
                let part = parts.base + (task / columns * blocks * columns + task % columns) * stride
                join(blocks, at: part, stride: columns * stride, channels: channels, into: result + task * channels)
            }
        }
        return attention.outProjection(unfoldHeads(attended, tokens: tokens))
    }

    /// Values projected after they were summed: `[prompts, tokens · heads, channels]` to `[prompts, tokens, inner]`.
    private func unfoldHeads(_ attended: Tensor, tokens: Int) -> Tensor {
        let (prompts, channels, heads) = (attended.shape[0], attended.shape[2], DecoderConfiguration.heads)
        let (weight, bias) = (attention.valueProjection.weight, attention.valueProjection.bias)
        let inner = weight.shape[0]
        let headDim = inner / heads
        return Tensor(shape: [prompts, tokens, inner]) { result in
            parallelFor(heads) { head in
                matmul(
                    ConstMatrix(
                        attended.base + head * channels, rows: prompts * tokens, columns: channels,
                        stride: heads * channels),
                    ConstMatrix(
                        weight.base + head * headDim * channels, rows: headDim, columns: channels, stride: channels),
                    transposed: true,
                    into: MutableMatrix(
                        result + head * headDim, rows: prompts * tokens, columns: headDim, stride: inner))
            }
            for row in 0..<prompts * tokens {
                for channel in 0..<inner { result[row * inner + channel] += bias.base[channel] }
            }
        }
    }
}

/// Attention of the image to tokens, added to the image's tokens and normalised (`transformer.py:176`).
struct ImageToToken: Sendable {
    let attention: DecoderAttention
    let norm: LayerNorm
    /// `[inner, channels]`.
    let outWeightTransposed: Tensor

    init(_ weights: Weights, _ sizes: DecoderConfiguration, norm: LayerNorm) {
        attention = DecoderAttention(weights, channels: sizes.width, inner: sizes.crossAttentionWidth)
        outWeightTransposed = attention.outProjection.weight.permuted(1, 0).contiguous()
        self.norm = norm
    }

    /// The image's tokens after the block, `[prompts, imageTokens, channels]`.
    func callAsFunction(image: ImageTokens, keys: Tensor, values: Tensor) -> ImageTokens {
        let (prompts, channels) = (keys.shape[0], keys.shape[2])
        let imageTokens = image.tokens.shape[1]
        let projected = attention.keyProjection(keys)
        let scale = 1 / Float(projected.shape[2] / DecoderConfiguration.heads).squareRoot()
        let query = attention.queryProjection
        let foldedKeys = foldHeads(projected, by: query.weight)
        let foldedBias = foldHeads(projected, by: query.bias)
        let foldedValues = foldHeads(attention.valueProjection(values), by: outWeightTransposed)
        let columns = foldedKeys.shape[1]
        let panels = panelsOfPrompts(foldedKeys)
        let blocks = (imageTokens + imageBlock - 1) / imageBlock
        let tokens = Tensor(shape: [prompts, imageTokens, channels]) { tokens in
            parallelFor(prompts * blocks) { task in
                let (prompt, first) = (task / blocks, task % blocks * imageBlock)
                let block = first..<min(first + imageBlock, imageTokens)
                let (count, stride) = (block.count, panels[prompt].paddedColumns)
                withScratch(count * stride) { scores in
                    image.withPositions(block, prompt: prompt) { queries in
                        panelProduct(
                            queries, panels[prompt],
                            into: MutableMatrix(scores, rows: count, columns: columns, stride: stride))
                    }
                    for row in 0..<count {
                        softmaxOverTokens(
                            scores + row * stride, foldedBias.base + prompt * columns, columns: columns, scale: scale)
                    }
                    let offset = (prompt * imageTokens + first) * channels
                    let target = MutableMatrix(tokens + offset, rows: count, columns: channels, stride: channels)
                    inPlaceProduct(
                        ConstMatrix(scores, rows: count, columns: columns, stride: stride),
                        ConstMatrix(
                            foldedValues.base + prompt * columns * channels, rows: columns, columns: channels,
                            stride: channels), into: target)
                    finish(target, residual: image.rows(block, prompt: prompt))
                }
            }
        }
        return ImageTokens(tokens, positions: image.positions)
    }

    /// Adds the out projection's bias and the residual, and normalises.
    private func finish(_ rows: MutableMatrix, residual: ConstMatrix) {
        let channels = rows.columns
        let bias = attention.outProjection.bias.base
        for row in 0..<rows.rows {
            let (target, source) = (rows.base + row * channels, residual.base + row * channels)
            for channel in 0..<channels { target[channel] += source[channel] + bias[channel] }
            norm(target, into: UnsafeMutableBufferPointer(start: target, count: channels))
        }
    }
}

/// Image tokens of a task.
private let imageBlock = 256

/// For each token and head, what a weight's rows of that head make of it:
/// `[prompts, tokens, inner]` by `[inner, channels]` to `[prompts, tokens · heads, channels]`.
private func foldHeads(_ projected: Tensor, by weight: Tensor) -> Tensor {
    let (prompts, tokens, inner) = (projected.shape[0], projected.shape[1], projected.shape[2])
    let heads = DecoderConfiguration.heads
    let headDim = inner / heads
    let weight = weight.reshaped([inner, weight.count / inner])
    let channels = weight.shape[1]
    return Tensor(shape: [prompts, tokens * heads, channels]) { result in
        parallelFor(heads) { head in
            matmul(
                ConstMatrix(
                    projected.base + head * headDim, rows: prompts * tokens, columns: headDim, stride: inner),
                ConstMatrix(
                    weight.base + head * headDim * channels, rows: headDim, columns: channels, stride: channels),
                transposed: false,
                into: MutableMatrix(
                    result + head * channels, rows: prompts * tokens, columns: channels, stride: heads * channels))
        }
    }
}

/// Each prompt's folded heads `[prompts, tokens · heads, channels]` as the right factor `[channels, tokens · heads]`.
private func panelsOfPrompts(_ folded: Tensor) -> [Panels] {
    let (columns, channels) = (folded.shape[1], folded.shape[2])
    return (0..<folded.shape[0]).map { prompt in
        let panels = Panels(inner: channels, columns: columns, .float32)
        panels.pack(transposing: { folded.base + (prompt * columns + $0) * channels })
        return panels
    }
}

/// The part of attention that a block of the image has: each query's weighted sum of values, then its largest score
/// and the sum of its weights, `[columns, channels + 2]`.
private func attendFew(
    queries panels: Panels, scale: Float, keys: ConstMatrix, values: ConstMatrix,
    into result: MutableMatrix
) {
    let (channels, columns) = (keys.columns, panels.columns)
    let stride = panels.paddedColumns
    withScratch((keys.rows + 2) * stride) { scores in
        let (maxima, sums) = (scores + keys.rows * stride, scores + (keys.rows + 1) * stride)
        panelProduct(keys, panels, into: MutableMatrix(scores, rows: keys.rows, columns: columns, stride: stride))
        maxima.update(repeating: -.infinity, count: stride)
        for row in 0..<keys.rows {
            let scores = scores + row * stride
            for column in 0..<stride { maxima[column] = max(maxima[column], scores[column]) }
        }
        sums.update(repeating: 0, count: stride)
        for row in 0..<keys.rows {
            let scores = scores + row * stride
            for column in 0..<stride { scores[column] = (scores[column] - maxima[column]) * scale }
            _ = Kernels.current.exponentiate(scores, stride, 0)
            for column in 0..<stride { sums[column] += scores[column] }
        }
        inPlaceProduct(
            ConstMatrix(scores, rows: keys.rows, columns: columns, stride: stride), transposed: true, values,
            into: result)
        for column in 0..<columns {
            result.base[column * result.stride + channels] = maxima[column] * scale
            result.base[column * result.stride + channels + 1] = sums[column]
        }
    }
}

/// Puts together the parts of one query, `stride` floats apart: see ``attendFew(queries:scale:keys:values:into:)``.
private func join(
    _ blocks: Int, at parts: UnsafePointer<Float>, stride: Int, channels: Int, into result: UnsafeMutablePointer<Float>
) {
    let maximum = (0..<blocks).reduce(-Float.infinity) { max($0, parts[$1 * stride + channels]) }
    var sum: Float = 0
    result.update(repeating: 0, count: channels)
    for block in 0..<blocks {
        let part = parts + block * stride
        let share = exp(part[channels] - maximum)
        sum += part[channels + 1] * share
        for channel in 0..<channels { result[channel] += part[channel] * share }
    }
    for channel in 0..<channels { result[channel] /= sum }
}

/// Softmax over the tokens of each head, in place, of scores `[tokens, heads]` to which a bias is added, then scaled.
private func softmaxOverTokens(
    _ scores: UnsafeMutablePointer<Float>, _ bias: UnsafePointer<Float>, columns: Int, scale: Float
) {
    let heads = DecoderConfiguration.heads
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * heads) { buffer in
        guard let maxima = buffer.baseAddress else { return }
        let sums = maxima + heads
        maxima.update(repeating: -.infinity, count: heads)
        sums.update(repeating: 0, count: heads)
        for token in stride(from: 0, to: columns, by: heads) {
            for head in 0..<heads {
                scores[token + head] += bias[token + head]
                maxima[head] = max(maxima[head], scores[token + head])
            }
        }
        for token in stride(from: 0, to: columns, by: heads) {
            for head in 0..<heads { scores[token + head] = (scores[token + head] - maxima[head]) * scale }
        }
        _ = Kernels.current.exponentiate(scores, columns, 0)
        for token in stride(from: 0, to: columns, by: heads) {
            for head in 0..<heads { sums[head] += scores[token + head] }
        }
        for token in stride(from: 0, to: columns, by: heads) {
            for head in 0..<heads { scores[token + head] /= sums[head] }
        }
    }
}
