import ImageFrames
import SafeFiles

/// How samples become values of 8 bits.
public enum SampleRange: Hashable, Sendable {
    /// As the file declares them: of 16 bits the high byte.
    case declared
    /// Samples of 16 bits that hold so many (8…16, such as the 12 of cameras and X-ray): of those the high 8.
    case bits(Int)
    /// The picture's least sample becomes 0, its greatest 255: floor(255·(v − least)/(greatest − least) + 0.5), over all
    /// channels, so that grey stays grey. A constant picture is 0.
    case stretched
}

/// Reads a PNG or JPEG, told apart by their contents, as red, green and blue of 8 bits.
///
/// The values are those of Pillow's `Image.open(path).convert("RGB")`: alpha is dropped, grey fills all
/// three channels, a palette is looked up, CMYK and YCCK become RGB. Of 16 bits the high byte is kept (Pillow clips
/// 16-bit grey at 255), unless `samples` says otherwise. Gamma and EXIF orientation are not applied. What a writer did
/// against the standard is read as Pillow reads it where no pixel is lost: odd markers and scan headers, bytes between
/// segments, a deflate window declared too small, a PNG without its end.
///
/// - Returns: the image, and what the person should know about it: what was not followed, what the writer did wrong, and
///   16-bit samples of which the high byte holds little.
/// - Throws: ``FileError`` `missingInput` where there is no such file, `badData` where it is neither a PNG nor
///   a JPEG, is damaged or cut short, is a JPEG of 12 bits or without loss, has more than 100 scans, declares more pixels
///   than its bytes can hold or than 178,956,970, or does not fit `samples`.
public func readImage(
    _ path: String, samples: SampleRange = .declared
) throws(FileError) -> (image: RGBImage, warnings: [Warning]) {
    try readImage([UInt8](try readFile(path, limit: .picture)), name: path, samples: samples)
}

/// ``readImage(_:samples:)`` of bytes.
///
/// - Parameter path: what the image is called in an error.
public func readImage(
    _ bytes: [UInt8], name path: String, samples: SampleRange = .declared
) throws(FileError) -> (image: RGBImage, warnings: [Warning]) {
    if bytes.starts(with: pngSignature) {
        let (image, warnings) = try decodePNG(bytes, samples, path)
        return (image, warnings + pngWarnings(bytes, path))
    }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
        let (image, warnings) = try decodeJPEG(bytes, path)
        return (try ranged(image, samples, path), warnings + jpegWarnings(bytes, path))
    }
    let contents = FileContents(bytes)
    throw FileError(
        .badData, file: path, "not an image that can be read", expected: "a PNG or a JPEG",
        found: contents?.name ?? "another format",
        advice: contents?.advice ?? "Give a PNG or a JPEG: convert other pictures.")
}

/// The size that a header declares.
///
/// - Throws: ``FileError`` `badData` where it is 0 or more than is read.
func acceptedSize(_ width: UInt32, _ height: UInt32, _ path: String) throws(FileError) -> PixelSize {
    try Limit.checkImage(width: Int(width), height: Int(height), of: path)
    return PixelSize(width: Int(width), height: Int(height))
}

func tooSmall(_ format: String, _ size: PixelSize, _ bytes: [UInt8], _ path: String) -> FileError {
    FileError(
        .badData, file: path, "too short for the \(format) that its header announces",
        expected: "\(size.width)×\(size.height) pixels", found: "\(bytes.count) bytes",
        advice: "The file is damaged or was cut short; copy it again.")
}

func damaged(_ format: String, _ path: String, _ found: String) -> FileError {
    FileError(
        .badData, file: path, "not a whole \(format)", found: found,
        advice: "The file is damaged or was cut short; copy it again.")
}

/// The text in a C struct's array of characters.
func message<Characters>(_ characters: inout Characters) -> String {
    withUnsafeBytes(of: &characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
