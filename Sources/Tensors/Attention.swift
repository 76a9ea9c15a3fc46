import Foundation

/// Attention of some queries to all keys, on the calling thread: `softmax(scale · (queries · keys + bias)) · values`
/// (Vaswani et al. 2017, equation 1).
///
/// Keys are taken in blocks, and queries in strips: their scores stay in the cache, and what was summed so far is scaled down where
/// a block brings a larger score (Dao et al. 2022, FlashAttention, algorithm 1).
///
/// - Parameters:
///   - queries: `[queryTokens, headDim]`.
///   - keys: `[headDim, keyTokens]`.
///   - values: `[keyTokens, valueDim]`.
///   - result: `[queryTokens, valueDim]`, with room for the panels' padding in each row.
///   - bias: initialises one query's scores for a range of keys, to which q · k is then added. It is called in the order of
///     the queries, and may write up to ``Panels/width`` floats past the range.
@inline(__always)
package func attend(
    queries: ConstMatrix, keys: Panels, values: Panels, scale: Float = 1, into result: MutableMatrix,
    bias: (_ query: Int, _ keys: Range<Int>, _ scores: UnsafeMutablePointer<Float>) -> Void
) {
    let (rows, tokens) = (queries.rows, keys.columns)
    let block = min(tokens, keyBlock)
    let stride = Panels.panelCount(block) * Panels.width
    let kernels = Kernels.current
    withScratch(queryStrip * stride + Panels.width + 2 * rows) { scores in
        let maxima = scores + queryStrip * stride + Panels.width
        let sums = maxima + rows
        for first in Swift.stride(from: 0, to: tokens, by: keyBlock) {
            let range = first..<min(first + keyBlock, tokens)
            let padded = Panels.panelCount(range.count) * Panels.width
            for start in Swift.stride(from: 0, to: rows, by: queryStrip) {
                let strip = start..<min(start + queryStrip, rows)
                let stripResult = result[strip, 0..<result.columns]
                for row in strip { bias(row, range, scores + (row - start) * stride) }
                panelProduct(
                    queries[strip, 0..<queries.columns], keys, columns: range,
                    into: MutableMatrix(scores, rows: strip.count, columns: range.count, stride: stride),
                    accumulate: true)
                for row in strip {
                    let rowScores = scores + (row - start) * stride
                    if scale != 1 { for key in 0..<range.count { rowScores[key] *= scale } }
                    // Whole vectors, whose last have no weight.
                    for key in range.count..<padded { rowScores[key] = -.infinity }
                    let before = first == 0 ? -.infinity : maxima[row]
                    let largest = max(before, kernels.maximum(rowScores, padded))
                    let sum = kernels.exponentiate(rowScores, padded, largest)
                    if first > 0 {
                        let shrink = exp(before - largest)
                        sums[row] = sums[row] * shrink + sum
                        let soFar = result.base + row * result.stride
                        if shrink < 1 { for channel in 0..<values.columns { soFar[channel] *= shrink } }
                    } else {
                        sums[row] = sum
                    }
                    maxima[row] = largest
                }
                panelProduct(
                    ConstMatrix(scores, rows: strip.count, columns: range.count, stride: stride), values, rows: range,
                    into: stripResult, accumulate: first > 0)
            }
        }
        // Dividing the few results by the sum instead of the many weights gives the same quotient.
        for row in 0..<rows {
            let reciprocal = 1 / sums[row]
            for channel in 0..<result.columns { result.base[row * result.stride + channel] *= reciprocal }
        }
    }
}

/// Queries whose scores are made and used at once: as many rows as a tile of a product has, so that with a block of keys
/// they stay in the first-level cache.
private let queryStrip = 12

/// Keys of a block; those of a window are one.
private let keyBlock = 512

/// Replaces scores s by exp(s − maximum) and returns their sum: a softmax but for the division.
package func exponentiate(_ scores: UnsafeMutableBufferPointer<Float>, maximum: Float) -> Float {
    var partial = Lanes(repeating: 0)
    var tail: Float = 0
    scores.transform(
        fast: {
            let power = exponential($0 - maximum)
            partial += power
            return power
        },
        plain: {
            let power = exp($0 - maximum)
            tail += power
            return power
        })
    return partial.sum() + tail
}

/// softmax(x)ᵢ = exp(xᵢ) / Σ exp(xⱼ): the plain definition, in double precision, to which tests hold
/// ``exponentiate(_:maximum:)``.
package func softmax(_ scores: [Float]) -> [Double] {
    let maximum = scores.max().map(Double.init) ?? 0
    let powers = scores.map { exp(Double($0) - maximum) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}
