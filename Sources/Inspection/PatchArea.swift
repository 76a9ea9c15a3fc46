import ImageFrames
import SegmentAnything
import Tensors

/// The patches that a picture has, at the top left of the grid.
struct PatchArea {
    let rows: Int
    let columns: Int
    /// A patch in original pixels.
    let width: Double
    let height: Double

    init(_ image: EncodedImage) {
        let (size, scaled) = (image.size, image.scaledSize)
        // Scaling makes at least one side the model's.
        let step = max(scaled.width, scaled.height) / image.embedding.shape[0]
        (rows, columns) = ((scaled.height + step - 1) / step, (scaled.width + step - 1) / step)
        width = Double(step * size.width) / Double(scaled.width)
        height = Double(step * size.height) / Double(scaled.height)
    }

    /// The centre of a patch, in original pixels.
    func centre(of patch: Patch) -> PixelPoint {
        PixelPoint(x: (Double(patch.column) + 0.5) * width, y: (Double(patch.row) + 0.5) * height)
    }

    /// Eight by eight of them, evenly spread; the same one several times where there are fewer.
    var patches: [Patch] {
        (0..<64).map { Patch(row: (2 * ($0 / 8) + 1) * rows / 16, column: (2 * ($0 % 8) + 1) * columns / 16) }
    }

    /// The patch at a place of the picture, or the nearest one.
    ///
    /// - Precondition: the place is finite; it may lie far outside, as the middle of a huge box.
    func patch(at point: PixelPoint) -> Patch {
        func place(_ position: Double, of count: Int) -> Int { Int(min(max(position, 0), Double(count - 1))) }
        return Patch(row: place(point.y / height, of: rows), column: place(point.x / width, of: columns))
    }

    /// The tokens of the picture, `[rows · columns, channels]`, of `[1, grid, grid, channels]` or of
    /// `[1, channels, grid, grid]`.
    func tokens(_ x: Tensor, isChannelsFirst: Bool) -> Tensor {
        let x = x.selecting(axis: 0, 0)
        let last = isChannelsFirst ? x.permuted(1, 2, 0) : x
        return last.sliced(axis: 0, 0..<rows).sliced(axis: 1, 0..<columns).reshaped([rows * columns, last.shape[2]])
    }
}

extension Prompt {
    /// A place inside of it: the box's centre, or the first point of the object.
    var middle: PixelPoint? {
        box.map { PixelPoint(x: ($0.x0 + $0.x1) / 2, y: ($0.y0 + $0.y1) / 2) }
            ?? (points.first { $0.isForeground } ?? points.first)?.position
    }
}
