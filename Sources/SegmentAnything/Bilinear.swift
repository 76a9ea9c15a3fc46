import Frames
import Tensors

/// Bilinear interpolation as `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)` without
/// anti-aliasing: `[masks, rows, columns]` to the top left `cropped` part of an interpolation to `size`.
///
/// Target place t samples the source at max((t + 0.5)·source/target − 0.5, 0); beyond the last pixel, the last repeats.
func bilinear(_ x: Tensor, to size: PixelSize, cropped: PixelSize) -> Tensor {
    precondition(x.shape.count == 3, "interpolation of \(x.shape)")
    let (masks, rows, columns) = (x.shape[0], x.shape[1], x.shape[2])
    let x = x.contiguous()
    let across = (0..<cropped.width).map { Sample(at: $0, of: size.width, from: columns) }
    let down = (0..<cropped.height).map { Sample(at: $0, of: size.height, from: rows) }
    return Tensor(shape: [masks, cropped.height, cropped.width]) { result in
        let tile = 16
        let tiles = (cropped.height + tile - 1) / tile
        parallelFor(masks * tiles) { task in
            let (mask, first) = (task / tiles, task % tiles * tile)
            for row in first..<min(first + tile, cropped.height) {
                let sample = down[row]
                let upper = x.base + (mask * rows + sample.first) * columns
                let lower = x.base + (mask * rows + sample.second) * columns
                let target = result + (mask * cropped.height + row) * cropped.width
                for (column, place) in across.enumerated() {
                    let above = place.mix(upper[place.first], upper[place.second])
                    let below = place.mix(lower[place.first], lower[place.second])
                    target[column] = sample.mix(above, below)
                }
            }
        }
    }
}

/// The two source places that a target place lies between, and how much of each it is.
private struct Sample {
    let first: Int
    let second: Int
    let weight: Float

    init(at position: Int, of target: Int, from source: Int) {
        let place = max((Double(position) + 0.5) * (Double(source) / Double(target)) - 0.5, 0)
        first = min(Int(place), source - 1)
        second = min(first + 1, source - 1)
        weight = Float(place - Double(first))
    }

    func mix(_ a: Float, _ b: Float) -> Float { a * (1 - weight) + b * weight }
}
