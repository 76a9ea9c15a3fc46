import ImageFrames
import SegmentAnything

/// The model and the slices of one volume: each is encoded when it is asked about, and the last few are remembered.
struct SliceModel {
    private let segmenter: Segmenter
    private let encode: (_ image: RGBImage, _ name: String) throws -> EncodedImage
    private let progress: (_ done: Int) -> Void
    /// How many encoded slices are remembered: as many as the longest gap has with its ends.
    private let window: Int
    /// How often the answers on each drawn slice will be asked for; they are kept until then.
    private var uses: [Int: Int]
    private var images: [(slice: Int, image: EncodedImage)] = []
    private var answers: [Int: [PredictedMask]] = [:]
    private var encoded: Set<Int> = []

    /// - Parameters:
    ///   - steps: what is to be done with it.
    ///   - encode: encodes an image under the name that errors have for it.
    ///   - progress: called with the number of slices encoded so far.
    init(
        _ segmenter: Segmenter, steps: [SegmentationStep],
        encode: @escaping (_ image: RGBImage, _ name: String) throws -> EncodedImage,
        progress: @escaping (_ done: Int) -> Void
    ) {
        (self.segmenter, self.encode, self.progress) = (segmenter, encode, progress)
        let gaps = steps.compactMap(\.askedGap)
        uses = gaps.flatMap(\.ends).reduce(into: [:]) { $0[$1, default: 0] += 1 }
        let longest = gaps.map { $0.lastSlice - ($0.place.slices + $0.ends).reduce($0.lastSlice, min) }.max() ?? 0
        window = min(longest + 1, Self.largestWindow)
    }

    /// 256 MiB with the official models.
    private static let largestWindow = 64

    /// What the model answers to each prompt on a slice, the best of its masks.
    mutating func ask(_ prompts: [Prompt], ofSlice slice: Int) throws -> [PredictedMask] {
        let image = try image(ofSlice: slice)
        let answers = try segmenter.sam.predict(prompts, on: image, multimask: !segmenter.singleMask)
        if encoded.insert(slice).inserted { progress(encoded.count) }
        return answers.map { masks in
            guard let best = masks.best else { preconditionFailure("a prompt without a mask on slice \(slice)") }
            return best
        }
    }

    /// The answers to all boxes that were drawn on a slice: asked together, so that they are the same to the bit whenever they are.
    mutating func answers(ofSlice slice: Int, boxes: [PixelBox]) throws -> [PredictedMask] {
        if let known = answers[slice] { return known }
        let new = try ask(boxes.map { Prompt(box: $0) }, ofSlice: slice)
        if uses[slice, default: 0] > 0 { answers[slice] = new }
        return new
    }

    /// Says that the answers on some slices were needed once.
    mutating func used(_ slices: [Int]) {
        for slice in slices {
            uses[slice, default: 0] -= 1
            if uses[slice, default: 0] <= 0 { answers[slice] = nil }
        }
    }

    private mutating func image(ofSlice slice: Int) throws -> EncodedImage {
        if let place = images.firstIndex(where: { $0.slice == slice }) {
            images.append(images.remove(at: place))
        } else {
            let name = "\(segmenter.images.volume.file), slice \(slice)"
            if images.count >= window { images.removeFirst() }
            images.append((slice, try encode(segmenter.recipe.image(segmenter.images, ofSlice: slice), name)))
        }
        return images[images.count - 1].image
    }
}
