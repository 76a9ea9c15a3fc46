// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import ImageFrames
import Tensors
import Testing

@testable import SegmentAnything

/// What a prediction must not depend on. One test at a time, since the number of threads is global.
@Suite(.serialized) struct PredictorTests {
    /// All of a prediction, to the bit.
    private struct Result: Equatable {
        var index: [Int]
        var score, logits, lowResLogits: [UInt32]

        init(_ masks: [PredictedMask]) {
            index = masks.map(\.index)
            score = masks.map(\.score.bitPattern)
            logits = masks.flatMap { $0.logits.values.map(\.bitPattern) }
            lowResLogits = masks.flatMap { $0.lowResLogits.values.map(\.bitPattern) }
        }
    }

    private func results(_ fixture: Fixture, threads: Int, recorder: Recorder? = nil) throws -> [Result] {
        let before = Threads.count
        Threads.count = threads
        defer { Threads.count = before }
        let sam = try fixture.sam()
        let encoded = try sam.encode(fixture.image, name: fixture.name, recorder: recorder)
        return try sam.predict(fixture.prompts, on: encoded, recorder: recorder).map(Result.init)
    }

    @Test(arguments: Fixture.all)
    func predictionsDoNotDependOnThreads(_ fixture: Fixture) throws {
        let one = try results(fixture, threads: 1)
        #expect(one.count == fixture.prompts.count)
        #expect(try results(fixture, threads: 2) == one)
        #expect(try results(fixture, threads: 3) == one)
    }

    @Test(arguments: Fixture.all)
    func recordingDoesNotChangePredictions(_ fixture: Fixture) throws {
        let recorder = Recorder()
        #expect(try results(fixture, threads: 2, recorder: recorder) == results(fixture, threads: 2))
        #expect(recorder.activations.count >= 29)
    }

    /// A pattern keeps just the names that it matches; a star also stands for dots.
    @Test func recordingByPatternKeepsWhatItMatches() throws {
        let all = try DesignTests.small.recorded().activations
        let recorder = Recorder(matching: "image_encoder.*.attn")
        _ = try results(DesignTests.small, threads: 2, recorder: recorder)
        #expect(Set(recorder.activations.keys) == Set((0..<3).map { "image_encoder.blocks.\($0).attn" }))
        for (name, activation) in recorder.activations { #expect(activation.values == all[name]?.values) }
    }

    /// Boxes, points, both, masks and mixtures in one call, in an order that mixes them: each as when it is alone.
    @Test(arguments: ["small.square-points", "head80.square-box-with-mask"])
    func promptsOfSeveralKindsAreAsEachAlone(_ name: String) throws {
        let fixture = Fixture(name: name)
        let sam = try fixture.sam()
        let encoded = try sam.encode(fixture.image, name: name)
        let side = sam.configuration.maskSize
        let mask = Tensor((0..<side * side).map { Float($0 % side) / 8 - Float($0 / side) / 9 }, shape: [side, side])
        func point(_ x: Double, _ y: Double, _ isForeground: Bool = true) -> Prompt.Point {
            .init(PixelPoint(x: x, y: y), isForeground: isForeground)
        }
        func box(_ x: Double) -> PixelBox { PixelBox(x0: x, y0: 3, x1: x + 20, y1: 31) }
        let prompts = [
            Prompt(box: box(1)), Prompt(points: [point(4, 5)]), Prompt(points: [point(9, 9)], box: box(2)),
            Prompt(mask: mask), Prompt(box: box(3), mask: mask), Prompt(points: [point(1, 1), point(30, 20, false)]),
            Prompt(box: box(11)), Prompt(points: [point(40, 5, false)]), Prompt(box: box(5), mask: mask),
            Prompt(points: [point(3, 4)], box: box(7)), Prompt(points: [point(8, 4)], mask: mask),
        ]
        for multimask in [true, false] {
            let together = try sam.predict(prompts, on: encoded, multimask: multimask)
            let alone = try prompts.map { try sam.predict([$0], on: encoded, multimask: multimask)[0] }
            for (together, alone) in zip(together, alone) {
                #expect(together.map(\.index) == alone.map(\.index))
                // A matrix product of more rows may be summed in another order: as for the design's own tolerance.
                func values(_ masks: [PredictedMask]) -> [Double] {
                    masks.flatMap { $0.logits.values.map(Double.init) }
                }
                #expect(relativeError(values(together), values(alone)) <= 1e-5)
                #expect(relativeError(together.map { Double($0.score) }, alone.map { Double($0.score) }) <= 1e-5)
            }
            let distinct = Set(alone.map { $0[0].logits.values.map(\.bitPattern) })
            #expect(distinct.count == prompts.count)
        }
    }

    /// More boxes than are decoded at once.
    @Test func manyPromptsComeBackInTheirOrder() throws {
        let fixture = DesignTests.small
        let sam = try fixture.sam()
        let encoded = try sam.encode(fixture.image, name: fixture.name)
        let prompts = (0..<70).map { index in
            Prompt(box: PixelBox(x0: Double(index), y0: 2, x1: Double(index + 20), y1: 40))
        }
        let together = try sam.predict(prompts, on: encoded, multimask: false)
        #expect(together.count == 70)
        for index in [0, 31, 32, 63, 64, 69] {
            let alone = try sam.predict([prompts[index]], on: encoded, multimask: false)[0][0]
            let values = together[index][0].logits.values.map(Double.init)
            #expect(relativeError(values, alone.logits.values.map(Double.init)) <= 1e-5)
        }
        #expect(try sam.predict([], on: encoded).isEmpty)
    }
}
