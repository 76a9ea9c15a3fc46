import SafeFiles

let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

/// What a decoded PNG says that was not followed: a gamma other than sRGB's 1/2.2, and an EXIF orientation.
func pngWarnings(_ bytes: [UInt8], _ path: String) -> [Warning] {
    var warnings: [Warning] = []
    var position = pngSignature.count
    while let length = bytes.integer(at: position, bytes: 4, bigEndian: true), position + 12 <= bytes.count {
        let contents = position + 8..<min(position + 8 + length, bytes.count)
        switch bytes[position + 4..<position + 8] {
        case [0x67, 0x41, 0x4D, 0x41]:  // gAMA: 100,000 times the exponent
            if let gamma = bytes.integer(at: position + 8, bytes: 4, bigEndian: true), gamma != 45455 {
                let exponent = Double(gamma) / 100_000
                warnings.append(Warning(file: path, "its gamma of \(exponent) is ignored"))
            }
        case [0x65, 0x58, 0x49, 0x66]:  // eXIf
            if isTurned(exif: bytes[contents]) { warnings.append(orientationWarning(path)) }
        default: break
        }
        position = contents.upperBound + 4
    }
    return warnings
}

/// What a decoded JPEG says that was not followed: an EXIF orientation.
func jpegWarnings(_ bytes: [UInt8], _ path: String) -> [Warning] {
    var position = 2
    // Segments of a marker (0xFF and a byte) and a length that counts itself, up to the start of a scan.
    while let marker = bytes.integer(at: position, bytes: 2, bigEndian: true), marker != 0xFFDA {
        if marker == 0xFFFF {  // fill bytes may precede a marker
            position += 1
            continue
        }
        guard let length = bytes.integer(at: position + 2, bytes: 2, bigEndian: true), length >= 2 else {
            break
        }
        let contents = bytes[min(position + 4, bytes.count)..<min(position + 2 + length, bytes.count)]
        let isEXIF = marker == 0xFFE1 && contents.starts(with: Array("Exif\0\0".utf8))
        if isEXIF, isTurned(exif: contents.dropFirst(6)) {
            return [orientationWarning(path)]
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

/// Whether EXIF data (a TIFF without an image) has an orientation, tag 0x0112, other than upright.
private func isTurned(exif: ArraySlice<UInt8>) -> Bool {
    let tiff = Array(exif)
    let bigEndian = tiff.starts(with: Array("MM".utf8))
    guard bigEndian || tiff.starts(with: Array("II".utf8)),
        let directory = tiff.integer(at: 4, bytes: 4, bigEndian: bigEndian),
        let entries = tiff.integer(at: directory, bytes: 2, bigEndian: bigEndian)
    else { return false }
    for entry in 0..<entries {
        let position = directory + 2 + 12 * entry
        if tiff.integer(at: position, bytes: 2, bigEndian: bigEndian) == 0x0112 {
            let orientation = tiff.integer(at: position + 8, bytes: 2, bigEndian: bigEndian) ?? 1
            return (2...8).contains(orientation)
        }
    }
    return false
}

extension [UInt8] {
    /// The unsigned integer of some bytes, or nil where they are not all there.
    fileprivate func integer(at position: Int, bytes: Int, bigEndian: Bool) -> Int? {
        guard position + bytes <= count else { return nil }
        let digits = self[position..<position + bytes]
        return (bigEndian ? Array(digits) : digits.reversed()).reduce(0) { $0 << 8 | Int($1) }
    }
}
