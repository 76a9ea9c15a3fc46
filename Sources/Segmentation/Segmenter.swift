import Annotations
import ImageFrames
import Imaging
import SafeFiles
import SegmentAnything

/// The main job: a volume's slices and the boxes drawn on them become a label volume (Kulkarni et al. 2024, figure 1).
public struct Segmenter: Sendable {
    public let sam: Sam
    public let images: SliceImages
    /// The boxes of each slice, as the model is asked about them; slices without are not encoded.
    public let boxes: [SliceBoxes]
    public let labels: LabelMap
    public let recipe: Recipe
    /// Whether the model's one mask is taken, and not the best of three.
    public let singleMask: Bool

    /// - Parameter singleMask: whether the model's one mask is taken even where the recipe takes the best of three.
    /// - Precondition: every box's class is in `labels`; see ``LabelMap/check(_:classes:)``.
    public init(
        sam: Sam, images: SliceImages, boxes: [SliceBoxes], labels: LabelMap, recipe: Recipe = .sam,
        singleMask: Bool = false
    ) {
        self.sam = sam
        self.images = images
        self.labels = labels
        self.recipe = recipe
        self.singleMask = recipe.takesSingleMask(singleMask)
        self.boxes = recipe.prompts(boxes, labels)
    }

    /// Encodes each slice that has boxes once, predicts a mask for each box, and puts the masks together.
    ///
    /// - Parameters:
    ///   - earlier: labels of which some slices are taken over.
    ///   - encode: encodes an image under the name that errors have for it; nil for the model itself.
    ///   - progress: called after each slice that is encoded with the number done.
    /// - Throws: ``FileError`` `badData` as ``Sam/encode(_:name:scaling:recorder:progress:)`` and
    ///   ``Sam/predict(_:on:multimask:recorder:)``, and for slices that the recipe does not take.
    public func callAsFunction(
        from earlier: EarlierLabels? = nil, encode: ((RGBImage, _ name: String) throws -> EncodedImage)? = nil,
        progress: (_ done: Int) -> Void = { _ in }
    ) throws -> SegmentedVolume {
        try recipe.check(images.slices, file: images.volume.file)
        var result = SegmentedVolume(labels: LabelVolume(geometry: images.volume.geometry))
        try earlier?.hand(to: &result, boxes: boxes, images)
        for (done, slice) in boxes.filter({ earlier?.same.contains($0.slice) != true }).enumerated() {
            let name = "\(images.volume.file), slice \(slice.slice)"
            let image = recipe.image(images, ofSlice: slice.slice)
            try segment(
                slice, try encode?(image, name) ?? sam.encode(image, name: name, scaling: recipe.scaling), into: &result
            )
            progress(done + 1)
        }
        result.boxes.sort { $0.slice < $1.slice }
        result.conflicts.sort { $0.slice < $1.slice }
        return result
    }

    private func segment(
        _ slice: SliceBoxes, _ encoded: EncodedImage, into result: inout SegmentedVolume
    ) throws {
        let answers = try sam.predict(slice.boxes.map { Prompt(box: $0.box) }, on: encoded, multimask: !singleMask)
        var claims: [Claim] = []
        for (box, masks) in zip(slice.boxes, answers) {
            guard let best = masks.best, let label = labels.label(ofClass: box.classID) else {
                preconditionFailure("a box without a mask or a label: \(box)")
            }
            let (mask, stability) = best.thresholded()
            let rank: Claim.Rank =
                switch recipe.overlap {
                case .higherScore: .score(best.score)
                case .lastBox: .place(claims.count)
                }
            claims.append(Claim(label: label, rank: rank, mask: mask))
            result.boxes.append(
                SegmentedBox(
                    slice: slice.slice, file: box.file, number: box.number, classID: box.classID, label: label,
                    box: box.box, isClipped: box.isClipped, mask: best.index, score: best.score, stability: stability,
                    area: mask.area))
        }
        let (pixels, conflicts) = merged(claims, slice: slice.slice, size: images.slices.imageSize)
        result.labels.setLabels(pixels, ofSlice: slice.slice, images.slices)
        result.conflicts += conflicts
    }
}

/// A label volume, and how each box came to its part of it.
public struct SegmentedVolume: Sendable {
    public internal(set) var labels: LabelVolume
    /// In the order of the slices, and in a slice of its file.
    public internal(set) var boxes: [SegmentedBox] = []
    public internal(set) var conflicts: [Conflict] = []
}

/// A box and what became of it, as the manifest has it.
public struct SegmentedBox: Codable, Sendable {
    public var slice: Int
    public var file: String
    /// The line of a YOLO file or CSV, or the object of a Pascal VOC file, from 1.
    public var number: Int
    public var classID: Int
    public var label: UInt16
    /// In pixels of the slice's image, cut at its edge, as the model was prompted with it.
    public var box: PixelBox
    /// Whether a part of the box as drawn was outside the image.
    public var isClipped: Bool
    /// Which of the model's masks was chosen: 1…3, or 0 for the single one.
    public var mask: Int
    /// The predicted IoU.
    public var score: Float
    public var stability: Double
    /// The mask's pixels, before conflicts.
    public var area: Int

    enum CodingKeys: String, CodingKey {
        case slice, file, number, label, box, mask, score, stability, area
        case classID = "class"
        case isClipped = "clipped"
    }
}
