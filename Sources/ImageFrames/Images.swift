/// An image of red, green and blue, 8 bits each: `pixels` is `[height, width, 3]`, row by row.
public struct RGBImage: Hashable, Sendable {
    public let size: PixelSize
    public let pixels: [UInt8]

    /// - Precondition: `pixels` holds 3 · width · height values and neither side is empty.
    public init(size: PixelSize, pixels: [UInt8]) {
        precondition(size.width > 0 && size.height > 0, "empty image \(size)")
        precondition(pixels.count == 3 * size.area, "\(pixels.count) values for \(size) in RGB")
        self.size = size
        self.pixels = pixels
    }

    /// A greyscale image with its value in all three channels.
    public init(size: PixelSize, grey: [UInt8]) {
        self.init(size: size, pixels: grey.flatMap { [$0, $0, $0] })
    }
}

/// Which pixels of an image belong to an object: `values` is `[height, width]`, row by row.
public struct Mask: Hashable, Sendable {
    public let size: PixelSize
    public var values: [Bool]

    /// - Precondition: `values` holds width · height values.
    public init(size: PixelSize, values: [Bool]) {
        precondition(values.count == size.area, "\(values.count) values for \(size)")
        self.size = size
        self.values = values
    }

    /// The number of pixels in the mask.
    public var area: Int { values.count { $0 } }

    /// The smallest box around the mask, end-exclusive, or nil where the mask is empty.
    public var boundingBox: PixelBox? {
        var (x0, y0, x1, y1) = (size.width, size.height, 0, 0)
        for y in 0..<size.height {
            for x in 0..<size.width where values[y * size.width + x] {
                x0 = min(x0, x)
                x1 = max(x1, x + 1)
                y0 = min(y0, y)
                y1 = max(y1, y + 1)
            }
        }
        return x0 < x1 ? PixelBox(x0: Double(x0), y0: Double(y0), x1: Double(x1), y1: Double(y1)) : nil
    }
}
