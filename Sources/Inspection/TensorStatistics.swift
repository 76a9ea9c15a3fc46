import SafeFiles
import Tensors

/// What the elements of a tensor are like. All but the counts are of the finite elements; nil where there are none.
public struct TensorStatistics: Encodable, Sendable {
    public let mean: OrNull<Double>
    /// √(Σ(x − mean)²/n), as NumPy's `std`.
    public let deviation: OrNull<Double>
    public let minimum: OrNull<Double>
    public let maximum: OrNull<Double>
    /// The share of elements that are exactly 0; 0 of no elements.
    public let zeros: Double
    public let notNumbers: Int
    public let infinities: Int

    enum CodingKeys: String, CodingKey {
        case mean, deviation, minimum, maximum, zeros, infinities
        case notNumbers = "not_numbers"
    }

    /// Sums in double precision, in two passes: the deviation of numbers far from 0 keeps its digits.
    public init(_ tensor: Tensor) {
        let count = tensor.count
        var (finite, sum, zeroCount, nans) = (0, 0.0, 0, 0)
        var (least, greatest) = (Float.infinity, -Float.infinity)
        var squares = 0.0
        tensor.withUnsafeBufferPointer { elements in
            for element in elements {
                if element == 0 { zeroCount += 1 }
                guard element.isFinite else {
                    nans += element.isNaN ? 1 : 0
                    continue
                }
                finite += 1
                sum += Double(element)
                least = min(least, element)
                greatest = max(greatest, element)
            }
            let mean = sum / Double(max(finite, 1))
            for element in elements where element.isFinite {
                squares += (Double(element) - mean) * (Double(element) - mean)
            }
        }
        func known(_ value: Double) -> OrNull<Double> { OrNull(finite > 0 ? value : nil) }
        mean = known(sum / Double(max(finite, 1)))
        deviation = known((squares / Double(max(finite, 1))).squareRoot())
        (minimum, maximum) = (known(Double(least)), known(Double(greatest)))
        zeros = Double(zeroCount) / Double(max(count, 1))
        (notNumbers, infinities) = (nans, count - finite - nans)
    }
}
