import CJPEG
import ImageFrames
import SafeFiles

/// Huffman codes take a bit or more for each block of 8 × 8 pixels, so a byte holds at most 512 of them.
private let pixelsPerByte = 512

/// The scans that any JPEG may have. Encoders make a dozen; each takes the time of a whole picture.
private let usualScans = 100

func decodeJPEG(_ bytes: [UInt8], _ path: String) throws(FileError) -> (RGBImage, [Warning]) {
    var state = cjpeg_image()
    guard cjpeg_read_header(bytes, bytes.count, &state) else { throw failure(&state, path) }
    let channels = Int(state.components)
    guard [1, 3, 4].contains(channels) else {
        throw FileError(
            .badData, file: path, "the JPEG's colours cannot be used", expected: "grey, RGB or CMYK",
            found: "\(channels) channels", advice: "Convert it to RGB first.")
    }
    let size = try acceptedSize(state.width, state.height, path)
    guard state.arithmetic || size.area / pixelsPerByte <= bytes.count else {
        throw tooSmall("JPEG", size, bytes, path)
    }
    var pixels = [UInt8](repeating: 0, count: max(channels, 3) * size.area)
    let scans = Int32(clamping: max(usualScans, Limit.scans.bytes / pixels.count))
    guard cjpeg_decode(bytes, bytes.count, scans, &pixels, &state) else {
        guard state.too_many_scans else { throw failure(&state, path) }
        throw FileError(.badData, file: path, "more than \(scans) scans in a JPEG", advice: Limit.advice)
    }
    let oddity = message(&state.warning)
    return (
        RGBImage(size: size, pixels: channels == 4 ? rgb(invertedCMYK: pixels) : pixels),
        oddity.isEmpty
            ? [] : [Warning(file: path, "its writer did not follow the standard (\(oddity)); the pixels are complete")]
    )
}

private func failure(_ state: inout cjpeg_image, _ path: String) -> FileError {
    let found = message(&state.message)
    guard state.unsupported else { return damaged("JPEG", path, found) }
    return FileError(
        .badData, file: path, "a kind of JPEG that is not read, such as 12 bits or lossless",
        expected: "baseline or progressive, 8 bits", found: found,
        advice: "The file may be whole: convert it to an 8-bit PNG with the program that made it.")
}

/// Red, green and blue of ink as JPEG has it, 255 for none: Pillow's `cmyk2rgb` (`libImaging/Convert.c`), which takes
/// what the others leave of the black's light, rounded as its `MULDIV255` rounds.
private func rgb(invertedCMYK ink: [UInt8]) -> [UInt8] {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(ink.count / 4 * 3)
    for pixel in stride(from: 0, to: ink.count, by: 4) {
        let light = Int(ink[pixel + 3])
        for channel in 0..<3 {
            let product = (255 - Int(ink[pixel + channel])) * light + 128
            pixels.append(UInt8(light - (product + product >> 8) >> 8))
        }
    }
    return pixels
}
