import Foundation
import ImageFrames
import SafeFiles
import Synchronization
import Tensors

// MARK: - Encoding

extension Sam {
    /// Runs the image encoder, once for all prompts on the image (`predictor.py:34`).
    ///
    /// A task that is cancelled ends between two blocks of the encoder.
    ///
    /// - Parameters:
    ///   - image: of any size.
    ///   - name: what the image is called in an error.
    ///   - scaling: how the image is scaled, and its masks will be: SAM's way, or MedSAM's.
    ///   - recorder: is shown each activation.
    ///   - progress: called after each block with the number of blocks done, and of all; what it throws ends the work.
    /// - Throws: ``FileError`` `badData` for an image whose short side rounds to 0, and for weights that give an
    ///   embedding which is not finite (the error names the first tensor that is not); `CancellationError`.
    public func encode(
        _ image: RGBImage, name: String, scaling: Scaling = .longestSide, recorder: Recorder? = nil,
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> EncodedImage {
        let transform = try ImageTransform(image.size, scaling, imageSize: configuration.imageSize, file: name)
        return try Computation.scope {
            recorder?.recordPart("input.scaled", transform.scaledPicture(image))
            let input = transform.input(image)
            recorder?.record("input", input.channelsFirst)
            let embedding = try layers.imageEncoder(input, recorder: recorder) { done, total in
                if Task.isCancelled { throw CancellationError() }
                try progress(done, total)
            }
            try requireFinite(embedding, "the image's embedding is")
            return EncodedImage(name: name, transform: transform, levels: [embedding], model: identity)
        }
    }

    /// ``encode(_:name:scaling:recorder:progress:)`` on a thread of its own, so that the caller's executor stays free.
    public func encode(
        _ image: RGBImage, name: String, scaling: Scaling = .longestSide,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> EncodedImage {
        try await onOwnThread { isCancelled in
            try encode(image, name: name, scaling: scaling, recorder: nil) { done, total in
                if isCancelled() { throw CancellationError() }
                progress(done, total)
            }
        }
    }
}

/// Runs `body` on a new thread, with the task's number of threads.
func onOwnThread<Result: Sendable>(
    _ body: @escaping @Sendable (_ isCancelled: () -> Bool) throws -> Result
) async throws -> Result {
    let (cancelled, threads) = (CancellationFlag(), Threads.count)
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Swift.Result {
                        try Threads.with(threads) { try body { cancelled.isSet.load(ordering: .relaxed) } }
                    })
            }.start()
        }
    } onCancel: {
        cancelled.isSet.store(true, ordering: .relaxed)
    }
}

private final class CancellationFlag: Sendable {
    let isSet = Atomic(false)
}

// MARK: - Predicting

extension Sam {
    /// Predicts masks for prompts on one image (`predictor.py:92`): three each with `multimask`, else one.
    ///
    /// Prompts alike in kind and in number of points are decoded together.
    ///
    /// - Returns: for each prompt its masks, in the order of their indices.
    /// - Throws: ``FileError`` as ``predict(_:on:multimask:recorder:each:)``.
    public func predict(
        _ prompts: [Prompt], on image: EncodedImage, multimask: Bool = true, recorder: Recorder? = nil
    ) throws -> [[PredictedMask]] {
        var results = [[PredictedMask]](repeating: [], count: prompts.count)
        try predict(prompts, on: image, multimask: multimask, recorder: recorder) { results[$0] = $1 }
        return results
    }

    /// The same, but hands out the masks of each prompt as they are made: those that `each` does not keep take no memory.
    ///
    /// A task that is cancelled ends between two batches of prompts.
    ///
    /// - Parameters:
    ///   - prompts: of any kind, mixed as they come.
    ///   - image: what ``encode(_:name:scaling:recorder:progress:)`` made, by this model.
    ///   - multimask: whether three masks are predicted, or the one for unambiguous prompts.
    ///   - recorder: is shown each activation, of all prompts of a kind at once; of prompts that differ in kind or in number of
    ///     points, those of the prompt encoder and of what follows it come again for each kind.
    ///   - each: receives the index of a prompt and its masks; prompts of one kind come in their order.
    /// - Throws: ``FileError`` `badData` for a prompt that asks for nothing, is not finite or has another model's mask input,
    ///   before anything is decoded; for an embedding of another model; for weights that give scores which are not finite (the
    ///   error names the first tensor that is not); `CancellationError`; and what `each` throws.
    public func predict(
        _ prompts: [Prompt], on image: EncodedImage, multimask: Bool = true, recorder: Recorder? = nil,
        each: (_ prompt: Int, _ masks: [PredictedMask]) throws -> Void
    ) throws {
        try predict(
            prompts, on: image, multimask: multimask, recorder: recorder, where: { _ in true },
            eachBatch: { batch, masks in
                for (prompt, masks) in zip(batch, masks) { try each(prompt, masks) }
            })
    }

    /// The same, a batch at a time, of only those masks whose predicted IoU is wanted: others are never upscaled.
    ///
    /// - Parameter batchSize: more than 8 gain nothing, and each prompt takes memory, 10 MB in the official models.
    func predict(
        _ prompts: [Prompt], on image: EncodedImage, multimask: Bool = true, recorder: Recorder? = nil,
        batchSize: Int = 8, where isWanted: (_ score: Float) -> Bool,
        eachBatch: (_ prompts: [Int], _ masks: [[PredictedMask]]) throws -> Void
    ) throws {
        try image.check(for: self)
        for (index, prompt) in prompts.enumerated() {
            try prompt.check(number: index + 1, image: image.name, maskSize: configuration.maskSize)
        }
        try Computation.scope {
            // A recorder sees each activation of all prompts of a kind at once.
            for batch in batches(of: prompts, size: recorder == nil ? batchSize : prompts.count) {
                if Task.isCancelled { throw CancellationError() }
                let masks = try decode(
                    batch.map { prompts[$0] }, on: image, multimask: multimask, recorder: recorder, where: isWanted)
                try eachBatch(batch, masks)
            }
        }
    }

    private func decode(
        _ prompts: [Prompt], on image: EncodedImage, multimask: Bool, recorder: Recorder?,
        where isWanted: (_ score: Float) -> Bool
    ) throws(FileError) -> [[PredictedMask]] {
        let masks = multimask ? 1..<DecoderConfiguration.maskCount : 0..<1
        let (promptEncoder, embedding) = (layers.promptEncoder, image.embedding)
        let sparse = promptEncoder.sparse(prompts.map(image.transform.prompt), recorder: recorder)
        let dense = prompts.map { promptEncoder.dense($0.mask) }
        promptEncoder.maskDownscaling.recordParts(
            prompts.compactMap(\.mask), path: "\(promptEncoder.path).mask_downscaling", recorder)
        recorder?.record(
            "\(promptEncoder.path).dense",
            stacked(dense.map { (Tensor(repeating: 0, shape: embedding.shape) + $0).permuted(2, 0, 1) }))
        recorder?.recordPart("\(promptEncoder.path).pe_layer", densePositions.permuted(2, 0, 1))
        // Without mask inputs all prompts see the same image.
        let distinct = prompts.contains { $0.mask != nil } ? dense : Array(dense.prefix(1))
        let (logits, scores) = layers.maskDecoder(
            image: stacked(distinct.map { embedding + $0 }), positions: densePositions, prompts: sparse, masks: masks,
            recorder: recorder, where: isWanted)
        try requireFinite(scores, "the masks' scores are")
        for case let mask? in logits.joined() { try requireFinite(mask, "the masks' logits are") }
        let results = logits.enumerated().map { prompt, logits in
            logits.enumerated().compactMap { place, logits in
                logits.map {
                    PredictedMask(
                        index: masks.lowerBound + place, score: scores[prompt, place], lowResLogits: $0,
                        transform: image.transform)
                }
            }
        }
        recorder?.recordPart("mask_logits.square", stacked(results.map { stacked($0.map(\.squareLogits)) }))
        recorder?.record("mask_logits", stacked(results.map { stacked($0.map(\.logits)) }))
        recorder?.recordPart("masks", stacked(results.map { stacked($0.map { Tensor($0.mask) }) }))
        recorder?.recordPart(
            "stability",
            Tensor(results.joined().map { Float($0.stability) }, shape: [results.count, masks.count]))
        return results
    }

    private func requireFinite(_ tensor: Tensor, _ whatIs: String) throws(FileError) {
        guard !tensor.isFinite else { return }
        throw FileError(
            .badData, file: path, place: file.firstTensorNotFinite(), "\(whatIs) not finite",
            advice: "The weights are damaged, or overflow in single precision: get the file anew.")
    }
}

/// The prompts' indices in batches that the decoder can run at once: equally many points, with or without a box
/// and a mask alike.
private func batches(of prompts: [Prompt], size: Int) -> [[Int]] {
    let kinds = Dictionary(grouping: prompts.indices) { prompts[$0].kind }
    return kinds.values.sorted { $0[0] < $1[0] }.flatMap { indices in
        stride(from: 0, to: indices.count, by: size).map { Array(indices[$0..<min($0 + size, indices.count)]) }
    }
}
