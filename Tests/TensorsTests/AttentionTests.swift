import Foundation
import Testing

@testable import Tensors

/// Attention against softmax(scale · q·kᵀ + bias) · v in loops of double precision.
///
/// The tolerance: a score is off by (headDim + 3)·2⁻²⁴·Σ|q·k|·scale; its power by that and 2⁻²⁴ of its distance to the
/// largest, relatively; the quotient twice that, with the roundings of two sums over the keys.
@Suite struct AttentionTests {
    struct Case: Sendable {
        var batch = 1
        var queries: Int
        var keys: Int
        var heads = 1
        var headDim: Int
        /// Queries and keys are spread from −magnitude to magnitude.
        var magnitude: Float = 1
    }

    /// Tiles are of 512 queries; heads are 80 wide in ViT-H, 16 in its decoder's cross attention.
    static let cases = [
        Case(queries: 1, keys: 1, headDim: 1), Case(queries: 3, keys: 2, headDim: 5),
        Case(batch: 2, queries: 7, keys: 9, heads: 8, headDim: 4),
        Case(batch: 3, queries: 9, keys: 64, heads: 2, headDim: 16),
        Case(queries: 511, keys: 5, headDim: 3), Case(queries: 512, keys: 5, headDim: 3),
        Case(batch: 2, queries: 513, keys: 33, heads: 2, headDim: 3), Case(queries: 1025, keys: 17, headDim: 2),
        Case(queries: 6, keys: 1030, heads: 2, headDim: 80, magnitude: 3),
        Case(queries: 8, keys: 30, heads: 2, headDim: 8, magnitude: 60),
        Case(batch: 0, queries: 3, keys: 4, headDim: 2),
        Case(queries: 0, keys: 4, headDim: 2),
    ]

    @Test(arguments: cases)
    func multiHeadAttentionIsItsDefinition(_ test: Case) {
        let channels = test.heads * test.headDim
        let range = -test.magnitude...test.magnitude
        let queries = uniform([test.batch, test.queries, channels], in: range, seed: 1)
        let keys = uniform([test.batch, test.keys, channels], in: range, seed: 2)
        let values = uniform([test.batch, test.keys, channels], seed: 3)
        expectAttention(queries, keys, values, heads: test.heads)
    }

    @Test func multiHeadAttentionOfStridedViews() {
        let projected = uniform([5, 2, 36], seed: 4).permuted(1, 0, 2)
        let parts = (0..<3).map { projected.sliced(axis: 2, $0 * 12..<$0 * 12 + 12) }
        expectAttention(parts[0], parts[1], parts[2], heads: 3)
    }

    /// Rows of the queries and the result apart from each other, a bias on the scores, keys in one block and in three,
    /// and scores that grow from block to block and that shrink.
    @Test(arguments: [11, 1200], [-3, 0, 3] as [Float])
    func attendWithStridesAndBias(_ keys: Int, _ slope: Float) throws {
        let (rows, headDim, stride) = (5, 6, 19)
        let (query, key, value) = (
            uniform([rows, stride], seed: 5), uniform([keys, stride], seed: 6), uniform([keys, stride], seed: 7)
        )
        let random = uniform([rows, keys], in: -4...4, seed: 8)
        func bias(_ row: Int, _ key: Int) -> Float { random[row, key] + slope * Float(key / 512) }
        let keyPanels = Panels(inner: headDim, columns: keys, .float32)
        keyPanels.pack(transposing: { key.base + $0 * stride })
        let valuePanels = Panels(inner: keys, columns: headDim, .float32)
        valuePanels.pack(rows: { value.base + $0 * stride })
        var result = [Float](repeating: 7, count: rows * stride)
        try result.withUnsafeMutableBufferPointer { buffer in
            let base = try #require(buffer.baseAddress)
            attend(
                queries: ConstMatrix(query.base, rows: rows, columns: headDim, stride: stride), keys: keyPanels,
                values: valuePanels, into: MutableMatrix(base, rows: rows, columns: headDim, stride: stride)
            ) { row, keys, scores in
                for key in keys { scores[key - keys.lowerBound] = bias(row, key) }
            }
        }
        for row in 0..<rows {
            let scores = (0..<keys).map { index in
                (0..<headDim).reduce(Double(bias(row, index))) {
                    $0 + Double(query[row, $1]) * Double(key[index, $1])
                }
            }
            let sum = scores.reduce(0) { $0 + exp($1) }
            for channel in 0..<headDim {
                let exact = (0..<keys).reduce(0) { $0 + exp(scores[$1]) / sum * Double(value[$1, channel]) }
                // Scores below 16: as computed by the suite's formula, (6 + 3)·16·2 and some for the sums of 1200.
                #expect(abs(Double(result[row * stride + channel]) - exact) <= 400 * roundoff)
            }
            #expect(result[row * stride + 16..<(row + 1) * stride].allSatisfy { $0 == 7 })
        }
    }

    private func expectAttention(
        _ queries: Tensor, _ keys: Tensor, _ values: Tensor, heads: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let result = multiHeadAttention(queries: queries, keys: keys, values: values, heads: heads)
        #expect(result.shape == queries.shape, sourceLocation: sourceLocation)
        let (queryCount, keyCount, channels) = (queries.shape[1], keys.shape[1], queries.shape[2])
        let headDim = channels / heads
        let scale = 1 / Double(headDim).squareRoot()
        let (q, k, v) = (queries.values.map(Double.init), keys.values.map(Double.init), values.values.map(Double.init))
        let results = result.values
        var worst = -Double.infinity
        for item in 0..<queries.shape[0] {
            for head in 0..<heads {
                for query in 0..<queryCount {
                    let queryStart = (item * queryCount + query) * channels + head * headDim
                    func keyStart(_ key: Int) -> Int { (item * keyCount + key) * channels + head * headDim }
                    var (scores, magnitude) = ([Double](repeating: 0, count: keyCount), 0.0)
                    for key in 0..<keyCount {
                        var absolute = 0.0
                        for channel in 0..<headDim {
                            let product = q[queryStart + channel] * k[keyStart(key) + channel] * scale
                            scores[key] += product
                            absolute += abs(product)
                        }
                        magnitude = max(magnitude, absolute)
                    }
                    let largest = scores.max() ?? 0
                    let powers = scores.map { exp($0 - largest) }
                    let sum = powers.reduce(0, +)
                    let score = Double(headDim + 3) * magnitude + 2 * magnitude + 4
                    let tolerance = roundoff * (2 * score + 2 * Double(keyCount) + 8)
                    for channel in 0..<headDim {
                        let exact = (0..<keyCount).reduce(0) { $0 + powers[$1] / sum * v[keyStart($1) + channel] }
                        worst.raise(to: abs(Double(results[queryStart + channel]) - exact) - tolerance)
                    }
                }
            }
        }
        #expect(worst <= 0, sourceLocation: sourceLocation)
    }
}
