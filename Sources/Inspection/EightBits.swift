import Foundation

/// Rows of numbers in 8 bits each, as the page holds them and its script reads them back.
struct EightBits: Encodable {
    private(set) var bytes = Data()
    /// A float a row.
    private(set) var scales = Data()

    /// Of shares from 0 to 1: (byte / 255)² · scale, so that small ones keep their digits.
    init(shares rows: some Sequence<[Double]>) {
        for row in rows {
            let largest = row.max() ?? 0
            bytes.append(contentsOf: row.map { UInt8(largest > 0 ? (255 * ($0 / largest).squareRoot()).rounded() : 0) })
            append(largest)
        }
    }

    /// Of numbers of either sign: (byte − 128) / 127 · scale.
    init(signed rows: some Sequence<[Double]>) {
        for row in rows {
            let largest = row.reduce(0) { max($0, abs($1)) }
            bytes.append(contentsOf: row.map { UInt8(largest > 0 ? (127 * $0 / largest).rounded() + 128 : 128) })
            append(largest)
        }
    }

    private mutating func append(_ scale: Double) {
        withUnsafeBytes(of: Float(scale).bitPattern.littleEndian) { scales.append(contentsOf: $0) }
    }
}

/// Numbers in 16 bits: value / 32767 · scale, in little-endian bytes.
struct SixteenBits: Encodable {
    let bytes: Data
    let scale: Float

    init(_ values: [Float]) {
        let largest = values.reduce(0) { max($0, abs($1)) }
        var bytes = Data(capacity: 2 * values.count)
        for value in values {
            let number = Int16(largest > 0 ? (32767 * value / largest).rounded() : 0)
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        (self.bytes, scale) = (bytes, largest)
    }
}
