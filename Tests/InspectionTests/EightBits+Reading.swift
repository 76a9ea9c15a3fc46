@testable import Inspection

extension EightBits {
    /// A row of ``init(shares:)``, as the script reads it.
    func shares(row: Int, count: Int) -> [Double] {
        bytes[row * count..<(row + 1) * count].map { Double($0) * Double($0) / 65025 * scale(row) }
    }

    /// A row of ``init(signed:)``, as the script reads it.
    func signed(row: Int, count: Int) -> [Double] {
        bytes[row * count..<(row + 1) * count].map { (Double($0) - 128) / 127 * scale(row) }
    }

    private func scale(_ row: Int) -> Double {
        let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(scales[4 * row + $1]) << (8 * UInt32($1)) }
        return Double(Float(bitPattern: bits))
    }
}
