// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Crypto
import Foundation
import ImageFrames
import Tensors
import Testing

@testable import SegmentAnything

/// MedSAM's way against scikit-image and the official modules, as `tools/oracle/export_recipes.py` wrote them.
@Suite struct MedSAMTests {
    // MARK: - The resize

    struct Resize: Decodable {
        var kind: String
        var seed: UInt64
        var height, width, side: Int
        /// Of `[side, side, 3]`.
        var sha256: String?
        /// `[side, side]`, of each channel.
        var pixels: Data?

        var size: PixelSize { PixelSize(width: width, height: height) }

        var image: RGBImage {
            if kind == "noise" { return RGBImage(size: size, pixels: splitMixBytes(seed: seed, count: 3 * size.area)) }
            let columns = (width + 8) / 9
            let coarse = splitMixBytes(seed: seed, count: 3 * columns * ((height + 8) / 9))
            return RGBImage(
                size: size, grey: (0..<size.area).map { coarse[3 * ($0 / width / 9 * columns + $0 % width / 9)] })
        }

        var result: RGBImage { cubicResized(image, to: PixelSize(width: side, height: side)) }
    }

    struct Resizes: Decodable {
        var cases: [Resize]
    }

    static let resizes = try! JSONDecoder().decode(
        Resizes.self, from: Data(contentsOf: Fixture.folder.appending(path: "recipes/cubic.json"))
    ).cases

    /// To the bit: up and down, thin, one pixel, and where whole numbers are truncated.
    @Test func isScikitImagesToTheBit() {
        let cases = Self.resizes.filter { $0.sha256 != nil }
        #expect(cases.count > 20 && cases.contains { $0.kind == "blocks" })
        for resize in cases {
            let digest = SHA256.hash(data: resize.result.pixels).map { String(format: "%02x", $0) }.joined()
            #expect(digest == resize.sha256, "\(resize)")
        }
    }

    /// Even squares that shrink: exact results are whole numbers, of which truncation makes either neighbour. The
    /// Gaussian's weights are to the last bit only what the processor's `exp` gives NumPy, so one pixel in a hundred may
    /// be off by 1.
    @Test func evenAreasThatShrinkAreOffByOneAtMost() {
        let cases = Self.resizes.filter { $0.pixels != nil }
        #expect(cases.count == 5)
        for resize in cases {
            let ours = resize.result.pixels.enumerated().filter { $0.offset % 3 == 0 }.map { Int($0.element) }
            let differences = zip(ours, resize.pixels!).map { abs($0 - Int($1)) }
            #expect(differences.max()! <= 1, "\(resize.size)")
            #expect(differences.count { $0 > 0 } * 100 <= differences.count, "\(resize.size)")
        }
    }

    // MARK: - Inference

    static let names = ["medsam.high", "medsam.wide"]

    private func predicted(_ fixture: Fixture) throws -> [PredictedMask] {
        let sam = try Sam(path: Fixture.weights("small"))
        let encoded = try sam.encode(fixture.image, name: "", scaling: .square)
        return try sam.predict(fixture.prompts, on: encoded, multimask: false).map { $0[0] }
    }

    /// The same to the bit, as 8 bits divided in double precision are.
    @Test(arguments: names) func theImageIsSquashedAndStretchedToOne(_ name: String) throws {
        let fixture = Fixture(name: "recipes/\(name)")
        let resized = fixture.reference.bytes("resized")
        let (least, greatest) = (Double(resized.min()!), Double(resized.max()!))
        let transform = try ImageTransform(fixture.image.size, .square, imageSize: 80, file: "")
        let input = transform.input(fixture.image)
        #expect(input.shape == [80, 80, 3])
        let isSame = input.values == resized.map { Float((Double($0) - least) / (greatest - least)) }
        #expect(isSame)
    }

    @Test(arguments: names) func logitsAndProbabilitiesAreTheOfficialModules(_ name: String) throws {
        let fixture = Fixture(name: "recipes/\(name)")
        let masks = try predicted(fixture)
        #expect(masks.allSatisfy { $0.index == 0 })
        let logits = masks.flatMap { $0.lowResLogits.values.map(Double.init) }
        #expect(relativeError(logits, fixture.values("low_res_logits")) <= fixture.tolerance("low_res_logits"))
        let scores = masks.map { Double($0.score) }
        // Few numbers, so no sum that evens rounding out: as for the scores of SAM's own way.
        #expect(relativeError(scores, fixture.values("iou_predictions")) <= 1e-5)

        let reference = fixture.values("probabilities")
        func error(_ logits: [Double]) -> Double { relativeError(logits.map { 1 / (1 + exp(-$0)) }, reference) }
        #expect(error(masks.flatMap { $0.logits.values.map(Double.init) }) <= fixture.tolerance("probabilities"))
        // Logits interpolated in place of probabilities, by one step and by SAM's own two, are something else.
        let low = PixelSize(width: 40, height: 40)
        let straight = masks.flatMap { mask in
            let rows = BilinearRows(from: low, to: fixture.image.size, cropped: fixture.image.size) {
                mask.lowResLogits.base + 40 * $0
            }
            return (0..<fixture.image.size.height).flatMap { y in
                (0..<fixture.image.size.width).map { Double(rows.row(y)[$0]) }
            }
        }
        let own = try ImageTransform(fixture.image.size, imageSize: 80, file: "")
        let twoSteps = masks.flatMap {
            PredictedMask(index: 0, score: 0, lowResLogits: $0.lowResLogits, transform: own)
                .logits.values.map(Double.init)
        }
        for mistake in [straight, twoSteps] { #expect(error(mistake) > 100 * fixture.tolerance("probabilities")) }
    }

    /// Every pixel whose probability is 1e-4 or more away from one half; and stability, by its definition.
    @Test(arguments: names) func masksAreAboveOneHalf(_ name: String) throws {
        let fixture = Fixture(name: "recipes/\(name)")
        let masks = try predicted(fixture)
        let area = fixture.image.size.area
        for (index, mask) in masks.enumerated() {
            let reference = fixture.values("probabilities")[index * area..<(index + 1) * area]
            let (values, stability) = (mask.mask.values, mask.stability)
            let wrong = zip(values, reference).count { abs($1 - 0.5) >= 1e-4 && $0 != ($1 > 0.5) }
            #expect(wrong == 0)
            #expect(values.contains(true) && values.contains(false))
            let (high, low) = (1 / (1 + exp(-1.0)), 1 / (1 + exp(1.0)))
            let expected = Double(reference.count { $0 > high }) / Double(reference.count { $0 > low })
            let unclear = reference.count { abs($0 - high) < 1e-5 || abs($0 - low) < 1e-5 }
            #expect(abs(stability - expected) <= Double(unclear) / Double(reference.count { $0 > low }) + 1e-12)
        }
    }

    /// One half is outside; its neighbours in single precision are on either side.
    @Test func logOddsKeepTheThreshold() {
        #expect(logOdds(0.5) == 0)
        #expect(logOdds(Float(0.5).nextUp) > 0 && logOdds(Float(0.5).nextDown) < 0)
        #expect(logOdds(1) > 1 && logOdds(0) < -1)
    }

    @Test func aConstantImageIsZero() {
        let image = RGBImage(size: PixelSize(width: 5, height: 3), grey: [UInt8](repeating: 77, count: 15))
        let large = cubicResized(image, to: PixelSize(width: 31, height: 31))
        #expect(Set(large.pixels) == [77])
        #expect(stretchedToOne(large).values.allSatisfy { $0 == 0 })
    }

    /// What SAM's scaling refuses, since its short side would round to 0.
    @Test func aThinImageIsTaken() throws {
        let sam = try Sam(path: Fixture.weights("small"))
        let image = RGBImage(size: PixelSize(width: 200, height: 1), grey: (0..<200).map { UInt8($0) })
        #expect(throws: (any Error).self) { try sam.encode(image, name: "") }
        let encoded = try sam.encode(image, name: "", scaling: .square)
        let box = PixelBox(x0: 50, y0: 0, x1: 150, y1: 1)
        #expect(try sam.predict([Prompt(box: box)], on: encoded, multimask: false)[0][0].mask.size == image.size)
    }
}
