import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import PictureFiles

/// Every way in which an image file can be bad gives one error, never a crash and never a picture of half a file.
@Suite struct BadImageTests {
    let folder = Folder()

    @Test func emptyFile() {
        expectError(.badData, "found an empty file") { _ = try readImage(folder.write("empty.png", [])) }
    }

    @Test func otherFormats() {
        for (name, start) in [
            ("gif", Array("GIF89a".utf8)), ("text", Array("a,b\n1,2\n".utf8)),
            ("zeros", [UInt8](repeating: 0, count: 99)),
            ("half a signature", Array(pngSignature.prefix(7))), ("bmp", Array("BM".utf8)),
        ] {
            expectError(.badData, "expected a PNG or a JPEG") { _ = try readImage(folder.write(name, start)) }
        }
    }

    /// Wherever it ends: the signature stays, so that it is taken for what it was.
    @Test(arguments: ["rgb-8.png", "rgba-16-interlaced.png", "palette-4-transparent.png", "31x47.png"])
    func pngCutShort(_ name: String) {
        let bytes = ImageFixture.named(name).bytes
        for count in pngSignature.count..<end(ofPixels: bytes) {
            expectError(.badData, "PNG") { _ = try readImage(folder.write(name, bytes.prefix(count))) }
        }
    }

    /// Past the pixels nothing is lost: the whole picture, and a warning.
    @Test func pngWithoutItsEnd() throws {
        let fixture = ImageFixture.named("rgb-8.png")
        for count in end(ofPixels: fixture.bytes)..<fixture.bytes.count {
            let (image, warnings) = try readImage(folder.write("cut.png", fixture.bytes.prefix(count)))
            #expect(image.pixels == [UInt8](fixture.rgb))
            #expect(warnings.count == 1 && warnings[0].what.contains("its end is missing or damaged"))
        }
    }

    /// Where the last chunk of pixels ends, in a file that has only the end chunk behind it.
    private func end(ofPixels png: [UInt8]) -> Int { png.count - 12 }

    /// Wherever it ends, the last byte of the end marker too.
    @Test(arguments: ["grey.jpg", "rgb-420.jpg", "rgb-444-progressive.jpg", "restarts.jpg"])
    func jpegCutShort(_ name: String) {
        let bytes = ImageFixture.named(name).bytes
        for count in 3..<bytes.count {
            expectError(.badData, "JPEG") { _ = try readImage(folder.write(name, bytes.prefix(count))) }
        }
    }

    /// Formats that are known are named, with what to do.
    @Test func otherFormatsAreNamed() {
        for (start, name, advice) in [
            ("II*\0", "a TIFF", "Convert it to PNG"), ("MM\0*", "a TIFF", "Convert it to PNG"),
            ("RIFF\u{1}\0\0\0WEBPVP8 ", "a WebP", "Convert it to PNG"), ("BM6", "a BMP", "Convert it to PNG"),
            ("\0\0\0\u{18}ftypheic", "a HEIC", "Convert it to PNG"),
            ("\0\0\0 ftypavif", "an AVIF", "Convert it to PNG"),
            ("GIF89a", "a GIF", "Convert it to PNG"), ("%PDF-1.7", "a PDF", "Convert it to PNG"),
            (String(repeating: "\0", count: 128) + "DICM", "a DICOM file", "dcm2niix"),
            ("version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer", "git lfs pull"),
            ("\n<!DOCTYPE html><html>", "a web page", "open it in a browser"), ("{\"a\": 1}", "JSON", ""),
        ] {
            let path = folder.write("other", start)
            expectError(.badData, "expected a PNG or a JPEG, found \(name)", about: path) { _ = try readImage(path) }
            if !advice.isEmpty { expectError(.badData, advice) { _ = try readImage(path) } }
        }
    }

    /// What libjpeg does not read is not called damaged: 12 bits, and lossless (ITU-T T.81, table B.1, SOF3).
    @Test func unsupportedIsNotDamaged() throws {
        let bytes = ImageFixture.named("rgb-444.jpg").bytes
        let frame = try #require((0..<bytes.count).first { bytes[$0...].starts(with: [0xFF, 0xC0]) })
        var (deep, lossless) = (bytes, bytes)
        deep[frame + 4] = 12
        lossless[frame + 1] = 0xC3
        for (file, found) in [(deep, "precision 12"), (lossless, "SOF type 0xc3")] {
            expectError(.badData, "a kind of JPEG that is not read") {
                _ = try readImage(folder.write("kind.jpg", file))
            }
            expectError(.badData, found) { _ = try readImage(folder.write("kind.jpg", file)) }
        }
    }

    /// A progressive JPEG whose first scan stands there 200 times more; read where the bound is raised to what they decode.
    @Test func jpegOfTooManyScans() async throws {
        let bytes = ImageFixture.named("grey-progressive.jpg").bytes
        let first = try #require((0..<bytes.count).first { bytes[$0...].starts(with: [0xFF, 0xDA]) })
        let next = try #require((first + 2..<bytes.count).first { bytes[$0...].starts(with: [0xFF, 0xC4]) })
        let scans = Array(repeating: bytes[first..<next], count: 200).joined()
        let path = folder.write("scans.jpg", bytes[..<next] + scans + bytes[next...])
        expectError(.badData, "more than 100 scans in a JPEG\n\(Limit.advice)", about: path) { _ = try readImage(path) }
        let whole = try readImage(folder.write("whole.jpg", bytes)).image
        let decoded = 3 * whole.size.area * 220
        _ = await Limit.raising(to: decoded / 2) {
            expectError(.badData, "more than 110 scans", about: path) { _ = try readImage(path) }
        }
        let read = try await Limit.raising(to: decoded) { try readImage(path).image }
        #expect(read.size == whole.size)
    }

    /// Texts that inflate to 64 MB in all are not inflated: in a process that may take 64 MiB more, and in no time.
    @Test func textsAreNotInflated() throws {
        let png = ImageFixture.named("rgb-8.png")
        // The name, its end, Deflate, and a text whose data stop at once: whoever inflates it, finds it damaged.
        let text = Array("zTXtname\0\0".utf8) + [0x78, 0xDA, 0xFF]
        let chunk = withUnsafeBytes(of: UInt32(text.count - 4).bigEndian) { Array($0) } + text + [0, 0, 0, 0]
        let path = folder.write("text.png", withChecksums(Array(png.bytes[..<33] + chunk + png.bytes[33...])))
        let (image, warnings) = try readImage(path)
        #expect(image.pixels == [UInt8](png.rgb) && warnings.isEmpty)
    }

    // MARK: Sizes

    /// More pixels than Pillow takes, no pixels, and more than so few bytes can hold.
    @Test(arguments: [
        (UInt32(20_000), UInt32(20_000), "1 to 178956970 pixels"), (0x7FFF_FFFF, 0x7FFF_FFFF, "1 to 178956970 pixels"),
        (13_000, 13_000, "too short"), (1, 178_000_000, "too short"), (0, 9, "PNG"), (13, 0, "PNG"),
        (0xFFFF_FFFF, 1, "PNG"),
    ])
    func pngOfAnotherSize(_ width: UInt32, _ height: UInt32, _ text: String) {
        let png = ImageFixture.named("rgb-8.png").bytes.with(width.bigEndian, at: 16).with(height.bigEndian, at: 20)
        let path = folder.write("size.png", withChecksums(png))
        expectError(.badData, text) { _ = try readImage(path) }
    }

    /// One row or column more than the data has.
    @Test func pngOfTooFewRows() {
        for (offset, side) in [(16, UInt32(14)), (20, 10)] {
            let png = ImageFixture.named("rgb-8.png").bytes.with(side.bigEndian, at: offset)
            expectError(.badData, "not a whole PNG") { _ = try readImage(folder.write("rows.png", withChecksums(png))) }
        }
    }

    @Test func jpegOfAnotherSize() throws {
        let bytes = ImageFixture.named("rgb-444.jpg").bytes
        let frame = try #require((0..<bytes.count).first { bytes[$0...].starts(with: [0xFF, 0xC0]) })
        for (height, width, text) in [
            (UInt16(65_500), UInt16(65_500), "1 to 178956970 pixels"), (13_000, 13_000, "too short"), (0, 33, "JPEG"),
            (60, 33, "not a whole JPEG"),
        ] {
            let jpeg = bytes.with(height.bigEndian, at: frame + 5).with(width.bigEndian, at: frame + 7)
            expectError(.badData, text) { _ = try readImage(folder.write("size.jpg", jpeg)) }
        }
    }

    // MARK: Damage

    /// Every chunk has a checksum, so no change of a bit may go unnoticed.
    @Test(arguments: ["rgb-8.png", "gamma-100000.png", "palette-8-interlaced.png"])
    func pngOfAWrongBit(_ name: String) {
        let bytes = ImageFixture.named(name).bytes
        for place in stride(from: pngSignature.count, to: end(ofPixels: bytes), by: 3) {
            var damaged = bytes
            damaged[place] ^= 1 << (place % 8)
            expectError(.badData) { _ = try readImage(folder.write(name, damaged)) }
        }
    }

    /// Damage behind right checksums, which only the decoder can notice: a picture or an error, and no more.
    @Test func pngOfWrongContents() {
        var generator = SplitMix(seed: 7)
        var outcomes: [Bool: Int] = [:]
        for name in ["rgb-8.png", "rgba-16-interlaced.png", "palette-2-transparent.png", "orientation-6-little.png"] {
            let bytes = ImageFixture.named(name).bytes
            for _ in 0..<150 {
                let damaged = bytes.mutated(places: 3, in: pngSignature.count..<bytes.count, &generator)
                outcomes[isRead(folder.write(name, withChecksums(damaged))), default: 0] += 1
            }
        }
        #expect(outcomes[true, default: 0] > 20 && outcomes[false, default: 0] > 20, "\(outcomes)")
    }

    @Test func jpegOfWrongContents() {
        var generator = SplitMix(seed: 8)
        var outcomes: [Bool: Int] = [:]
        for name in ["grey.jpg", "rgb-420.jpg", "rgb-422-progressive.jpg", "orientation-6-big.jpg"] {
            let bytes = ImageFixture.named(name).bytes
            for _ in 0..<150 {
                let damaged = bytes.mutated(places: 3, in: 3..<bytes.count, &generator)
                outcomes[isRead(folder.write(name, damaged)), default: 0] += 1
            }
        }
        #expect(outcomes[true, default: 0] > 20 && outcomes[false, default: 0] > 20, "\(outcomes)")
    }

    /// Whether an image is read whole; where it is not, the error must be one of data.
    private func isRead(_ path: String) -> Bool {
        do {
            let image = try readImage(path).image
            #expect(image.pixels.count == 3 * image.size.area)
            return true
        } catch {
            #expect(error.kind == .badData)
            return false
        }
    }
}
