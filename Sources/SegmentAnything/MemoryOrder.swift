import Tensors

// MARK: - The official memory orders

extension Tensor {
    /// `[height, width, channels]` as the reference has it in its encoder: `[1, height, width, channels]`.
    var batched: Tensor { reshaped([1] + shape) }

    /// `[height, width, channels]` as the reference has convolutions' results: `[1, channels, height, width]`.
    var channelsFirst: Tensor { permuted(2, 0, 1).batched }
}

/// Tensors of one shape along a new first axis.
func stacked(_ parts: [Tensor]) -> Tensor { concatenated(parts.map(\.batched)) }
