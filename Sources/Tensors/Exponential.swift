import Foundation

/// The width of the vectors that kernels work on; tails are done by the plain functions.
typealias Lanes = SIMD8<Float>

/// eˣ to within 2 units in the last place, for x up to 88; 1.7e-38 below −87; a NaN stays one.
///
/// x = k·ln 2 + r with |r| ≤ ln 2 / 2, and eˣ = 2ᵏ·eʳ with eʳ a polynomial of degree 6 whose coefficients
/// (`tools/fit_kernels.py`) leave a relative error of 3e-9. Its plain definition is `Foundation.exp`.
@inline(__always)
func exponential(_ x: Lanes) -> Lanes {
    // Not clamped(…), which would make a NaN finite.
    let x = x.replacing(with: -87, where: x .< -87).replacing(with: 88, where: x .> 88)
    // Adding 1.5·2²³ rounds to a whole number, which is then in the lowest bits; 127 is the exponent's bias.
    let magic = Lanes(repeating: 12_582_912 + 127)
    let shifted = x * 1.442_695_04 + magic
    let whole = shifted - magic
    // ln 2 in two parts, the first exact in the product with a small whole number.
    let rest = (x - whole * 0.693_359_375) - whole * -2.121_944_4e-4
    var power = Lanes(repeating: 0.001_381_461_318_161_321_6)
    power = power * rest + 0.008_368_709_823_107_708_9
    power = power * rest + 0.041_668_387_362_842_112
    power = power * rest + 0.166_665_206_898_438_86
    power = power * rest + 0.499_999_934_517_006_58
    power = power * rest + 1
    power = power * rest + 1
    let scale = unsafeBitCast(unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &<< 23, to: Lanes.self)
    return power * scale
}

extension UnsafeMutableBufferPointer<Float> {
    /// Replaces the elements by vectors of eight through `fast`, and what remains one by one through `plain`.
    @inline(__always)
    func transform(fast: (Lanes) -> Lanes, plain: (Float) -> Float) {
        guard let base = baseAddress else { return }
        let bytes = UnsafeMutableRawPointer(base)
        var position = 0
        while position + Lanes.scalarCount <= count {
            let offset = position * MemoryLayout<Float>.stride
            bytes.storeBytes(
                of: fast(bytes.loadUnaligned(fromByteOffset: offset, as: Lanes.self)), toByteOffset: offset,
                as: Lanes.self)
            position += Lanes.scalarCount
        }
        while position < count {
            base[position] = plain(base[position])
            position += 1
        }
    }
}
