// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import ImageFrames
import Tensors
import Testing

@testable import SegmentAnything

/// What a prediction must not depend on.
@Suite struct PredictorTests {
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
        try Threads.with(threads) {
            let sam = try fixture.sam()
            let encoded = try sam.encode(fixture.image, name: fixture.name, recorder: recorder)
            return try sam.predict(fixture.prompts, on: encoded, recorder: recorder).map(Result.init)
        }
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
        let recording = Recording()
        #expect(
            try results(fixture, threads: 2, recorder: recording.recorder) == results(fixture, threads: 2))
        #expect(recording.activations.count >= 29)
    }

    /// The order in which the official modules end, a module's parts before itself; each once, however many prompts.
    @Test func activationsComeInTheOrderOfTheForwardPass() throws {
        let (sam, recording) = (try DesignTests.small.sam(), Recording())
        let encoded = try sam.encode(DesignTests.small.image, name: "", recorder: recording.recorder)
        let prompts = (0..<11).map { Prompt(box: PixelBox(x0: Double($0), y0: 2, x1: Double($0 + 20), y1: 40)) }
        let masks = try sam.predict(prompts, on: encoded, recorder: recording.recorder)
        let block = ["norm1", "attn", "norm2", "mlp"]
        let blocks = (0..<3).flatMap { index in
            block.map { "image_encoder.blocks.\(index).\($0)" } + ["image_encoder.blocks.\(index)"]
        }
        let decoder = (0..<2).flatMap { layer in
            ["queries", "keys"].map { "mask_decoder.transformer.layers.\(layer).\($0)" }
        }
        #expect(
            recording.names == ["input", "image_encoder.patch_embed"] + blocks
                + (0..<4).map { "image_encoder.neck.\($0)" } + [
                    "image_encoder", "prompt_encoder.sparse", "prompt_encoder.dense",
                ] + decoder + [
                    "mask_decoder.transformer.queries", "mask_decoder.transformer.keys",
                    "mask_decoder.output_upscaling", "mask_decoder.low_res_logits", "mask_decoder.iou_predictions",
                    "mask_logits",
                ])
        let scores = try #require(recording.activations["mask_decoder.iou_predictions"])
        #expect(scores.shape == [11, 3])
        #expect(scores.values == masks.flatMap { $0.map(\.score) })
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
        for index in [0, 7, 8, 15, 16, 69] {
            let alone = try sam.predict([prompts[index]], on: encoded, multimask: false)[0][0]
            let values = together[index][0].logits.values.map(Double.init)
            #expect(relativeError(values, alone.logits.values.map(Double.init)) <= 1e-5)
        }
        #expect(try sam.predict([], on: encoded).isEmpty)
    }

    /// Masks are handed out batch by batch, each prompt's once; what the receiver throws ends the work.
    @Test func masksAreHandedOutAsTheyAreMade() throws {
        struct Enough: Error {}
        let sam = try DesignTests.small.sam()
        let encoded = try sam.encode(DesignTests.small.image, name: "")
        let prompts = (0..<30).map { Prompt(points: [.init(PixelPoint(x: Double($0), y: 9), isForeground: true)]) }
        let all = try sam.predict(prompts, on: encoded)
        var seen: [Int] = []
        #expect(throws: Enough.self) {
            try sam.predict(prompts, on: encoded) { prompt, masks in
                #expect(masks.map(\.score) == all[prompt].map(\.score))
                seen.append(prompt)
                if seen.count == 6 { throw Enough() }
            }
        }
        #expect(seen == [0, 1, 2, 3, 4, 5])
    }

    /// Tasks that share a model, each with a picture and prompts of its own, and threads as it likes.
    @Test func manyTasksMayUseOneModel() async throws {
        let fixtures = Fixture.all.filter { $0.model == "small" }
        let sam = try fixtures[0].sam()
        let alone = try fixtures.map { try results($0, threads: 1) }
        try await withThrowingTaskGroup(of: (Int, [Result]).self) { group in
            for turn in 0..<12 {
                let index = turn % fixtures.count
                group.addTask {
                    try await Threads.with(1 + turn % 3) {
                        let fixture = fixtures[index]
                        let encoded = try await sam.encode(fixture.image, name: fixture.name)
                        return (index, try sam.predict(fixture.prompts, on: encoded).map(Result.init))
                    }
                }
            }
            for try await (index, result) in group { #expect(result == alone[index]) }
        }
    }
}
