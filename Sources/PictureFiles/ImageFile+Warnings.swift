import Foundation
import SafeFiles

let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

/// What a decoded PNG says that was not followed: a gamma other than sRGB's 1/2.2, and an orientation.
func pngWarnings(_ bytes: [UInt8], _ path: String) -> [Warning] {
    var (gamma, isTurned): (Int?, Bool) = (nil, false)
    var position = pngSignature.count
    while let length = bytes.integer(at: position, bytes: 4, bigEndian: true), position + 12 <= bytes.count {
        let contents = position + 8..<min(position + 8 + length, bytes.count)
        switch String(decoding: bytes[position + 4..<position + 8], as: UTF8.self) {
        case "gAMA": gamma = bytes.integer(at: position + 8, bytes: 4, bigEndian: true)  // 100,000 times the exponent
        case "eXIf": isTurned = isTurned || isTurnedBy(exif: bytes[contents])
        case "iTXt": isTurned = isTurned || isTurnedBy(xmp: bytes[contents])
        default: break
        }
        position = contents.upperBound + 4
    }
    let exponent = gamma.flatMap { $0 == 45455 ? nil : Double($0) / 100_000 }
    return (exponent.map { [Warning(file: path, "its gamma of \($0) is ignored")] } ?? [])
        + (isTurned ? [orientationWarning(path)] : [])
}

/// What a decoded JPEG says that was not followed: an orientation.
func jpegWarnings(_ bytes: [UInt8], _ path: String) -> [Warning] {
    var position = 2
    // Segments of a marker (0xFF and a byte) and a length that counts itself, up to the start of a scan.
    while let marker = bytes.integer(at: position, bytes: 2, bigEndian: true), marker != 0xFFDA {
        // Fill bytes may precede a marker, and decoders skip what is none.
        guard (0xFF01..<0xFFFF).contains(marker) else {
            position += 1
            continue
        }
        guard let length = bytes.integer(at: position + 2, bytes: 2, bigEndian: true), length >= 2 else {
            break
        }
        let contents = bytes[min(position + 4, bytes.count)..<min(position + 2 + length, bytes.count)]
        if marker == 0xFFE1 {
            let isEXIF = contents.starts(with: Array("Exif\0\0".utf8))
            if isEXIF ? isTurnedBy(exif: contents.dropFirst(6)) : isTurnedBy(xmp: contents) {
                return [orientationWarning(path)]
            }
        }
        position += 2 + length
    }
    return []
}

private func orientationWarning(_ path: String) -> Warning {
    Warning(
        file: path,
        "its EXIF orientation is ignored: boxes and points count in the pixels as they are stored")
}

/// Whether EXIF data (a TIFF without an image) has an orientation, tag 0x0112, other than upright; in whatever type of
/// TIFF 6.0 (section 2) a writer has put the number.
private func isTurnedBy(exif: ArraySlice<UInt8>) -> Bool {
    let tiff = Array(exif)
    let bigEndian = tiff.starts(with: Array("MM".utf8))
    func integer(_ position: Int, _ bytes: Int) -> Int? {
        tiff.integer(at: position, bytes: bytes, bigEndian: bigEndian)
    }
    guard bigEndian || tiff.starts(with: Array("II".utf8)),
        let directory = integer(4, 4), let entries = integer(directory, 2)
    else { return false }
    for entry in 0..<entries {
        let position = directory + 2 + 12 * entry
        guard integer(position, 2) == 0x0112, let type = integer(position + 2, 2) else { continue }
        let value: Double? =
            switch type {
            case 1, 2, 6, 7: integer(position + 8, 1).map(Double.init)
            case 3, 8: integer(position + 8, 2).map(Double.init)
            case 4, 9: integer(position + 8, 4).map(Double.init)
            // A fraction and a double lie elsewhere.
            case 5, 10:
                integer(position + 8, 4).flatMap { at in
                    integer(at, 4).flatMap { whole in integer(at + 4, 4).map { Double(whole) / Double($0) } }
                }
            case 11: integer(position + 8, 4).map { Double(Float(bitPattern: UInt32($0))) }
            case 12: integer(position + 8, 4).flatMap { integer($0, 8) }.map { Double(bitPattern: UInt64($0)) }
            default: nil
            }
        return value.map { (2...8).contains($0) } ?? false
    }
    return false
}

/// Whether XMP has `tiff:Orientation`, as an attribute or an element, other than upright: Pillow asks it where EXIF is silent.
private func isTurnedBy(xmp: ArraySlice<UInt8>) -> Bool {
    guard let found = Data(xmp).range(of: Data("tiff:Orientation".utf8)) else { return false }
    let rest = String(decoding: Data(xmp)[found.upperBound...].prefix(3), as: UTF8.self)
    return rest.firstMatch(of: /^(?:=["']|>)[2-8]/) != nil
}

extension [UInt8] {
    /// The unsigned integer of some bytes, or nil where they are not all there, or it is beyond `Int`.
    fileprivate func integer(at position: Int, bytes: Int, bigEndian: Bool) -> Int? {
        guard position + bytes <= count else { return nil }
        let digits = self[position..<position + bytes]
        return Int(exactly: (bigEndian ? Array(digits) : digits.reversed()).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}
