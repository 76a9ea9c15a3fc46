import Tensors

/// For each place its 3×3 neighbours' channels side by side, zeros beyond the edge:
/// `[height, width, channels]` to `[height, width, 9·channels]`.
func neighbourhoods(_ x: Tensor) -> Tensor {
    precondition(x.shape.count == 3, "neighbourhoods of \(x.shape)")
    let (height, width, channels) = (x.shape[0], x.shape[1], x.shape[2])
    let x = x.contiguous()
    return Tensor(shape: [height, width, 9 * channels]) { result in
        parallelFor(height) { y in
            for x0 in 0..<width {
                for neighbour in 0..<9 {
                    let (row, column) = (y + neighbour / 3 - 1, x0 + neighbour % 3 - 1)
                    let target = result + ((y * width + x0) * 9 + neighbour) * channels
                    if (0..<height).contains(row), (0..<width).contains(column) {
                        target.update(from: x.base + (row * width + column) * channels, count: channels)
                    } else {
                        target.update(repeating: 0, count: channels)
                    }
                }
            }
        }
    }
}
