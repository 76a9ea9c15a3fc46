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
            func matrix(_ base: UnsafePointer<Float>, rows: Int) -> ConstMatrix {
                ConstMatrix(base, rows: rows, columns: headDim, stride: channels)
            }
            withScratch(rows * keyTokens) { scores in
                attend(
                    queries: matrix(queries.base + queryOffset, rows: rows),
                    keys: matrix(keys.base + keyOffset, rows: keyTokens),
                    values: matrix(values.base + keyOffset, rows: keyTokens),
                    scale: 1 / Float(headDim).squareRoot(), scores: scores,
                    into: MutableMatrix(result + queryOffset, rows: rows, columns: headDim, stride: channels))
            }
        }
    }
}
