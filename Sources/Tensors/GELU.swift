import Foundation

/// GELU(x) = x · Φ(x) = x/2 · (1 + erf(x/√2)) (Hendrycks & Gimpel 2016, with the error function and not tanh): the
/// plain definition, to which tests hold ``applyGELU(_:)``.
public func gelu(_ x: Float) -> Float {
    x * 0.5 * erfc(-x * 0.707_106_77)
}

/// GELU of every element in place, to within 3e-7 relative for x ≥ 0 and 6e-8 absolute below.
///
/// With t = |x|/√2 and erfc(t) = exp(−t²)·R(t), x·Φ(x) is x − x·erfc(t)/2 for x > 0, else x·erfc(t)/2: nothing
/// cancels. R is a quotient of polynomials, all coefficients positive (`tools/fit_kernels.py`: relative error 5e-9).
public func applyGELU(_ elements: UnsafeMutableBufferPointer<Float>) {
    Kernels.current.gelu(elements.baseAddress, elements.count)
}

/// ``applyGELU(_:)`` of the baseline.
func baselineGELU(_ elements: UnsafeMutableBufferPointer<Float>) {
    elements.transform(
        fast: { x in
            let distance = x.replacing(with: -x, where: x .< 0) * 0.707_106_77
            // Beyond, the powers of t would overflow; the tail is below 4e-8 there, whatever x.
            let t = distance.replacing(with: 5e7, where: distance .> 5e7)
            var numerator = Lanes(repeating: 0.031_853_232_959_209_443)
            numerator = numerator * t + 0.224_784_725_467_553_85
            numerator = numerator * t + 0.722_361_481_650_206_97
            numerator = numerator * t + 1.229_649_547_720_568_9
            numerator = numerator * t + 1
            var denominator = Lanes(repeating: 0.056_457_542_704_192_142)
            denominator = denominator * t + 0.398_451_053_710_096_37
            denominator = denominator * t + 1.308_101_271_721_776_8
            denominator = denominator * t + 2.383_105_661_343_425_8
            denominator = denominator * t + 2.358_029_051_871_434_4
            denominator = denominator * t + 1
            let tail = x * 0.5 * exponential(x * x * -0.5) * numerator / denominator
            return tail.replacing(with: x - tail, where: x .> 0)
        }, plain: gelu)
}

/// GELU of every element, as a new tensor.
public func gelu(_ x: Tensor) -> Tensor {
    let source = x.contiguous()
    let tile = 1 << 14
    return Tensor(shape: x.shape) { result in
        parallelFor((x.count + tile - 1) / tile) { task in
            let first = task * tile
            let count = min(tile, x.count - first)
            (result + first).update(from: source.base + first, count: count)
            applyGELU(UnsafeMutableBufferPointer(start: result + first, count: count))
        }
    }
}
