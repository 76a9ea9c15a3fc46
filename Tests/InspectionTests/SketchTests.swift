// swift-format-ignore-file: NeverForceUnwrap

import Checkpoints
import Foundation
import SafeFiles
import Tensors
import TestSupport
import Testing

@testable import Inspection
@testable import SegmentAnything

@Suite struct SketchTests {
    /// As `tools/reference/sketch.py` computes them: 1 … 6 of "image_encoder", 3 and 70 projections.
    @Test func signsAreThoseOfPython() {
        let values = (1...6).map(Double.init)
        #expect(Sketch(of: "image_encoder", projections: 3)(values) == [7.0, 15.0, -5.0])
        #expect(Sketch(of: "image_encoder", projections: 70)(values).suffix(4) == [-7.0, 3.0, -9.0, -3.0])
        #expect(Sketch(of: "größe", projections: 2)([0.5]) == [0.5, -0.5])
    }

    /// Over many seeds, here names, estimates are within four standard deviations, √(2/64) of the squared error each; and
    /// their mean within four of its own.
    @Test func estimatesAreTheErrorsTheyStandFor() {
        var generator = SplitMix(seed: 1)
        let values = (0..<300).map { _ in Double.random(in: -1...1, using: &generator) }
        let reference = values.map { $0 + Double.random(in: -1e-3...1e-3, using: &generator) }
        let exact = zip(values, reference).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let norm = reference.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let shares = (0..<50).map { seed in
            let sketch = Sketch(of: "name \(seed)", projections: 64)
            let comparison = Comparison(sketch: sketch(values), sketch(reference), norm: norm)
            return comparison.error * comparison.error * norm * norm / exact
        }
        let deviation = (2.0 / 64).squareRoot()
        #expect(shares.allSatisfy { abs($0 - 1) < 4 * deviation })
        #expect(abs(shares.reduce(0, +) / 50 - 1) < 4 * deviation / 50.0.squareRoot())
        // They are random: not all alike.
        #expect(Set(shares).count == 50)
    }

    /// An estimate that is no number is null as JSON.
    @Test func anErrorThatIsNoNumberIsNull() throws {
        let comparison = Comparison(sketch: [1, .nan], [1, 1], norm: 1)
        #expect(comparison.notFinite == 1)
        let text = try String(decoding: encodedJSON(comparison, isLine: true), as: UTF8.self)
        #expect(text == #"{"error":null,"not_finite":1,"reference_not_finite":0}"# + "\n")
    }

    /// Our own run, saved, agrees with itself; as a sketch with estimates, in a fraction of the bytes.
    @Test func ourOwnRunIsAReference() throws {
        let (fixture, folder) = (Fixture(name: "small.wide-box"), Folder())
        let (sam, given) = (fixture.sam, fixture.reference)
        var activations = try fixture.activations()
        for sketch in [nil, 64] {
            let path = folder.file("own.safetensors")
            try Reference.write(
                to: path, image: given.image, prompts: given.prompts, activations: activations,
                metadata: Reference.metadata(of: sam, version: "1"), sketch: sketch)
            let own = try Reference(contentsOf: path)
            #expect(own.names == activations.map(\.name) && (own.sketch != nil) == (sketch != nil))
            let verification = try Verification(of: sam, against: own)
            #expect(verification.passes && verification.stages.allSatisfy { $0.cumulative!.error == 0 })
            #expect(verification.stages.allSatisfy { ($0.isolated == nil) == (sketch != nil) })
            #expect(verification.missing.isEmpty && verification.additional.isEmpty)
        }
        // Another model is seen by a sketch: its errors are estimated.
        activations = activations.map { ($0, $0 == "image_encoder.neck.2" ? $1 + $1 : $1) }
        let path = folder.file("twice.safetensors")
        try Reference.write(
            to: path, image: given.image, prompts: given.prompts, activations: activations,
            metadata: [:], sketch: 64)
        let stage = try Verification(of: sam, against: Reference(contentsOf: path))["image_encoder.neck.2"]!
        #expect(stage.verdict == .fails && abs(stage.cumulative!.error - 0.5) < 0.5 * 4 * (2.0 / 64).squareRoot())
    }

    /// A file from elsewhere: a norm is missing, a shape is, projections are none, are no float64, or a shape overflows.
    @Test(arguments: ["norm", "shape", "none", "float32", "overflow"])
    func aSketchIsAsItsHeaderSays(fault: String) throws {
        let folder = Folder()
        let path = folder.file("hostile.safetensors")
        let shape = fault == "overflow" ? [1 << 20, 1 << 20, 1 << 20, 1 << 20] : [8]
        let header = Sketch.Header(
            seed: Sketch.seed, shapes: fault == "shape" ? [:] : ["image_encoder": shape],
            norms: fault == "norm" ? [:] : ["image_encoder": 1])
        let metadata = ["sketch": String(decoding: try JSONEncoder().encode(header), as: UTF8.self)]
        let count = fault == "none" ? 0 : 8
        try writeSafetensors(
            path, names: ["image", "prompt.boxes", "image_encoder"], metadata: metadata
        ) { name in
            switch name {
            case "image": .bytes([1, 2, 3], .uint8, shape: [1, 1, 3])
            case "prompt.boxes": .tensor(Tensor([0, 0, 1, 1], shape: [1, 4]), .float32)
            default:
                fault == "float32"
                    ? .bytes([UInt8](repeating: 0, count: 32), .float32, shape: [8])
                    : .bytes([UInt8](repeating: 0, count: 8 * count), .float64, shape: [count])
            }
        }
        let error = #expect(throws: FileError.self) { try Reference(contentsOf: path) }
        #expect(error?.place == "image_encoder" && error?.what == "not a sketch of an activation")
    }

    @Test func kernelsAgree() {
        let checks = kernelChecks()
        #expect(checks.count == 8 * InstructionSet.available.count)
        for check in checks { #expect(check.passes, "\(check.name): \(check.worst)") }
    }
}
