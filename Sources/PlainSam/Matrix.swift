import Foundation

/// Rows of numbers: tokens of channels, or a mask of height and width.
public typealias Matrix = [[Double]]

extension Matrix {
    public var transposed: Matrix { isEmpty ? [] : self[0].indices.map { column in map { $0[column] } } }

    public func each(_ body: (Double) -> Double) -> Matrix { map { $0.map(body) } }

    /// Σₖ a[i][k]·b[k][j]; the inner loop goes along rows.
    static func * (a: Matrix, b: Matrix) -> Matrix {
        a.map { factors in
            var sums = [Double](repeating: 0, count: b[0].count)
            for (factor, row) in zip(factors, b) where factor != 0 {
                for j in sums.indices { sums[j] += factor * row[j] }
            }
            return sums
        }
    }
}

func sum(_ a: Matrix, _ b: Matrix) -> Matrix {
    precondition(a.count == b.count, "\(a.count) rows and \(b.count)")
    return zip(a, b).map { zip($0, $1).map(+) }
}

/// exp(x)/Σ exp(x) along each row.
func softmax(_ scores: Matrix) -> Matrix {
    scores.map { row in
        let largest = row.reduce(-.infinity, max)
        let powers = row.map { exp($0 - largest) }
        let total = powers.reduce(0, +)
        return powers.map { $0 / total }
    }
}

func split(_ values: [Double], _ length: Int) -> Matrix {
    stride(from: 0, to: values.count, by: length).map { Array(values[$0..<$0 + length]) }
}

/// One of the equal parts of each row.
func part(_ index: Int, of x: Matrix, size: Int) -> Matrix { x.map { Array($0[index * size..<(index + 1) * size]) } }

/// Matrices side by side.
func joined(_ parts: [Matrix]) -> Matrix { parts[0].indices.map { row in parts.flatMap { $0[row] } } }

func root(_ count: Int) -> Int { Int(Double(count).squareRoot()) }

/// x·Φ(x).
@Sendable public func gelu(_ x: Double) -> Double { x / 2 * erfc(-x / 2.0.squareRoot()) }

/// The usual approximation of ``gelu(_:)``.
@Sendable public func tanhGELU(_ x: Double) -> Double {
    x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
}

@Sendable public func relu(_ x: Double) -> Double { max(x, 0) }
