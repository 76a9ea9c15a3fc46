import ImageFrames
import SafeFiles
import Tensors

/// A place in the model's square: original pixels scaled as the image is.
struct ModelPoint: Hashable, Sendable {
    var x: Double
    var y: Double
}

/// A prompt in the model's pixels.
struct ModelPrompt: Sendable {
    var points: [(position: ModelPoint, isForeground: Bool)]
    /// A box's top left and bottom right.
    var corners: (ModelPoint, ModelPoint)?
}

/// How images become the model's input, and the decoder's logits masks.
public enum Scaling: String, Hashable, Sendable, Codable {
    /// As SAM (`transforms.py:16`, `sam.py:133`): the long side becomes the image size, the short side `int(x + 0.5)`, by
    /// Pillow's bilinear resize; SAM's mean and deviation; what is missing at the right and bottom is zero. Logits are
    /// interpolated to the model's square, cut, and interpolated to the original.
    case longestSide = "longest-side"
    /// As MedSAM (`MedSAM_Inference.py:111`): both sides become the image size, by scikit-image's cubic resize; the least
    /// value becomes 0 and the greatest 1. Probabilities, not logits, are interpolated, and straight to the original.
    case square
}

/// How an image is scaled to the model's square and masks back from it.
struct ImageTransform: Hashable, Sendable {
    let scaling: Scaling
    let original: PixelSize
    /// The size after scaling, before padding.
    let scaled: PixelSize
    /// Pixels along the side of the model's square.
    let imageSize: Int

    /// - Parameter file: what the image is called in an error.
    /// - Throws: ``FileError`` `badData` where the short side rounds to 0.
    init(_ original: PixelSize, _ scaling: Scaling = .longestSide, imageSize: Int, file: String) throws(FileError) {
        (self.scaling, self.original, self.imageSize) = (scaling, original, imageSize)
        if scaling == .square {
            scaled = PixelSize(width: imageSize, height: imageSize)
            return
        }
        // The reference's order of operations, since a product can round across a half.
        let scale = Double(imageSize) * 1.0 / Double(max(original.width, original.height))
        scaled = PixelSize(
            width: Int(Double(original.width) * scale + 0.5), height: Int(Double(original.height) * scale + 0.5))
        guard scaled.width > 0, scaled.height > 0 else {
            throw FileError(
                .badData, file: file, "too thin for the model: its short side becomes 0 pixels",
                expected: "at most 1:\(2 * imageSize)", found: "\(original.width)×\(original.height)")
        }
    }

    func point(_ point: PixelPoint) -> ModelPoint {
        ModelPoint(
            x: point.x * (Double(scaled.width) / Double(original.width)),
            y: point.y * (Double(scaled.height) / Double(original.height)))
    }

    func prompt(_ prompt: Prompt) -> ModelPrompt {
        ModelPrompt(
            points: prompt.points.map { (point($0.position), $0.isForeground) },
            corners: prompt.box.map {
                (point(PixelPoint(x: $0.x0, y: $0.y0)), point(PixelPoint(x: $0.x1, y: $0.y1)))
            })
    }

    /// The image as the model takes it, `[imageSize, imageSize, 3]`.
    func input(_ image: RGBImage) -> Tensor {
        precondition(image.size == original, "image of \(image.size), expected \(original)")
        switch scaling {
        case .longestSide: return normalisedAndPadded(resized(image, to: scaled), imageSize: imageSize)
        case .square: return stretchedToOne(cubicResized(image, to: scaled))
        }
    }

    /// Hands over the rows of a mask's logits at the original size; see ``Scaling``.
    ///
    /// Bands of rows are made side by side; within one, rows come in order.
    ///
    /// - Parameters:
    ///   - logits: from the decoder, `[4·grid, 4·grid]`.
    ///   - wanted: the rows to make; nil for all.
    ///   - isDone: whether the rows that are left need not be made.
    func upscale(
        _ logits: Tensor, rows wanted: Range<Int>? = nil, unless isDone: () -> Bool = { false },
        _ body: (_ y: Int, _ row: UnsafeBufferPointer<Float>) -> Void
    ) {
        precondition(logits.shape.count == 2, "logits of \(logits.shape)")
        let values = scaling == .square ? probabilities(logits) : logits.contiguous()
        let (width, band, wanted) = (original.width, 128, wanted ?? 0..<original.height)
        parallelFor((wanted.count + band - 1) / band) { task in
            let rows = rows(of: values)
            withScratch(width) { odds in
                let start = wanted.lowerBound + task * band
                for y in start..<min(start + band, wanted.upperBound) {
                    if isDone() { return }
                    var row = rows.row(y)
                    if scaling == .square {
                        for x in 0..<width { odds[x] = logOdds(row[x]) }
                        row = UnsafePointer(odds)
                    }
                    body(y, UnsafeBufferPointer(start: row, count: width))
                }
            }
        }
    }

    /// The rows at the original size outside which no logit is above a threshold.
    ///
    /// An interpolated logit lies between those that it is made of, but for rounding; so the threshold is taken a little
    /// lower, and the rows a little wider than the two interpolations reach.
    func rows(of logits: Tensor, above threshold: Float) -> Range<Int> {
        let (side, values) = (logits.shape[0], logits.contiguous())
        guard scaling == .longestSide else { return 0..<original.height }
        let low = threshold - 0.01 * max(abs(threshold), 1)
        let above = (0..<side).filter { y in (0..<side).contains { values.base[y * side + $0] > low } }
        guard let first = above.first, let last = above.last else { return 0..<0 }
        let scale = Double(original.height) / Double(scaled.height) * Double(imageSize) / Double(side)
        let start = (Double(first) - 3) * scale - 3
        let end = (Double(last) + 4) * scale + 3
        return max(Int(start), 0)..<min(max(Int(end.rounded(.up)), 1), original.height)
    }

    /// The rows of values `[height, width]` at the original size.
    private func rows(of values: Tensor) -> BilinearRows {
        let size = PixelSize(width: values.shape[1], height: values.shape[0])
        func row(_ y: Int) -> UnsafePointer<Float> { values.base + y * size.width }
        if scaling == .square { return BilinearRows(from: size, to: original, cropped: original, source: row) }
        let square = BilinearRows(
            from: size, to: PixelSize(width: imageSize, height: imageSize), cropped: scaled, source: row)
        // Of the same size, the second interpolation is the identity.
        return original == scaled
            ? square : BilinearRows(from: scaled, to: original, cropped: original) { square.row($0) }
    }
}

/// An image normalised by SAM's mean and deviation, then padded with zeros (`sam.py:164`).
private func normalisedAndPadded(_ image: RGBImage, imageSize: Int) -> Tensor {
    let (pixels, size) = (image.pixels, image.size)
    return Tensor(shape: [imageSize, imageSize, 3]) { values in
        parallelFor(imageSize) { y in
            let row = values + y * imageSize * 3
            row.update(repeating: 0, count: imageSize * 3)
            guard y < size.height else { return }
            for x in 0..<size.width {
                for channel in 0..<3 {
                    row[x * 3 + channel] =
                        (Float(pixels[(y * size.width + x) * 3 + channel]) - Configuration.pixelMean[channel])
                        / Configuration.pixelDeviation[channel]
                }
            }
        }
    }
}
