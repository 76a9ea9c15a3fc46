import ImageFrames
import Tensors

// What a recorder is shown of the way from pixels to the model's square and back.

extension ImageTransform {
    /// The scaled picture, 8 bits a number, `[height, width, 3]` (`transforms.py:26`).
    func scaledPicture(_ image: RGBImage) -> Tensor {
        let picture = scaling == .square ? cubicResized(image, to: scaled) : resized(image, to: scaled)
        return Tensor(picture.pixels.map(Float.init), shape: [scaled.height, scaled.width, 3])
    }
}

extension PredictedMask {
    /// Logits at the model's size, before the padding is cut off, `[imageSize, imageSize]` (`sam.py:154`). With
    /// ``Scaling/square`` there is no such step: as ``lowResLogits``.
    var squareLogits: Tensor {
        guard transform.scaling == .longestSide else { return lowResLogits }
        let (logits, side) = (lowResLogits.contiguous(), transform.imageSize)
        let size = PixelSize(width: side, height: side)
        let rows = BilinearRows(
            from: PixelSize(width: logits.shape[1], height: logits.shape[0]), to: size, cropped: size,
            source: { logits.base + $0 * logits.shape[1] })
        return Tensor(shape: [side, side]) { result in
            for y in 0..<side { (result + y * side).update(from: rows.row(y), count: side) }
        }
    }
}

extension Tensor {
    /// 1 where the mask is the object's, `[height, width]`.
    init(_ mask: Mask) {
        self.init(mask.values.map { $0 ? 1 : 0 }, shape: [mask.size.height, mask.size.width])
    }
}
