/// (x − mean) / √(variance + epsilon) · weight + bias over the last axis, the variance being the population's
/// (Ba et al. 2016; `torch.nn.LayerNorm`, and SAM's `LayerNorm2d` where channels are the last axis, as here).
///
/// `x` is `[…, channels]`, `weight` and `bias` `[channels]`.
public func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float) -> Tensor {
    let channels = weight.count
    precondition(
        x.shape.last == channels && weight.shape == [channels] && bias.shape == [channels],
        "layer norm of \(x.shape) by \(weight.shape) and \(bias.shape)")
    let (x, weight, bias) = (x.contiguous(), weight.contiguous(), bias.contiguous())
    let rows = x.count / max(channels, 1)
    let tile = 64
    return Tensor(shape: x.shape) { result in
        parallelFor((rows + tile - 1) / tile) { task in
            for row in task * tile..<min(task * tile + tile, rows) {
                Kernels.current.normalise(
                    x.base + row * channels, result + row * channels, channels, weight.base, bias.base, epsilon)
            }
        }
    }
}

/// One row of ``layerNorm(_:weight:bias:epsilon:)``, on the calling thread; weight and bias are contiguous.
package func layerNormRow(
    _ row: UnsafePointer<Float>, into result: UnsafeMutableBufferPointer<Float>, weight: Tensor, bias: Tensor,
    epsilon: Float
) {
    Kernels.current.normalise(row, result.baseAddress, result.count, weight.base, bias.base, epsilon)
}

/// The plain definition of a row's layer norm, to which tests hold the kernels.
func normalise(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, epsilon: Float
) {
    let source = UnsafeBufferPointer(start: x, count: count)
    let mean = sum(source) { $0 } / Float(count)
    let variance = sum(source) { ($0 - mean) * ($0 - mean) } / Float(count)
    let scale = 1 / (variance + epsilon).squareRoot()
    for channel in 0..<count { y[channel] = (x[channel] - mean) * scale * weight[channel] + bias[channel] }
}

/// The sum of `term` over the elements, in sixteen partial sums: their rounding errors stay small and they vectorise.
@inline(__always)
private func sum(_ elements: UnsafeBufferPointer<Float>, _ term: (SIMD16<Float>) -> SIMD16<Float>) -> Float {
    var partial = SIMD16<Float>(repeating: 0)
    let bytes = UnsafeRawBufferPointer(elements)
    var position = 0
    while position + 16 <= elements.count {
        partial += term(bytes.loadUnaligned(fromByteOffset: 4 * position, as: SIMD16<Float>.self))
        position += 16
    }
    var total = partial.sum()
    while position < elements.count {
        total += term(SIMD16(repeating: elements[position]))[0]
        position += 1
    }
    return total
}
