import Tensors
import TestSupport

/// Seeded random values, evenly spread over a range.
func uniform(_ count: Int, in range: ClosedRange<Float> = -1...1, seed: UInt64) -> [Float] {
    var generator = SplitMix(seed: seed)
    return (0..<count).map { _ in Float.random(in: range, using: &generator) }
}

/// A tensor of seeded random values.
func uniform(_ shape: [Int], in range: ClosedRange<Float> = -1...1, seed: UInt64) -> Tensor {
    Tensor(uniform(shape.reduce(1, *), in: range, seed: seed), shape: shape)
}

/// Every index of a shape, in the order of the axes.
func indices(of shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { heads, extent in heads.flatMap { head in (0..<extent).map { head + [$0] } } }
}

extension Double {
    /// Becomes the larger of the two, and NaN where either is, unlike `max`: a comparison with it is then false.
    mutating func raise(to other: Double) {
        self = isNaN || other.isNaN ? .nan : Swift.max(self, other)
    }
}

/// The unit roundoff of single precision: an operation's result is off by at most this, relatively.
let roundoff = 0x1p-24

extension Tensor {
    /// The element at an index, by the definition of a layout.
    func element(_ index: [Int]) -> Float {
        storage.base[layout.place(index)]
    }
}

extension Layout {
    /// Where in the storage an element lies, by the definition of a layout.
    func place(_ index: [Int]) -> Int {
        zip(index, strides).reduce(offset) { $0 + $1.0 * $1.1 }
    }

    /// Where all elements lie, in the order of the axes.
    var places: [Int] { indices(of: shape).map(place) }
}
