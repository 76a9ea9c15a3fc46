import Foundation
import ImageFrames
import Tensors

/// All masks in a picture: a grid of points, each asked for three masks, of which those that are good and no
/// duplicates remain. The official `SamAutomaticMaskGenerator` (`automatic_mask_generator.py:35`).
public struct EverythingOptions: Hashable, Sendable {
    /// Points along a side of the grid.
    public var pointsPerSide = 32
    /// The most points decoded at once. It changes memory, and scores in the last digit; more than 8 gain nothing.
    public var pointsPerBatch = 8
    /// Masks whose predicted IoU is not above it are dropped; 0 or less drops none.
    public var predictedIoU: Float = 0.88
    /// Masks whose stability is below it are dropped; 0 or less drops none.
    public var stability: Float = 0.95
    /// Stability is the IoU of the masks at thresholds ± this.
    public var stabilityOffset: Float = 1
    /// Of two boxes with an IoU above it, within a crop, the one of lower predicted IoU is dropped.
    public var boxNMS = 0.7
    /// Layer n has 4ⁿ crops; 0 is the picture alone.
    public var cropLayers = 0
    /// As ``boxNMS``, between crops: the mask of the smaller crop stays.
    public var cropNMS = 0.7
    /// By how much of the short side crops of the first layer overlap; in layer n by 2 / 2ⁿ of it.
    public var cropOverlap = 512.0 / 1500
    /// The grid of layer n has `pointsPerSide / factorⁿ` points along a side.
    public var pointsDownscaleFactor = 1
    /// Holes and islands of fewer pixels are removed; 0 keeps all.
    public var leastRegionArea = 0

    public init() {}
}

extension Sam {
    /// All masks in a picture, in the official generator's order.
    ///
    /// - Parameters:
    ///   - image: of any size.
    ///   - name: what the image is called in an error.
    ///   - options: the official generator's.
    ///   - progress: called after each block of the encoder, and after each batch, with the number of points done, and of all;
    ///     what it throws ends the work.
    /// - Throws: ``FileError`` as ``encode(_:name:scaling:recorder:progress:)`` and ``predict(_:on:multimask:recorder:)``;
    ///   `CancellationError`.
    public func everything(
        in image: RGBImage, name: String, _ options: EverythingOptions = EverythingOptions(),
        progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws -> [MaskRecord] {
        let crops = crops(of: image.size, layers: options.cropLayers, overlap: options.cropOverlap)
        let grids = crops.map { options.grid(layer: $0.layer) }
        let total = grids.reduce(0) { $0 + $1.count }
        var (found, done): ([MaskRecord], Int) = ([], 0)
        for (crop, grid) in zip(crops, grids) {
            let part = image.cropped(to: crop.bounds)
            let encoded = try encode(part, name: name) { _, _ in try progress(done, total) }
            found += try masks(
                at: grid, on: encoded, crop: crop.bounds, of: image.size, options, where: options.isGood
            ) { count in
                done += count
                try progress(done, total)
            }
        }
        if crops.count > 1 {
            let scores = found.map { 1 / Float($0.crop.area) }
            found = suppressed(found.map(\.bounds), scores, above: options.cropNMS).map { found[$0] }
        }
        return options.leastRegionArea > 0 ? withoutSmallRegions(found, options) : found
    }

    /// ``everything(in:name:_:progress:)`` on an image that was encoded: one crop, the picture.
    ///
    /// - Precondition: `options` asks for no further layers of crops.
    public func everything(
        on image: EncodedImage, _ options: EverythingOptions = EverythingOptions(),
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> [MaskRecord] {
        try everything(on: image, options, where: options.isGood, progress: progress)
    }

    /// The same, of the masks whose predicted IoU is wanted, whatever ``EverythingOptions/predictedIoU`` is.
    func everything(
        on image: EncodedImage, _ options: EverythingOptions, where isWanted: (_ score: Float) -> Bool,
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> [MaskRecord] {
        precondition(options.cropLayers == 0, "crops of an image that was encoded whole")
        let (grid, size) = (options.grid(layer: 0), image.size)
        var done = 0
        let found = try masks(
            at: grid, on: image, crop: PixelBounds(x0: 0, y0: 0, x1: size.width, y1: size.height), of: size, options,
            where: isWanted
        ) { count in
            done += count
            try progress(done, grid.count)
        }
        return options.leastRegionArea > 0 ? withoutSmallRegions(found, options) : found
    }

    /// ``everything(in:name:_:progress:)`` as a stream, on a thread of its own. Masks come at its end, since any of them may be
    /// another's duplicate; the work stops between two blocks of the encoder or two batches where nobody waits for them.
    public func everything(
        in image: RGBImage, name: String, _ options: EverythingOptions = EverythingOptions()
    ) -> AsyncThrowingStream<MaskRecord, any Error> {
        AsyncThrowingStream { stream in
            let work = Task {
                do {
                    let masks = try await onOwnThread { isCancelled in
                        try everything(in: image, name: name, options) { _, _ in
                            if isCancelled() { throw CancellationError() }
                        }
                    }
                    for mask in masks { stream.yield(mask) }
                    stream.finish()
                } catch {
                    stream.finish(throwing: error)
                }
            }
            stream.onTermination = { _ in work.cancel() }
        }
    }

    /// The masks of one crop, in its official order: by predicted IoU, duplicates dropped.
    private func masks(
        at grid: [(x: Double, y: Double)], on image: EncodedImage, crop: PixelBounds, of size: PixelSize,
        _ options: EverythingOptions, where isWanted: (_ score: Float) -> Bool,
        progress: (_ points: Int) throws -> Void
    ) throws -> [MaskRecord] {
        let points = grid.map {
            PixelPoint(x: $0.x * Double(image.size.width), y: $0.y * Double(image.size.height))
        }
        let prompts = points.map { Prompt(points: [.init($0, isForeground: true)]) }
        var found: [MaskRecord] = []
        try predict(
            prompts, on: image, batchSize: options.pointsPerBatch, where: isWanted,
            eachBatch: { batch, masks in
                let candidates = zip(batch, masks).flatMap { prompt, masks in
                    masks.map { (point: points[prompt], mask: $0) }
                }
                found += parallelMap(candidates) { candidate in
                    // Masks are many: each is one thread's.
                    Threads.with(1) { candidate.mask.record(candidate.point, crop: crop, of: size, options) }
                }
                .compactMap { $0 }
                try progress(batch.count)
            })
        return suppressed(found.map(\.bounds), found.map(\.predictedIoU), above: options.boxNMS).map { found[$0] }
            .map { $0.moved(from: crop) }
    }
}

// MARK: - Points and crops

extension EverythingOptions {
    /// Whether a predicted IoU is enough.
    func isGood(_ score: Float) -> Bool { predictedIoU <= 0 || score > predictedIoU }

    /// The points of a layer's crops, as shares of width and height (`amg.py:189`).
    func grid(layer: Int) -> [(x: Double, y: Double)] {
        let count = Int(Double(pointsPerSide) / pow(Double(pointsDownscaleFactor), Double(layer)))
        guard count > 0 else { return [] }
        let first = 1 / Double(2 * count)
        // As numpy.linspace, which sets the last one.
        let step = count > 1 ? (1 - first - first) / Double(count - 1) : 0
        let side = (0..<count).map { $0 == count - 1 && count > 1 ? 1 - first : Double($0) * step + first }
        return side.flatMap { y in side.map { (x: $0, y: y) } }
    }
}

/// The crops of all layers, the picture first (`amg.py:200`); those of a small picture that would hold no pixel are left out.
func crops(of size: PixelSize, layers: Int, overlap ratio: Double) -> [(bounds: PixelBounds, layer: Int)] {
    var crops = [(bounds: PixelBounds(x0: 0, y0: 0, x1: size.width, y1: size.height), layer: 0)]
    for layer in 0..<layers {
        let count = 1 << (layer + 1)
        let overlap = Int(ratio * Double(min(size.width, size.height)) * (2 / Double(count)))
        let (width, height) = (
            (overlap * (count - 1) + size.width + count - 1) / count,
            (overlap * (count - 1) + size.height + count - 1) / count
        )
        for column in 0..<count {
            for row in 0..<count {
                let (x, y) = ((width - overlap) * column, (height - overlap) * row)
                let (x1, y1) = (min(x + width, size.width), min(y + height, size.height))
                guard x < x1, y < y1 else { continue }
                crops.append((PixelBounds(x0: x, y0: y, x1: x1, y1: y1), layer + 1))
            }
        }
    }
    return crops
}

extension RGBImage {
    fileprivate func cropped(to bounds: PixelBounds) -> RGBImage {
        if bounds.x0 == 0, bounds.y0 == 0, bounds.x1 == size.width, bounds.y1 == size.height { return self }
        let part = PixelSize(width: bounds.x1 - bounds.x0, height: bounds.y1 - bounds.y0)
        return RGBImage(
            size: part,
            pixels: (bounds.y0..<bounds.y1).flatMap { y in
                pixels[3 * (y * size.width + bounds.x0)..<3 * (y * size.width + bounds.x1)]
            })
    }
}

// MARK: - One mask

extension PredictedMask {
    /// The mask with what describes it, its bounds within its crop; nil where it is not stable, or ends at a border of the
    /// crop that is none of the picture.
    fileprivate func record(
        _ point: PixelPoint, crop: PixelBounds, of size: PixelSize, _ options: EverythingOptions
    ) -> MaskRecord? {
        let least = options.stability
        let (mask, intersection, union) = thresholded(offset: options.stabilityOffset) { intersection, union in
            least > 0 && union > 0 && Float(intersection) / Float(union) < least
        }
        let stability = union == 0 ? 0 : Float(intersection) / Float(union)
        guard least <= 0 || stability >= least else { return nil }
        // Found once: it takes as long as the runs.
        let box = mask.boundingBox
        let bounds = PixelBounds(box)
        guard !bounds.moved(x: crop.x0, y: crop.y0).isCut(by: crop, of: size) else { return nil }
        let (x, y) = (Double(crop.x0), Double(crop.y0))
        let runs = mask.moved(to: crop, of: size).rle(
            within: box.map { PixelBox(x0: $0.x0 + x, y0: $0.y0 + y, x1: $0.x1 + x, y1: $0.y1 + y) })
        return MaskRecord(
            mask: runs, bounds: bounds, predictedIoU: score, stability: stability, points: [point], crop: crop)
    }
}

extension MaskRecord {
    /// From the crop's pixels to the picture's.
    fileprivate func moved(from crop: PixelBounds) -> MaskRecord {
        MaskRecord(
            mask: mask, bounds: bounds.moved(x: crop.x0, y: crop.y0), predictedIoU: predictedIoU, stability: stability,
            points: points.map { PixelPoint(x: $0.x + Double(crop.x0), y: $0.y + Double(crop.y0)) }, crop: crop)
    }
}

extension PixelBounds {
    /// Whether a side lies within 20 pixels of the crop's and not of the picture's (`amg.py:87`).
    fileprivate func isCut(by crop: PixelBounds, of size: PixelSize) -> Bool {
        let sides = [
            (x0, crop.x0, 0), (y0, crop.y0, 0), (x1, crop.x1, size.width), (y1, crop.y1, size.height),
        ]
        return sides.contains { side, crop, picture in abs(side - crop) <= 20 && abs(side - picture) > 20 }
    }
}

extension Mask {
    /// A crop's mask in the picture.
    fileprivate func moved(to crop: PixelBounds, of picture: PixelSize) -> Mask {
        if size == picture { return self }
        var moved = [Bool](repeating: false, count: picture.area)
        for y in 0..<size.height {
            let start = (y + crop.y0) * picture.width + crop.x0
            moved.replaceSubrange(start..<start + size.width, with: values[y * size.width..<(y + 1) * size.width])
        }
        return Mask(size: picture, values: moved)
    }
}

// MARK: - Duplicates

/// Indices of boxes by falling score, without those whose IoU with one that stays is above a threshold, as
/// `torchvision.ops.nms`: of equal scores the first comes first; sums in single precision.
func suppressed(_ boxes: [PixelBounds], _ scores: [Float], above threshold: Double) -> [Int] {
    let order = boxes.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    var isDropped = [Bool](repeating: false, count: boxes.count)
    var kept: [Int] = []
    for (place, index) in order.enumerated() where !isDropped[index] {
        kept.append(index)
        let box = boxes[index]
        for other in order[(place + 1)...] where !isDropped[other] {
            let second = boxes[other]
            let width = Float(max(min(box.x1, second.x1) - max(box.x0, second.x0), 0))
            let height = Float(max(min(box.y1, second.y1) - max(box.y0, second.y0), 0))
            let common = width * height
            let iou = common / (Float(box.area) + Float(second.area) - common)
            if Double(iou) > threshold { isDropped[other] = true }
        }
    }
    return kept
}

/// Removes small holes, then small islands, then duplicates that this has made (`automatic_mask_generator.py:324`).
private func withoutSmallRegions(_ masks: [MaskRecord], _ options: EverythingOptions) -> [MaskRecord] {
    // As runs: all masks as pixels would be a byte for each pixel of each.
    let cleaned = parallelMap(masks) { described -> (record: MaskRecord, isChanged: Bool) in
        let mask = Mask(rle: described.mask)
        let filled = mask.removingRegions(.holes, below: options.leastRegionArea)
        let last = (filled ?? mask).removingRegions(.islands, below: options.leastRegionArea)
        guard let changed = last ?? filled else { return (described, false) }
        var record = described
        (record.mask, record.bounds) = (changed.rle, PixelBounds(changed.boundingBox))
        return (record, true)
    }
    // A mask that was not changed is preferred.
    return suppressed(
        cleaned.map(\.record.bounds), cleaned.map { $0.isChanged ? 0 : 1 }, above: max(options.boxNMS, options.cropNMS)
    ).map { cleaned[$0].record }
}
