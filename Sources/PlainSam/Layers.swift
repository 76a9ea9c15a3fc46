import Foundation

/// Rows of numbers: tokens of channels, or a mask of height and width.
public typealias Rows = [[Double]]

extension Rows {
    public var transposed: Rows { isEmpty ? [] : self[0].indices.map { column in map { $0[column] } } }

    public func each(_ body: (Double) -> Double) -> Rows { map { $0.map(body) } }

    /// Σₖ a[i][k]·b[k][j]; the inner loop goes along rows.
    static func * (a: Rows, b: Rows) -> Rows {
        a.map { factors in
            var sums = [Double](repeating: 0, count: b[0].count)
            for (factor, row) in zip(factors, b) where factor != 0 {
                for j in sums.indices { sums[j] += factor * row[j] }
            }
            return sums
        }
    }
}

func sum(_ a: Rows, _ b: Rows) -> Rows {
    precondition(a.count == b.count, "\(a.count) rows and \(b.count)")
    return zip(a, b).map { zip($0, $1).map(+) }
}

/// exp(x)/Σ exp(x) along each row.
func softmax(_ scores: Rows) -> Rows {
    scores.map { row in
        let largest = row.reduce(-.infinity, max)
        let powers = row.map { exp($0 - largest) }
        let total = powers.reduce(0, +)
        return powers.map { $0 / total }
    }
}

func split(_ values: [Double], _ length: Int) -> Rows {
    stride(from: 0, to: values.count, by: length).map { Array(values[$0..<$0 + length]) }
}

/// One of the equal parts of each row.
func part(_ index: Int, of x: Rows, size: Int) -> Rows { x.map { Array($0[index * size..<(index + 1) * size]) } }

/// Matrices side by side.
func joined(_ parts: [Rows]) -> Rows { parts[0].indices.map { row in parts.flatMap { $0[row] } } }

func root(_ count: Int) -> Int { Int(Double(count).squareRoot()) }

/// x·Φ(x).
@Sendable public func gelu(_ x: Double) -> Double { x / 2 * erfc(-x / 2.0.squareRoot()) }

/// The usual approximation of ``gelu(_:)``.
@Sendable public func tanhGELU(_ x: Double) -> Double {
    x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
}

@Sendable public func relu(_ x: Double) -> Double { max(x, 0) }

// MARK: - Layers

extension PlainModel {
    /// x·Wᵀ + b.
    public func linear(_ x: Rows, _ path: String) -> Rows {
        let y = x * weight("\(path).weight").transposed
        let bias = names.contains("\(path).bias") ? vector("\(path).bias") : y[0].map { _ in 0 }
        return y.map { zip($0, bias).map(+) }
    }

    /// A linear layer of each place's neighbourhood `[channels · kernel²]` in a square, with zeros around it.
    public func conv2d(_ x: Rows, _ path: String, kernel: Int = 1, stride: Int = 1) -> Rows {
        let (side, padding) = (root(x.count), (kernel - stride) / 2)
        let neighbourhoods = (0..<side / stride * (side / stride)).map { place in
            x[0].indices.flatMap { channel in
                (0..<kernel * kernel).map { part -> Double in
                    let row = place / (side / stride) * stride + part / kernel - padding
                    let column = place % (side / stride) * stride + part % kernel - padding
                    return 0..<side ~= row && 0..<side ~= column ? x[row * side + column][channel] : 0
                }
            }
        }
        return linear(neighbourhoods, path)
    }

    /// Makes four tokens of each in a square: a transposed convolution whose kernel and stride are 2.
    public func convTranspose2d(_ x: Rows, _ path: String) -> Rows {
        let (parts, bias, side) = (x * weight("\(path).weight"), vector("\(path).bias"), root(x.count))
        return (0..<4 * x.count).map { place in
            let (row, column) = place.quotientAndRemainder(dividingBy: 2 * side)
            let token = parts[row / 2 * side + column / 2]
            return bias.indices.map { bias[$0] + token[4 * $0 + row % 2 * 2 + column % 2] }
        }
    }

    /// (x − mean)/√(variance + epsilon)·weight + bias over the channels of each token.
    public func layerNorm(_ x: Rows, _ path: String, _ epsilon: Double) -> Rows {
        let (weight, bias) = (vector("\(path).weight"), vector("\(path).bias"))
        return x.map { x in
            let mean = x.reduce(0, +) / Double(x.count)
            let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
            return x.indices.map { (x[$0] - mean) / (variance + epsilon).squareRoot() * weight[$0] + bias[$0] }
        }
    }

    /// Linear layers with activations between them (`common.py:13`, `mask_decoder.py:154`).
    public func mlp(_ x: Rows, _ layers: [String], _ activation: Facts.Function) -> Rows {
        layers.dropFirst().reduce(linear(x, layers[0])) { linear($0.each(activation), $1) }
    }
}
