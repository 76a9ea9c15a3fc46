import ImageFrames

/// A picture of labelled slices side by side: grey values, labels as colour with a solid edge, striped where nobody drew
/// them, and the boxes. Each slice has its number, and the letters of the patient's sides at its edges; a legend of the
/// colours is below them all.
///
/// - Parameters:
///   - origin: where labels come from, by ``LabelOrigin``; nil where all were drawn.
///   - legend: the names of labels; without any, there is no legend.
///   - boxes: the boxes of a slice with their labels.
public func picture(
    of images: SliceImages, _ labels: LabelVolume, origin: LabelVolume? = nil, slices: [Int],
    legend: [UInt16: String] = [:],
    boxes: (_ slice: Int) -> [(PixelBox, UInt16)]
) -> RGBImage {
    precondition(!slices.isEmpty, "a picture of no slices")
    let zoom = max(1, 384 / max(images.slices.imageSize.width, images.slices.imageSize.height))
    let panels = slices.map { panel(images, labels, origin, slice: $0, boxes: boxes($0), zoom: zoom) }
    let columns = min(panels.count, 4)
    let rows = (panels.count + columns - 1) / columns
    let (width, height) = (panels[0].size.width + gap, panels[0].size.height + gap)
    let entries = Legend(legend, width: columns * width - gap)
    let size = PixelSize(width: columns * width - gap, height: rows * height - gap + entries.height)
    var canvas = Canvas(size)
    for (index, panel) in panels.enumerated() {
        canvas.draw(panel, x: index % columns * width, y: index / columns * height)
    }
    entries.draw(on: &canvas, y: rows * height - gap)
    return canvas.image
}

/// Up to `count` of some slices, evenly spread, first and last left out where there are others.
public func spread(_ slices: [Int], count: Int) -> [Int] {
    guard slices.count > count else { return slices }
    return (0..<count).map { slices[(2 * $0 + 1) * slices.count / (2 * count)] }
}

/// Pixels between panels.
private let gap = 4

/// The side of a dot of letters, in pixels.
private let scale = 2

private func panel(
    _ images: SliceImages, _ labels: LabelVolume, _ origin: LabelVolume?, slice: Int, boxes: [(PixelBox, UInt16)],
    zoom: Int
) -> RGBImage {
    let small = images.slices.imageSize
    let size = PixelSize(width: small.width * zoom, height: small.height * zoom)
    let (grey, label) = (images.grey(ofSlice: slice), labels.labels(ofSlice: slice, images.slices))
    let isFilled = origin?.labels(ofSlice: slice, images.slices).map { $0 > LabelOrigin.drawn.rawValue }
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
            let isGap = isFilled?[y / zoom * small.width + x / zoom] == true && (x + y) / 6 % 2 == 1
            if own != 0, isEdge || !isGap {
                canvas.blend(LabelColour(of: own).value, share: isEdge ? 1 : 0.35, x: x, y: y)
            }
        }
    }
    for (box, label) in boxes { canvas.drawOutline(box, zoom: Double(zoom), LabelColour(of: label).value) }
    canvas.write("slice \(slice)", x: 4, y: 4, scale: scale)
    if isFilled?.contains(true) == true {
        canvas.write("striped: filled", x: 4, y: 4 + gap + glyphHeight * scale, scale: scale)
    }
    for (direction, letters) in [(images.slices.towardsRight, ("R", "L")), (images.slices.towardsFront, ("A", "P"))] {
        guard let direction else { continue }
        canvas.write(letters.0, towards: direction)
        canvas.write(letters.1, towards: -direction)
    }
    return canvas.image
}

extension Canvas {
    /// Writes a letter in the middle of the edge in a direction.
    fileprivate mutating func write(_ letter: String, towards direction: SIMD2<Double>) {
        func place(_ length: Int, _ extent: Int, _ step: Double) -> Int {
            step == 0 ? (length - extent) / 2 : step < 0 ? 4 : length - extent - 4
        }
        write(
            letter, x: place(size.width, 5 * scale, direction.x),
            y: place(size.height, glyphHeight * scale, direction.y),
            scale: scale)
    }
}

/// What the colours mean, in rows of names with a square of the colour before each.
private struct Legend {
    private var places: [(label: UInt16, name: String, x: Int, row: Int)] = []
    private let square = glyphHeight * scale
    private let rowHeight = glyphHeight * scale + 2 * gap

    init(_ names: [UInt16: String], width: Int) {
        var (x, row) = (gap, 0)
        for (label, name) in names.sorted(by: { $0.key < $1.key }) {
            let short = String(name.prefix(40))
            let length = square + gap + (short.count + 2) * glyphAdvance * scale
            if x > gap, x + length > width { (x, row) = (gap, row + 1) }
            places.append((label, short, x, row))
            x += length
        }
    }

    var height: Int { places.last.map { ($0.row + 1) * rowHeight } ?? 0 }

    func draw(on canvas: inout Canvas, y: Int) {
        for place in places {
            let top = y + place.row * rowHeight + gap
            canvas.fill(x: place.x..<place.x + square, y: top..<top + square, LabelColour(of: place.label).value)
            canvas.write(place.name, x: place.x + square + gap, y: top, scale: scale)
        }
    }
}
