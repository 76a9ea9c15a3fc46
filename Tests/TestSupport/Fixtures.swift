// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation

private struct Rows<Row: Decodable>: Decodable {
    var rows: [Row]
}

/// The rows of a file that `tools/oracle/export_imaging.py` wrote.
package func fixtureRows<Row: Decodable>(_ name: String, in bundle: Bundle) -> [Row] {
    let url = bundle.resourceURL!.appending(path: "Fixtures/\(name)")
    return try! JSONDecoder().decode(Rows<Row>.self, from: Data(contentsOf: url)).rows
}

extension [UInt8] {
    /// The bytes with a number of this machine's byte order at a place.
    package func with<Number: BitwiseCopyable>(_ number: Number, at offset: Int) -> [UInt8] {
        var bytes = self
        Swift.withUnsafeBytes(of: number) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
        return bytes
    }

    /// The bytes with some of them, `places` at most, replaced at random.
    package func mutated(places: Int, in range: Range<Int>, _ generator: inout SplitMix) -> [UInt8] {
        var bytes = self
        for _ in 0..<Int.random(in: 1...places, using: &generator) {
            let place = Int.random(in: range, using: &generator)
            bytes[place] =
                Bool.random(using: &generator)
                ? bytes[place] ^ 1 << UInt8.random(in: 0..<8, using: &generator)
                : [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator)!
        }
        return bytes
    }
}
