import CJPEG
import CPNG
import Foundation
import ImageFrames
import SafeFiles

/// Reads a PNG or JPEG, told apart by their contents, as red, green and blue of 8 bits.
///
/// The values are those of Pillow's `Image.open(path).convert("RGB")`: alpha is dropped, grey stands in all
/// three channels, a palette is looked up. Of 16 bits the high byte is kept (Pillow clips 16-bit grey at
/// 255). Gamma and EXIF orientation are not applied; a warning says so where that makes a difference.
///
/// - Returns: the image, and what the person should know about it.
/// - Throws: ``FileError`` `missingInput` where there is no such file, `badData` where it is neither a PNG nor
///   a JPEG, is damaged or cut short, declares more pixels than its bytes can hold or than 178,956,970, or is
///   in CMYK.
public func readImage(_ path: String) throws(FileError) -> (image: RGBImage, warnings: [Warning]) {
    let bytes = [UInt8](try readFile(path, limit: .picture))
    if bytes.starts(with: pngSignature) {
        return (try decodePNG(bytes, path), pngWarnings(bytes, path))
    }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
        return (try decodeJPEG(bytes, path), jpegWarnings(bytes, path))
    }
    throw FileError(
        .badData, file: path, "not an image that can be read", expected: "a PNG or a JPEG",
        found: bytes.isEmpty ? "an empty file" : "another format")
}

/// Writes grey values `[height, width]`, row by row, as an 8-bit greyscale PNG, whole or not at all.
///
/// The same values give the same bytes.
///
/// - Precondition: `grey` holds width · height values.
/// - Throws: ``FileError`` `cannotCreate` or `inputOutput`.
public func writePNG(_ path: String, size: PixelSize, grey: [UInt8]) throws {
    precondition(grey.count == size.area, "\(grey.count) values for \(size)")
    try writePNG(path, size, channels: 1, grey)
}

/// Writes a mask as an 8-bit greyscale PNG of 0 and 255.
///
/// - Throws: ``FileError`` `cannotCreate` or `inputOutput`.
public func writePNG(_ path: String, _ mask: Mask) throws {
    try writePNG(path, size: mask.size, grey: mask.values.map { $0 ? 255 : 0 })
}

/// Writes an image as an 8-bit RGB PNG.
///
/// - Throws: ``FileError`` `cannotCreate` or `inputOutput`.
public func writePNG(_ path: String, _ image: RGBImage) throws {
    try writePNG(path, image.size, channels: 3, image.pixels)
}

/// Writes numbers, such as those of masks, as a 16-bit greyscale PNG.
///
/// - Precondition: `labels` holds width · height values.
/// - Throws: ``FileError`` `cannotCreate` or `inputOutput`.
public func writePNG(_ path: String, size: PixelSize, labels: [UInt16]) throws {
    precondition(labels.count == size.area, "\(labels.count) values for \(size)")
    let bytes = labels.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    try writePNG(path, size, channels: 1, bits: 16, bytes)
}

private func writePNG(
    _ path: String, _ size: PixelSize, channels: Int32, bits: Int32 = 8, _ pixels: [UInt8]
) throws {
    var state = cpng_image()
    var encoded: UnsafeMutablePointer<CChar>?
    var count = 0
    let done = cpng_encode(
        pixels, UInt32(size.width), UInt32(size.height), channels, bits, &encoded, &count, &state)
    defer { free(encoded) }
    guard done, let encoded else {
        throw FileError(.cannotCreate, file: path, "cannot be encoded as PNG", found: message(&state.message))
    }
    try writeAtomically(path, Data(bytes: encoded, count: count))
}

// MARK: Decoding

/// Deflate makes at most 1032 bytes of one.
private let deflateRatio = 1032

private func decodePNG(_ bytes: [UInt8], _ path: String) throws(FileError) -> RGBImage {
    var state = cpng_image()
    guard cpng_read_header(bytes, bytes.count, &state) else {
        throw damaged("PNG", path, message(&state.message))
    }
    let size = try acceptedSize(state.width, state.height, path)
    guard state.inflated_bytes / UInt64(deflateRatio) <= UInt64(bytes.count) else {
        throw tooSmall("PNG", size, bytes, path)
    }
    var pixels = [UInt8](repeating: 0, count: 3 * size.area)
    guard cpng_decode(bytes, bytes.count, &pixels, &state) else {
        throw damaged("PNG", path, message(&state.message))
    }
    return RGBImage(size: size, pixels: pixels)
}

/// Huffman codes take a bit or more for each block of 8 × 8 pixels, so a byte holds at most 512 of them.
private let pixelsPerByte = 512

private func decodeJPEG(_ bytes: [UInt8], _ path: String) throws(FileError) -> RGBImage {
    var state = cjpeg_image()
    guard cjpeg_read_header(bytes, bytes.count, &state) else {
        throw damaged("JPEG", path, message(&state.message))
    }
    guard state.components == 1 || state.components == 3 else {
        let found = state.components == 4 ? "CMYK" : "\(state.components) channels"
        throw FileError(
            .badData, file: path, "the JPEG's colours cannot be used", expected: "grey or RGB", found: found,
            advice: "Convert it to RGB first.")
    }
    let size = try acceptedSize(state.width, state.height, path)
    guard size.area / pixelsPerByte <= bytes.count else { throw tooSmall("JPEG", size, bytes, path) }
    var pixels = [UInt8](repeating: 0, count: 3 * size.area)
    guard cjpeg_decode(bytes, bytes.count, &pixels, &state) else {
        throw damaged("JPEG", path, message(&state.message))
    }
    return RGBImage(size: size, pixels: pixels)
}

private func acceptedSize(
    _ width: UInt32, _ height: UInt32, _ path: String
) throws(FileError) -> PixelSize {
    let (area, overflow) = Int(width).multipliedReportingOverflow(by: Int(height))
    let most = Limit.pixels.bytes / 3
    guard !overflow, area > 0, area <= most else {
        throw FileError(
            .badData, file: path, "the image's size cannot be used", expected: "1 to \(most) pixels",
            found: "\(width)×\(height)", advice: Limit.advice)
    }
    return PixelSize(width: Int(width), height: Int(height))
}

private func tooSmall(
    _ format: String, _ size: PixelSize, _ bytes: [UInt8], _ path: String
) -> FileError {
    FileError(
        .badData, file: path, "too short for the \(format) that its header announces",
        expected: "\(size.width)×\(size.height) pixels", found: "\(bytes.count) bytes",
        advice: "The file is damaged or was cut short; copy it again.")
}

private func damaged(_ format: String, _ path: String, _ found: String) -> FileError {
    FileError(
        .badData, file: path, "not a whole \(format)", found: found,
        advice: "The file is damaged or was cut short; copy it again.")
}

/// The text in a C struct's array of characters.
private func message<Characters>(_ characters: inout Characters) -> String {
    withUnsafeBytes(of: &characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
