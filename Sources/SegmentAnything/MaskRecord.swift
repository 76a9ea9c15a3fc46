import ImageFrames

/// A mask in a picture with what describes it, as the official generator's records.
public struct MaskRecord: Hashable, Sendable {
    public internal(set) var mask: RunLengths
    /// The outermost pixels: x0, y0, x1, y1, all inclusive; all 0 of an empty mask (`amg.py:303`).
    public internal(set) var bounds: PixelBounds
    public let predictedIoU: Float
    /// The IoU of the masks at thresholds ± ``EverythingOptions/stabilityOffset``, of a prompt's mask at its
    /// threshold ± 1.
    public let stability: Float
    /// The points that were asked about, in the picture's pixels.
    public let points: [PixelPoint]
    /// The crop in which it was found: x0 and y0 inclusive, x1 and y1 exclusive.
    public let crop: PixelBounds
}

extension MaskRecord {
    /// The record of a mask that answers a prompt on a whole picture.
    ///
    /// - Parameters:
    ///   - mask: as it was predicted.
    ///   - pixels: what ``PredictedMask/thresholded(at:)`` made of the mask.
    ///   - stability: of the mask, from the same call.
    ///   - points: of the prompt.
    public init(_ mask: PredictedMask, _ pixels: Mask, stability: Double, points: [PixelPoint]) {
        let box = pixels.boundingBox
        self.init(
            mask: pixels.rle(within: box), bounds: PixelBounds(box), predictedIoU: mask.score,
            stability: Float(stability), points: points,
            crop: PixelBounds(x0: 0, y0: 0, x1: pixels.size.width, y1: pixels.size.height))
    }

    /// x, y, width and height as the official script has them: between the outermost pixels.
    public var box: [Int] { [bounds.x0, bounds.y0, bounds.x1 - bounds.x0, bounds.y1 - bounds.y0] }

    /// x, y, width and height of the crop.
    public var cropBox: [Int] { [crop.x0, crop.y0, crop.x1 - crop.x0, crop.y1 - crop.y0] }
}

/// The official script's record, with COCO's compressed runs.
extension MaskRecord: Encodable {
    enum CodingKeys: String, CodingKey {
        case segmentation, area, bbox
        case predictedIoU = "predicted_iou"
        case pointCoordinates = "point_coords"
        case stability = "stability_score"
        case crop = "crop_box"
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(mask, forKey: .segmentation)
        try container.encode(mask.area, forKey: .area)
        try container.encode(box, forKey: .bbox)
        try container.encode(predictedIoU, forKey: .predictedIoU)
        try container.encode(points.map { [$0.x, $0.y] }, forKey: .pointCoordinates)
        try container.encode(stability, forKey: .stability)
        try container.encode(cropBox, forKey: .crop)
    }
}

/// Whole pixels from (x0, y0) to (x1, y1).
public struct PixelBounds: Hashable, Sendable {
    public let x0: Int
    public let y0: Int
    public let x1: Int
    public let y1: Int

    var area: Int { (x1 - x0) * (y1 - y0) }

    func moved(x: Int, y: Int) -> PixelBounds {
        PixelBounds(x0: x0 + x, y0: y0 + y, x1: x1 + x, y1: y1 + y)
    }
}

extension PixelBounds {
    /// The outermost pixels of a mask in its smallest box.
    init(_ box: PixelBox?) {
        guard let box else {
            self.init(x0: 0, y0: 0, x1: 0, y1: 0)
            return
        }
        self.init(x0: Int(box.x0), y0: Int(box.y0), x1: Int(box.x1) - 1, y1: Int(box.y1) - 1)
    }
}
