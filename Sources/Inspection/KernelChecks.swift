import Foundation
import SafeFiles
import SegmentAnything
import Tensors

/// Something that was computed, held to its definition.
public struct Check: Sendable, Encodable {
    public var name: String
    /// The largest error, in units of what is allowed; at most 1 where the check passes.
    public var worst: Double
    /// What was compared, in words.
    public var detail: String

    public var passes: Bool { worst <= 1 }

    enum CodingKeys: String, CodingKey {
        case name, worst, detail, passes
    }

    /// What differs where it must be the same has no measure: null.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(OrNull(worst.isFinite ? worst : nil), forKey: .worst)
        try container.encode(detail, forKey: .detail)
        try container.encode(passes, forKey: .passes)
    }
}

/// Every kernel of every instruction set that this processor has, against its plain definition in double precision, on
/// seeded random numbers of many lengths, with and without tails beyond whole vectors.
public func kernelChecks() -> [Check] {
    InstructionSet.available.flatMap { set in
        [
            Check(name: "\(set.rawValue): product", worst: worstProduct(set, .float32), detail: "float32 panels"),
            Check(
                name: "\(set.rawValue): product in bfloat16", worst: worstProduct(set, .bfloat16),
                detail: "bfloat16 panels"),
            Check(name: "\(set.rawValue): softmax", worst: worstSoftmax(set), detail: "exp(x − max) / sum"),
            Check(name: "\(set.rawValue): GELU", worst: worstGELU(set), detail: "x·Φ(x) by erf"),
            Check(name: "\(set.rawValue): layer norm", worst: worstLayerNorm(set), detail: "one row"),
            Check(name: "\(set.rawValue): outer sum", worst: worstOuterSum(set), detail: "exact"),
            Check(name: "\(set.rawValue): rounding to bfloat16", worst: worstNarrowing(set), detail: "exact"),
            Check(name: "\(set.rawValue): transposing", worst: worstTransposition(set), detail: "exact"),
        ]
    }
}

/// Half a unit in the last place of 1.
private let roundoff = 0x1p-24

/// Seeded numbers from −1 to 1.
private func uniform(_ count: Int, _ name: String) -> [Float] {
    let random = Sketch(of: "kernels \(name) \(count)", projections: 64)
    return (0..<count).map { Float(random.signs(element: $0, word: 0) >> 40) * 0x1p-23 - 1 }
}

/// Lengths around whole vectors of 8 and of 16.
private let lengths = [1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 100, 257]

/// A product sums up to `inner` terms, each of which rounds twice.
private func worstProduct(_ set: InstructionSet, _ precision: Precision) -> Double {
    var worst = 0.0
    for (rows, inner, columns) in [(1, 1, 1), (5, 9, 17), (13, 31, 16), (12, 64, 33), (3, 100, 5)] {
        let (left, right) = (uniform(rows * inner, "left"), uniform(inner * columns, "right"))
        let rounded = { (x: Float) in precision == .float32 ? Double(x) : Double(bfloat16Rounded(x)) }
        let panels = Panels(inner: inner, columns: columns, precision)
        right.withUnsafeBufferPointer { right in
            panels.pack(rows: { right.baseAddress.unsafelyUnwrapped + $0 * columns })
        }
        var product = [Float](repeating: .nan, count: rows * panels.paddedColumns)
        left.withUnsafeBufferPointer { left in
            product.withUnsafeMutableBufferPointer { product in
                panelProduct(
                    ConstMatrix(left.baseAddress.unsafelyUnwrapped, rows: rows, columns: inner, stride: inner), panels,
                    into: MutableMatrix(
                        product.baseAddress.unsafelyUnwrapped, rows: rows, columns: columns,
                        stride: panels.paddedColumns), kernels: Kernels(set))
            }
        }
        for row in 0..<rows {
            for column in 0..<columns {
                let terms = (0..<inner).map { rounded(left[row * inner + $0]) * rounded(right[$0 * columns + column]) }
                let allowed = Double(inner + 2) * roundoff * terms.reduce(0) { $0 + abs($1) }
                let error = abs(Double(product[row * panels.paddedColumns + column]) - terms.reduce(0, +))
                worst = max(worst, error / max(allowed, 1e-30))
            }
        }
    }
    return worst
}

/// A float rounded to bfloat16, ties to even.
private func bfloat16Rounded(_ x: Float) -> Float {
    let bits = x.bitPattern
    return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
}

private func worstSoftmax(_ set: InstructionSet) -> Double {
    let kernels = Kernels(set)
    return lengths.map { count in
        let scores = uniform(count, "scores").map { 20 * $0 }
        var powers = scores
        let sum = kernels.exponentiate(&powers, count, kernels.maximum(scores, count))
        // The distance to the largest score is rounded, powers have two units, and a sum rounds with each of its parts.
        return zip(powers, softmax(scores)).map { power, exact in
            abs(Double(power) / Double(sum) - exact) / ((48 + Double(count) / 8) * roundoff * exact + 1e-37)
        }.max() ?? 0
    }.max() ?? 0
}

private func worstGELU(_ set: InstructionSet) -> Double {
    lengths.map { count in
        let x = uniform(count, "gelu").map { 6 * $0 }
        var y = x
        Kernels(set).gelu(&y, count)
        // As documented: 3e-7 relative from 0 up, 6e-8 absolute below.
        return zip(x, y).map { x, y in
            let exact = Double(x) / 2 * erfc(-Double(x) / 2.0.squareRoot())
            return abs(Double(y) - exact) / (x >= 0 ? max(3e-7 * exact, 1e-44) : 6e-8)
        }.max() ?? 0
    }.max() ?? 0
}

private func worstLayerNorm(_ set: InstructionSet) -> Double {
    lengths.filter { $0 > 1 }.map { count in
        let (x, weight, bias) = (uniform(count, "x"), uniform(count, "weight"), uniform(count, "bias"))
        var y = [Float](repeating: .nan, count: count)
        Kernels(set).normalise(x, &y, count, weight, bias, 1e-6)
        let mean = x.reduce(0) { $0 + Double($1) } / Double(count)
        let variance = x.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(count)
        let deviation = (variance + 1e-6).squareRoot()
        return x.indices.map { index in
            let normal = (Double(x[index]) - mean) / deviation
            let exact = normal * Double(weight[index]) + Double(bias[index])
            let scale = abs(Double(weight[index])) * (1 / deviation + 2 * abs(normal)) + abs(Double(bias[index]))
            return abs(Double(y[index]) - exact) / (roundoff * (Double(count) / 8 + 20) * scale)
        }.max() ?? 0
    }.max() ?? 0
}

/// 0 where both are the same to the bit, else infinity.
private func sameBits(_ values: some Sequence<Float>, _ expected: some Sequence<Float>) -> Double {
    values.elementsEqual(expected) { $0.bitPattern == $1.bitPattern } ? 0 : .infinity
}

private func worstOuterSum(_ set: InstructionSet) -> Double {
    lengths.map { columns in
        let (x, y) = (uniform(3, "rows"), uniform(columns + 15, "columns"))
        var sums = [Float](repeating: 0, count: 3 * columns + 15)
        Kernels(set).outerSum(x, 3, y, columns, &sums)
        return sameBits(sums.prefix(3 * columns), (0..<3 * columns).map { x[$0 / columns] + y[$0 % columns] })
    }.max() ?? 0
}

private func worstNarrowing(_ set: InstructionSet) -> Double {
    lengths.map { count in
        let x = uniform(count, "narrow")
        var y = [UInt16](repeating: 0, count: count)
        Kernels(set).narrow(x, &y, count)
        return sameBits(y.map { Float(bitPattern: UInt32($0) << 16) }, x.map(bfloat16Rounded))
    }.max() ?? 0
}

private func worstTransposition(_ set: InstructionSet) -> Double {
    lengths.map { count in
        let x = uniform(16 * count, "transpose")
        var y = [Float](repeating: .nan, count: 16 * count)
        x.withUnsafeBufferPointer { x in
            let rows: [UnsafePointer<Float>?] = (0..<16).map { x.baseAddress.unsafelyUnwrapped + $0 * count }
            Kernels(set).transpose(rows, &y, count)
        }
        return sameBits(y, (0..<16 * count).map { x[$0 % 16 * count + $0 / 16] })
    }.max() ?? 0
}
