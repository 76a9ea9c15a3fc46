import ImageFrames

/// An image that is drawn on; what lies outside is ignored.
struct Canvas {
    let size: PixelSize
    private var pixels: [UInt8]

    /// A black one.
    init(_ size: PixelSize) {
        self.size = size
        pixels = [UInt8](repeating: 0, count: 3 * size.area)
    }

    init(_ image: RGBImage) { (size, pixels) = (image.size, image.pixels) }

    var image: RGBImage { RGBImage(size: size, pixels: pixels) }

    subscript(x: Int, y: Int) -> SIMD3<Double> {
        get {
            let first = 3 * (y * size.width + x)
            return SIMD3((0..<3).map { Double(pixels[first + $0]) })
        }
        set {
            guard (0..<size.width).contains(x), (0..<size.height).contains(y) else { return }
            let first = 3 * (y * size.width + x)
            for channel in 0..<3 { pixels[first + channel] = UInt8(min(max(newValue[channel], 0), 255)) }
        }
    }

    mutating func blend(_ colour: SIMD3<Double>, share: Double, x: Int, y: Int) {
        self[x, y] = self[x, y] * (1 - share) + colour * share
    }

    mutating func draw(_ other: RGBImage, x: Int, y: Int) {
        for row in 0..<other.size.height {
            let source = 3 * row * other.size.width
            let target = 3 * ((y + row) * size.width + x)
            let count = 3 * other.size.width
            pixels.replaceSubrange(target..<target + count, with: other.pixels[source..<source + count])
        }
    }

    mutating func fill(x: Range<Int>, y: Range<Int>, _ colour: SIMD3<Double>) {
        for row in y { for column in x { self[column, row] = colour } }
    }

    /// A dashed outline one pixel wide.
    mutating func drawOutline(_ box: PixelBox, zoom: Double, _ colour: SIMD3<Double>) {
        let (x0, y0) = (Int(box.x0 * zoom), Int(box.y0 * zoom))
        let (x1, y1) = (Int((box.x1 * zoom).rounded(.up)) - 1, Int((box.y1 * zoom).rounded(.up)) - 1)
        for x in x0...max(x0, x1) where x / 3 % 2 == 0 {
            self[x, y0] = colour
            self[x, y1] = colour
        }
        for y in y0...max(y0, y1) where y / 3 % 2 == 0 {
            self[x0, y] = colour
            self[x1, y] = colour
        }
    }

    /// Writes a text, its top left corner at a pixel, in white with a black edge, so that it is read on any grey.
    ///
    /// - Parameter scale: the side of a dot of its letters, which are 5 dots wide and 7 high, in pixels.
    mutating func write(_ text: String, x: Int, y: Int, scale: Int) {
        let dots = glyphDots(of: text)
        for dot in dots {
            let (left, top) = (x + scale * dot.x, y + scale * dot.y)
            fill(x: left - 1..<left + scale + 1, y: top - 1..<top + scale + 1, .zero)
        }
        for dot in dots {
            let (left, top) = (x + scale * dot.x, y + scale * dot.y)
            fill(x: left..<left + scale, y: top..<top + scale, SIMD3(repeating: 255))
        }
    }
}
