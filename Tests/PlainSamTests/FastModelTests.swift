import Checkpoints
import Foundation
import ImageFrames
import SegmentAnything
import Tensors
import TestSupport
import Testing

@testable import PlainSam

/// The fast model against the plain one, where no fixture of the oracle's reaches.
@Suite struct FastModelTests {
    /// Waves of a seed's frequencies with noise, which reach black and white.
    private func picture(_ width: Int, _ height: Int, seed: UInt64) -> PlainModel.Picture {
        var generator = SplitMix(seed: seed)
        let waves = (0..<3).map { _ in (0..<3).map { _ in Double.random(in: -9...9, using: &generator) } }
        let pixels = (0..<width * height).flatMap { place in
            waves.map { wave -> UInt8 in
                let (x, y) = (Double(place % width) / Double(width), Double(place / width) / Double(height))
                let value = 128 + 110 * sin(wave[0] * x + wave[1] * y + wave[2])
                return UInt8(min(max(value + Double.random(in: -40...40, using: &generator), 0), 255))
            }
        }
        return (width: width, height: height, pixels: pixels)
    }

    /// The same prompt for the fast model.
    private func prompt(_ prompt: PlainModel.Prompt) -> SegmentAnything.Prompt {
        SegmentAnything.Prompt(
            points: prompt.points.map { .init(PixelPoint(x: $0.x, y: $0.y), isForeground: $0.isForeground) },
            box: prompt.box.map { PixelBox(x0: $0.x0, y0: $0.y0, x1: $0.x1, y1: $0.y1) },
            mask: prompt.mask.map { mask in
                Tensor(mask.flatMap { $0.map(Float.init) }, shape: [mask.count, mask[0].count])
            })
    }

    /// Expects embedding, scores, logits and masks of both to agree.
    ///
    /// - Parameter tolerance: the relative error of single precision, some 6e-8 an operation, after all layers.
    private func expectAgreement(
        _ path: String, _ picture: PlainModel.Picture, _ prompts: [PlainModel.Prompt], tolerance: Double
    ) throws {
        let plain = PlainModel(try Checkpoint(path: path))
        let fast = try Sam(path: path)
        let embedding = plain.encode(picture)
        let image = RGBImage(size: PixelSize(width: picture.width, height: picture.height), pixels: picture.pixels)
        let encoded = try fast.encode(image, name: "random")
        #expect(relativeError(encoded.embedding.values.map(Double.init), embedding.flatMap { $0 }) <= tolerance)
        var (inside, all) = (0, 0)
        for multimask in [true, false] {
            let results = try fast.predict(prompts.map(prompt), on: encoded, multimask: multimask)
            for (own, masks) in zip(prompts, results) {
                let expected = plain.predict(own, on: picture, embedding, multimask: multimask)
                #expect(masks.map(\.index) == expected.map(\.index))
                for (mask, expected) in zip(masks, expected) {
                    let logits = expected.logits.flatMap { $0 }
                    #expect(relativeError(mask.logits.values.map(Double.init), logits) <= tolerance)
                    #expect(abs(Double(mask.score) - expected.score) <= tolerance)
                    let isInside = plain.threshold(expected.logits)
                    let clear = logits.indices.filter { abs(logits[$0]) >= 1e-3 }
                    let pixels = mask.mask.values
                    #expect(clear.allSatisfy { pixels[$0] == isInside[$0] })
                    #expect(clear.count > logits.count * 9 / 10)
                    inside += pixels.count { $0 }
                    all += pixels.count
                }
            }
        }
        // Masks of all pixels or none would agree with many mistakes.
        #expect(all / 100 < inside && inside < all * 99 / 100)
    }

    @Test(arguments: [(101, 67, 1), (40, 200, 2)])
    func gridsAndWindowsThatNoFixtureHas(_ width: Int, _ height: Int, _ seed: UInt64) throws {
        let folder = Folder()
        let path = folder.file("random.safetensors")
        try writeRandomWeights(path, seed: seed)
        let (x, y) = (Double(width), Double(height))
        var generator = SplitMix(seed: seed)
        let mask = (0..<136).map { _ in (0..<136).map { _ in Double(Float.random(in: -9...9, using: &generator)) } }
        try expectAgreement(
            path, picture(width, height, seed: seed),
            [
                (points: [], box: (x0: x / 5, y0: y / 4, x1: x / 2, y1: y - 1.5), mask: nil),
                (points: [(x / 3, y / 3, true), (x - 1, 0, false)], box: nil, mask: nil),
                (points: [(x / 2, y / 2, true)], box: (x0: 0, y0: 0, x1: x, y1: y), mask: mask),
                (points: [], box: nil, mask: mask),
            ], tolerance: 1e-5)
    }

    @Test func theBundledModelsMasks() throws {
        try expectAgreement(
            bundledWeights, picture(90, 70, seed: 3),
            [
                (points: [], box: (x0: 20, y0: 10, x1: 60, y1: 50), mask: nil),
                (points: [(45, 35, true)], box: nil, mask: nil),
            ], tolerance: 1e-5)
    }
}
