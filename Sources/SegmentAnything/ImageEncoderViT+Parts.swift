import Tensors

// What a recorder is shown of the encoder's attention. The reference has windows in memory, filled with zeros beyond the
// grid, and all of their tokens attend; the fast code has neither windows nor padding, and never keeps a score.

extension Attention {
    /// The module's output, `[windows, window, window, channels]`, from its input and from what the fast code made of it.
    func recorded(_ x: Tensor, attended: Tensor) -> Tensor {
        if grid % window == 0 { return windows(attended, window) }
        let padded = withPadding(qkv(x))
        return windows(proj(resized(to: padded.shape[0]).attended(padded)), window)
    }

    /// Shows queries, keys, values, scores, relative terms, weights and weighted values.
    ///
    /// - Parameter x: `[grid, grid, channels]`.
    func recordParts(_ x: Tensor, path: String, _ recorder: Recorder) {
        lazy var projected = windows(withPadding(qkv(x)), window)
        lazy var queries = part(0, of: projected)
        lazy var keys = part(1, of: projected)
        lazy var values = part(2, of: projected)
        lazy var scores = scaledProducts(queries, keys)
        lazy var down = relativeTerms(queries, relPosHeight, of: { $0 / window })
        lazy var across = relativeTerms(queries, relPosWidth, of: { $0 % window })
        lazy var weights = softmax(withRelativeTerms(scores, down, across))
        recorder.recordPart("\(path).qkv", projected)
        recorder.recordPart("\(path).q", queries)
        recorder.recordPart("\(path).k", keys)
        recorder.recordPart("\(path).v", values)
        recorder.recordPart("\(path).scores", scores)
        recorder.recordPart("\(path).rel_h", down)
        recorder.recordPart("\(path).rel_w", across)
        recorder.recordPart("\(path).weights", weights)
        recorder.recordPart("\(path).values", joinedHeads(products(weights, values)))
    }

    /// The same for a grid of another size: that of whole windows.
    private func resized(to grid: Int) -> Attention {
        var attention = self
        attention.grid = grid
        return attention
    }

    /// `[grid, grid, 3·channels]` filled to whole windows with what a padded token's projection is: the bias.
    func withPadding(_ projected: Tensor) -> Tensor {
        let side = (grid + window - 1) / window * window
        if side == grid { return projected }
        let width = padding.count
        return Tensor(shape: [side, side, width]) { result in
            for place in 0..<side * side {
                let (y, x) = place.quotientAndRemainder(dividingBy: side)
                let source = y < grid && x < grid ? projected.base + (y * grid + x) * width : padding.base
                (result + place * width).update(from: source, count: width)
            }
        }
    }

    /// Queries (0), keys (1) or values (2) of each head, `[windows · heads, tokens, headDim]` (`image_encoder.py:229`).
    func part(_ part: Int, of projected: Tensor) -> Tensor {
        let (count, tokens, heads) = (projected.shape[0], window * window, projected.shape[3] / 3 / headDim)
        return projected.reshaped([count, tokens, 3, heads, headDim]).selecting(axis: 2, part).permuted(0, 2, 1, 3)
            .reshaped([count * heads, tokens, headDim])
    }

    /// `[windows · heads, tokens, headDim]` to `[windows, window, window, channels]`.
    func joinedHeads(_ x: Tensor) -> Tensor {
        let heads = padding.count / 3 / headDim
        return x.reshaped([x.shape[0] / heads, heads, window * window, headDim]).permuted(0, 2, 1, 3)
            .reshaped([x.shape[0] / heads, window, window, heads * headDim])
    }

    /// q·kᵀ/√headDim, `[windows · heads, tokens, tokens]`.
    func scaledProducts(_ queries: Tensor, _ keys: Tensor) -> Tensor {
        let scale = 1 / Float(headDim).squareRoot()
        return products(queries.mapped { $0 * scale }, keys.permuted(0, 2, 1))
    }

    /// A query's terms for the window's rows or columns, `[windows · heads, window, window, window]`
    /// (`image_encoder.py:354`).
    ///
    /// - Parameters:
    ///   - relative: the packed vectors, reversed: a query's terms for keys from the first on are adjacent.
    ///   - position: the row or the column of a token.
    func relativeTerms(_ queries: Tensor, _ relative: Panels, of position: (_ token: Int) -> Int) -> Tensor {
        let (count, tokens, stride) = (queries.shape[0], queries.shape[1], relative.paddedColumns)
        return Tensor(shape: [count, window, window, window]) { terms in
            withScratch(tokens * stride) { rows in
                for item in 0..<count {
                    panelProduct(
                        ConstMatrix(
                            queries.base + item * tokens * headDim, rows: tokens, columns: headDim, stride: headDim),
                        relative,
                        into: MutableMatrix(rows, rows: tokens, columns: 2 * window - 1, stride: stride))
                    for token in 0..<tokens {
                        (terms + (item * tokens + token) * window).update(
                            from: rows + token * stride + window - 1 - position(token), count: window)
                    }
                }
            }
        }
    }

    /// Scores to each of which the terms of its key's row and column are added.
    func withRelativeTerms(_ scores: Tensor, _ down: Tensor, _ across: Tensor) -> Tensor {
        let tokens = window * window
        return Tensor(shape: scores.shape) { sums in
            for query in 0..<scores.shape[0] * tokens {
                for key in 0..<tokens {
                    sums[query * tokens + key] =
                        scores.base[query * tokens + key] + down.base[query * window + key / window]
                        + across.base[query * window + key % window]
                }
            }
        }
    }
}

/// The windows of `[side, side, channels]` as the reference has them, `[windows, window, window, channels]`
/// (`image_encoder.py:243`).
///
/// - Precondition: the side is a whole number of windows.
func windows(_ x: Tensor, _ window: Int) -> Tensor {
    let (across, channels) = (x.shape[0] / window, x.shape[2])
    precondition(x.shape[0] == across * window && x.shape[1] == x.shape[0], "windows of \(window) in \(x.shape)")
    return x.reshaped([across, window, across, window, channels]).permuted(0, 2, 1, 3, 4)
        .reshaped([across * across, window, window, channels])
}

// MARK: - Plain attention

extension Tensor {
    func mapped(_ body: (Float) -> Float) -> Tensor { Tensor(values.map(body), shape: shape) }
}

/// left · right for each item: `[items, rows, inner]` by `[items, inner, columns]`.
func products(_ left: Tensor, _ right: Tensor) -> Tensor {
    precondition(
        left.shape.count == 3 && left.shape[0] == right.shape[0] && left.shape[2] == right.shape[1],
        "products of \(left.shape) and \(right.shape)")
    let (left, right) = (left.contiguous(), right.contiguous())
    let (items, rows, inner, columns) = (left.shape[0], left.shape[1], left.shape[2], right.shape[2])
    return Tensor(shape: [items, rows, columns]) { result in
        parallelFor(items) { item in
            matmul(
                ConstMatrix(left.base + item * rows * inner, rows: rows, columns: inner, stride: inner),
                ConstMatrix(right.base + item * inner * columns, rows: inner, columns: columns, stride: columns),
                transposed: false,
                into: MutableMatrix(result + item * rows * columns, rows: rows, columns: columns, stride: columns))
        }
    }
}

/// exp(x)/Σ exp(x) over the last axis.
func softmax(_ x: Tensor) -> Tensor {
    let (x, columns) = (x.contiguous(), x.shape.last ?? 1)
    return Tensor(shape: x.shape) { result in
        parallelFor(x.count / max(columns, 1)) { row in
            let target = result + row * columns
            target.update(from: x.base + row * columns, count: columns)
            let sum = Kernels.current.exponentiate(target, columns, Kernels.current.maximum(target, columns))
            for column in 0..<columns { target[column] /= sum }
        }
    }
}
