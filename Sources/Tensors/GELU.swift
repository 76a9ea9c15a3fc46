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
    elements.transform(
        fast: { x in
            let t = x.replacing(with: -x, where: x .< 0) * 0.707_106_77
            var numerator = Lanes(repeating: 0.032_252_514_651_315_956)
            numerator = numerator * t + 0.226_620_704_093_282_47
            numerator = numerator * t + 0.726_145_194_547_745_8
            numerator = numerator * t + 1.233_187_812_637_714
            numerator = numerator * t + 1
            var denominator = Lanes(repeating: 0.057_165_300_466_781_63)
            denominator = denominator * t + 0.401_703_798_908_827_6
            denominator = denominator * t + 1.315_179_399_539_693_2
            denominator = denominator * t + 2.390_880_338_654_887_4
            denominator = denominator * t + 2.361_567_496_217_858
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
            let elements = UnsafeMutableBufferPointer(start: result + first, count: min(tile, x.count - first))
            _ = elements.update(fromContentsOf: UnsafeBufferPointer(start: source.base + first, count: elements.count))
            applyGELU(elements)
        }
    }
}
