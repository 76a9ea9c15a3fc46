import Tensors

/// Multi-head attention of the image encoder with decomposed relative positions (`image_encoder.py:185`):
///
/// softmax(q·kᵀ/√headDim + q·R_height + q·R_width) · v, over a window of the grid or all of it.
///
/// The relative terms take the *unscaled* query: entry (query, key) adds q · relPosHeight[y_q − y_k + window − 1]
/// and the same along the width (`image_encoder.py:325`; Li et al. 2021, MViTv2, equation 4).
///
/// The grid is divided into windows without ever being copied or padded. The reference pads the last windows with
/// zeros after `norm1` and does not mask them, so a padded token's key and value are just the bias; here they are put in
/// as such, no matrix product is spent on them, and what they would attend to is left out.
struct Attention: Sendable {
    let qkv: Linear
    let proj: Linear
    let precision: Precision
    /// `[headDim, 2·window − 1]`, reversed: a query's terms for keys from the top down are adjacent.
    let relPosHeight: Panels
    /// The same along the width, from left to right.
    let relPosWidth: Panels
    /// Key and value of a padded token, in a row `[3·channels]` as of any other: the bias.
    let padding: Tensor
    let headDim: Int
    /// Tokens along a side of a window; the whole grid in a global block.
    let window: Int
    var grid: Int

    init(_ weights: Weights, _ sizes: ViTConfiguration, window: Int) {
        (precision, headDim, grid) = (weights.precision, sizes.headDim, sizes.grid)
        self.window = window
        qkv = Linear(weights / "qkv", inputs: sizes.width, outputs: 3 * sizes.width)
        proj = Linear(weights / "proj", inputs: sizes.width, outputs: sizes.width)
        relPosHeight = reversedPanels(weights.tensor("rel_pos_h", [2 * window - 1, headDim]), precision)
        relPosWidth = reversedPanels(weights.tensor("rel_pos_w", [2 * window - 1, headDim]), precision)
        padding = (weights / "qkv").tensor("bias", [3 * sizes.width])
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
    /// A task is a window, a head and a tile of its queries within the grid. The keys and values of a
    /// window of several tiles are packed once, before.
    func attended(_ projected: Tensor) -> Tensor {
        let channels = projected.shape[2] / 3
        let heads = channels / headDim
        let across = (grid + window - 1) / window
        let tokens = window * window
        let tile = tokens <= 256 ? tokens : 128
        let tiles = (tokens + tile - 1) / tile
        let headWindows = across * across * heads
        // Plain addresses: counting references to the tensors for each of a million rows would show.
        let (source, padded) = (projected.base, padding.base)
        func headWindow(_ index: Int) -> HeadWindow {
            HeadWindow(
                projected: source, padding: padded, precision: precision, window: window, grid: grid,
                channels: channels,
                headDim: headDim, top: index / heads / across * window, left: index / heads % across * window,
                firstChannel: index % heads * headDim)
        }
        let size = headWindow(0).panelsCount
        let shared = Storage(count: tiles > 1 ? headWindows * size : 0)
        if tiles > 1 { parallelFor(headWindows) { headWindow($0).pack(shared.base + $0 * size) } }
        return Tensor(shape: [grid, grid, channels]) { result in
            defer { withExtendedLifetime((projected, shared)) {} }
            parallelFor(headWindows * tiles) { task in
                let (head, first) = (headWindow(task / tiles), task % tiles * tile)
                guard first < head.queryCount else { return }
                let queries = first..<min(first + tile, head.queryCount)
                if tiles > 1 {
                    head.attend(
                        queries: queries, panels: shared.base + task / tiles * size, relPosHeight, relPosWidth,
                        into: result)
                } else {
                    withScratch(size) { panels in
                        head.pack(panels)
                        head.attend(
                            queries: queries, panels: panels, relPosHeight, relPosWidth, into: result)
                    }
                }
            }
        }
    }
}

/// `[rows, columns]` packed as the right operand `[columns, rows]`, the last row first.
private func reversedPanels(_ x: Tensor, _ precision: Precision) -> Panels {
    let (x, rows, columns) = (x.contiguous(), x.shape[0], x.shape[1])
    let panels = Panels(inner: columns, columns: rows, precision)
    panels.pack(transposing: { x.base + (rows - 1 - $0) * columns })
    return panels
}

/// One head of one window.
private struct HeadWindow {
    let projected: UnsafePointer<Float>
    let padding: UnsafePointer<Float>
    let precision: Precision
    let window: Int
    let grid: Int
    let channels: Int
    let headDim: Int
    let top: Int
    let left: Int
    let firstChannel: Int

    private var tokens: Int { window * window }

    /// The columns of the window that are within the grid.
    private var columns: Int { min(window, grid - left) }

    /// The tokens of the window that are within the grid, in rows of ``columns``.
    var queryCount: Int { min(window, grid - top) * columns }

    private var keysCount: Int { Panels.count(inner: headDim, columns: tokens, precision) }

    /// How many floats the panels of keys and values take.
    var panelsCount: Int { keysCount + Panels.count(inner: tokens, columns: headDim, precision) }

    private func panels(_ memory: UnsafeMutablePointer<Float>) -> (keys: Panels, values: Panels) {
        (
            Panels(inner: headDim, columns: tokens, precision, in: memory),
            Panels(inner: tokens, columns: headDim, precision, in: memory + keysCount)
        )
    }

    /// Packs the keys and values of the window.
    func pack(_ memory: UnsafeMutablePointer<Float>) {
        let (keys, values) = panels(memory)
        keys.pack(transposing: { row(of: 1, at: gridPlace(of: $0)) })
        values.pack(rows: { row(of: 2, at: gridPlace(of: $0)) })
    }

    /// Attends from some of the window's tokens within the grid to all, and writes what comes of them to `result`.
    func attend(
        queries: Range<Int>, panels memory: UnsafeMutablePointer<Float>, _ relPosHeight: Panels, _ relPosWidth: Panels,
        into result: UnsafeMutablePointer<Float>
    ) {
        let (keys, values) = panels(memory)
        let (rows, distances) = (queries.count, 2 * window - 1)
        let (relativeStride, stride) = (relPosHeight.paddedColumns, values.paddedColumns)
        withScratch(rows * (headDim + 2 * relativeStride + stride)) { scratch in
            let alongHeight = scratch + rows * headDim
            let alongWidth = alongHeight + rows * relativeStride
            let attended = MutableMatrix(
                alongWidth + rows * relativeStride, rows: rows, columns: headDim, stride: stride)

            let query = MutableMatrix(scratch, rows: rows, columns: headDim, stride: headDim)
            for (row, query) in queries.enumerated() {
                (scratch + row * headDim).update(
                    from: self.row(of: 0, at: gridPlace(ofQuery: query)), count: headDim)
            }
            for (relative, products) in [
                (relPosHeight, alongHeight), (relPosWidth, alongWidth),
            ] {
                panelProduct(
                    query.readOnly, relative,
                    into: MutableMatrix(products, rows: rows, columns: distances, stride: relativeStride))
            }
            let scale = 1 / Float(headDim).squareRoot()
            for element in 0..<rows * headDim { scratch[element] *= scale }

            let outerSum = Kernels.current.outerSum
            Tensors.attend(queries: query.readOnly, keys: keys, values: values, into: attended) { row, keys, scores in
                let (y, x) = (queries.lowerBound + row).quotientAndRemainder(dividingBy: columns)
                let heightTerms = alongHeight + row * relativeStride + window - 1 - y
                let widthTerms = alongWidth + row * relativeStride + window - 1 - x
                var key = keys.lowerBound
                while key < keys.upperBound {
                    let (keyY, keyX) = key.quotientAndRemainder(dividingBy: window)
                    // Whole rows of the window, or what the range has of one.
                    let count = min(window - keyX, keys.upperBound - key)
                    let rows = count == window ? (keys.upperBound - key) / window : 1
                    outerSum(heightTerms + keyY, rows, widthTerms + keyX, count, scores + key - keys.lowerBound)
                    key += rows * count
                }
            }
            for (row, query) in queries.enumerated() {
                (result + gridPlace(ofQuery: query) * channels + firstChannel)
                    .update(from: attended.base + row * stride, count: headDim)
            }
        }
    }

    /// Where in the grid a query is.
    private func gridPlace(ofQuery query: Int) -> Int {
        (top + query / columns) * grid + left + query % columns
    }

    /// Where in the grid a token of the window is, or nil for one that pads it.
    @inline(__always)
    private func gridPlace(of token: Int) -> Int? {
        let (y, x) = (top + token / window, left + token % window)
        return y < grid && x < grid ? y * grid + x : nil
    }

    /// The query (part 0), key (1) or value (2) of a place in the grid, or of a token that pads it, `[headDim]`.
    @inline(__always)
    private func row(of part: Int, at place: Int?) -> UnsafePointer<Float> {
        (place.map { projected + $0 * 3 * channels } ?? padding) + part * channels + firstChannel
    }
}
