// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Foundation
import ImageFrames
import Tensors
import Testing

@testable import SegmentAnything

/// A reference that `tools/oracle/export_model.py` wrote: weights, an image, prompts, and what the official package
/// makes of them in double precision.
struct Fixture: CustomTestStringConvertible {
    static let all = try! FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .map(\.lastPathComponent).filter { $0.hasSuffix(".safetensors") && !$0.hasSuffix(".weights.safetensors") }
        .sorted().map { Fixture(name: String($0.dropLast(".safetensors".count))) }

    static let folder = Bundle.module.resourceURL!.appending(path: "Fixtures")

    static func path(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }

    static func weights(_ model: String) -> String { path("\(model).weights.safetensors") }

    let name: String
    /// The activations, which are in double precision.
    let reference: Checkpoint
    /// The image and the prompts, as our own reader of reference files sees them.
    private let run: Reference
    /// The official package's own relative error in single precision, by activation.
    let float32Error: [String: Double]

    init(name: String) {
        self.name = name
        reference = try! Checkpoint(path: Fixture.path("\(name).safetensors"))
        run = try! Reference(contentsOf: Fixture.path("\(name).safetensors"))
        float32Error = try! JSONDecoder().decode(
            [String: Double].self, from: Data(reference.metadata["float32_error"]!.utf8))
    }

    var testDescription: String { name }
    var model: String { String(name.prefix { $0 != "." }) }

    func sam() throws -> Sam { try Sam(path: Fixture.weights(model)) }

    var image: RGBImage { run.image }
    var prompts: [Prompt] { run.prompts }

    /// The values of an activation, in double precision where the file has it.
    func values(_ name: String) -> [Double] {
        guard reference.entries[name]?.dataType == .float64 else {
            return reference.tensor(name).values.map(Double.init)
        }
        return reference.bytes(name).withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
    }

    /// An activation as tokens of channels: `[1, height, width, channels]` or, `channelsFirst`,
    /// `[1, channels, height, width]`.
    func rows(_ name: String, channelsFirst: Bool = false) -> Rows {
        let shape = reference.entries[name]!.shape
        if !channelsFirst { return split(values(name), shape.last!) }
        let channels = split(values(name), shape[2] * shape[3])
        return channels[0].indices.map { place in channels.map { $0[place] } }
    }

    /// What ours may be off by, relatively: the design's tolerance.
    func tolerance(_ name: String) -> Double { max(2 * float32Error[name]!, 1e-6) }

    /// All our activations.
    func recorded(multimask: Bool = true) throws -> Recording {
        let (sam, recording) = (try sam(), Recording())
        let encoded = try sam.encode(image, name: name, recorder: recording.recorder)
        _ = try sam.predict(prompts, on: encoded, multimask: multimask, recorder: recording.recorder)
        return recording
    }
}

/// All activations of a run, as a recorder is shown them.
final class Recording {
    private(set) var names: [String] = []
    private(set) var activations: [String: Tensor] = [:]

    var recorder: Recorder {
        Recorder { [self] name, activation in
            names.append(name)
            activations[name] = activation()
        }
    }
}

/// |values − reference| / |reference|, in the L2 norm.
func relativeError(_ values: [Double], _ reference: [Double]) -> Double {
    precondition(values.count == reference.count)
    let difference = zip(values, reference).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / reference.reduce(0) { $0 + $1 * $1 }).squareRoot()
}
