import ImageFrames
import Testing

@testable import Imaging

/// Masks on their picture: which pixels change, and to what.
@Suite struct DrawnMaskTests {
    /// A block of 4 × 3 in a picture of 10 × 7: its rim has the first colour (230, 159, 0), its inside 0.4 of that over
    /// 0.6 of the picture's 100, the rest is untouched.
    @Test func insideAndEdge() {
        let size = PixelSize(width: 10, height: 7)
        let values = (0..<size.area).map { (3..<7).contains($0 % 10) && (2..<5).contains($0 / 10) }
        let picture = RGBImage(size: size, grey: [UInt8](repeating: 100, count: size.area))
        let drawn = picture.drawing([DrawnMask(mask: Mask(size: size, values: values), box: nil, points: [])])
        for (pixel, isInside) in values.enumerated() {
            let (x, y) = (pixel % 10, pixel / 10)
            let isCore = (4..<6).contains(x) && y == 3
            let expected: [UInt8] = isCore ? [152, 123, 60] : isInside ? [230, 159, 0] : [100, 100, 100]
            #expect(Array(drawn.pixels[3 * pixel..<3 * pixel + 3]) == expected, "\(x), \(y)")
        }
        #expect(picture.drawing([]) == picture)
    }

    /// Of several masks the small one lies above the large one, whichever comes first.
    @Test func smallMasksLieAboveLargeOnes() {
        let size = PixelSize(width: 9, height: 5)
        let masks = [[4], [2, 3, 4, 5, 6]].map { columns in
            Mask(size: size, values: (0..<size.area).map { columns.contains($0 % 9) }).rle
        }
        let picture = RGBImage(size: size, grey: [UInt8](repeating: 100, count: size.area))
        let drawn = picture.drawing(runs: masks)
        #expect(drawn == picture.drawing(runs: masks.reversed()))
        func at(_ x: Int, _ y: Int) -> [UInt8] { Array(drawn.pixels[3 * (y * 9 + x)..<3 * (y * 9 + x) + 3]) }
        // All of the narrow one is edge, in the second colour.
        #expect(at(4, 2) == [86, 180, 233] && at(2, 2) == [230, 159, 0] && at(3, 2) == [152, 123, 60])
        #expect(at(1, 2) == [100, 100, 100])
    }

    /// A box beyond the picture is cut at its edge; a point has a rim of the mask's colour and a core of white or black.
    @Test func boxesAndPoints() {
        let size = PixelSize(width: 40, height: 30)
        let empty = Mask(size: size, values: [Bool](repeating: false, count: size.area))
        let picture = RGBImage(size: size, grey: [UInt8](repeating: 100, count: size.area))
        let drawn = picture.drawing([
            DrawnMask(mask: empty, box: nil, points: [(PixelPoint(x: 20, y: 15), true)]),
            DrawnMask(
                mask: empty, box: PixelBox(x0: -5, y0: -5, x1: 99, y1: 99), points: [(PixelPoint(x: 0, y: 29), false)]),
        ])
        func at(_ x: Int, _ y: Int) -> [UInt8] { Array(drawn.pixels[3 * (y * 40 + x)..<3 * (y * 40 + x) + 3]) }
        #expect(at(20, 15) == [255, 255, 255] && at(24, 15) == [230, 159, 0])
        #expect(at(0, 29) == [0, 0, 0] && at(4, 29) == [86, 180, 233])
        // Dashes of four, and gaps.
        #expect(at(1, 0) == [86, 180, 233] && at(5, 0) == [100, 100, 100] && at(39, 2) == [86, 180, 233])
    }
}
