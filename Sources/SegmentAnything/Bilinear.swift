import ImageFrames
import Tensors

/// Rows of a bilinear interpolation as `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)` without
/// anti-aliasing, made one by one from the rows of its source, so that no image between has to be stored.
///
/// Target place t samples the source at max((t + 0.5)·source/target − 0.5, 0); beyond the last pixel, the last repeats.
final class BilinearRows {
    private let down: [Sample]
    private let across: [Sample]
    private let source: (_ row: Int) -> UnsafePointer<Float>
    /// The two rows of the source that were needed last, interpolated across, and which they are.
    private var stretched: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)
    private var indices = (-1, -1)
    private let result: UnsafeMutablePointer<Float>

    /// - Parameters:
    ///   - cropped: the top left part of `size` that is wanted.
    ///   - source: a row of the source; it must last until the next call.
    init(
        from sourceSize: PixelSize, to size: PixelSize, cropped: PixelSize,
        source: @escaping (_ row: Int) -> UnsafePointer<Float>
    ) {
        across = (0..<cropped.width).map { Sample(at: $0, of: size.width, from: sourceSize.width) }
        down = (0..<cropped.height).map { Sample(at: $0, of: size.height, from: sourceSize.height) }
        self.source = source
        stretched = (.allocate(capacity: cropped.width), .allocate(capacity: cropped.width))
        result = .allocate(capacity: cropped.width)
    }

    deinit {
        stretched.0.deallocate()
        stretched.1.deallocate()
        result.deallocate()
    }

    /// Row `y`; it lasts until the next call.
    func row(_ y: Int) -> UnsafePointer<Float> {
        let sample = down[y]
        if indices.1 == sample.first {
            stretched = (stretched.1, stretched.0)
            indices = (indices.1, indices.0)
        }
        if indices.0 != sample.first {
            stretch(sample.first, into: stretched.0)
            indices.0 = sample.first
        }
        if indices.1 != sample.second {
            stretch(sample.second, into: stretched.1)
            indices.1 = sample.second
        }
        let (above, below) = stretched
        for x in across.indices { result[x] = sample.mix(above[x], below[x]) }
        return UnsafePointer(result)
    }

    private func stretch(_ row: Int, into target: UnsafeMutablePointer<Float>) {
        let values = source(row)
        for (x, sample) in across.enumerated() { target[x] = sample.mix(values[sample.first], values[sample.second]) }
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

    @inline(__always)
    func mix(_ a: Float, _ b: Float) -> Float { a * (1 - weight) + b * weight }
}
