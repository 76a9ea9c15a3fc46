import ImageFrames

/// A mask to be drawn on its picture, and what it answers.
public struct DrawnMask: Sendable {
    public var mask: Mask
    public var box: PixelBox?
    public var points: [(position: PixelPoint, isForeground: Bool)]

    public init(mask: Mask, box: PixelBox?, points: [(position: PixelPoint, isForeground: Bool)]) {
        (self.mask, self.box, self.points) = (mask, box, points)
    }
}

extension RGBImage {
    /// The picture with masks as colour with a solid edge, boxes as dashed outlines, points that are inside as white discs
    /// and those outside as black ones. Each mask has a colour of its own, in the order of ``picture(of:_:origin:slices:legend:boxes:)``.
    ///
    /// - Precondition: masks have the picture's size.
    public func drawing(_ masks: [DrawnMask]) -> RGBImage {
        var canvas = Canvas(self)
        for (number, drawn) in masks.enumerated() {
            precondition(drawn.mask.size == size, "a mask of \(drawn.mask.size) on a picture of \(size)")
            canvas.draw(drawn.mask, LabelColour(of: UInt16(truncatingIfNeeded: number + 1)).value, edge: thickness)
        }
        for (number, drawn) in masks.enumerated() {
            let colour = LabelColour(of: UInt16(truncatingIfNeeded: number + 1)).value
            if let box = drawn.box { canvas.drawOutline(box, colour, thickness: thickness) }
            for point in drawn.points {
                canvas.drawDisc(point.position, radius: 4 * thickness, colour)
                canvas.drawDisc(
                    point.position, radius: 3 * thickness, SIMD3(repeating: point.isForeground ? 255 : 0))
            }
        }
        return canvas.image
    }

    /// The picture with masks as colour with a solid edge, small ones above large ones.
    ///
    /// - Precondition: masks have the picture's size.
    public func drawing(runs masks: [RunLengths]) -> RGBImage {
        var canvas = Canvas(self)
        let largestFirst = masks.map { (mask: $0, area: $0.area) }.sorted { $0.area > $1.area }
        for (number, item) in largestFirst.enumerated() {
            let mask = Mask(rle: item.mask)
            precondition(mask.size == size, "a mask of \(mask.size) on a picture of \(size)")
            canvas.draw(mask, LabelColour(of: UInt16(truncatingIfNeeded: number + 1)).value, edge: thickness)
        }
        return canvas.image
    }

    /// Of lines that are seen where the picture is shown on a screen.
    private var thickness: Int { max(1, max(size.width, size.height) / 500) }
}

extension Canvas {
    fileprivate mutating func draw(_ mask: Mask, _ colour: SIMD3<Double>, edge: Int) {
        let size = mask.size
        func isInside(_ x: Int, _ y: Int) -> Bool {
            (0..<size.width).contains(x) && (0..<size.height).contains(y) && mask.values[y * size.width + x]
        }
        for y in 0..<size.height {
            for x in 0..<size.width where mask.values[y * size.width + x] {
                let isEdge = [(edge, 0), (-edge, 0), (0, edge), (0, -edge)].contains { !isInside(x + $0.0, y + $0.1) }
                blend(colour, share: isEdge ? 1 : 0.4, x: x, y: y)
            }
        }
    }

    /// A dashed outline along the inside of a box.
    fileprivate mutating func drawOutline(_ box: PixelBox, _ colour: SIMD3<Double>, thickness: Int) {
        guard let box = box.clipped(to: size) else { return }
        let (x0, y0) = (Int(box.x0), Int(box.y0))
        let (x1, y1) = (Int(box.x1.rounded(.up)) - 1, Int(box.y1.rounded(.up)) - 1)
        let dash = 4 * thickness
        for inset in 0..<thickness {
            for x in x0...max(x0, x1) where x / dash % 2 == 0 {
                self[x, y0 + inset] = colour
                self[x, y1 - inset] = colour
            }
            for y in y0...max(y0, y1) where y / dash % 2 == 0 {
                self[x0 + inset, y] = colour
                self[x1 - inset, y] = colour
            }
        }
    }

    fileprivate mutating func drawDisc(_ centre: PixelPoint, radius: Int, _ colour: SIMD3<Double>) {
        for y in -radius...radius {
            for x in -radius...radius where x * x + y * y <= radius * radius {
                self[Int(centre.x) + x, Int(centre.y) + y] = colour
            }
        }
    }
}
