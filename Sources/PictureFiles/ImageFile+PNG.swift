import CPNG
import Foundation
import ImageFrames
import SafeFiles

/// Deflate makes at most 1032 bytes of one.
private let deflateRatio = 1032

func decodePNG(
    _ bytes: [UInt8], _ samples: SampleRange, _ path: String
) throws(FileError) -> (RGBImage, [Warning]) {
    var state = cpng_image()
    guard cpng_read_header(bytes, bytes.count, &state) else {
        throw damaged("PNG", path, message(&state.message))
    }
    let size = try acceptedSize(state.width, state.height, path)
    guard state.inflated_bytes / UInt64(deflateRatio) <= UInt64(bytes.count) else {
        throw tooSmall("PNG", size, bytes, path)
    }
    if state.is_deep {
        var deep = [UInt16](repeating: 0, count: Int(state.channels) * size.area)
        let warnings = try decode(bytes, into: &deep, &state, path)
        let (pixels, range) = try bytesOfDeep(deep, samples, path)
        return (
            state.channels == 1 ? RGBImage(size: size, grey: pixels) : RGBImage(size: size, pixels: pixels),
            warnings + range
        )
    }
    var pixels = [UInt8](repeating: 0, count: 3 * size.area)
    let warnings = try decode(bytes, into: &pixels, &state, path)
    return (try ranged(RGBImage(size: size, pixels: pixels), samples, path), warnings)
}

/// Decodes as the standard has it; where that fails, whatever window the compressed data declares.
private func decode<Sample: FixedWidthInteger>(
    _ bytes: [UInt8], into samples: inout [Sample], _ state: inout cpng_image, _ path: String
) throws(FileError) -> [Warning] {
    var warnings: [Warning] = []
    if !cpng_decode(bytes, bytes.count, false, &samples, &state) {
        let found = message(&state.message)
        guard cpng_decode(bytes, bytes.count, true, &samples, &state) else { throw damaged("PNG", path, found) }
        warnings.append(
            Warning(file: path, "its writer declared too small a deflate window (\(found)); the pixels are complete"))
    }
    let end = message(&state.warning)
    if !end.isEmpty {
        warnings.append(Warning(file: path, "its end is missing or damaged (\(end)); the pixels are complete"))
    }
    return warnings
}

// MARK: Ranges of samples

/// Samples of 16 bits as 8, and a warning where the high byte that was taken holds little.
private func bytesOfDeep(
    _ samples: [UInt16], _ range: SampleRange, _ path: String
) throws(FileError) -> ([UInt8], [Warning]) {
    let greatest = samples.max() ?? 0
    switch range {
    case .stretched: return (stretched(samples), [])
    case .bits(let bits):
        guard Int(greatest) < 1 << bits else {
            throw FileError(
                .badData, file: path, "samples beyond \(bits) bits", expected: "at most \((1 << bits) - 1)",
                found: "\(greatest)", advice: "Give --bits a greater number, or use --stretch.")
        }
        return (samples.map { UInt8($0 >> (bits - 8)) }, [])
    case .declared:
        let bits = max(8, UInt16.bitWidth - greatest.leadingZeroBitCount)
        // Two bits that are never used are no chance; a constant 0 holds nothing at any depth.
        let isNarrow = bits <= 14 && greatest > 0
        let warning = Warning(
            file: path,
            "its samples have 16 bits and reach only \(greatest) of 65535, so of the 8 bits that count little is used: the "
                + "picture is dark. Use --bits \(bits) or --stretch.")
        return (samples.map { UInt8($0 >> 8) }, isNarrow ? [warning] : [])
    }
}

/// An image of 8 bits in the range that was asked for.
func ranged(_ image: RGBImage, _ range: SampleRange, _ path: String) throws(FileError) -> RGBImage {
    switch range {
    case .declared: return image
    case .stretched: return RGBImage(size: image.size, pixels: stretched(image.pixels))
    case .bits:
        throw FileError(
            .badData, file: path, "--bits is for samples of 16 bits", found: "samples of 8 bits",
            advice: "Leave --bits out, or use --stretch.")
    }
}

/// See ``SampleRange/stretched``.
private func stretched<Sample: FixedWidthInteger & UnsignedInteger>(_ samples: [Sample]) -> [UInt8] {
    let (least, greatest) = (Int(samples.min() ?? 0), Int(samples.max() ?? 0))
    let span = max(greatest - least, 1)
    // 255·(v − least)/span + 1/2, in whole numbers.
    return samples.map { UInt8((510 * (Int($0) - least) + span) / (2 * span)) }
}

// MARK: Writing

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
    try writeAtomically(path, try encodedPNG(path, mask))
}

/// Writes an image as an 8-bit RGB PNG.
///
/// - Throws: ``FileError`` `cannotCreate` or `inputOutput`.
public func writePNG(_ path: String, _ image: RGBImage) throws {
    try writePNG(path, image.size, channels: 3, image.pixels)
}

private func writePNG(_ path: String, _ size: PixelSize, channels: Int32, _ pixels: [UInt8]) throws {
    try writeAtomically(path, try encodedPNG(path, size, channels: channels, pixels))
}

// MARK: Encoding

/// What ``writePNG(_:_:)-(_,Mask)`` writes.
///
/// - Parameter path: what the picture is called in an error.
/// - Throws: ``FileError`` `cannotCreate`.
public func encodedPNG(_ path: String, _ mask: Mask) throws(FileError) -> Data {
    try encodedPNG(path, mask.size, channels: 1, mask.values.map { $0 ? 255 : 0 })
}

/// Numbers, such as those of masks, as a 16-bit greyscale PNG.
///
/// - Precondition: `labels` holds width · height values.
/// - Throws: ``FileError`` `cannotCreate`.
public func encodedPNG(_ path: String, size: PixelSize, labels: [UInt16]) throws(FileError) -> Data {
    precondition(labels.count == size.area, "\(labels.count) values for \(size)")
    let bytes = labels.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    return try encodedPNG(path, size, channels: 1, bits: 16, bytes)
}

private func encodedPNG(
    _ path: String, _ size: PixelSize, channels: Int32, bits: Int32 = 8, _ pixels: [UInt8]
) throws(FileError) -> Data {
    var state = cpng_image()
    var encoded: UnsafeMutablePointer<CChar>?
    var count = 0
    let done = cpng_encode(
        pixels, UInt32(size.width), UInt32(size.height), channels, bits, &encoded, &count, &state)
    defer { free(encoded) }
    guard done, let encoded else {
        throw FileError(.cannotCreate, file: path, "cannot be encoded as PNG", found: message(&state.message))
    }
    return Data(bytes: encoded, count: count)
}
