// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Testing

@testable import SegmentAnything

/// The parts of each stage against the official package's own, which hooks recorded (`tools/oracle/activations.py`).
@Suite struct PartsTests {
    /// A grid that windows do not divide, and two prompts of points.
    private static let name = "small.square-points"
    private let reference = try! Reference(contentsOf: Fixture.path("parts/\(name).safetensors"))

    private func recorded(multimask: Bool = true) throws -> Recording {
        let recording = Recording()
        let recorder = Recorder(parts: true) { name, activation in recording.recorder.record(name, activation()) }
        let sam = try Sam(path: Fixture.weights("small"))
        let encoded = try sam.encode(reference.image, name: "", recorder: recorder)
        _ = try sam.predict(reference.prompts, on: encoded, multimask: multimask, recorder: recorder)
        return recording
    }

    @Test func everyPartAgrees() throws {
        let recording = try recorded()
        #expect(Set(recording.names) == Set(reference.names) && recording.names.count == 146)
        #expect(recording.names.count == Set(recording.names).count)
        for name in recording.names {
            let (value, expected) = (recording.activations[name]!, reference.values(name))
            #expect(value.shape == reference.shape(name), "\(name)")
            guard value.shape == reference.shape(name) else { continue }
            // Single precision after all layers, as in OracleTests; differences of scores near 0 lose one digit more.
            #expect(relativeError(value.values.map(Double.init), expected) <= 3e-6, "\(name)")
        }
        // Exact: pixels, and which of them are the object's.
        for name in ["input.scaled", "masks"] {
            #expect(recording.activations[name]!.values.map(Double.init) == reference.values(name), "\(name)")
        }
    }

    /// The stages themselves are the same to the bit whether or not their parts are watched.
    @Test func partsChangeNothing() throws {
        let (parts, plain) = (try recorded(), try Fixture(name: Self.name).recorded())
        #expect(plain.names == parts.names.filter { plain.activations[$0] != nil })
        for (name, value) in plain.activations { #expect(parts.activations[name]!.values == value.values, "\(name)") }
    }

    @Test func theSingleMaskIsMaskZero() throws {
        let recording = try recorded(multimask: false)
        let all = recording.activations["mask_decoder.masks"]!
        #expect(recording.activations["mask_decoder.low_res_logits"]!.values == all.sliced(axis: 1, 0..<1).values)
        #expect(recording.activations["masks"]!.shape == [2, 1, 56, 56])
    }
}
