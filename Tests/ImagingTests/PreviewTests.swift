import ImageFrames
import Testing

@testable import Imaging

@Suite struct PreviewTests {
    @Test(arguments: [(5, 8, [0, 1, 2, 3, 4]), (8, 4, [1, 3, 5, 7]), (9, 2, [2, 6]), (0, 3, [])])
    func slicesAreSpreadEvenly(slices: Int, count: Int, expected: [Int]) {
        #expect(spread(Array(0..<slices), count: count) == expected)
    }

    /// "T" and "l", as they look; what has no glyph is a blank.
    @Test func lettersAreDots() {
        let t = glyphDots(of: "t")
        #expect(t.filter { $0.y == 0 }.map(\.x) == [0, 1, 2, 3, 4])
        #expect((1...6).allSatisfy { y in t.filter { $0.y == y }.map(\.x) == [2] })
        #expect(glyphDots(of: "éT").map(\.x) == t.map { $0.x + 6 })
        // Every letter differs from every other, and is within five dots.
        let letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-+.,:/()_"
        let shapes = letters.map { letter in glyphDots(of: String(letter)).map { "\($0.x),\($0.y)" } }
        #expect(Set(shapes).count == letters.count)
        #expect(letters.allSatisfy { letter in glyphDots(of: String(letter)).allSatisfy { $0.x < 5 && $0.y < 7 } })
    }

    /// BTCV has 13 organs, and AMOS 15.
    @Test func coloursRepeatBeyond36Labels() {
        let colours = (1...36).map { LabelColour(of: $0) }
        #expect(Set(colours.map(\.name)).count == 36 && Set(colours.map(\.hexadecimal)).count == 36)
        #expect(colours[0].hexadecimal == "#e69f00" && colours[12].hexadecimal == "#734f00")
        #expect(colours[12].name == "dark orange" && colours[24].name == "pale orange")
        #expect(colours[24].hexadecimal == "#f5d899" && LabelColour(of: 37).name == "orange")
        for (one, other) in (0..<36).flatMap({ one in (0..<one).map { (colours[one].value, colours[$0].value) } }) {
            #expect(((one - other) * (one - other)).sum().squareRoot() > 20, "\(one) and \(other)")
        }
    }

    /// A volume of 64×48×2 in each orientation: the number at the top, the sides' letters at the edges they belong to, and
    /// the legend below.
    @Test(arguments: [("radiological", SliceView.radiological), ("array", .array)])
    func sidesAndLegend(name: String, view: SliceView) {
        let geometry = Geometry.plain(i: 64, j: 48, k: 2)
        let volume = Volume(file: "ct", geometry: geometry, values: [Float](repeating: -1000, count: 64 * 48 * 2))
        let images = SliceImages(volume, SliceGeometry(geometry, view: view), .softTissue)
        func draw(_ legend: [UInt16: String]) -> RGBImage {
            picture(of: images, LabelVolume(geometry: geometry), slices: [0, 1], legend: legend) { _ in [] }
        }
        let plain = draw([:])
        // 384 / 64 = 6 times as large, two beside each other.
        #expect(plain.size == PixelSize(width: 2 * 384 + 4, height: 288))
        func white(_ image: RGBImage, x: Range<Int>, y: Range<Int>) -> Set<[Int]> {
            var dots: Set<[Int]> = []
            for row in y {
                for column in x where image.pixels[3 * (row * image.size.width + column)] == 255 {
                    dots.insert([(column - x.lowerBound) / 2, (row - y.lowerBound) / 2])
                }
            }
            return dots
        }
        func dots(_ text: String) -> Set<[Int]> { Set(glyphDots(of: text).map { [$0.x, $0.y] }) }
        #expect(white(plain, x: 4..<104, y: 4..<18) == dots("slice 0"))
        #expect(white(plain, x: 388 + 4..<388 + 104, y: 4..<18) == dots("slice 1"))
        // Right-anterior-superior: the array's view has the patient's right on the right.
        let sides = view == .radiological ? ["R", "L"] : ["L", "R"]
        #expect(white(plain, x: 4..<14, y: 137..<151) == dots(sides[0]))
        #expect(white(plain, x: 370..<380, y: 137..<151) == dots(sides[1]))
        #expect(white(plain, x: 187..<197, y: 4..<18) == dots("A"))
        #expect(white(plain, x: 187..<197, y: 270..<284) == dots("P"))
        let named = draw([1: "spleen", 12: "left kidney"])
        #expect(named.size == PixelSize(width: plain.size.width, height: 288 + 22))
        #expect(Array(named.pixels.prefix(plain.pixels.count)) == plain.pixels)
        func pixel(_ x: Int, _ y: Int) -> [UInt8] {
            Array(named.pixels[3 * (y * named.size.width + x)..<3 * (y * named.size.width + x) + 3])
        }
        #expect(pixel(4, 292) == [230, 159, 0])
        #expect(white(named, x: 22..<94, y: 292..<306) == dots("spleen"))
    }

    /// What nobody drew has stripes six pixels wide, and the slice says so; its edge is solid.
    @Test func filledLabelsAreStriped() {
        let geometry = Geometry.plain(i: 64, j: 48, k: 1)
        let volume = Volume(file: "ct", geometry: geometry, values: [Float](repeating: -1000, count: 64 * 48))
        let images = SliceImages(volume, SliceGeometry(geometry, view: .array), .softTissue)
        var (labels, origin) = (LabelVolume(geometry: geometry), LabelVolume(geometry: geometry))
        labels.values = labels.values.map { _ in 1 }
        func pixels(_ origin: LabelVolume?) -> (_ x: Int, _ y: Int) -> [UInt8] {
            let image = picture(of: images, labels, origin: origin, slices: [0]) { _ in [] }
            return { x, y in Array(image.pixels.dropFirst(3 * (y * image.size.width + x)).prefix(3)) }
        }
        // 0.35 of the first colour on black.
        let tinted: [UInt8] = pixels(nil)(92, 100)
        #expect(tinted[0] == 80 || tinted[0] == 81)
        origin.values = origin.values.map { _ in LabelOrigin.drawn.rawValue }
        let drawn = pixels(origin)
        #expect(drawn(92, 100) == tinted && drawn(98, 100) == tinted)
        origin.values = origin.values.map { _ in LabelOrigin.interpolated.rawValue }
        let filled = pixels(origin)
        #expect(filled(92, 100) == tinted && filled(97, 100) == tinted && filled(98, 100) == [0, 0, 0])
        #expect(filled(0, 100) == [230, 159, 0], "the edge")
    }

    /// As high as it is narrow, a slice is not made larger than its own.
    @Test func thinSlicesStaySmall() {
        let geometry = Geometry.plain(i: 2, j: 1000, k: 8)
        let volume = Volume(file: "ct", geometry: geometry, values: [Float](repeating: 0, count: 16_000))
        let images = SliceImages(volume, SliceGeometry(geometry), .softTissue)
        let image = picture(of: images, LabelVolume(geometry: geometry), slices: Array(0..<8)) { _ in [] }
        #expect(image.size == PixelSize(width: 4 * 2 + 3 * 4, height: 2 * 1000 + 4))
    }
}
