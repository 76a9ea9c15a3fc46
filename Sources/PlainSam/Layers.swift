import Foundation

/// Rows of numbers: tokens of channels, or a mask's height of widths.
public typealias Rows = [[Double]]

// MARK: - Layers

extension PlainModel {
    /// x·Wᵀ + b, where the file has a b.
    public func linear(_ x: Rows, _ path: String) -> Rows {
        let y = x * weight("\(path).weight").transposed
        let bias = names.contains("\(path).bias") ? vector("\(path).bias") : y[0].map { _ in 0 }
        return y.map { zip($0, bias).map(+) }
    }

    /// A convolution of a square with zeros around it: the linear layer of each neighbourhood `[channels · kernel²]`.
    public func conv2d(_ x: Rows, _ path: String, kernel: Int = 1, stride: Int = 1) -> Rows {
        let (side, padding) = (root(x.count), (kernel - stride) / 2)
        let target = side / stride
        let neighbourhoods = (0..<target * target).map { place in
            x[0].indices.flatMap { channel in
                (0..<kernel * kernel).map { part -> Double in
                    let row = place / target * stride + part / kernel - padding
                    let column = place % target * stride + part % kernel - padding
                    return 0..<side ~= row && 0..<side ~= column ? x[row * side + column][channel] : 0
                }
            }
        }
        return linear(neighbourhoods, path)
    }

    /// A transposed convolution of a square, of kernel and stride 2: each token becomes four.
    public func convTranspose2d(_ x: Rows, _ path: String) -> Rows {
        let (parts, bias, side) = (x * weight("\(path).weight"), vector("\(path).bias"), root(x.count))
        return (0..<4 * x.count).map { place in
            let (row, column) = place.quotientAndRemainder(dividingBy: 2 * side)
            let token = parts[row / 2 * side + column / 2]
            return bias.indices.map { bias[$0] + token[4 * $0 + row % 2 * 2 + column % 2] }
        }
    }

    /// (x − mean)/√(variance + epsilon)·weight + bias, over each token's channels; LayerNorm2d is the same.
    public func layerNorm(_ x: Rows, _ path: String, _ epsilon: Double) -> Rows {
        let (weight, bias) = (vector("\(path).weight"), vector("\(path).bias"))
        return x.map { x in
            let mean = x.reduce(0, +) / Double(x.count)
            let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
            return x.indices.map { (x[$0] - mean) / (variance + epsilon).squareRoot() * weight[$0] + bias[$0] }
        }
    }

    /// Linear layers with an activation after each but the last (`common.py:13`, `mask_decoder.py:154`).
    public func mlp(_ x: Rows, _ layers: [String], _ activation: Facts.Function) -> Rows {
        layers.dropFirst().reduce(linear(x, layers[0])) { linear($0.each(activation), $1) }
    }

    /// The weights `[target, source]` of a linear interpolation along one side.
    ///
    /// A target pixel's centre lies at (place + ½)·source/target. Around it a triangle weighs the source's pixels; it
    /// reaches one of them to both sides, or, antialiased and shrinking, one of the target's.
    public func interpolationWeights(_ kind: Facts.Interpolation, from source: Int, to target: Int) -> Rows {
        let scale = Double(source) / Double(target)
        let support = kind == .antialiased ? max(scale, 1) : 1
        return (0..<target).map { place in
            let centre =
                switch kind {
                case .bilinear, .antialiased: (Double(place) + 0.5) * scale
                case .alignedCorners: Double(place * (source - 1)) / Double(max(target - 1, 1)) + 0.5
                case .nearest: Double(place * source / target) + 0.5
                }
            let triangle = (0..<source).map { max(0, 1 - abs((Double($0) - centre + 0.5) * (1 / support))) }
            let total = triangle.reduce(0, +)
            return triangle.map { $0 / total }
        }
    }

    func vector(_ name: String) -> [Double] { weight(name).flatMap { $0 } }
}

/// x·Φ(x), Φ being the normal distribution's.
@Sendable public func gelu(_ x: Double) -> Double { x / 2 * erfc(-x / 2.0.squareRoot()) }

/// The approximation of ``gelu(_:)`` that many ports use.
@Sendable public func tanhGELU(_ x: Double) -> Double {
    x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
}

/// max(x, 0).
@Sendable public func relu(_ x: Double) -> Double { max(x, 0) }

/// exp(x)/Σ exp(x) along each row.
package func softmax(_ scores: Rows) -> Rows {
    scores.map { row in
        let largest = row.reduce(-.infinity, max)
        let powers = row.map { exp($0 - largest) }
        let total = powers.reduce(0, +)
        return powers.map { $0 / total }
    }
}

/// softmax(scores)·v for each head, which is `headDim` of the channels of q, k and v; the heads' results side by side.
func multiHead(_ q: Rows, _ k: Rows, _ v: Rows, headDim: Int, scores: (_ q: Rows, _ k: Rows) -> Rows) -> Rows {
    let attended = (0..<q[0].count / headDim).map { head -> Rows in
        let parts = [q, k, v].map { part(head, of: $0, size: headDim) }
        return softmax(scores(parts[0], parts[1])) * parts[2]
    }
    return joined(attended)
}

// MARK: - Rows

extension Rows {
    package var transposed: Rows { isEmpty ? [] : self[0].indices.map { column in map { $0[column] } } }

    package func each(_ body: (Double) -> Double) -> Rows { map { $0.map(body) } }

    /// Σₖ a[i][k]·b[k][j]. The inner loop follows rows; a weight of 0, as most are in an interpolation, costs nothing.
    package static func * (a: Rows, b: Rows) -> Rows {
        a.map { factors in
            var sums = [Double](repeating: 0, count: b[0].count)
            for (factor, row) in zip(factors, b) where factor != 0 {
                for j in sums.indices { sums[j] += factor * row[j] }
            }
            return sums
        }
    }
}

/// a + b; `+` puts the rows of one below those of the other.
package func sum(_ a: Rows, _ b: Rows) -> Rows {
    precondition(a.count == b.count, "\(a.count) rows and \(b.count)")
    return zip(a, b).map { zip($0, $1).map(+) }
}

package func split(_ values: [Double], _ length: Int) -> Rows {
    stride(from: 0, to: values.count, by: length).map { Array(values[$0..<$0 + length]) }
}

/// One of the equal parts of each row.
package func part(_ index: Int, of x: Rows, size: Int) -> Rows {
    x.map { Array($0[index * size..<(index + 1) * size]) }
}

/// Side by side.
package func joined(_ parts: [Rows]) -> Rows { parts[0].indices.map { row in parts.flatMap { $0[row] } } }

func root(_ count: Int) -> Int { Int(Double(count).squareRoot()) }

// MARK: - Names and layouts

extension PlainModel {
    /// The modules `path.0`, `path.1`, …
    package func modules(_ path: String) -> [String] {
        var paths: [String] = []
        while names.contains(where: { $0.hasPrefix("\(path).\(paths.count).") }) {
            paths.append("\(path).\(paths.count)")
        }
        return paths
    }

    enum Layout { case grid, image, tokens }

    /// Shows `x` as `[1, height, width, channels]`, `[1, channels, height, width]` or `[1, tokens, channels]`.
    func visited(_ name: String, _ x: Rows, _ layout: Layout = .grid) -> Rows {
        let (side, channels) = (root(x.count), x[0].count)
        switch layout {
        case .grid: visit(name, [1, side, side, channels], x.flatMap { $0 })
        case .image: visit(name, [1, channels, side, side], x.transposed.flatMap { $0 })
        case .tokens: visit(name, [1, x.count, channels], x.flatMap { $0 })
        }
        return x
    }
}
