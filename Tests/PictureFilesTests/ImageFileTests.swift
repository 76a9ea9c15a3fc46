import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import PictureFiles

/// PNG and JPEG against Pillow, and what we write against the formats' own words.
@Suite struct ImageFileTests {
    let folder = Folder()

    // MARK: Reading

    /// Equal to the last bit: PNG is lossless. Of 16 bits the high byte is expected, where Pillow clips grey at 255.
    @Test(arguments: ImageFixture.pngs)
    func pngIsPillows(_ fixture: ImageFixture) throws {
        let (image, _) = try readImage(folder.write(fixture.name, fixture.file))
        #expect(image.size == PixelSize(width: fixture.width, height: fixture.height))
        #expect(image.pixels == [UInt8](fixture.rgb))
    }

    /// Equal to the last bit too: libjpeg-turbo's "slow" integer transform and "fancy" upsampling are exactly
    /// defined, and Pillow's own copy of it (3.2) does as Debian's (2.1).
    @Test(arguments: ImageFixture.jpegs)
    func jpegIsPillows(_ fixture: ImageFixture) throws {
        let (image, _) = try readImage(folder.write(fixture.name, fixture.file))
        #expect(image.size == PixelSize(width: fixture.width, height: fixture.height))
        let difference = zip(image.pixels, fixture.rgb).map { abs(Int($0) - Int($1)) }.max()
        #expect(difference == 0)
    }

    /// 1024 × 700 grey pixels in 129 bytes, by libjpeg-turbo's jpegtran; 77 as Pillow reads them.
    @Test func arithmeticCodesTakeLessThanABit() throws {
        let file = try #require(
            Data(
                base64Encoded:
                    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4R"
                    + "DgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/yQALCAK8BAABAREA/8wABgAQEAX/2gAIAQEAAD8A/wDY+AY6gP/Z"))
        let (image, warnings) = try readImage([UInt8](file), name: "blank.jpg")
        #expect(image.size == PixelSize(width: 1024, height: 700) && warnings.isEmpty)
        #expect(Set(image.pixels) == [77])
    }

    /// A gamma or an orientation that is not followed is told of, and only those.
    @Test(arguments: ImageFixture.pngs + ImageFixture.jpegs)
    func whatIsIgnoredIsSaid(_ fixture: ImageFixture) throws {
        let path = folder.write(fixture.name, fixture.file)
        let (_, warnings) = try readImage(path)
        #expect(warnings.count == (fixture.warning == nil ? 0 : 1))
        if let word = fixture.warning {
            #expect(warnings.first?.what.contains(word) == true)
            #expect(warnings.first?.file == path)
        }
    }

    /// 16-bit grey of few bits: a warning names them; `.bits` takes the high 8 of those, `.stretched` the whole range.
    @Test(arguments: [(12, 4080), (8, 255), (14, 16383), (10, 520)])
    func narrowSamples(_ bits: Int, _ greatest: Int) throws {
        let samples = [0, 7, greatest / 3, greatest - 1, greatest, 19]
        let path = folder.write("narrow.png", deepPNG(width: 3, height: 2, samples))
        func grey(_ values: [Int]) -> [UInt8] { values.flatMap { [UInt8](repeating: UInt8($0), count: 3) } }

        let (declared, warnings) = try readImage(path)
        #expect(declared.pixels == grey(samples.map { $0 >> 8 }))
        #expect(warnings.count == 1)
        #expect(warnings.first?.what.contains("reach only \(greatest) of 65535") == true)
        #expect(warnings.first?.what.contains("--bits \(bits) or --stretch") == true)

        let (scaled, none) = try readImage(path, samples: .bits(bits))
        #expect(scaled.pixels == grey(samples.map { $0 >> (bits - 8) }) && none.isEmpty)
        let stretched = samples.map { Int((255 * Double($0) / Double(greatest) + 0.5).rounded(.down)) }
        #expect(try readImage(path, samples: .stretched).image.pixels == grey(stretched))
        if bits > 8 {
            expectError(.badData, "samples beyond \(bits - 1) bits") {
                _ = try readImage(path, samples: .bits(bits - 1))
            }
        }
    }

    /// The whole range, or nothing at all, is no reason to warn; 8 bits are stretched but have no --bits.
    @Test func rangesOfOtherPictures() throws {
        for samples in [[0, 65535], [300, 16384], [0, 0]] {
            #expect(try readImage(folder.write("deep.png", deepPNG(width: 2, height: 1, samples))).warnings.isEmpty)
        }
        try writePNG(folder.file("8.png"), size: PixelSize(width: 3, height: 1), grey: [10, 20, 30])
        #expect(
            try readImage(folder.file("8.png"), samples: .stretched).image.pixels == [
                0, 0, 0, 128, 128, 128, 255, 255, 255,
            ])
        expectError(.badData, "--bits is for samples of 16 bits") {
            _ = try readImage(folder.file("8.png"), samples: .bits(12))
        }
        try writePNG(folder.file("one.png"), size: PixelSize(width: 1, height: 1), grey: [9])
        #expect(try readImage(folder.file("one.png"), samples: .stretched).image.pixels == [0, 0, 0])
    }

    /// A greyscale PNG of 16 bits whose pixels are in a stored block of Deflate (RFC 1950, RFC 1951).
    private func deepPNG(width: Int, height: Int, _ samples: [Int]) -> [UInt8] {
        func big(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).reversed().map { UInt8(value >> (8 * $0) & 0xFF) }
        }
        func chunk(_ name: String, _ contents: [UInt8]) -> [UInt8] {
            big(contents.count, 4) + Array(name.utf8) + contents + [0, 0, 0, 0]
        }
        var rows: [UInt8] = []
        for y in 0..<height { rows += [0] + samples[y * width..<(y + 1) * width].flatMap { big($0, 2) } }
        var (a, b) = (1, 0)
        for byte in rows {
            a = (a + Int(byte)) % 65521
            b = (b + a) % 65521
        }
        let length = [UInt8(rows.count & 0xFF), UInt8(rows.count >> 8)]
        let start: [UInt8] = [0x78, 0x01, 1] + length + length.map { ~$0 }
        let data: [UInt8] = start + rows + big(b, 2) + big(a, 2)
        let header: [UInt8] = big(width, 4) + big(height, 4) + [16, 0, 0, 0, 0]
        let chunks: [UInt8] = chunk("IHDR", header) + chunk("IDAT", data) + chunk("IEND", [])
        return withChecksums(pngSignature + chunks)
    }

    /// The name does not matter.
    @Test func formatIsToldByContents() throws {
        let png = ImageFixture.named("rgb-8.png")
        #expect(try readImage(folder.write("picture.jpg", png.file)).image.pixels == [UInt8](png.rgb))
        let jpeg = ImageFixture.named("rgb-420.jpg")
        #expect(try readImage(folder.write("noextension", jpeg.file)).image.size.width == jpeg.width)
    }

    // MARK: Writing

    @Test func greyIsWrittenAsItIs() throws {
        let size = PixelSize(width: 13, height: 5)
        let grey = (0..<65).map { UInt8($0 * 255 / 64) }
        try writePNG(folder.file("grey.png"), size: size, grey: grey)
        #expect(try readImage(folder.file("grey.png")).image == RGBImage(size: size, grey: grey))
        try expectHeader(of: "grey.png", width: 13, height: 5, colourType: 0)
    }

    @Test func maskIsWrittenAs0And255() throws {
        let size = PixelSize(width: 3, height: 7)
        let mask = Mask(size: size, values: (0..<21).map { $0 % 4 == 1 })
        try writePNG(folder.file("mask.png"), mask)
        let grey = mask.values.map { UInt8($0 ? 255 : 0) }
        #expect(try readImage(folder.file("mask.png")).image == RGBImage(size: size, grey: grey))
        try expectHeader(of: "mask.png", width: 3, height: 7, colourType: 0)
    }

    @Test func coloursAreWrittenAsTheyAre() throws {
        for fixture in [ImageFixture.named("31x47.png"), .named("rgb-8.png"), .named("1x3000.png")] {
            let size = PixelSize(width: fixture.width, height: fixture.height)
            let image = RGBImage(size: size, pixels: [UInt8](fixture.rgb))
            try writePNG(folder.file("colours.png"), image)
            #expect(try readImage(folder.file("colours.png")).image == image)
            try expectHeader(of: "colours.png", width: size.width, height: size.height, colourType: 2)
        }
    }

    @Test func sameImageGivesSameBytes() throws {
        let fixture = ImageFixture.named("31x47.png")
        let size = PixelSize(width: fixture.width, height: fixture.height)
        let image = RGBImage(size: size, pixels: [UInt8](fixture.rgb))
        try writePNG(folder.file("a.png"), image)
        try writePNG(folder.file("b.png"), image)
        #expect(try readFile(folder.file("a.png"), limit: .picture) == readFile(folder.file("b.png"), limit: .picture))
    }

    /// The PNG standard, section 11.2.2: the header's 13 bytes after the signature, length and name. There are no
    /// chunks but those that a picture needs, so no time and no software's name.
    private func expectHeader(of name: String, width: Int, height: Int, colourType: UInt8) throws {
        let bytes = [UInt8](try readFile(folder.file(name), limit: .picture))
        let size = [0, 0, UInt8(width >> 8), UInt8(width & 255), 0, 0, UInt8(height >> 8), UInt8(height & 255)]
        #expect(Array(bytes[16..<29]) == size + [8, colourType, 0, 0, 0])
        var (names, position): (Set<String>, Int) = ([], 8)
        while position + 8 <= bytes.count {
            names.insert(String(decoding: bytes[position + 4..<position + 8], as: UTF8.self))
            position += 12 + bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        #expect(names == ["IHDR", "IDAT", "IEND"])
        #expect(position == bytes.count)
    }
}
