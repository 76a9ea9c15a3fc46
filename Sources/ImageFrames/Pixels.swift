/// Width and height of an image in its own pixels, as opened: before anything is scaled for the model.
public struct PixelSize: Hashable, Sendable, Codable {
    public var width: Int
    public var height: Int

    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// The number of pixels, width · height.
    public var area: Int { width * height }
}

/// A place in original pixels: the origin at the top left, x to the right, y down.
public struct PixelPoint: Hashable, Sendable, Codable {
    public var x: Double
    public var y: Double

    public init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }
}

/// A box in original pixels: the origin at the top left, x to the right, y down; x1 and y1 are exclusive where
/// pixels are counted.
public struct PixelBox: Hashable, Sendable {
    public var x0: Double
    public var y0: Double
    public var x1: Double
    public var y1: Double

    public init(x0: Double, y0: Double, x1: Double, y1: Double) {
        self.x0 = x0
        self.y0 = y0
        self.x1 = x1
        self.y1 = y1
    }

    public var width: Double { x1 - x0 }
    public var height: Double { y1 - y0 }

    /// The part of the box inside an image of this size, or nil where none is.
    public func clipped(to size: PixelSize) -> PixelBox? {
        let inside = PixelBox(
            x0: max(x0, 0), y0: max(y0, 0), x1: min(x1, Double(size.width)), y1: min(y1, Double(size.height)))
        return inside.x0 < inside.x1 && inside.y0 < inside.y1 ? inside : nil
    }
}

/// As JSON, `[x0, y0, x1, y1]`.
extension PixelBox: Codable {
    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        func side() throws -> Double { try container.decode(Double.self) }
        self.init(x0: try side(), y0: try side(), x1: try side(), y1: try side())
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for side in [x0, y0, x1, y1] { try container.encode(side) }
    }
}
