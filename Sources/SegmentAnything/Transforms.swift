import Files
import Frames
import Tensors

/// A place in the model's square: original pixels scaled so that the long side is the image size.
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

/// How an image is scaled to the model's square and masks back from it (`transforms.py:16`): the long side becomes the
/// image size, the short side `int(x + 0.5)`, and what is missing at the right and bottom is zero.
struct ResizeLongestSide: Hashable, Sendable {
    let original: PixelSize
    /// The size after scaling, before padding.
    let scaled: PixelSize

    /// - Parameter file: what the image is called in an error.
    /// - Throws: ``FileError`` `badData` where the short side rounds to 0.
    init(_ original: PixelSize, imageSize: Int, file: String) throws(FileError) {
        // The reference's order of operations, since a product can round across a half.
        let scale = Double(imageSize) * 1.0 / Double(max(original.width, original.height))
        self.original = original
        scaled = PixelSize(
            width: Int(Double(original.width) * scale + 0.5), height: Int(Double(original.height) * scale + 0.5))
        guard scaled.width > 0, scaled.height > 0 else {
            throw FileError(
                .badData, file: file, "too thin for the model: its short side becomes 0 pixels",
                expected: "at most 1:\(2 * imageSize)", found: "\(original.width)×\(original.height)")
        }
    }

    func callAsFunction(_ point: PixelPoint) -> ModelPoint {
        ModelPoint(
            x: point.x * (Double(scaled.width) / Double(original.width)),
            y: point.y * (Double(scaled.height) / Double(original.height)))
    }

    func callAsFunction(_ prompt: Prompt) -> ModelPrompt {
        ModelPrompt(
            points: prompt.points.map { (self($0.position), $0.isForeground) },
            corners: prompt.box.map {
                (self(PixelPoint(x: $0.x0, y: $0.y0)), self(PixelPoint(x: $0.x1, y: $0.y1)))
            })
    }

    /// The image as the model takes it: scaled, normalised by SAM's mean and deviation, then padded with zeros
    /// (`sam.py:163`); `[imageSize, imageSize, 3]`.
    func callAsFunction(_ image: RGBImage, imageSize: Int) -> Tensor {
        precondition(image.size == original, "image of \(image.size), expected \(original)")
        let pixels = resized(image, to: scaled).pixels
        return Tensor(shape: [imageSize, imageSize, 3]) { values in
            parallelFor(imageSize) { y in
                let row = values + y * imageSize * 3
                row.update(repeating: 0, count: imageSize * 3)
                guard y < scaled.height else { return }
                for x in 0..<scaled.width {
                    for channel in 0..<3 {
                        row[x * 3 + channel] =
                            (Float(pixels[(y * scaled.width + x) * 3 + channel]) - Configuration.pixelMean[channel])
                            / Configuration.pixelDeviation[channel]
                    }
                }
            }
        }
    }

    /// Hands over the rows of a mask's logits at the original size (`sam.py:134`): bilinear to the model's square, the
    /// padding cut off, bilinear to the original.
    ///
    /// Bands of rows are made side by side; within one, rows come in order.
    ///
    /// - Parameter logits: from the decoder, `[4·grid, 4·grid]`.
    func upscale(
        _ logits: Tensor, imageSize: Int, _ body: (_ y: Int, _ row: UnsafeBufferPointer<Float>) -> Void
    ) {
        precondition(logits.shape.count == 2, "logits of \(logits.shape)")
        let logits = logits.contiguous()
        let (height, width) = (logits.shape[0], logits.shape[1])
        let band = 128
        parallelFor((original.height + band - 1) / band) { task in
            let square = BilinearRows(
                from: PixelSize(width: width, height: height), to: PixelSize(width: imageSize, height: imageSize),
                cropped: scaled
            ) { logits.base + $0 * width }
            // Of the same size, the second interpolation is the identity.
            let rows =
                original == scaled
                ? square : BilinearRows(from: scaled, to: original, cropped: original) { square.row($0) }
            for y in task * band..<min((task + 1) * band, original.height) {
                body(y, UnsafeBufferPointer(start: rows.row(y), count: original.width))
            }
        }
    }
}
