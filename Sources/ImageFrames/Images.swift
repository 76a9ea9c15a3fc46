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
    ///
    /// - Precondition: `grey` holds width · height values and neither side is empty.
    public init(size: PixelSize, grey: [UInt8]) {
        precondition(grey.count == size.area, "\(grey.count) grey values for \(size)")
        self.init(size: size, pixels: grey.flatMap { [$0, $0, $0] })
    }

    /// Which channels of 8 bits a pixel has in memory, in this order; alpha is left out.
    public enum Layout: CaseIterable, Sendable {
        case grey, greyAlpha, rgb, bgr, rgba, bgra, argb

        /// Bytes of a pixel, and which of them are red, green and blue.
        fileprivate var places: (bytes: Int, red: Int, green: Int, blue: Int) {
            switch self {
            case .grey: (1, 0, 0, 0)
            case .greyAlpha: (2, 0, 0, 0)
            case .rgb: (3, 0, 1, 2)
            case .bgr: (3, 2, 1, 0)
            case .rgba: (4, 0, 1, 2)
            case .bgra: (4, 2, 1, 0)
            case .argb: (4, 1, 2, 3)
            }
        }
    }

    /// An image from memory, such as a camera's or another library's.
    ///
    /// - Parameters:
    ///   - bytes: row by row from the top; values are taken as they are.
    ///   - layout: of a pixel.
    ///   - bytesPerRow: from the beginning of a row to that of the next; nil where nothing lies between rows.
    /// - Precondition: neither side is empty, and `bytes` holds `bytesPerRow` · (height − 1) values and a row.
    public init(size: PixelSize, bytes: [UInt8], layout: Layout, bytesPerRow: Int? = nil) {
        let places = layout.places
        let row = places.bytes * size.width
        let stride = bytesPerRow ?? row
        precondition(size.width > 0 && size.height > 0, "empty image \(size)")
        precondition(
            stride >= row && bytes.count >= stride * (size.height - 1) + row,
            "\(bytes.count) bytes in rows of \(stride) for \(size) in \(layout)")
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * size.area)
        for y in 0..<size.height {
            for x in 0..<size.width {
                let pixel = y * stride + x * places.bytes
                pixels.append(bytes[pixel + places.red])
                pixels.append(bytes[pixel + places.green])
                pixels.append(bytes[pixel + places.blue])
            }
        }
        self.init(size: size, pixels: pixels)
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
