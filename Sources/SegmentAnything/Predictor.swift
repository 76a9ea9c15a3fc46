import ImageFrames
import SafeFiles
import Synchronization
import Tensors

/// What is asked of an image: points, a box, a mask input, or several of them for one object.
public struct Prompt: Sendable {
    /// A place that belongs to the object, or to its background.
    public struct Point: Hashable, Sendable {
        public var position: PixelPoint
        public var isForeground: Bool

        public init(_ position: PixelPoint, isForeground: Bool) {
            self.position = position
            self.isForeground = isForeground
        }
    }

    public var points: [Point]
    public var box: PixelBox?
    /// Logits `[4·grid, 4·grid]`, as an earlier prediction's ``PredictedMask/lowResLogits``.
    public var mask: Tensor?

    /// - Precondition: at least one of the three is given.
    public init(points: [Point] = [], box: PixelBox? = nil, mask: Tensor? = nil) {
        precondition(!points.isEmpty || box != nil || mask != nil, "an empty prompt")
        self.points = points
        self.box = box
        self.mask = mask
    }
}

/// An image after the encoder: any number of prompts can be predicted on it.
public struct EncodedImage: Sendable {
    let transform: ImageTransform
    /// `[grid, grid, decoderWidth]`.
    public let embedding: Tensor

    /// The size of the image as it was opened.
    public var size: PixelSize { transform.original }
}

/// One of the masks that answer a prompt.
public struct PredictedMask: Sendable {
    /// 0 for the single mask, 1…3 with multimask output.
    public let index: Int
    /// The IoU with the object that the model predicts.
    public let score: Float
    /// Logits as the decoder made them, `[4·grid, 4·grid]`, for use as a mask input.
    public let lowResLogits: Tensor
    let transform: ImageTransform
    let imageSize: Int

    /// Logits at the original size, `[height, width]`; the mask is where they are above 0. With ``Scaling/square``, the
    /// log-odds of the interpolated probabilities.
    ///
    /// Computed at each use: those of many prompts on a large picture would fill the memory.
    public var logits: Tensor {
        let (height, width) = (transform.original.height, transform.original.width)
        return Tensor(shape: [height, width]) { result in
            transform.upscale(lowResLogits, imageSize: imageSize) { y, row in
                (result + y * width).update(from: row.baseAddress.unsafelyUnwrapped, count: width)
            }
        }
    }

    /// Where the logits are strictly above 0.
    public var mask: Mask { thresholded().mask }

    /// The IoU of the masks at thresholds +1 and −1 (`amg.py:156`); 0 where both are empty.
    public var stability: Double { thresholded().stability }

    /// ``mask`` and ``stability``, for the cost of one: rows of logits are compared as they are made, and not kept.
    public func thresholded() -> (mask: Mask, stability: Double) {
        let size = transform.original
        let intersection = Atomic(0)
        let union = Atomic(0)
        let values = [Bool](unsafeUninitializedCapacity: size.width * size.height) { buffer, count in
            nonisolated(unsafe) let values = buffer
            transform.upscale(lowResLogits, imageSize: imageSize) { y, row in
                var (above, notBelow) = (Int32(0), Int32(0))
                for x in row.indices {
                    values[y * size.width + x] = row[x] > 0
                    above += row[x] > 1 ? 1 : 0
                    notBelow += row[x] > -1 ? 1 : 0
                }
                intersection.wrappingAdd(Int(above), ordering: .relaxed)
                union.wrappingAdd(Int(notBelow), ordering: .relaxed)
            }
            count = size.width * size.height
        }
        let (inner, outer) = (intersection.load(ordering: .relaxed), union.load(ordering: .relaxed))
        return (Mask(size: size, values: values), outer == 0 ? 0 : Double(inner) / Double(outer))
    }
}

// MARK: - Encoding and predicting

extension Sam {
    /// Runs the image encoder, once for all prompts on the image (`predictor.py:34`).
    ///
    /// - Parameters:
    ///   - name: what the image is called in an error.
    ///   - scaling: how the image is scaled, and its masks will be: SAM's way, or MedSAM's.
    /// - Throws: ``FileError`` `badData` for an image whose short side rounds to 0, and for weights that give an
    ///   embedding which is not finite; the error names the first tensor that is not.
    public func encode(
        _ image: RGBImage, name: String, scaling: Scaling = .longestSide, recorder: Recorder? = nil
    ) throws(FileError) -> EncodedImage {
        let transform = try ImageTransform(image.size, scaling, imageSize: configuration.imageSize, file: name)
        let input = transform(image, imageSize: configuration.imageSize)
        recorder?.record("input", input.channelsFirst)
        let embedding = imageEncoder(input, recorder: recorder)
        SpareMemory.release()
        try requireFinite(embedding, "the image's embedding is")
        return EncodedImage(transform: transform, embedding: embedding)
    }

    /// Predicts masks for prompts on one image (`predictor.py:92`): three each with `multimask`, else one.
    ///
    /// Prompts alike in kind and in number of points are decoded together.
    ///
    /// - Returns: for each prompt its masks, in the order of their indices.
    /// - Throws: ``FileError`` `badData` for weights that give scores which are not finite; the error names the first
    ///   tensor that is not.
    public func predict(
        _ prompts: [Prompt], on image: EncodedImage, multimask: Bool = true, recorder: Recorder? = nil
    ) throws(FileError) -> [[PredictedMask]] {
        var results = [[PredictedMask]](repeating: [], count: prompts.count)
        for batch in batches(of: prompts) {
            let masks = try decode(batch.map { prompts[$0] }, on: image, multimask: multimask, recorder: recorder)
            for (prompt, masks) in zip(batch, masks) { results[prompt] = masks }
        }
        SpareMemory.release()
        return results
    }

    private func requireFinite(_ tensor: Tensor, _ whatIs: String) throws(FileError) {
        guard !tensor.isFinite else { return }
        throw FileError(
            .badData, file: path, place: firstTensorNotFinite(), "\(whatIs) not finite",
            advice: "The weights are damaged, or overflow in single precision: get the file anew.")
    }

    /// The prompts' indices in batches that the decoder can run at once: equally many points, with or without a box
    /// and a mask alike.
    private func batches(of prompts: [Prompt]) -> [[Int]] {
        struct Kind: Hashable { var points: Int, hasBox: Bool, hasMask: Bool }
        let kinds = Dictionary(grouping: prompts.indices) {
            Kind(points: prompts[$0].points.count, hasBox: prompts[$0].box != nil, hasMask: prompts[$0].mask != nil)
        }
        return kinds.values.sorted { $0[0] < $1[0] }.flatMap { indices in
            stride(from: 0, to: indices.count, by: largestBatch).map {
                Array(indices[$0..<min($0 + largestBatch, indices.count)])
            }
        }
    }

    private func decode(
        _ prompts: [Prompt], on image: EncodedImage, multimask: Bool, recorder: Recorder?
    ) throws(FileError) -> [[PredictedMask]] {
        let masks = multimask ? 1..<Configuration.maskCount : 0..<1
        let dense = prompts.map { promptEncoder.dense($0.mask) }
        recorder?.record(
            "\(promptEncoder.path).dense",
            concatenated(dense.map { (Tensor(repeating: 0, shape: image.embedding.shape) + $0).channelsFirst }))
        // Without mask inputs all prompts see the same image.
        let distinct = prompts.contains { $0.mask != nil } ? dense : Array(dense.prefix(1))
        let (logits, scores) = maskDecoder(
            image: concatenated(distinct.map { (image.embedding + $0).batched }),
            positions: promptEncoder.densePositions,
            prompts: promptEncoder.sparse(prompts.map { image.transform($0) }, recorder: recorder), masks: masks,
            recorder: recorder)
        try requireFinite(scores, "the masks' scores are")
        try requireFinite(logits, "the masks' logits are")
        let results = (0..<prompts.count).map { prompt in
            masks.enumerated().map { place, index in
                let own = logits.selecting(axis: 0, prompt).selecting(axis: 0, place)
                return PredictedMask(
                    index: index, score: scores[prompt, place], lowResLogits: own, transform: image.transform,
                    imageSize: configuration.imageSize)
            }
        }
        recorder?.record(
            "mask_logits", concatenated(results.map { concatenated($0.map(\.logits.batched)).batched }))
        return results
    }
}

/// As many prompts as are decoded at once: more gain nothing, and each takes memory, 8 MiB in the official models.
private let largestBatch = 8

extension [PredictedMask] {
    /// The mask of the highest predicted score; of equals, the first.
    public var best: PredictedMask? {
        self.reduce(nil) { best, mask in best.map { mask.score > $0.score ? mask : $0 } ?? mask }
    }
}
