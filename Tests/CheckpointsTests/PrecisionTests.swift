import Tensors
import TestSupport
import Testing

@testable import Checkpoints

/// Conversions between the floating types, over all of their values.
@Suite struct PrecisionTests {
    @Test func float16IsSwiftsOwnForAllBits() {
        for bits in UInt16.min...UInt16.max {
            let expected = Float(Float16(bitPattern: bits))
            let found = float(float16: bits)
            if found.bitPattern != expected.bitPattern, !(found.isNaN && expected.isNaN) {
                Issue.record("\(bits): expected \(expected), found \(found)")
            }
        }
    }

    /// Half a unit beyond the greatest number of a type, where ties go to the even infinity; all by way of float32.
    @Test(
        arguments: [
            (.float16, 65520), (.bfloat16, 0x1.FFp127), (.float32, 0x1.FFFFFFp127),
        ] as [(DataType, Double)])
    func fromWhereNumbersAreInfinite(_ type: DataType, _ bound: Double) {
        for sign in [1.0, -1] {
            #expect(type.isInfinite(rounding: sign * bound) && type.isInfinite(rounding: sign * 1e300))
            #expect(!type.isInfinite(rounding: sign * bound * (1 - 0x1p-20)))
        }
    }

    /// Against sign · 2^(exponent − 127) · (1 + fraction / 128), and 2⁻¹²⁶ · fraction / 128 for subnormals.
    @Test func bfloat16IsItsDefinitionForAllBits() {
        for bits in UInt16.min...UInt16.max {
            let (exponent, fraction) = (Int(bits >> 7 & 0xFF), Double(bits & 0x7F) / 128)
            let found = float(bfloat16: bits)
            if exponent == 0xFF {
                #expect(fraction == 0 ? found.isInfinite : found.isNaN)
                continue
            }
            let scale = Double(sign: .plus, exponent: max(exponent, 1) - 127, significand: 1)
            let magnitude = scale * (exponent == 0 ? fraction : 1 + fraction)
            if Double(found) != (bits >> 15 == 1 ? -magnitude : magnitude) { Issue.record("\(bits): \(found)") }
            #expect(bfloat16(found) == bits)
        }
    }

    /// Against a choice between the two neighbours by distance, in double precision; 2¹²⁸ stands for infinity, as IEEE
    /// 754 has it.
    @Test func bfloat16RoundsToTheNearestAndTiesToEven() {
        func value(_ bits: UInt16) -> Double {
            bits & 0x7FFF == 0x7F80 ? (bits >> 15 == 1 ? -0x1p128 : 0x1p128) : Double(float(bfloat16: bits))
        }
        func nearest(_ x: Float) -> UInt16 {
            let towardsZero = UInt16(x.bitPattern >> 16)
            if x.isInfinite { return towardsZero }
            let (near, far) = (abs(Double(x) - value(towardsZero)), abs(Double(x) - value(towardsZero + 1)))
            if near == far { return towardsZero + (towardsZero & 1) }
            return near < far ? towardsZero : towardsZero + 1
        }
        var generator = SplitMix(seed: 1)
        let random = (0..<200_000).map { _ in UInt32.random(in: 0...UInt32.max, using: &generator) }
        let edges = (0...UInt32(0x7F80)).flatMap { upper in
            [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF].map { upper << 16 | $0 }
        }
        for bits in random + edges + edges.map({ $0 | 1 << 31 }) {
            let x = Float(bitPattern: bits)
            if x.isNaN { continue }
            if bfloat16(x) != nearest(x) { Issue.record("\(x): expected \(nearest(x)), found \(bfloat16(x))") }
        }
    }

    @Test(arguments: [0x7F80_0001, 0x7FFF_FFFF, 0xFF80_0001, 0xFFFF_FFFF] as [UInt32])
    func bfloat16KeepsNaN(_ bits: UInt32) {
        let result = float(bfloat16: bfloat16(Float(bitPattern: bits)))
        #expect(result.isNaN)
        #expect((result.sign == .minus) == (bits >> 31 == 1))
    }
}
