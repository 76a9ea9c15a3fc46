/// Attention in several heads, each on its share of the channels: `[batch, queries, channels]` and twice
/// `[batch, keys, channels]` to `[batch, queries, channels]`, with scale 1/√(channels / heads).
///
/// A task is a head and a tile of queries.
public func multiHeadAttention(queries: Tensor, keys: Tensor, values: Tensor, heads: Int) -> Tensor {
    precondition(
        queries.shape.count == 3 && keys.shape.count == 3 && keys.shape == values.shape
            && queries.shape[0] == keys.shape[0] && queries.shape[2] == keys.shape[2]
            && queries.shape[2] % heads == 0,
        "attention of \(queries.shape) to \(keys.shape), \(values.shape) in \(heads) heads")
    let (queries, keys, values) = (queries.contiguous(), keys.contiguous(), values.contiguous())
    let (batch, queryTokens, channels) = (queries.shape[0], queries.shape[1], queries.shape[2])
    let keyTokens = keys.shape[1]
    let headDim = channels / heads
    let tile = 512
    let tiles = (queryTokens + tile - 1) / tile
    return Tensor(shape: queries.shape) { result in
        parallelFor(batch * heads * tiles) { task in
            let (item, head, first) = (task / tiles / heads, task / tiles % heads, task % tiles * tile)
            let rows = min(tile, queryTokens - first)
            let queryOffset = (item * queryTokens + first) * channels + head * headDim
            let keyOffset = item * keyTokens * channels + head * headDim
            let keyPanels = Panels(inner: headDim, columns: keyTokens, .float32)
            keyPanels.pack(transposing: { keys.base + keyOffset + $0 * channels })
            let valuePanels = Panels(inner: keyTokens, columns: headDim, .float32)
            valuePanels.pack(rows: { values.base + keyOffset + $0 * channels })
            let stride = valuePanels.paddedColumns
            withScratch(rows * stride) { attended in
                attend(
                    queries: ConstMatrix(
                        queries.base + queryOffset, rows: rows, columns: headDim, stride: channels),
                    keys: keyPanels, values: valuePanels, scale: 1 / Float(headDim).squareRoot(),
                    into: MutableMatrix(attended, rows: rows, columns: headDim, stride: stride)
                ) { _, keys, scores in scores.update(repeating: 0, count: keys.count) }
                for row in 0..<rows {
                    (result + queryOffset + row * channels).update(from: attended + row * stride, count: headDim)
                }
            }
        }
    }
}
