import ImageFrames

/// A picture of labelled slices side by side: grey values, labels as colour with a solid edge, and the boxes.
///
/// - Parameter boxes: the boxes of a slice with their labels.
public func picture(
    of images: SliceImages, _ labels: LabelVolume, slices: [Int], boxes: (_ slice: Int) -> [(PixelBox, UInt16)]
) -> RGBImage {
    precondition(!slices.isEmpty, "a picture of no slices")
    let zoom = max(1, 384 / images.slices.imageSize.width)
    let panels = slices.map { panel(images, labels, slice: $0, boxes: boxes($0), zoom: zoom) }
    let columns = min(panels.count, 4)
    let rows = (panels.count + columns - 1) / columns
    let (width, height) = (panels[0].size.width + gap, panels[0].size.height + gap)
    let size = PixelSize(width: columns * width - gap, height: rows * height - gap)
    var canvas = Canvas(size)
    for (index, panel) in panels.enumerated() {
        canvas.draw(panel, x: index % columns * width, y: index / columns * height)
    }
    return canvas.image
}

/// Up to `count` of some slices, evenly spread, first and last left out where there are others.
public func spread(_ slices: [Int], count: Int) -> [Int] {
    guard slices.count > count else { return slices }
    return (0..<count).map { slices[(2 * $0 + 1) * slices.count / (2 * count)] }
}

/// Pixels between panels.
private let gap = 4

private func panel(
    _ images: SliceImages, _ labels: LabelVolume, slice: Int, boxes: [(PixelBox, UInt16)], zoom: Int
) -> RGBImage {
    let small = images.slices.imageSize
    let size = PixelSize(width: small.width * zoom, height: small.height * zoom)
    let (grey, label) = (images.grey(ofSlice: slice), labels.labels(ofSlice: slice, images.slices))
    func labelAt(_ x: Int, _ y: Int) -> UInt16 {
        x < 0 || y < 0 || x >= size.width || y >= size.height ? 0 : label[y / zoom * small.width + x / zoom]
    }
    var canvas = Canvas(size)
    for y in 0..<size.height {
        for x in 0..<size.width {
            let value = Double(grey[y / zoom * small.width + x / zoom])
            let own = labelAt(x, y)
            let isEdge = [(1, 0), (-1, 0), (0, 1), (0, -1)].contains { labelAt(x + $0.0, y + $0.1) != own }
            canvas[x, y] = SIMD3(repeating: value)
            if own != 0 { canvas.blend(LabelColour(of: own).value, share: isEdge ? 1 : 0.35, x: x, y: y) }
        }
    }
    for (box, label) in boxes { canvas.drawOutline(box, zoom: Double(zoom), LabelColour(of: label).value) }
    return canvas.image
}

/// An image that is drawn on; what lies outside is ignored.
private struct Canvas {
    private let size: PixelSize
    private var pixels: [UInt8]

    /// A black one.
    init(_ size: PixelSize) {
        self.size = size
        pixels = [UInt8](repeating: 0, count: 3 * size.area)
    }

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
}
