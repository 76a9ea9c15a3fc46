// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import TestSupport
import Testing

@testable import PictureFiles

/// A PNG or JPEG with the pixels of Pillow's `convert("RGB")`.
struct ImageFixture: Decodable, CustomTestStringConvertible {
    static let all: [ImageFixture] = fixtureRows("images.json", in: .module)
    static let pngs = all.filter { $0.name.hasSuffix(".png") }
    static let jpegs = all.filter { $0.name.hasSuffix(".jpg") }

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
