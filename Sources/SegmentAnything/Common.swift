import Tensors

/// x · weightᵀ + bias (`torch.nn.Linear`): `weight` is `[outputs, inputs]`, `bias` `[outputs]`.
struct Linear: Sendable {
    let weight: Tensor
    let bias: Tensor?

    init(_ weights: Weights) {
        weight = weights["weight"]
        bias = weights["bias"]
    }

    init(weight: Tensor, bias: Tensor?) {
        self.weight = weight
        self.bias = bias
    }

    func callAsFunction(_ x: Tensor, activation: Activation = .none) -> Tensor {
        linear(x, weight: weight, bias: bias, activation: activation)
    }
}

/// Layer norm over the last axis; `LayerNorm2d` of the reference (`common.py:30`) is the same with channels last.
struct LayerNorm: Sendable {
    let weight: Tensor
    let bias: Tensor
    let epsilon: Float

    /// - Parameter epsilon: 1e-6 in the encoder and in every `LayerNorm2d`, 1e-5 in the two-way transformer.
    init(_ weights: Weights, epsilon: Float) {
        weight = weights["weight"]
        bias = weights["bias"]
        self.epsilon = epsilon
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
    }
}

/// Two linear maps with an activation between (`common.py:13`): GELU in the encoder, ReLU in the decoder.
struct MLPBlock: Sendable {
    let lin1: Linear
    let lin2: Linear
    let activation: Activation

    init(_ weights: Weights, activation: Activation) {
        lin1 = Linear(weights / "lin1")
        lin2 = Linear(weights / "lin2")
        self.activation = activation
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        lin2(lin1(x, activation: activation))
    }
}

// MARK: - Convolutions as linear maps

/// A convolution whose kernel is as large as its stride (`torch.nn.Conv2d`): a linear map of each patch.
///
/// `x` is `[height, width, inputs]`, `weight` `[outputs, inputs, kernel, kernel]`; the result is
/// `[height / kernel, width / kernel, outputs]`.
struct PatchConvolution: Sendable {
    let kernel: Int
    let linear: Linear

    init(_ weights: Weights) {
        let weight = weights["weight"]
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        kernel = weight.shape[2]
        linear = Linear(
            weight: weight.reshaped([outputs, inputs * kernel * kernel]), bias: weights[optional: "bias"])
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

    init(_ weights: Weights) {
        let weight = weights["weight"]
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        linear = Linear(
            weight: weight.permuted(0, 2, 3, 1).reshaped([outputs, 9 * inputs]), bias: nil)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        linear(neighbourhoods(x))
    }
}

/// A transposed convolution of kernel and stride 2 (`torch.nn.ConvTranspose2d`), channels last:
/// `[prompts, height, width, inputs]` to `[prompts, 2·height, 2·width, outputs]`.
struct UpConvolution: Sendable {
    let linear: Linear
    let outputs: Int

    init(_ weights: Weights) {
        let (weight, bias) = (weights["weight"], weights["bias"])
        let inputs = weight.shape[0]
        outputs = weight.shape[1]
        linear = Linear(
            weight: weight.permuted(2, 3, 1, 0).reshaped([4 * outputs, inputs]),
            bias: bias.reshaped([1, outputs]).expanded(axis: 0, to: 4).reshaped([4 * outputs]))
    }

    func callAsFunction(_ x: Tensor, activation: Activation = .none) -> Tensor {
        precondition(x.shape.count == 4, "transposed convolution of \(x.shape)")
        let (prompts, height, width) = (x.shape[0], x.shape[1], x.shape[2])
        return linear(x, activation: activation)
            .reshaped([prompts, height, width, 2, 2, outputs]).permuted(0, 1, 3, 2, 4, 5)
            .reshaped([prompts, 2 * height, 2 * width, outputs])
    }
}
