import Tensors

/// Multi-head attention of the image encoder with decomposed relative positions (`image_encoder.py:185`):
///
/// softmax(q·kᵀ/√headDim + q·R_height + q·R_width) · v, over a window of the grid or all of it.
///
/// The relative terms take the *unscaled* query: entry (query, key) adds q · relPosHeight[y_q − y_k + window − 1]
/// and the same along the width (`image_encoder.py:325`; Li et al. 2021, MViTv2, equation 4).
///
/// The grid is divided into windows without ever being copied or padded. The reference pads the last windows with
/// zeros after `norm1` and does not mask them, so a padded token's query, key and value are just the bias; here they
/// are put in as such, and no matrix product is spent on them.
struct Attention: Sendable {
    let qkv: Linear
    let proj: Linear
    /// `[2·window − 1, headDim]`.
    let relPosHeight: Tensor
    /// The same along the width, last row first, so that a query's terms for keys from left to right are adjacent.
    let relPosWidthReversed: Tensor
    /// Query, key and value of a padded token, `[3·channels]`: the bias.
    let padding: Tensor
    /// Tokens along a side of a window; the whole grid in a global block.
    let window: Int
    let grid: Int

    init(_ weights: Weights, grid: Int) {
        qkv = Linear(weights / "qkv")
        proj = Linear(weights / "proj")
        relPosHeight = weights["rel_pos_h"].contiguous()
        let relPosWidth = weights["rel_pos_w"]
        relPosWidthReversed = concatenated(
            (0..<relPosWidth.shape[0]).reversed().map { relPosWidth.sliced(axis: 0, $0..<$0 + 1) })
        padding = (weights / "qkv")["bias"].contiguous()
        window = (relPosHeight.shape[0] + 1) / 2
        self.grid = grid
    }

    /// Whether the one window is the whole grid.
    var isGlobal: Bool { window == grid }

    /// `[grid, grid, channels]` to the same shape.
    func callAsFunction(_ x: Tensor) -> Tensor {
        precondition(x.shape.count == 3 && x.shape[0] == grid && x.shape[1] == grid, "attention of \(x.shape)")
        return proj(attended(qkv(x)))
    }

    /// Queries, keys and values `[grid, grid, 3·channels]` to the heads' results side by side
    /// `[grid, grid, channels]`.
    ///
    /// A task is a window, a head and a tile of queries, and has that tile's scores in memory, no more.
    private func attended(_ projected: Tensor) -> Tensor {
        let channels = projected.shape[2] / 3
        let headDim = relPosHeight.shape[1]
        let heads = channels / headDim
        let across = (grid + window - 1) / window
        let tokens = window * window
        let tile = tokens <= 256 ? tokens : 128
        let tiles = (tokens + tile - 1) / tile
        return Tensor(shape: [grid, grid, channels]) { result in
            parallelFor(across * across * heads * tiles) { task in
                let head = task / tiles % heads
                let place = task / tiles / heads
                let region = Region(
                    attention: self, projected: projected, top: place / across * window,
                    left: place % across * window, firstChannel: head * headDim)
                let first = task % tiles * tile
                region.attend(queries: first..<min(first + tile, tokens), into: result)
            }
        }
    }
}

/// One head of one window.
private struct Region {
    let attention: Attention
    let projected: Tensor
    let top: Int
    let left: Int
    let firstChannel: Int

    private var window: Int { attention.window }
    private var grid: Int { attention.grid }
    private var headDim: Int { attention.relPosHeight.shape[1] }
    private var channels: Int { projected.shape[2] / 3 }

    /// Attends from some tokens of the window to all, and writes those within the grid to `result`.
    func attend(queries: Range<Int>, into result: UnsafeMutablePointer<Float>) {
        let tokens = window * window
        let distances = 2 * window - 1
        withScratch(queries.count * (tokens + 2 * distances + headDim) + 3 * tokens * headDim) { scratch in
            let scores = scratch
            let alongHeight = scores + queries.count * tokens
            let alongWidth = alongHeight + queries.count * distances
            let attended = alongWidth + queries.count * distances
            let gathered = attended + queries.count * headDim

            let (query, key, value) = (
                rows(of: 0, queries, gathered), rows(of: 1, 0..<tokens, gathered + tokens * headDim),
                rows(of: 2, 0..<tokens, gathered + 2 * tokens * headDim)
            )
            for (relative, products) in [
                (attention.relPosHeight, alongHeight), (attention.relPosWidthReversed, alongWidth),
            ] {
                matmul(
                    query, ConstMatrix(relative.base, rows: distances, columns: headDim, stride: headDim),
                    transposed: true,
                    into: MutableMatrix(products, rows: queries.count, columns: distances, stride: distances))
            }
            Tensors.attend(
                queries: query, keys: key, values: value, scale: 1 / Float(headDim).squareRoot(), scores: scores,
                into: MutableMatrix(attended, rows: queries.count, columns: headDim, stride: headDim)
            ) { row, scores in
                let (y, x) = (queries.lowerBound + row).quotientAndRemainder(dividingBy: window)
                let terms = alongWidth + row * distances + window - 1 - x
                for keyY in 0..<window {
                    let term = alongHeight[row * distances + y - keyY + window - 1]
                    let rowScores = scores.baseAddress.unsafelyUnwrapped + keyY * window
                    for keyX in 0..<window { rowScores[keyX] += term + terms[keyX] }
                }
            }
            for (row, token) in queries.enumerated() {
                guard let place = gridPlace(of: token) else { continue }
                (result + place * channels + firstChannel).update(from: attended + row * headDim, count: headDim)
            }
        }
    }

    /// Where in the grid a token of the window is, or nil for one that pads it.
    private func gridPlace(of token: Int) -> Int? {
        let (y, x) = (top + token / window, left + token % window)
        return y < grid && x < grid ? y * grid + x : nil
    }

    /// The rows of some tokens' queries (part 0), keys (1) or values (2): in place where the window is the whole grid,
    /// else gathered into `scratch`.
    private func rows(of part: Int, _ tokens: Range<Int>, _ scratch: UnsafeMutablePointer<Float>) -> ConstMatrix {
        let column = part * channels + firstChannel
        if attention.isGlobal {
            return ConstMatrix(
                projected.base + tokens.lowerBound * 3 * channels + column, rows: tokens.count, columns: headDim,
                stride: 3 * channels)
        }
        for (row, token) in tokens.enumerated() {
            let source =
                if let place = gridPlace(of: token) {
                    projected.base + place * 3 * channels + column
                } else {
                    attention.padding.base + column
                }
            (scratch + row * headDim).update(from: source, count: headDim)
        }
        return ConstMatrix(UnsafePointer(scratch), rows: tokens.count, columns: headDim, stride: headDim)
    }
}
