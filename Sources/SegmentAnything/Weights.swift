import Checkpoints
import Tensors

/// The tensors under one module path of a model.
///
/// `weights / "blocks" / "3"` goes down the path, and ``tensor(_:_:)`` reads a tensor: a layer's code says where in the
/// official model it is, and which shapes its tensors have. Nothing else lists them.
struct Weights {
    /// The module path, such as `image_encoder.blocks.3.attn`; empty at the top.
    let path: String
    /// In what numbers the layers compute their products.
    let precision: Precision
    private let reader: TensorReader

    init(_ reader: TensorReader, precision: Precision = .float32) {
        self.init(path: "", precision: precision, reader)
    }

    private init(path: String, precision: Precision, _ reader: TensorReader) {
        (self.path, self.precision, self.reader) = (path, precision, reader)
    }

    static func / (weights: Weights, component: String) -> Weights {
        let path = weights.path.isEmpty ? component : weights.path + "." + component
        return Weights(path: path, precision: weights.precision, weights.reader)
    }

    /// The same, for layers that compute their products in other numbers.
    func with(_ precision: Precision) -> Weights {
        Weights(path: path, precision: precision, reader)
    }

    /// The tensor of a name below the path, contiguous.
    ///
    /// One that the file lacks, or has in another shape or type, is noted in the reader; zeros take its place.
    func tensor(_ name: String, _ shape: [Int]) -> Tensor {
        reader.tensor(path + "." + name, shape)
    }
}

/// Reads the tensors of a model, and notes what is wrong with them: one error can then name all.
final class TensorReader {
    private let entries: [String: Checkpoint.Entry]
    /// The name in the file of each official name.
    private let names: [String: String]
    /// The tensor of an official name; nil where shapes are checked and nothing is read.
    private let load: ((_ official: String) -> Tensor)?
    /// The shape of each tensor that was asked for, by official name.
    private(set) var shapes: [String: [Int]] = [:]
    /// The same names, in the order in which layers asked for them.
    private(set) var order: [String] = []
    private var misfits: [(official: String, problem: String)] = []

    init(
        _ entries: [String: Checkpoint.Entry], names: [String: String], load: ((_ official: String) -> Tensor)? = nil
    ) {
        (self.entries, self.names, self.load) = (entries, names, load)
    }

    func tensor(_ official: String, _ shape: [Int]) -> Tensor {
        if shapes.updateValue(shape, forKey: official) == nil { order.append(official) }
        guard let name = names[official], let entry = entries[name] else { return Tensor(zeros: shape) }
        if entry.shape != shape {
            misfits.append((official, "wrong shape: \(name): expected \(shape), found \(entry.shape)"))
        } else if !entry.dataType.isWeight {
            misfits.append(
                (official, "wrong type: \(name): expected F64, F32, F16 or BF16, found \(entry.dataType.rawValue)"))
        } else if let load {
            return load(official).contiguous()
        }
        return Tensor(zeros: shape)
    }

    /// What is wrong with the file: tensors that are missing, that no layer asked for, or that do not fit.
    var problems: [String] {
        let missing = shapes.keys.filter { names[$0] == nil }.sorted().map { "missing: \($0)" }
        let unexpected = names.filter { shapes[$0.key] == nil }.map { "unexpected: \($0.value)" }.sorted()
        return missing + unexpected + misfits.sorted { $0.official < $1.official }.map(\.problem)
    }
}
