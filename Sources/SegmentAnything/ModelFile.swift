import Checkpoints
import SafeFiles
import Tensors

/// A weights file that holds a SAM model, whole and nothing else. Its header has been read; its tensors have not.
public struct ModelFile: Sendable {
    public let checkpoint: Checkpoint
    public let configuration: Configuration
    /// The shape of each tensor, by official name.
    public let shapes: [String: [Int]]
    /// The name in the file of each official name.
    private let names: [String: String]

    /// Opens a checkpoint of SAM's architecture, by official or Hugging Face's names, in safetensors or `.pth`, in float32,
    /// float16 or bfloat16.
    ///
    /// - Throws: ``FileError``: what `Checkpoint.init(path:)` throws, and `badData` which lists all tensors that are missing,
    ///   unexpected, or of the wrong shape or type.
    public init(path: String) throws(FileError) {
        checkpoint = try Checkpoint(path: path)
        names = try officialNames(in: checkpoint)
        let entries = checkpoint.entries
        configuration = try Configuration(shapes: names.mapValues { entries[$0]?.shape ?? [] }, file: path)

        let reader = TensorReader(entries, names: names)
        _ = SamLayers(Weights(reader), configuration)
        shapes = reader.shapes
        let problems = reader.problems
        guard problems.isEmpty else {
            let shown = problems.prefix(40) + (problems.count > 40 ? ["and \(problems.count - 40) more"] : [])
            throw FileError(
                .badData, file: path, "not a SAM model as its sizes have it (\(configuration.variant))",
                advice: shown.joined(separator: "\n"))
        }
    }

    public var path: String { checkpoint.path }

    /// The number of parameters.
    public var parameterCount: Int { shapes.values.reduce(0) { $0 + $1.reduce(1, *) } }

    /// A tensor by its official name, in single precision; a view of the file where it holds aligned float32.
    ///
    /// - Precondition: the model has such a tensor.
    public func tensor(_ official: String) -> Tensor { checkpoint.tensor(name(of: official)) }

    /// The type that the file has a tensor in, by the tensor's official name.
    public func dataType(_ official: String) -> DataType {
        guard let entry = checkpoint.entries[name(of: official)] else { preconditionFailure("no tensor \(official)") }
        return entry.dataType
    }

    /// What the file calls the tensor of an official name.
    public func name(of official: String) -> String {
        guard let name = names[official] else { preconditionFailure("no tensor \(official) in \(path)") }
        return name
    }

    /// The layers of the model, their tensors read.
    func layers(_ precision: Precision) -> SamLayers {
        let reader = TensorReader(checkpoint.entries, names: names, load: checkpoint.tensor)
        return SamLayers(Weights(reader, precision: precision), configuration)
    }

    /// The first tensor, in the order of the names, that holds an infinity or a NaN.
    func firstTensorNotFinite(where isMeant: (_ official: String) -> Bool = { _ in true }) -> String? {
        shapes.keys.sorted().first { isMeant($0) && !tensor($0).isFinite }
    }
}

/// The name in a file of each official name.
///
/// - Throws: ``FileError`` `badData` where two names of one tensor, as Hugging Face ties them, hold different numbers.
private func officialNames(in checkpoint: Checkpoint) throws(FileError) -> [String: String] {
    let isHuggingFace = areHuggingFaceNames(checkpoint.entries.keys)
    var names: [String: String] = [:]
    for name in checkpoint.entries.keys.sorted() {
        let official = isHuggingFace ? officialName(huggingFace: name) : name
        if let twin = names[official] {
            guard checkpoint.entries[twin]?.shape == checkpoint.entries[name]?.shape,
                checkpoint.tensor(twin).values == checkpoint.tensor(name).values
            else {
                throw FileError(
                    .badData, file: checkpoint.path, place: name, "differs from \(twin), to which it is tied")
            }
        }
        names[official] = name
    }
    return names
}
