import Crypto
import Foundation
import TestSupport
import Testing

@testable import PlainSam

/// Scaling against Pillow and the official sizes, as `tools/oracle/export_resize.py` wrote them.
@Suite struct PlainPixelTests {
    private struct Expected: Decodable {
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

    private let expected: Expected
    private let model = Reference(name: "small.wide-box").model

    init() throws {
        expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: Reference.folder.appending(path: "resize.json")))
    }

    /// Each of three channels by itself, then red, green and blue of each pixel again.
    private func resized(_ resize: Expected.Resize, _ model: PlainModel) -> [UInt8] {
        var generator = SplitMix(seed: resize.seed)
        let pixels = (0..<resize.width * resize.height).map { _ in (0..<3).map { _ in Double(generator.next() >> 56) } }
        let channels = (0..<3).map { channel in
            model.resize(
                split(pixels.map { $0[channel] }, resize.width), resize.targetWidth, resize.targetHeight
            ).flatMap { $0 }
        }
        return channels[0].indices.flatMap { place in channels.map { UInt8($0[place]) } }
    }

    private func digest(_ pixels: [UInt8]) -> String {
        SHA256.hash(data: pixels).map { String(format: "%02x", $0) }.joined()
    }

    /// Bit-exact: up, down, one pixel wide or high, both orders of the two passes.
    @Test func isPillowsToTheBit() {
        #expect(expected.resize.count > 300)
        for resize in expected.resize {
            #expect(digest(resized(resize, model)) == resize.sha256, "\(resize)")
        }
    }

    @Test func withoutAntialiasingOrInTheOldOrderItIsNot() {
        var plain = model
        plain.facts.resize = .bilinear
        var old = model
        old.facts.resizesTallFirst = false
        let shrinking = expected.resize.filter { $0.width < 500 && $0.height < 500 && $0.targetWidth < $0.width }
        #expect(shrinking.contains { digest(resized($0, plain)) != $0.sha256 })
        let tall = expected.resize.filter {
            $0.width < 500 && $0.height < 500 && $0.height - $0.targetHeight > max(0, 2 * ($0.width - $0.targetWidth))
        }
        #expect(tall.contains { digest(resized($0, old)) != $0.sha256 })
    }

    /// Sizes to 1024 and to others, among them those that round to 0.
    @Test func theLongSideBecomesTheImageSize() {
        #expect(expected.preprocessShape.count > 100)
        var model = model
        for shape in expected.preprocessShape {
            model.imageSize = shape.longSide
            let size = model.preprocessShape((width: shape.width, height: shape.height, pixels: []))
            #expect(size == (shape.newWidth, shape.newHeight), "\(shape)")
        }
    }
}
