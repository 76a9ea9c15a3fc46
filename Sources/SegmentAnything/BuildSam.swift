import Checkpoints
import SafeFiles
import Tensors

extension Sam {
    /// Opens a model: any checkpoint of SAM's architecture, by official or Hugging Face's names, in safetensors or
    /// `.pth`, in float32, float16 or bfloat16.
    ///
    /// Aligned float32 stays in the mapped file; other types are converted to it here.
    ///
    /// - Parameter precision: of the image encoder's products and the mask decoder's up-scaling. In bfloat16 their weights
    ///   are rounded here, and take half the memory; sums, norms, softmax and all else stay in single precision.
    ///
    /// - Throws: ``FileError``: what ``Checkpoint/init(path:)`` throws, and `badData` which lists all tensors that are
    ///   missing, unexpected, of the wrong shape or type, or names the first that is not finite of all but the image
    ///   encoder's, which ``encode(_:name:scaling:recorder:)`` finds without reading them twice.
    public init(path: String, precision: Precision = .float32) throws(FileError) {
        let (checkpoint, names, configuration) = try openModel(path)
        self.path = path
        self.configuration = configuration
        let weights = Weights { name in names[name].map(checkpoint.tensor) }
        tensor = { name in names[name].map(checkpoint.tensor) }
        self.precision = precision
        imageEncoder = ImageEncoder((weights / "image_encoder").with(precision), configuration)
        promptEncoder = PromptEncoder(weights / "prompt_encoder", configuration)
        maskDecoder = MaskDecoder(weights / "mask_decoder", configuration, precision)
        if let name = firstTensorNotFinite(where: { !$0.hasPrefix("image_encoder.") }) {
            throw FileError(.badData, file: path, place: name, "not finite", advice: "Get the file anew.")
        }
    }
}

/// Opens a checkpoint and checks that it holds a SAM model, whole and nothing else.
///
/// - Returns: also the file's name of each official name, and the model's sizes.
public func openModel(
    _ path: String
) throws(FileError) -> (checkpoint: Checkpoint, names: [String: String], configuration: Configuration) {
    let checkpoint = try Checkpoint(path: path)
    let isHuggingFace = areHuggingFaceNames(checkpoint.entries.keys)
    var names: [String: String] = [:]
    for name in checkpoint.entries.keys.sorted() {
        let official = isHuggingFace ? officialName(huggingFace: name) : name
        if let twin = names[official] {
            guard checkpoint.entries[twin]?.shape == checkpoint.entries[name]?.shape,
                checkpoint.tensor(twin).values == checkpoint.tensor(name).values
            else { throw FileError(.badData, file: path, place: name, "differs from \(twin), to which it is tied") }
        }
        names[official] = name
    }
    let shapes = names.mapValues { checkpoint.entries[$0]?.shape ?? [] }
    let configuration = try Configuration(shapes: shapes, file: path)

    let expected = configuration.tensors
    var problems = expected.keys.filter { names[$0] == nil }.sorted().map { "missing: \($0)" }
    problems += names.filter { expected[$0.key] == nil }.map { "unexpected: \($0.value)" }.sorted()
    for (official, shape) in expected.sorted(by: { $0.key < $1.key }) {
        guard let name = names[official], let entry = checkpoint.entries[name] else { continue }
        if entry.shape != shape {
            problems.append("wrong shape: \(name): expected \(shape), found \(entry.shape)")
        } else if !entry.dataType.isWeight {
            problems.append("wrong type: \(name): expected F32, F16 or BF16, found \(entry.dataType.rawValue)")
        }
    }
    guard problems.isEmpty else {
        let shown = problems.prefix(40) + (problems.count > 40 ? ["and \(problems.count - 40) more"] : [])
        throw FileError(
            .badData, file: path, "not a SAM model as its sizes have it (\(configuration.variant))",
            advice: shown.joined(separator: "\n"))
    }
    return (checkpoint, names, configuration)
}
