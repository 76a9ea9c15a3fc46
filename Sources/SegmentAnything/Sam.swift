import SafeFiles
import Tensors

/// The Segment Anything Model (Kirillov et al., ICCV 2023; `sam.py:18`): an image encoder that runs once an image, and
/// a prompt encoder and mask decoder that run for each prompt.
///
/// Any number of tasks may encode and predict on one `Sam` at once.
public struct Sam: Sendable {
    public let file: ModelFile
    /// Of the image encoder's products, and of the mask decoder's up-scaling.
    public let precision: Precision
    let layers: SamLayers
    /// The positions of the embedding's places; see ``PromptEncoder/densePositions()``.
    let densePositions: Tensor
    let identity: ModelIdentity

    /// Opens a model; see ``ModelFile/init(path:)``.
    ///
    /// Aligned float32 stays in the mapped file; other types are converted to it here. So replace weights that are in use by
    /// renaming another file over them: one that is cut short in place ends the process (SIGBUS).
    ///
    /// - Parameters:
    ///   - path: of the weights.
    ///   - precision: of the image encoder's products and the mask decoder's up-scaling. For bfloat16 their weights are
    ///     rounded here, and take half the memory; sums, norms, softmax and all else stay in single precision.
    /// - Throws: ``FileError`` as ``ModelFile/init(path:)``, and `badData` where a tensor of the prompt encoder or the mask
    ///   decoder is not finite. The image encoder's tensors are not read twice for that:
    ///   ``encode(_:name:scaling:recorder:progress:)`` finds it. `inputOutput` where the process may not have the memory
    ///   that products need.
    public init(path: String, precision: Precision = .float32) throws(FileError) {
        let file = try ModelFile(path: path)
        guard canHoldBLASMemory() else {
            throw FileError(
                .inputOutput, file: path, "not enough memory", expected: "128 MiB for each of \(Threads.count) threads",
                advice: "Allow the process more memory (ulimit -v), or use fewer --threads.")
        }
        self.file = file
        self.precision = precision
        layers = file.layers(precision)
        densePositions = layers.promptEncoder.densePositions()
        identity = ModelIdentity(file, precision)
        if let name = file.firstTensorNotFinite(where: { !$0.hasPrefix("image_encoder.") }) {
            throw FileError(.badData, file: path, place: name, "not finite", advice: "Get the file anew.")
        }
    }

    /// The same model with other numbers in some of its tensors. The fingerprint is the same for both.
    ///
    /// - Parameter load: a tensor by its official name, of the file's shape.
    package init(_ original: Sam, load: @escaping (_ official: String) -> Tensor) {
        (file, precision, identity) = (original.file, original.precision, original.identity)
        layers = file.layers(precision, load: load)
        densePositions = layers.promptEncoder.densePositions()
    }

    /// The file that the weights came from.
    public var path: String { file.path }
    public var configuration: Configuration { file.configuration }

    /// Which model this is: see ``EncodedImage/write(to:key:)``.
    public var fingerprint: String { identity.fingerprint }
}

/// The model's three parts, as the reference has them (`sam.py:22`).
struct SamLayers: Sendable {
    let imageEncoder: ImageEncoder
    let promptEncoder: PromptEncoder
    let maskDecoder: MaskDecoder

    init(_ weights: Weights, _ configuration: Configuration) {
        imageEncoder = ImageEncoder(weights / "image_encoder", configuration)
        promptEncoder = PromptEncoder((weights / "prompt_encoder").with(.float32), configuration)
        maskDecoder = MaskDecoder(weights / "mask_decoder", configuration)
    }
}
