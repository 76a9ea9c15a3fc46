import Tensors

/// x · weightᵀ + bias (`torch.nn.Linear`): `[…, inputs]` to `[…, outputs]`.
struct Linear: Sendable {
    let weight: LinearWeight
    let bias: Tensor?

    init(_ weights: Weights, inputs: Int, outputs: Int) {
        self.init(
            weight: weights.tensor("weight", [outputs, inputs]), bias: weights.tensor("bias", [outputs]),
            precision: weights.precision)
    }

    init(weight: Tensor, bias: Tensor?, precision: Precision) {
        self.weight = LinearWeight(weight, precision: precision)
        if case .panels = self.weight { weight.storage.releasePages() }
        self.bias = bias
    }

    func callAsFunction(_ x: Tensor, activation: Activation = .none) -> Tensor {
        linear(x, weight: weight, bias: bias, activation: activation)
    }
}

/// Layer norm over the last axis; `LayerNorm2d` of the reference (`common.py:31`) is the same with channels last.
struct LayerNorm: Sendable {
    let weight: Tensor
    let bias: Tensor
    let epsilon: Float

    /// - Parameter epsilon: 1e-6 in the encoder and in every `LayerNorm2d`, 1e-5 in the two-way transformer.
    init(_ weights: Weights, channels: Int, epsilon: Float) {
        weight = weights.tensor("weight", [channels])
        bias = weights.tensor("bias", [channels])
        self.epsilon = epsilon
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
    }

    /// One row, on the calling thread; `row` may be `result`.
    func callAsFunction(_ row: UnsafePointer<Float>, into result: UnsafeMutableBufferPointer<Float>) {
        layerNormRow(row, into: result, weight: weight, bias: bias, epsilon: epsilon)
    }
}

/// Two linear maps with an activation between (`common.py:13`): GELU in the encoder, ReLU in the decoder.
struct MLPBlock: Sendable {
    let lin1: Linear
    let lin2: Linear
    let activation: Activation

    init(_ weights: Weights, channels: Int, hidden: Int, activation: Activation) {
        lin1 = Linear(weights / "lin1", inputs: channels, outputs: hidden)
        lin2 = Linear(weights / "lin2", inputs: hidden, outputs: channels)
        self.activation = activation
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        lin2(lin1(x, activation: activation))
    }

    /// Shows the hidden layer before and after its activation.
    func recordParts(_ x: Tensor, path: String, _ recorder: Recorder?) {
        recorder?.recordPart("\(path).lin1", lin1(x))
        recorder?.recordPart("\(path).act", lin1(x, activation: activation))
    }
}

// MARK: - Convolutions as linear maps

/// A convolution whose kernel is as large as its stride (`torch.nn.Conv2d`): a linear map of each patch.
///
/// `[height, width, inputs]` to `[height / kernel, width / kernel, outputs]`.
struct PatchConvolution: Sendable {
    let kernel: Int
    let linear: Linear

    init(_ weights: Weights, inputs: Int, outputs: Int, kernel: Int, hasBias: Bool = true) {
        self.kernel = kernel
        let weight = weights.tensor("weight", [outputs, inputs, kernel, kernel])
        linear = Linear(
            weight: weight.reshaped([outputs, inputs * kernel * kernel]),
            bias: hasBias ? weights.tensor("bias", [outputs]) : nil, precision: weights.precision)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        precondition(x.shape.count == 3, "patches of \(x.shape)")
        let (height, width, channels) = (x.shape[0] / kernel, x.shape[1] / kernel, x.shape[2])
        let patches = x.reshaped([height, kernel, width, kernel, channels]).permuted(0, 2, 4, 1, 3)
        return linear(patches.reshaped([height, width, channels * kernel * kernel]))
    }
}

/// A 3×3 convolution with padding 1 and no bias (`torch.nn.Conv2d`), `[height, width, inputs]` to
/// `[height, width, outputs]`: the nine neighbours of each place side by side, then a linear map.
struct Convolution3x3: Sendable {
    let linear: Linear

    init(_ weights: Weights, inputs: Int, outputs: Int) {
        let weight = weights.tensor("weight", [outputs, inputs, 3, 3])
        linear = Linear(
            weight: weight.permuted(0, 2, 3, 1).reshaped([outputs, 9 * inputs]), bias: nil,
            precision: weights.precision)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        linear(neighbourhoods(x))
    }
}

/// A transposed convolution of kernel and stride 2 (`torch.nn.ConvTranspose2d`) as a linear map of each place to the four
/// that it becomes, channels last: `[…, inputs]` to `[…, 4 · outputs]`, the four in the order of rows, then columns.
struct UpConvolution: Sendable {
    /// The right factor `[inputs, 4 · outputs]`.
    let weight: Panels
    /// `[4 · outputs]`.
    let bias: Tensor
    let outputs: Int

    init(_ weights: Weights, inputs: Int, outputs: Int) {
        self.outputs = outputs
        let rows = weights.tensor("weight", [inputs, outputs, 2, 2]).permuted(0, 2, 3, 1)
            .reshaped([inputs, 4 * outputs]).contiguous()
        weight = Panels(inner: inputs, columns: 4 * outputs, weights.precision)
        weight.pack(rows: { rows.base + $0 * rows.shape[1] })
        let bias = weights.tensor("bias", [outputs])
        self.bias = concatenated([bias, bias, bias, bias])
    }

    /// The four places of each row, on the calling thread; rows of `result` have room for the panels' padding.
    func callAsFunction(_ rows: ConstMatrix, into result: MutableMatrix) {
        panelProduct(rows, weight, into: result)
        let bias = bias.base
        for row in 0..<result.rows {
            let target = result.base + row * result.stride
            for channel in 0..<result.columns { target[channel] += bias[channel] }
        }
    }
}
