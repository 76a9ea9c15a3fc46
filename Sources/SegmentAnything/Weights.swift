import Tensors

/// The tensors under one module path of a checkpoint whose names and shapes have been checked.
///
/// `weights / "blocks" / "3"` goes down the path and `weights["weight"]` reads a tensor, so that a layer's code says
/// where in the official model it stands.
struct Weights: Sendable {
    /// The module path, such as `image_encoder.blocks.3.attn`; empty at the top.
    let path: String
    /// In what numbers the layers compute their products.
    let precision: Precision
    private let read: @Sendable (_ name: String) -> Tensor?

    /// - Parameter read: the tensor of a full name, nil where the model has none.
    init(
        path: String = "", precision: Precision = .float32, read: @escaping @Sendable (_ name: String) -> Tensor?
    ) {
        self.path = path
        self.precision = precision
        self.read = read
    }

    static func / (weights: Weights, component: String) -> Weights {
        Weights(
            path: weights.path.isEmpty ? component : weights.path + "." + component, precision: weights.precision,
            read: weights.read)
    }

    /// The same, for layers that compute their products in other numbers.
    func with(_ precision: Precision) -> Weights {
        Weights(path: path, precision: precision, read: read)
    }

    /// A tensor that the model has.
    subscript(name: String) -> Tensor {
        guard let tensor = read(path + "." + name) else { preconditionFailure("no tensor \(path).\(name)") }
        return tensor
    }

    /// A tensor that some layers of its kind have and others do not, such as a convolution's bias.
    subscript(optional name: String) -> Tensor? {
        read(path + "." + name)
    }
}
