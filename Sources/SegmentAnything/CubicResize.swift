import Foundation
import ImageFrames
import Tensors

/// An image scaled as scikit-image's `resize(image, size, order=3, preserve_range=True, anti_aliasing=True)` does it,
/// then truncated to 8 bits: what MedSAM shows its encoder (`MedSAM_Inference.py:111`).
///
/// Along a side that shrinks f times, a Gaussian of deviation (f − 1) / 2 first smooths. The pixels then become
/// coefficients of a cubic B-spline, which target place t samples at (t + 0.5) · f − 0.5. Beyond the edge the image goes
/// on mirrored, the outermost pixel not repeated. No value leaves the image's own range. An image of the right size stays
/// as it is.
///
/// Truncation makes 76 of 76.999…, so rounding shows wherever the exact result is a whole number, as in every even area.
/// Hence all is in double precision and in the order of SciPy's own operations (`ni_filters.c`, `ni_splines.c`,
/// `ni_interpolation.c`), the spline across the three channels included, which would change nothing in exact arithmetic.
func cubicResized(_ image: RGBImage, to size: PixelSize) -> RGBImage {
    precondition(size.width > 0 && size.height > 0, "resize to \(size)")
    guard image.size != size, let least = image.pixels.min(), let greatest = image.pixels.max() else { return image }
    let shape = [image.size.height, image.size.width, 3]
    let target = [size.height, size.width, 3]
    var values = image.pixels.map(Double.init)
    for axis in 0..<2 where shape[axis] > target[axis] {
        let weights = gaussian(deviation: (Double(shape[axis]) / Double(target[axis]) - 1) / 2)
        changeLines(of: &values, shape: shape, axis: axis) { smooth(&$0, weights) }
    }
    for axis in 0..<3 { changeLines(of: &values, shape: shape, axis: axis, body: makeSplineCoefficients) }

    let taps = (0..<3).map { axis in (0..<target[axis]).map { Taps(at: $0, of: target[axis], from: shape[axis]) } }
    let pixels = [UInt8](unsafeUninitializedCapacity: 3 * size.area) { buffer, count in
        nonisolated(unsafe) let result = buffer
        values.withUnsafeBufferPointer { values in
            parallelFor(size.height) { y in
                for x in 0..<size.width {
                    for channel in 0..<3 {
                        let value = sample(values, width: image.size.width, taps[0][y], taps[1][x], taps[2][channel])
                        result[3 * (y * size.width + x) + channel] =
                            UInt8(min(max(value, Double(least)), Double(greatest)))
                    }
                }
            }
        }
        count = 3 * size.area
    }
    return RGBImage(size: size, pixels: pixels)
}

/// The spline of coefficients `[height, width, 3]` at a place.
private func sample(
    _ coefficients: UnsafeBufferPointer<Double>, width: Int, _ rows: Taps, _ columns: Taps, _ channels: Taps
) -> Double {
    var sum = 0.0
    for row in 0..<4 {
        for column in 0..<4 {
            let pixel = 3 * (rows.indices[row] * width + columns.indices[column])
            for channel in 0..<4 {
                sum +=
                    coefficients[pixel + channels.indices[channel]] * rows.weights[row] * columns.weights[column]
                    * channels.weights[channel]
            }
        }
    }
    return sum
}

/// The four coefficients that a target place is made of along one axis.
private struct Taps {
    var indices = SIMD4<Int>()
    var weights = SIMD4<Double>()

    init(at position: Int, of target: Int, from length: Int) {
        var place = (Double(position) + 0.5) * (Double(length) / Double(target)) - 0.5
        if length == 1 { place = 0 }
        if place < 0 { place = -place }
        let below = place.rounded(.down)
        for tap in 0..<4 { indices[tap] = mirrored(Int(below) - 1 + tap, length) }
        let (after, before) = (place - below, 1 - (place - below))
        weights[0] = before * before * before / 6
        weights[1] = (after * after * (after - 2) * 3 + 4) / 6
        weights[2] = (before * before * (before - 2) * 3 + 4) / 6
        weights[3] = 1 - weights[0] - weights[1] - weights[2]
    }
}

/// The pixel at an index, which may lie beyond the edge.
private func mirrored(_ index: Int, _ length: Int) -> Int {
    guard length > 1 else { return 0 }
    let period = 2 * (length - 1)
    let place = (index % period + period) % period
    return min(place, period - place)
}

// MARK: - Filters

/// Hands each line along an axis to `body`, and writes back what it makes of it.
private func changeLines(of values: inout [Double], shape: [Int], axis: Int, body: (inout [Double]) -> Void) {
    let (length, inner) = (shape[axis], shape[(axis + 1)...].reduce(1, *))
    let (lines, band) = (values.count / length, 64)
    values.withUnsafeMutableBufferPointer { buffer in
        nonisolated(unsafe) let values = buffer
        parallelFor((lines + band - 1) / band) { task in
            var line = [Double](repeating: 0, count: length)
            for index in task * band..<min((task + 1) * band, lines) {
                let first = index / inner * length * inner + index % inner
                for place in 0..<length { line[place] = values[first + place * inner] }
                body(&line)
                for place in 0..<length { values[first + place * inner] = line[place] }
            }
        }
    }
}

/// One half of a Gaussian's weights, the centre's first; they end at four deviations, and with the other half sum to 1.
///
/// NumPy's may differ in the last bit, since its `exp` depends on the processor: where an image shrinks, a pixel whose exact
/// value is a whole number may come out one lower or higher.
private func gaussian(deviation: Double) -> [Double] {
    let radius = Int(4 * deviation + 0.5)
    let values = (-radius...radius).map { exp(-0.5 / (deviation * deviation) * Double($0 * $0)) }
    let sum = values.reduce(0, +)
    return values[radius...].map { $0 / sum }
}

private func smooth(_ line: inout [Double], _ weights: [Double]) {
    let source = line
    for place in line.indices {
        var sum = source[place] * weights[0]
        for distance in stride(from: weights.count - 1, to: 0, by: -1) {
            let (before, after) = (mirrored(place - distance, line.count), mirrored(place + distance, line.count))
            sum += (source[before] + source[after]) * weights[distance]
        }
        line[place] = sum
    }
}

/// Turns samples into the coefficients of the cubic B-spline through them (Unser, Aldroubi, Eden 1991): a recursive
/// filter forth and back, begun as if the line went on mirrored for ever.
private func makeSplineCoefficients(_ line: inout [Double]) {
    let last = line.count - 1
    guard last > 0 else { return }
    let pole = -0.267949192431122706472553658494127633  // √3 − 2
    let gain = (1 - pole) * (1 - 1 / pole)
    for place in line.indices { line[place] *= gain }

    let atEnd = pow(pole, Double(last))
    var power = pole
    line[0] += atEnd * line[last]
    for place in stride(from: 1, to: last, by: 1) {
        line[0] += power * (line[place] + atEnd * line[last - place])
        power *= pole
    }
    line[0] /= 1 - atEnd * atEnd
    for place in 1...last { line[place] += pole * line[place - 1] }

    line[last] = (pole * line[last - 1] + line[last]) * pole / (pole * pole - 1)
    for place in stride(from: last - 1, through: 0, by: -1) { line[place] = pole * (line[place + 1] - line[place]) }
}
