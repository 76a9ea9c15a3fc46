/// In what numbers products are computed; sums are always in single precision.
public enum Precision: String, CaseIterable, Codable, Sendable {
    case float32
    /// The upper half of a float: 8 bits of precision, the same range.
    case bfloat16
}
