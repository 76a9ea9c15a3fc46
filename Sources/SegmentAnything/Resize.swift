import ImageFrames
import Tensors

/// An image scaled as Pillow's `Image.resize(size, BILINEAR)` does it, to the bit.
///
/// Pillow (`src/libImaging/Resample.c`) samples a triangle as wide as one source pixel, or one target pixel where that
/// is larger, so down-scaling averages. It goes along one direction, then the other, rounding to 8 bits between, with
/// weights as whole numbers of 2⁻²²; a direction whose size stays is left alone. Since its version 13 it begins with
/// the height where that shrinks by more than twice the pixels that the width loses, else, as always before, with the
/// width; some pixels then differ by 1 from older versions'.
public func resized(_ image: RGBImage, to size: PixelSize) -> RGBImage {
    precondition(size.width > 0 && size.height > 0, "resize to \(size)")
    let (lostWidth, lostHeight) = (image.size.width - size.width, image.size.height - size.height)
    let isHeightFirst = lostHeight > max(0, 2 * lostWidth)
    return isHeightFirst
        ? withWidth(size.width, withHeight(size.height, image)) : withHeight(size.height, withWidth(size.width, image))
}

private func withWidth(_ width: Int, _ image: RGBImage) -> RGBImage {
    if width == image.size.width { return image }
    return RGBImage(
        size: PixelSize(width: width, height: image.size.height),
        pixels: resampled(image.pixels, outer: image.size.height, length: image.size.width, inner: 3, to: width))
}

private func withHeight(_ height: Int, _ image: RGBImage) -> RGBImage {
    if height == image.size.height { return image }
    return RGBImage(
        size: PixelSize(width: image.size.width, height: height),
        pixels: resampled(image.pixels, outer: 1, length: image.size.height, inner: 3 * image.size.width, to: height))
}

/// Resamples the middle axis of `[outer, length, inner]` to `target`.
///
/// A task is one of the rows that the image has across that axis or along it.
private func resampled(_ pixels: [UInt8], outer: Int, length: Int, inner: Int, to target: Int) -> [UInt8] {
    let samples = (0..<target).map { taps(of: $0, from: length, to: target) }
    return [UInt8](unsafeUninitializedCapacity: outer * target * inner) { buffer, count in
        nonisolated(unsafe) let result = buffer
        pixels.withUnsafeBufferPointer { pixels in
            func resample(_ row: Int, _ position: Int) {
                let (first, weights) = samples[position]
                for element in 0..<inner {
                    var sum = 1 << (fractionBits - 1)
                    for (tap, weight) in weights.enumerated() {
                        sum += weight * Int(pixels[(row * length + first + tap) * inner + element])
                    }
                    result[(row * target + position) * inner + element] = UInt8(clamping: sum >> fractionBits)
                }
            }
            if outer == 1 {
                parallelFor(target) { resample(0, $0) }
            } else {
                parallelFor(outer) { row in
                    for position in 0..<target { resample(row, position) }
                }
            }
        }
        count = outer * target * inner
    }
}

/// The source pixels that one target pixel is made of: the first, and the weights of it and those after it.
private func taps(of position: Int, from length: Int, to target: Int) -> (first: Int, weights: [Int]) {
    let scale = Double(length) / Double(target)
    let support = max(scale, 1)
    let centre = (Double(position) + 0.5) * scale
    let first = max(Int(centre - support + 0.5), 0)
    let last = min(Int(centre + support + 0.5), length)
    let triangle = (first..<last).map { max(0, 1 - abs((Double($0) - centre + 0.5) * (1 / support))) }
    let sum = triangle.reduce(0, +)
    return (first, triangle.map { Int(0.5 + $0 / sum * Double(1 << fractionBits)) })
}

/// The bits after the point in a weight: 32 less 8 of a pixel less 2 to spare (`Resample.c`, `PRECISION_BITS`).
private let fractionBits = 22
