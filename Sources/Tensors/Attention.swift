import Foundation

/// Attention of some queries to all keys, on the calling thread:
/// `softmax(scale · queries · keysᵀ + bias) · values` (Vaswani et al. 2017, equation 1).
///
/// `queries` is `[queryTokens, headDim]`, `keys` and `values` `[keyTokens, headDim]`, rows any stride apart.
/// `scores` is scratch of queryTokens · keyTokens floats, so that a caller who passes a tile of queries never has
/// more than that tile's scores in memory.
///
/// - Parameter addBias: adds what else belongs to the scores of query `row`, after scaling.
package func attend(
    queries: ConstMatrix, keys: ConstMatrix, values: ConstMatrix, scale: Float,
    scores: UnsafeMutablePointer<Float>, into result: MutableMatrix,
    addBias: (_ row: Int, _ scores: UnsafeMutableBufferPointer<Float>) -> Void = { _, _ in }
) {
    let matrix = MutableMatrix(scores, rows: queries.rows, columns: keys.rows, stride: keys.rows)
    matmul(queries, keys, transposed: true, into: matrix)
    var sums = [Float](repeating: 0, count: queries.rows)
    for row in 0..<queries.rows {
        let rowScores = UnsafeMutableBufferPointer(start: scores + row * keys.rows, count: keys.rows)
        for position in rowScores.indices { rowScores[position] *= scale }
        addBias(row, rowScores)
        sums[row] = exponentiate(rowScores)
    }
    // Dividing the few results by the sum instead of the many weights gives the same quotient.
    matmul(matrix.readOnly, values, transposed: false, into: result)
    for row in 0..<result.rows {
        let reciprocal = 1 / sums[row]
        for channel in 0..<result.columns { result.base[row * result.stride + channel] *= reciprocal }
    }
}

/// Replaces scores s by exp(s − max s) and returns their sum: a softmax but for the division.
func exponentiate(_ scores: UnsafeMutableBufferPointer<Float>) -> Float {
    var largest = Lanes(repeating: -.infinity)
    let bytes = UnsafeRawBufferPointer(scores)
    let vectors = scores.count / Lanes.scalarCount
    for vector in 0..<vectors {
        let scores = bytes.loadUnaligned(
            fromByteOffset: vector * MemoryLayout<Lanes>.stride, as: Lanes.self)
        largest = largest.replacing(with: scores, where: scores .> largest)
    }
    var maximum = largest.max()
    for position in vectors * Lanes.scalarCount..<scores.count { maximum = max(maximum, scores[position]) }

    // Sums of blocks, then of sums: with thousands of scores, one running sum would lose a digit.
    var total: Float = 0
    for start in stride(from: 0, to: scores.count, by: 512) {
        var partial = Lanes(repeating: 0)
        var tail: Float = 0
        UnsafeMutableBufferPointer(rebasing: scores[start..<min(start + 512, scores.count)]).transform(
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
        total += partial.sum() + tail
    }
    return total
}

/// softmax(x)ᵢ = exp(xᵢ) / Σ exp(xⱼ): the plain definition, in double precision, to which tests hold
/// ``exponentiate(_:)``.
package func softmax(_ scores: [Float]) -> [Double] {
    let maximum = scores.max().map(Double.init) ?? 0
    let powers = scores.map { exp(Double($0) - maximum) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}
