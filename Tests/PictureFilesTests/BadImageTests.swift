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
        for count in pngSignature.count..<bytes.count {
            expectError(.badData, "PNG") { _ = try readImage(folder.write(name, bytes.prefix(count))) }
        }
    }

    /// Wherever it ends, the last byte of the end marker too.
    @Test(arguments: ["grey.jpg", "rgb-420.jpg", "rgb-444-progressive.jpg", "restarts.jpg"])
    func jpegCutShort(_ name: String) {
        let bytes = ImageFixture.named(name).bytes
        for count in 3..<bytes.count {
            expectError(.badData, "JPEG") { _ = try readImage(folder.write(name, bytes.prefix(count))) }
        }
    }

    @Test func cmyk() {
        let fixture = ImageFixture.named("cmyk.jpg")
        expectError(.badData, "expected grey or RGB, found CMYK\nConvert it to RGB first.") {
            _ = try readImage(folder.write("cmyk.jpg", fixture.file))
        }
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
        for place in stride(from: pngSignature.count, to: bytes.count, by: 3) {
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
