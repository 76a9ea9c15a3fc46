// swift-format-ignore-file: NeverForceUnwrap

import Checkpoints
import Foundation
import ImageFrames
import SafeFiles
import SegmentAnything
import Tensors
import TestSupport
import Testing

@testable import Inspection

/// Verification against references of the official package: right ones, and wrong ones of every kind.
@Suite struct VerificationTests {
    /// Every stage agrees, alone and in the whole run, within the design's bound; a stage alone has a few operations.
    @Test(arguments: Fixture.all) func theOfficialPackageAgrees(_ fixture: Fixture) throws {
        let verification = try Verification(of: fixture.sam, against: fixture.reference)
        #expect(verification.passes && verification.missing.isEmpty)
        #expect(verification.additional.isEmpty)
        // Beside the stages, fixtures hold the stability.
        #expect(verification["stability"]!.verdict == .ok)
        for stage in verification.stages where stage.name != "stability" {
            #expect(stage.verdict == .ok && stage.explanations.isEmpty, "\(stage.name)")
            #expect(stage.cumulative!.error <= max(2 * stage.official!, 1e-6), "\(stage.name)")
            let isolated = try #require(stage.isolated, "\(stage.name)")
            #expect(isolated.error <= 1e-6, "\(stage.name)")
        }
        #expect(verification.report[0].hasPrefix("all \(verification.stages.count) stages agree"))
    }

    /// What is inside of the stages, against the official package's hooks.
    @Test func partsAgree() throws {
        let fixture = Fixture(name: "parts/small.square-points")
        let sam = Fixture(name: "small").sam
        let verification = try Verification(of: sam, against: fixture.reference)
        #expect(verification.stages.count == 146 && verification.passes, "\(verification.conclusion)")
        // Only what is projected inside the decoder's attention, the scaled picture and the masks have no stage of their own.
        let alone = verification.stages.filter { $0.isolated == nil }.map(\.name)
        #expect(
            alone.allSatisfy { name in
                ["_proj", ".scores", ".weights", ".values", "input.scaled", ".square", "masks", "stability"]
                    .contains { name.hasSuffix($0) }
            }, "\(alone)")
    }

    /// An error is found where it is made; what comes after it follows.
    @Test func theFirstStageThatFailsIsNamed() throws {
        let (fixture, folder) = (Fixture(name: "small.high-boxes"), Folder())
        let name = "image_encoder.blocks.1.norm2"
        let wrong = fixture.reference.values(name).map { 1.01 * $0 }
        let verification = try Verification(of: fixture.sam, against: fixture.changed([name: wrong], in: folder))
        #expect(verification.firstFailure?.name == name)
        let stage = verification[name]!
        // 0.01 / 1.01
        #expect(abs(stage.isolated!.error - 0.00990099) < 1e-6 && stage.explanations.isEmpty)
        #expect(stage.remark!.contains("none of the deviations"))
        // The MLP is computed from what is wrong.
        #expect(verification["image_encoder.blocks.1.mlp"]!.verdict == .fails)
        #expect(verification["image_encoder.blocks.0"]!.verdict == .ok)
        #expect(verification["image_encoder.blocks.2"]!.verdict == .ok)
        #expect(verification.report[0].hasPrefix("FAILS first at \(name)"))
        // Machines are told what people read first.
        struct Summary: Decodable {
            var passes: Bool
            var conclusion: String
        }
        let summary = try JSONDecoder().decode(Summary.self, from: encodedJSON(verification))
        #expect(!summary.passes && summary.conclusion == verification.report[0])
    }

    @Test func theLargestDifferenceHasAPlace() throws {
        let (fixture, folder) = (Fixture(name: "small.high-boxes"), Folder())
        let name = "image_encoder.blocks.1.attn"
        var values = fixture.reference.values(name)
        // [1, 10, 10, 48]: row 3, column 7, channel 20.
        values[(3 * 10 + 7) * 48 + 20] += 5
        let stage = try Verification(
            of: fixture.sam, against: fixture.changed([name: values], in: folder), hasMaps: true)[name]!
        #expect(stage.isolated!.largest!.place == "row 3, column 7, channel 20")
        #expect(abs(stage.isolated!.largest!.difference - 5) < 1e-4)
        let map = try #require(stage.isolated?.map)
        #expect(map.squares.firstIndex(of: map.squares.max()!) == 37 && map.width == 10)
    }

    @Test func whatIsNotFiniteComesFirst() throws {
        let (fixture, folder) = (Fixture(name: "global.high-point"), Folder())
        var values = fixture.reference.values("image_encoder.neck.0")
        (values[3], values[5]) = (.nan, .infinity)
        let verification = try Verification(
            of: fixture.sam, against: fixture.changed(["image_encoder.neck.0": values], in: folder))
        let stage = verification["image_encoder.neck.0"]!
        #expect(stage.verdict == .notFinite && stage.cumulative!.referenceNotFinite == 2)
        #expect(stage.cumulative!.error < 1e-5)
        #expect(verification.firstFailure?.name == "image_encoder.neck.0" && !verification.passes)
    }

    /// Missing, additional and misshapen names are not wrong numbers.
    @Test func namesAreToldApart() throws {
        let (fixture, folder) = (Fixture(name: "global.high-point"), Folder())
        let missing = try fixture.changed(["image_encoder.blocks.0.norm2": nil], in: folder)
        let verification = try Verification(of: fixture.sam, against: missing)
        #expect(verification.missing == ["image_encoder.blocks.0.norm2"] && verification.passes)
        // Computed from what is missing.
        #expect(verification["image_encoder.blocks.0.mlp"]!.isolated == nil)
        let other = Fixture(name: "small.wide-box")
        let misshapen = try Verification(of: other.sam, against: fixture.reference)
        #expect(misshapen["input"]!.verdict == .misshapen && !misshapen.passes)
        #expect(misshapen["input"]!.remark == "the reference has the shape [1, 3, 45, 45]")
        #expect(misshapen.missing.contains("image_encoder.blocks.2.norm1"))
    }

    @Test func onlySomeStages() throws {
        let fixture = Fixture(name: "global.high-point")
        let verification = try Verification(
            of: fixture.sam, against: fixture.reference, only: { $0.hasPrefix("image_encoder.neck") })
        #expect(verification.stages.map(\.name) == (0..<4).map { "image_encoder.neck.\($0)" })
        #expect(verification.stages.allSatisfy { $0.isolated != nil } && verification.missing.isEmpty)
    }

    /// References of 0.4 hold zeros for the tokens that pad windows: they are not compared.
    @Test func zerosOfOldReferencesAreNotCompared() throws {
        let (fixture, folder) = (Fixture(name: "small.wide-box"), Folder())
        let name = "image_encoder.blocks.0.attn"
        var values = fixture.reference.values(name)
        // A grid of 10 in 3·3 windows of 4·4 tokens: the last window has 2·2 tokens within the grid.
        for token in 8 * 16..<9 * 16 where token % 16 / 4 > 1 || token % 4 > 1 {
            values.replaceSubrange(token * 48..<(token + 1) * 48, with: [Double](repeating: 0, count: 48))
        }
        let new = try Verification(of: fixture.sam, against: fixture.changed([name: values], in: folder))
        #expect(new[name]!.verdict == .fails)
        let changed = try fixture.changed([name: values], in: folder, metadata: ["reference": "1"])
        #expect(!changed.lacksPadding)
    }

    /// One mask is known by any activation that has an axis of masks.
    @Test func aRunOfOneMaskAgreesWithItself() throws {
        let (fixture, folder) = (Fixture(name: "small.wide-box"), Folder())
        let (sam, given) = (fixture.sam, fixture.reference)
        let activations = try fixture.activations(multimask: false)
        for name in ["mask_decoder.iou_predictions", "mask_decoder.low_res_logits", "mask_logits"] {
            let path = folder.file("\(name).safetensors")
            try Reference.write(
                to: path, image: given.image, prompts: given.prompts,
                activations: activations.filter { $0.name == name },
                metadata: Reference.metadata(of: sam, version: "1"))
            let own = try Reference(contentsOf: path)
            #expect(own.isSingleMask && own.names == [name])
            #expect(try Verification(of: sam, against: own).passes)
        }
        #expect(!given.isSingleMask)
    }

    /// Of prompts that the decoder takes apart, or that have mask inputs of their own, a file would hold some.
    @Test func promptsThatAReferenceCannotHold() throws {
        let (fixture, folder) = (Fixture(name: "small.high-boxes"), Folder())
        let (image, box) = (fixture.reference.image, fixture.reference.prompts[0].box!)
        let point = Prompt.Point(PixelPoint(x: 20, y: 30), isForeground: true)
        let masks = [Float(0), 1].map { Tensor(repeating: $0, shape: [4, 4]) }
        let wrong: [([Prompt], String)] = [
            ([Prompt(box: box), Prompt(points: [point])], "differ in kind or number of points"),
            ([Prompt(points: [point]), Prompt(points: [point, point])], "differ in kind or number of points"),
            ([Prompt(box: box), Prompt(box: box, mask: masks[0])], "differ in kind or number of points"),
            (masks.map { Prompt(box: box, mask: $0) }, "have mask inputs of their own"),
        ]
        for (prompts, text) in wrong {
            expectError(.usage, text, about: "a.png") { try Reference.check(prompts, image: "a.png") }
            expectError(.usage, text) {
                try Reference.write(
                    to: folder.file("r.safetensors"), image: image, prompts: prompts, activations: [], metadata: [:])
            }
        }
        #expect(folder.names.isEmpty)
        let alike = [Prompt(box: box, mask: masks[1]), Prompt(box: box, mask: masks[1])]
        try Reference.write(
            to: folder.file("r.safetensors"), image: image, prompts: alike, activations: [], metadata: [:])
        let read = try Reference(contentsOf: folder.file("r.safetensors")).prompts
        #expect(read.map { $0.mask?.values } == alike.map { $0.mask?.values })
    }

    /// What overflows where squares are summed is off, and is drawn.
    @Test(arguments: [1e39, 1e200, -1e300]) func hugeValuesFail(_ value: Double) throws {
        let (fixture, folder, name) = (Fixture(name: "small.high-boxes"), Folder(), "image_encoder")
        var values = fixture.reference.values(name)
        values[7] = value
        let reference = try fixture.changed([name: values], in: folder)
        let verification = try Verification(of: fixture.sam, against: reference, hasMaps: true)
        let stage = try #require(verification[name])
        #expect(stage.verdict == .fails && stage.isolated!.error > 0.99 && !verification.passes)
        #expect(stage.remark?.contains("the fault is swift-sam's own") != true)
        let map = try #require(verification.heatmaps.first { $0.name == name })
        #expect(map.grey[7] == 255 && map.grey.count { $0 > 0 } == 1)
        _ = try JSONEncoder().encode(verification)
        let sketches = (one: [1.0, 2, 3], other: [1.0, value, 3])
        let sketch = Comparison(sketch: sketches.one, sketches.other, norm: 1)
        #expect(sketch.error > 1e38 && sketch.referenceNotFinite == 0)
    }

    /// A file of 0.4, which lacks what pads windows, lacks nothing else.
    @Test func anAttentionOfZerosFails() throws {
        let (fixture, folder, name) = (Fixture(name: "small.wide-box"), Folder(), "image_encoder.blocks.0.attn")
        let (file, path) = (try Checkpoint(path: fixture.path), folder.file("zeros.safetensors"))
        let metadata = file.metadata.filter { $0.key != "reference" }.merging(["swift-sam": "0.4.0"]) { $1 }
        try writeSafetensors(path, names: file.entries.keys, metadata: metadata) { each in
            let entry = file.entries[each]!
            let bytes = file.bytes(each)
            return .bytes(each == name ? bytes.map { _ in 0 } : bytes, entry.dataType, shape: entry.shape)
        }
        let reference = try Reference(contentsOf: path)
        #expect(reference.lacksPadding)
        #expect(try Verification(of: fixture.sam, against: reference)[name]!.verdict == .fails)
    }

    /// By them a port says how far it may be off.
    @Test(arguments: [#"{"input": 1e308}"#, #"{"input": -1e-7}"#, #"{"input": "1e-7"}"#, "[]", ""])
    func officialErrorsAreSmallNumbers(_ text: String) throws {
        expectError(.badData, "float32_error: not relative errors of single precision: expected an object of numbers") {
            _ = try Fixture(name: "small.wide-box").changed([:], in: Folder(), metadata: ["float32_error": text])
        }
    }

    /// Each fault has words of its own; activations in half precision would fail everywhere.
    @Test func whatIsNoReference() throws {
        let (fixture, folder) = (Fixture(name: "small.wide-box"), Folder())
        expectError(.badData, "prompt: no prompts: expected prompt.boxes") {
            _ = try fixture.changed(["prompt.boxes": nil], in: folder)
        }
        let file = try Checkpoint(path: fixture.path)
        let path = folder.file("coarse.safetensors")
        for type in [DataType.float16, .bfloat16] {
            try writeSafetensors(path, names: file.entries.keys, metadata: file.metadata) { name in
                let entry = file.entries[name]!
                if name != "input" { return .bytes(file.bytes(name), entry.dataType, shape: entry.shape) }
                let count = type.size * entry.shape.reduce(1, *)
                return .bytes([UInt8](repeating: 0, count: count), type, shape: entry.shape)
            }
            let text = "input: too coarse for a reference: expected float32 or float64, found \(type)"
            expectError(.badData, text, about: path) { _ = try Reference(contentsOf: path) }
        }
    }

    /// MedSAM's inference scales pictures and interpolates masks otherwise: no stage could agree.
    @Test func referencesOfAnotherRecipeAreRefused() throws {
        let (fixture, folder) = (Fixture(name: "small.wide-box"), Folder())
        let reference = try fixture.changed([:], in: folder, metadata: ["recipe": "medsam"])
        expectError(.badData, "expected sam, found medsam", about: reference.path) {
            _ = try Verification(of: fixture.sam, against: reference)
        }
        let own = try fixture.changed([:], in: folder, metadata: ["recipe": "sam"])
        #expect(try Verification(of: fixture.sam, against: own).passes)
    }

    /// The official label of padding is neither inside nor outside.
    @Test func labelsAreZeroOrOne() throws {
        let (fixture, folder) = (Fixture(name: "global.high-point"), Folder())
        let expected = "a label that is none of a point: expected 1 inside the object, 0 outside, found -1.0"
        expectError(.badData, expected) { _ = try fixture.changed(["prompt.labels": [-1]], in: folder) }
        let outside = try fixture.changed(["prompt.labels": [0]], in: folder)
        #expect(outside.prompts.map { $0.points.map(\.isForeground) } == [[false]])
    }

    @Test func theModelAgreesWithThePlainOne() throws {
        let fixture = Fixture(name: "small.square-points")
        let reference = fixture.reference
        let verification = try Verification(
            ofItself: fixture.sam, reference.image, reference.prompts, multimask: true, name: "")
        #expect(verification.passes && verification.additional.isEmpty)
        #expect(
            verification.stages.map(\.name)
                == reference.names.filter { $0 != "stability" }.sorted { a, b in
                    let order = verification.stages.map(\.name)
                    return order.firstIndex(of: a) ?? 0 < order.firstIndex(of: b) ?? 0
                })
        #expect(verification.stages.allSatisfy { $0.cumulative!.error < 2e-6 })
        let some = try Verification(
            ofItself: fixture.sam, reference.image, reference.prompts, multimask: true, name: "",
            only: { $0.hasSuffix("neck.3") })
        #expect(some.stages.map(\.name) == ["image_encoder.neck.3"] && some.additional.isEmpty)
    }
}
