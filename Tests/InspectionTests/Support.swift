// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Foundation
import SegmentAnything
import Tensors
import TestSupport
import Testing

@testable import Inspection

/// A reference that the official package wrote in double precision, and the model that it ran.
struct Fixture: CustomTestStringConvertible {
    static let folder = checkout + "Tests/SegmentAnythingTests/Fixtures"

    /// Of the smallest models, one each: padded windows and global blocks, points, boxes and masks; wide, high and square.
    static let all = [
        "small.square-points", "small.high-boxes", "small.wide-box", "plain.high-point-with-mask", "global.high-point",
        "head80.wide-point-with-box",
    ].map(Fixture.init)

    let name: String
    var testDescription: String { name }
    var path: String { "\(Self.folder)/\(name).safetensors" }
    var reference: Reference { try! Reference(contentsOf: path) }

    /// The activations of our own run of the reference's picture and prompts.
    func activations(multimask: Bool = true) throws -> [(name: String, value: Tensor)] {
        let (sam, given) = (self.sam, reference)
        var activations: [(name: String, value: Tensor)] = []
        let recorder = Recorder { activations.append(($0, $1())) }
        let encoded = try sam.encode(given.image, name: "", recorder: recorder)
        _ = try sam.predict(given.prompts, on: encoded, multimask: multimask, recorder: recorder)
        return activations
    }
    var sam: Sam { try! Sam(path: "\(Self.folder)/\(name.prefix { $0 != "." }).weights.safetensors") }

    /// The same file with some activations changed; nil leaves one out.
    func changed(_ values: [String: [Double]?], in folder: Folder, metadata: [String: String] = [:]) throws -> Reference
    {
        let file = try Checkpoint(path: path)
        let path = folder.file("changed.safetensors")
        let names = file.entries.keys.filter { values[$0] != .some(nil) }
        try writeSafetensors(path, names: names, metadata: file.metadata.merging(metadata) { $1 }) { name in
            let entry = file.entries[name]!
            guard let changed = values[name], let changed else {
                return .bytes(file.bytes(name), entry.dataType, shape: entry.shape)
            }
            // Of another number of tokens, where there are more or fewer.
            let rest = entry.shape.dropFirst(2)
            let tokens = changed.count / max(entry.shape[0] * rest.reduce(1, *), 1)
            let shape = entry.shape.count == 3 ? [entry.shape[0], tokens] + rest : entry.shape
            return .bytes(changed.withUnsafeBytes { Array($0) }, .float64, shape: shape)
        }
        return try Reference(contentsOf: path)
    }
}

/// The stage of a name.
extension Verification {
    subscript(_ name: String) -> Stage? { stages.first { $0.name == name } }
}
