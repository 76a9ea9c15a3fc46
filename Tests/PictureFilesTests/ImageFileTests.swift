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
