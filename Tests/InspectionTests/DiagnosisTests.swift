// swift-format-ignore-file: NeverForceUnwrap

import Foundation
import PlainSam
import SegmentAnything
import TestSupport
import Testing

@testable import Inspection

/// Each deviation is put into a reference of the official package, and must be named.
@Suite struct DiagnosisTests {
    /// What the reference would hold, had it been made with a deviation; nil where it is the same.
    private func deviating(_ deviation: Deviation, _ name: String, _ fixture: Fixture) throws -> [Double]? {
        let (reference, sam) = (fixture.reference, fixture.sam)
        let stages = try sam.stages(reference.image, reference.prompts, multimask: true, name: "")
        guard let stage = stages.first(where: { $0.name == name }) else { return nil }
        let inputs = stage.inputs.map { Activation(shape: reference.shape($0), values: reference.values($0)) }
        var run = PlainRun(sam.file, reference.image, reference.prompts)
        deviation.apply(&run)
        let (values, expected) = (run.stage(name, masks: 1..<4, inputs), reference.values(name))
        guard let values else { return nil }
        guard values.count == expected.count else { return values }
        guard
            relativeError(values, expected) > 2 * Verification.bound(name, official: reference.officialError(name))
        else { return nil }
        return values
    }

    @Test(arguments: Deviation.all.indices) func eachFaultIsNamed(_ index: Int) throws {
        let deviation = Deviation.all[index]
        for fixture in Fixture.all {
            for name in fixture.reference.names where deviation.concerns(name) {
                guard let values = try deviating(deviation, name, fixture) else { continue }
                let reference = try fixture.changed([name: values], in: Folder())
                let verification = try Verification(of: fixture.sam, against: reference, only: { $0 == name })
                let stage = verification[name]!
                let isAsLong = values.count == fixture.reference.values(name).count
                #expect(stage.verdict == (isAsLong ? .fails : .misshapen), "\(deviation.text), \(name)")
                #expect(stage.explanations.contains(deviation.text), "\(name): \(stage.explanations)")
                return
            }
        }
        // These cannot be seen in any fixture: no picture here is so high, no output is so near 0.
        #expect(
            ["positions in float32", "before 13", "epsilon", "truncates"].contains { deviation.text.contains($0) },
            "\(deviation.text) shows nowhere")
    }

    /// Two faults in different stages, each named where it is made.
    @Test func twoFaults() throws {
        let fixture = Fixture(name: "small.high-boxes")
        let faults = [
            ("image_encoder.blocks.0.attn", "exchanges height and width of the relative positions"),
            ("mask_logits", "interpolates masks with aligned corners"),
        ]
        var values: [String: [Double]] = [:]
        for (name, text) in faults {
            let deviation = Deviation.all.first { $0.text == text && $0.concerns(name) }!
            values[name] = try deviating(deviation, name, fixture)!
        }
        let verification = try Verification(of: fixture.sam, against: fixture.changed(values, in: Folder()))
        #expect(verification.firstFailure?.name == faults[0].0)
        for (name, text) in faults { #expect(verification[name]!.explanations == [text], "\(name)") }
        #expect(verification.report[0].contains(faults[0].1))
    }

    /// A fault of swift-sam's own weights is not the reference's.
    @Test func otherWeightsAreNoDeviation() throws {
        let fixture = Fixture(name: "small.high-boxes")
        let name = "image_encoder.blocks.1.mlp"
        let values = fixture.reference.values(name).enumerated().map { $0.offset % 7 == 0 ? -$0.element : $0.element }
        let stage = try Verification(of: fixture.sam, against: fixture.changed([name: values], in: Folder()))[name]!
        #expect(stage.verdict == .fails && stage.explanations.isEmpty && stage.remark != nil)
    }

    /// The bundled weights, and the sketches that were made with them.
    @Test func thisInstallationIsRight() throws {
        let sam = try Sam(path: bundledWeights)
        let path = bundledWeights.replacing(".safetensors", with: ".reference.safetensors")
        let installation = try Installation(sam, Reference(contentsOf: path), version: "1.2")
        #expect(installation.passes, "\(installation.report.joined(separator: "\n"))")
        #expect(installation.report[0].hasPrefix("swift-sam 1.2, "))
        let json = try JSONSerialization.jsonObject(with: encodedJSON(installation)) as? [String: Any]
        #expect(json?["version"] as? String == "1.2")
        #expect(
            installation.checks.count == 8 * installation.instructionSets.count + 1
                + Set([1, 2, installation.cores]).count)
    }
}
