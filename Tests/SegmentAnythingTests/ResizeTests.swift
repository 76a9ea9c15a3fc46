import Crypto
import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import SegmentAnything

/// Scaling against Pillow and the reference's sizes, as `tools/oracle/export_resize.py` wrote them.
@Suite struct ResizeTests {
    struct Reference: Decodable {
        struct Resize: Decodable {
            var seed: UInt64
            var width, height, targetWidth, targetHeight: Int
            var sha256: String
        }
        struct Shape: Decodable {
            var height, width, longSide, newHeight, newWidth: Int
        }
        var resize: [Resize]
        var preprocessShape: [Shape]
    }

    let reference: Reference

    init() throws {
        reference = try JSONDecoder().decode(
            Reference.self, from: Data(contentsOf: Fixture.folder.appending(path: "resize.json")))
    }

    /// Bit-exact, so compared by SHA-256: up, down, one pixel wide or high, both orders of the two passes.
    @Test func isPillowsToTheBit() {
        #expect(reference.resize.count > 300)
        for resize in reference.resize {
            let size = PixelSize(width: resize.width, height: resize.height)
            let image = RGBImage(size: size, pixels: splitMixBytes(seed: resize.seed, count: 3 * size.area))
            let result = resized(image, to: PixelSize(width: resize.targetWidth, height: resize.targetHeight))
            let digest = SHA256.hash(data: result.pixels).map { String(format: "%02x", $0) }.joined()
            #expect(digest == resize.sha256, "\(resize)")
        }
    }

    @Test func longSideBecomesTheImageSize() throws {
        #expect(reference.preprocessShape.count > 100)
        for shape in reference.preprocessShape {
            let size = PixelSize(width: shape.width, height: shape.height)
            if shape.newHeight == 0 || shape.newWidth == 0 {
                #expect(throws: FileError.self) {
                    try ImageTransform(size, imageSize: shape.longSide, file: "image.png")
                }
            } else {
                let scaled = try ImageTransform(size, imageSize: shape.longSide, file: "image.png").scaled
                #expect(scaled == PixelSize(width: shape.newWidth, height: shape.newHeight), "\(shape)")
            }
        }
    }
}

/// The script's generator, splitmix64: the top byte of each output.
func splitMixBytes(seed: UInt64, count: Int) -> [UInt8] {
    var generator = SplitMix(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 56) }
}
