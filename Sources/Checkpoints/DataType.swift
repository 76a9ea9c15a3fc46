import Foundation
import Tensors

/// The element types of tensors in files, by their safetensors names.
public enum DataType: String, Sendable, CaseIterable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint64 = "U64"
    case uint32 = "U32"
    case uint16 = "U16"
    case uint8 = "U8"
    case bool = "BOOL"

    /// The size of an element in bytes.
    public var size: Int {
        switch self {
        case .float64, .int64, .uint64: 8
        case .float32, .int32, .uint32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    /// Whether a model's weights may have this type; float64 is rounded to float32.
    public var isWeight: Bool { [.float64, .float32, .float16, .bfloat16].contains(self) }

    /// Whether a number is written as an infinity in this type, to which it is rounded by way of float32.
    ///
    /// - Precondition: it is a type of weights other than float64.
    public func isInfinite(rounding value: Double) -> Bool {
        switch self {
        case .float32: Float(value).isInfinite
        case .float16: Float16(Float(value)).isInfinite
        case .bfloat16: float(bfloat16: Tensors.bfloat16(Float(value))).isInfinite
        default: preconditionFailure("weights are not written as \(self)")
        }
    }
}

// MARK: - Half precision

/// The float with the bits of an IEEE 754 binary16: exact, subnormals, infinities and NaNs included.
///
/// Integer operations and one product, so that a loop over it vectorises on every CPU; `Float16` would call a
/// function an element where the CPU lacks F16C. Tests hold it to `Float(Float16(bitPattern:))` for all 65536.
@inline(__always)
func float(float16 bits: UInt16) -> Float {
    let magnitude = UInt32(bits & 0x7FFF)
    // Moved to the single's fields, the value is 2¹¹² too small; the product also normalises subnormals.
    let scaled = Float(bitPattern: magnitude << 13) * 0x1p112
    let special: UInt32 = magnitude >= 0x7C00 ? 0x7F80_0000 : 0
    return Float(bitPattern: scaled.bitPattern | special | UInt32(bits & 0x8000) << 16)
}

/// The float with the bits of a bfloat16, which is a single without its lower half.
@inline(__always)
func float(bfloat16 bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
}
