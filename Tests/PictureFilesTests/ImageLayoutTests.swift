import ImageFrames
import Testing

/// Pictures from memory, against the bytes written out by hand.
@Suite struct ImageLayoutTests {
    /// Two rows of one pixel, padded by two bytes; the last row lacks its padding.
    @Test func channelsAreInOrder() {
        let expected: [RGBImage.Layout: [UInt8]] = [
            .grey: [1, 1, 1, 11, 11, 11], .greyAlpha: [1, 1, 1, 11, 11, 11], .rgb: [1, 2, 3, 11, 12, 13],
            .bgr: [3, 2, 1, 13, 12, 11], .rgba: [1, 2, 3, 11, 12, 13], .bgra: [3, 2, 1, 13, 12, 11],
            .argb: [2, 3, 4, 12, 13, 14],
        ]
        #expect(expected.count == RGBImage.Layout.allCases.count)
        for (layout, pixels) in expected {
            let bytes: Int = [.grey: 1, .greyAlpha: 2, .rgb: 3, .bgr: 3][layout] ?? 4
            let rows = [Array(1...UInt8(bytes)), Array(11...UInt8(10 + bytes))]
            let size = PixelSize(width: 1, height: 2)
            #expect(RGBImage(size: size, bytes: rows[0] + rows[1], layout: layout).pixels == pixels)
            #expect(
                RGBImage(size: size, bytes: rows[0] + [99, 99] + rows[1], layout: layout, bytesPerRow: bytes + 2).pixels
                    == pixels)
        }
    }

    /// Rows of several pixels.
    @Test func pixelsFollowEachOther() {
        let image = RGBImage(
            size: PixelSize(width: 3, height: 2), bytes: Array(0..<24), layout: .bgra)
        #expect(image.pixels == [2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 18, 17, 16, 22, 21, 20])
    }
}
