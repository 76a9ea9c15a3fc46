import Checkpoints
import SafeFiles
import Tensors

/// A weights file that holds a SAM model. Its header has been read; its tensors have not.
public struct ModelFile: Sendable {
    public let checkpoint: Checkpoint
    public let configuration: Configuration
    /// The shape of each tensor, by official name.
    public let shapes: [String: [Int]]
    /// The tensors' official names, in the order of the forward pass.
    public let order: [String]
    private let names: TensorNames

    /// Opens a checkpoint of SAM's architecture, by official or Hugging Face's names, in safetensors or `.pth`, one file or
    /// several, in float32, float16, bfloat16 or float64, which is rounded; alone, or among what training saved with it.
    ///
    /// - Throws: ``FileError``: what `Checkpoint.init(path:)` throws, and `badData` which says what the file holds instead, or
    ///   lists all tensors that are missing, unexpected, or of the wrong shape or type.
    public init(path: String) throws(FileError) {
        checkpoint = try Checkpoint(path: path)
        names = try TensorNames(checkpoint)
        let entries = checkpoint.entries
        configuration = try Configuration(
            shapes: names.byOfficialName.mapValues { entries[$0]?.shape ?? [] }, file: path)

        let reader = TensorReader(entries, names: names.byOfficialName)
        _ = SamLayers(Weights(reader), configuration)
        (shapes, order) = (reader.shapes, reader.order)
        let problems = reader.problems
        guard problems.isEmpty else {
            let shown = problems.prefix(40) + (problems.count > 40 ? ["and \(problems.count - 40) more"] : [])
            let other = otherModel(names.byOfficialName.values)
            throw FileError(
                .badData, file: path,
                other.map { "not SAM but \($0.model), another architecture" }
                    ?? "not a SAM model as its sizes have it (\(configuration.variant))",
                advice: shown.joined(separator: "\n"))
        }
    }

    public var path: String { checkpoint.path }

    /// Where in the file the weights are: what precedes each of their names, such as `model/` or `module.`; empty where
    /// they have their own names.
    public var prefix: String { names.prefix }

    /// What a person should know: where the weights were found, what else was not read, and that they were rounded.
    public var warnings: [Warning] {
        var warnings: [Warning] = []
        if !names.prefix.isEmpty {
            let others =
                names.otherPrefixes.isEmpty
                ? "" : ", and not those under \(names.otherPrefixes.joined(separator: ", "))"
            let rest = names.skippedCount == 0 ? "" : "; \(names.skippedCount) other tensors are not read"
            warnings.append(Warning(file: path, "the weights under \(names.prefix) are taken\(others)\(rest)"))
        } else if names.skippedCount > 0 {
            warnings.append(Warning(file: path, "\(names.skippedCount) tensors in other dictionaries are not read"))
        }
        if shapes.keys.contains(where: { dataType($0) == .float64 }) {
            warnings.append(Warning(file: path, "float64 weights are rounded to float32"))
        }
        return warnings
    }

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
        guard let name = names.byOfficialName[official] else { preconditionFailure("no tensor \(official) in \(path)") }
        return name
    }

    /// The layers of the model, their tensors read.
    ///
    /// - Parameter load: what reads them by official names, where it is not ``tensor(_:)``.
    func layers(_ precision: Precision, load: ((_ official: String) -> Tensor)? = nil) -> SamLayers {
        let reader = TensorReader(checkpoint.entries, names: names.byOfficialName, load: load ?? tensor)
        return SamLayers(Weights(reader, precision: precision), configuration)
    }

    /// The first tensor, in the order of the names, that holds an infinity or a NaN.
    package func firstTensorNotFinite(where isMeant: (_ official: String) -> Bool = { _ in true }) -> String? {
        shapes.keys.sorted().first { isMeant($0) && !tensor($0).isFinite }
    }
}
