import Foundation
import Tensors

/// The directions in which tokens differ most, and where each token lies along them (Pearson 1901).
///
/// The eigenvectors of XᵀX for centred tokens X, by subspace iteration and one Rayleigh–Ritz step (Halko, Martinsson and Tropp
/// 2011, section 4.5). Products are BLAS's, in single precision.
public struct PrincipalComponents: Sendable {
    /// Where each token lies along each component, `[tokens, count]`; the component's largest loading is positive.
    public let projections: Tensor
    /// The share of the variance that each component has; 0 where tokens do not differ.
    public let shares: [Double]

    /// - Parameters:
    ///   - tokens: `[tokens, channels]`.
    ///   - count: of components; those that the channels do not have are 0.
    public init(of tokens: Tensor, count: Int = 3) {
        precondition(tokens.shape.count == 2 && count > 0, "components of \(tokens.shape)")
        let centred = centred(tokens)
        let (rows, channels) = (tokens.shape[0], tokens.shape[1])
        let transposed = centred.permuted(1, 0).contiguous()
        let covariance = linear(transposed, weight: transposed)
        let variance = (0..<channels).reduce(0.0) { $0 + Double(covariance[$1, $1]) }
        guard rows > 0, variance > 0 else {
            projections = Tensor(repeating: 0, shape: [rows, count])
            shares = [Double](repeating: 0, count: count)
            return
        }
        let pairs = leadingEigenpairs(covariance, count: min(count, channels))
        let missing = count - pairs.count
        shares = pairs.map { max($0.value, 0) / variance } + [Double](repeating: 0, count: missing)
        let vectors = pairs.flatMap { withPositivePeak($0.vector).map(Float.init) }
        projections = linear(
            centred,
            weight: Tensor(vectors + [Float](repeating: 0, count: missing * channels), shape: [count, channels]))
    }

    /// Three components as red, green and blue, `[tokens, 3]`: each from its 2nd percentile, 0, to its 98th, 255.
    public var colours: [UInt8] {
        let (tokens, count) = (projections.shape[0], projections.shape[1])
        precondition(count == 3, "colours of \(count) components")
        let values = projections.values
        var colours = [UInt8](repeating: 0, count: values.count)
        for component in 0..<3 where tokens > 0 {
            let along = (0..<tokens).map { values[3 * $0 + component] }
            let sorted = along.sorted()
            let (low, high) = (sorted[tokens * 2 / 100], sorted[(tokens - 1) * 98 / 100])
            for token in 0..<tokens {
                let place = high > low ? min(max((along[token] - low) / (high - low), 0), 1) : 0.5
                colours[3 * token + component] = UInt8((place * 255).rounded())
            }
        }
        return colours
    }
}

private typealias Eigenpair = (value: Double, vector: [Double])

/// The mean of each channel subtracted.
private func centred(_ tokens: Tensor) -> Tensor {
    let (rows, channels) = (tokens.shape[0], tokens.shape[1])
    var values = tokens.values
    var means = [Double](repeating: 0, count: channels)
    for row in 0..<rows { for channel in 0..<channels { means[channel] += Double(values[row * channels + channel]) } }
    for row in 0..<rows {
        for channel in 0..<channels {
            let place = row * channels + channel
            values[place] = Float(Double(values[place]) - means[channel] / Double(rows))
        }
    }
    return Tensor(values, shape: [rows, channels])
}

/// The largest eigenvalues of a symmetric matrix, the largest first, with their vectors.
private func leadingEigenpairs(_ matrix: Tensor, count: Int) -> [Eigenpair] {
    let size = matrix.shape[0]
    // More directions than are wanted: the error of these shrinks in each round by the ratio to the first that is left out.
    let width = min(count + 5, size)
    var generator = SplitMix64(seed: 1)
    var basis = (0..<width).map { _ in (0..<size).map { _ in Double.random(in: -1...1, using: &generator) } }
    for _ in 0..<60 { basis = orthonormal(multiplied(basis, by: matrix)) }
    let images = multiplied(basis, by: matrix)
    let (values, rotation) = jacobi(images.map { image in basis.map { dot(image, $0) } })
    return values.indices.sorted { values[$0] > values[$1] }.prefix(count).map { pair in
        let vector = (0..<size).map { place in
            basis.indices.reduce(0.0) { $0 + rotation[$1][pair] * basis[$1][place] }
        }
        return (values[pair], vector)
    }
}

/// Each vector times a symmetric matrix.
private func multiplied(_ vectors: [[Double]], by matrix: Tensor) -> [[Double]] {
    let size = matrix.shape[0]
    let product = linear(Tensor(vectors.flatMap { $0.map(Float.init) }, shape: [vectors.count, size]), weight: matrix)
    let values = product.values
    return vectors.indices.map { values[$0 * size..<($0 + 1) * size].map(Double.init) }
}

/// Modified Gram–Schmidt, twice; a vector that depends on those before it becomes 0.
private func orthonormal(_ vectors: [[Double]]) -> [[Double]] {
    var result: [[Double]] = []
    for vector in vectors {
        var vector = vector
        let length = dot(vector, vector).squareRoot()
        for _ in 0..<2 {
            for other in result {
                let share = dot(vector, other)
                for place in vector.indices { vector[place] -= share * other[place] }
            }
        }
        let rest = dot(vector, vector).squareRoot()
        result.append(vector.map { rest > 1e-12 * length ? $0 / rest : 0 })
    }
    return result
}

/// The eigenvalues of a small symmetric matrix, and its eigenvectors as columns, by Jacobi's rotations.
private func jacobi(_ matrix: [[Double]]) -> (values: [Double], vectors: [[Double]]) {
    let size = matrix.count
    var a = matrix
    var v = (0..<size).map { row in (0..<size).map { $0 == row ? 1.0 : 0 } }
    // Eight rows need some six sweeps.
    for _ in 0..<20 {
        for p in 0..<size {
            for q in p + 1..<max(size, p + 1) where a[p][q] != 0 {
                let angle = 0.5 * atan2(2 * a[p][q], a[q][q] - a[p][p])
                let (c, s) = (cos(angle), sin(angle))
                for k in 0..<size { (a[k][p], a[k][q]) = (c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]) }
                for k in 0..<size { (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]) }
                for k in 0..<size { (v[k][p], v[k][q]) = (c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]) }
            }
        }
    }
    return ((0..<size).map { a[$0][$0] }, v)
}

private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

/// The vector or its opposite: a direction has no sign of its own.
private func withPositivePeak(_ vector: [Double]) -> [Double] {
    let peak = vector.max { abs($0) < abs($1) } ?? 0
    return peak < 0 ? vector.map { -$0 } : vector
}
