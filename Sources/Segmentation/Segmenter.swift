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
    /// What is filled where nobody drew.
    var plan: GapPlan

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
        plan = GapPlan(self.boxes, labels)
    }

    /// Encodes each slice that has boxes once, predicts a mask for each box, puts the masks together, and fills gaps as soon as
    /// the slices at their ends are done.
    ///
    /// - Parameters:
    ///   - earlier: labels of which some slices are taken over.
    ///   - encode: encodes an image under the name that errors have for it; nil for the model itself.
    ///   - progress: called after each slice that is encoded with the number done.
    /// - Throws: ``FileError`` `badData` as ``Sam/encode(_:name:scaling:recorder:progress:)`` and
    ///   ``Sam/predict(_:on:multimask:recorder:)``, and for slices that the recipe does not take.
    public func callAsFunction(
        from earlier: EarlierLabels? = nil, encode: ((RGBImage, _ name: String) throws -> EncodedImage)? = nil,
        progress: @escaping (_ done: Int) -> Void = { _ in }
    ) throws -> SegmentedVolume {
        try recipe.check(images.slices, file: images.volume.file)
        var result = SegmentedVolume(geometry: images.volume.geometry, gaps: plan.gaps)
        try earlier?.hand(to: &result, boxes: boxes, images)
        let steps = plan.steps(drawing: boxes, besides: earlier)
        let encode = encode ?? { image, name in try sam.encode(image, name: name, scaling: recipe.scaling) }
        var filler = GapFiller(self, SliceModel(self, steps: steps, encode: encode, progress: progress))
        for step in steps {
            switch step {
            case .draw(let slice): try draw(slice, try filler.answers(ofSlice: slice.slice), into: &result)
            case .leaveOut(let gap): result.leftOut.append(try filler.leftOut(gap, of: result))
            case .fill(let gap): try filler.fill(gap, in: &result)
            }
        }
        result.boxes.sort { $0.slice < $1.slice }
        result.conflicts.sort { $0.slice < $1.slice }
        result.leftOut.sort { ($0.place.classID, $0.place.slice) < ($1.place.classID, $1.place.slice) }
        return result
    }

    private func draw(_ slice: SliceBoxes, _ answers: [PredictedMask], into result: inout SegmentedVolume) throws {
        var claims: [Claim] = []
        for (box, best) in zip(slice.boxes, answers) {
            guard let label = labels.label(ofClass: box.classID) else {
                preconditionFailure("a box without a label: \(box)")
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
        result.draw(pixels, ofSlice: slice.slice, images.slices)
        result.conflicts += conflicts
    }
}
