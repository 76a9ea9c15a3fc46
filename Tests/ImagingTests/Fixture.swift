// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Imaging
@testable import PictureFiles

/// What `tools/oracle/export_imaging.py` wrote.
enum Fixture {
    struct Rows<Row: Decodable>: Decodable {
        var rows: [Row]
    }

    static func rows<Row: Decodable>(_ name: String) -> [Row] {
        let url = Bundle.module.resourceURL!.appending(path: "Fixtures/\(name)")
        return try! JSONDecoder().decode(Rows<Row>.self, from: Data(contentsOf: url)).rows
    }
}

/// A PNG or JPEG with the pixels of Pillow's `convert("RGB")`.
struct ImageFixture: Decodable, CustomTestStringConvertible {
    static let all: [ImageFixture] = Fixture.rows("images.json")
    static let pngs = all.filter { $0.name.hasSuffix(".png") }
    /// Those in colours that can be read.
    static let jpegs = all.filter { $0.name.hasSuffix(".jpg") && $0.name != "cmyk.jpg" }

    static func named(_ name: String) -> ImageFixture { all.first { $0.name == name }! }

    var name: String
    var file: Data
    var width, height: Int
    var rgb: Data
    /// A word of the one warning that is due.
    var warning: String?

    var testDescription: String { name }
    var bytes: [UInt8] { [UInt8](file) }
}

/// A NIfTI volume with nibabel's values and affine.
struct VolumeFixture: Decodable, CustomTestStringConvertible {
    static let all: [VolumeFixture] = Fixture.rows("volumes.json")

    static func named(_ name: String) -> VolumeFixture { all.first { $0.name == name }! }

    var name: String
    var file: Data
    var size: [Int]
    /// Little-endian single precision.
    var values: Data
    /// Three rows of four.
    var affine: [Double]
    var orientation: String
    var source: String
    var millimetresPerUnit: Double
    /// A word of each warning that is due.
    var warnings: [String]

    var testDescription: String { name }
    var bytes: [UInt8] { [UInt8](file) }
    var floats: [Float] { values.floats }
}

extension Data {
    var floats: [Float] {
        withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map {
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
            }
        }
    }
}

extension Geometry {
    /// A volume of this size in memory, one millimetre a voxel.
    static func plain(i: Int, j: Int, k: Int) -> Geometry {
        Geometry(
            size: VolumeSize(i: i, j: j, k: k),
            affine: Affine(alongI: [1, 0, 0], alongJ: [0, 1, 0], alongK: [0, 0, 1], origin: .zero))
    }
}

extension [UInt8] {
    /// The bytes with a number of this machine's byte order at a place.
    func with<Number: BitwiseCopyable>(_ number: Number, at offset: Int) -> [UInt8] {
        var bytes = self
        Swift.withUnsafeBytes(of: number) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
        return bytes
    }

    /// The bytes with some of them, `places` at most, replaced at random.
    func mutated(places: Int, in range: Range<Int>, _ generator: inout SplitMix) -> [UInt8] {
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

// MARK: PNG

/// A PNG with the checksum of every chunk made right, as far as there are whole chunks.
func withChecksums(_ png: [UInt8]) -> [UInt8] {
    var (bytes, position) = (png, pngSignature.count)
    while position + 12 <= bytes.count {
        let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
        guard position + 12 + length <= bytes.count else { break }
        let checksum = crc32(bytes[position + 4..<position + 8 + length])
        bytes = bytes.with(checksum.bigEndian, at: position + 8 + length)
        position += 12 + length
    }
    return bytes
}

/// The PNG standard, annex D.
private func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { checksum, byte in
        (0..<8).reduce(checksum ^ UInt32(byte)) { rest, _ in rest >> 1 ^ (rest & 1) * 0xEDB8_8320 }
    }
}
