// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Foundation
import TestSupport
import Testing

@testable import PlainSam

/// What the official package makes of an image and prompts in double precision; the files are the fast model's fixtures
/// (`tools/oracle/export_model.py`).
struct Reference: CustomTestStringConvertible {
    static let folder = URL(filePath: checkout + "Tests/SegmentAnythingTests/Fixtures")

    static let all = try! FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasSuffix(".safetensors") && !$0.hasSuffix(".weights.safetensors") }
        .sorted().map { Reference(name: String($0.dropLast(".safetensors".count))) }

    let name: String
    let file: Checkpoint

    init(name: String) {
        self.name = name
        file = try! Checkpoint(path: Self.folder.appending(path: "\(name).safetensors").path)
    }

    var testDescription: String { name }

    var model: PlainModel {
        let model = name.prefix { $0 != "." }
        return PlainModel(try! Checkpoint(path: Self.folder.appending(path: "\(model).weights.safetensors").path))
    }

    func shape(_ name: String) -> [Int]? { file.entries[name]?.shape }

    /// The values of an activation, which are in double precision, or of an input.
    func values(_ name: String) -> [Double] {
        guard file.entries[name]!.dataType == .float64 else { return file.tensor(name).values.map(Double.init) }
        return file.bytes(name).withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
    }

    var picture: PlainModel.Picture {
        let shape = shape("image")!
        return (width: shape[1], height: shape[0], pixels: file.bytes("image"))
    }

    var prompts: [PlainModel.Prompt] {
        let count = shape("prompt.boxes")?[0] ?? shape("prompt.points")?[0] ?? 1
        let mask = shape("prompt.mask").map { split(values("prompt.mask"), $0.last!) }
        return (0..<count).map { prompt in
            var result: PlainModel.Prompt = (points: [], box: nil, mask: mask)
            if let shape = shape("prompt.points") {
                let (places, labels) = (values("prompt.points"), values("prompt.labels"))
                result.points = (prompt * shape[1]..<(prompt + 1) * shape[1]).map {
                    (x: places[2 * $0], y: places[2 * $0 + 1], isForeground: labels[$0] == 1)
                }
            }
            if shape("prompt.boxes") != nil {
                let corners = values("prompt.boxes")[4 * prompt..<4 * prompt + 4].map { $0 }
                result.box = (x0: corners[0], y0: corners[1], x1: corners[2], y1: corners[3])
            }
            return result
        }
    }
}

/// The activations of a run in the order in which they came; those of several prompts follow one another.
final class Visits {
    private(set) var names: [String] = []
    private(set) var shapes: [String: [Int]] = [:]
    private(set) var values: [String: [Double]] = [:]

    func add(_ name: String, _ shape: [Int], _ values: [Double]) {
        if let before = shapes[name] {
            shapes[name]![0] = before[0] + shape[0]
        } else {
            names.append(name)
            shapes[name] = shape
        }
        self.values[name, default: []] += values
    }
}

/// |values − reference| / |reference|, in the L2 norm.
func relativeError(_ values: [Double], _ reference: [Double]) -> Double {
    precondition(values.count == reference.count, "\(values.count) values, \(reference.count) in the reference")
    let difference = zip(values, reference).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / reference.reduce(0) { $0 + $1 * $1 }).squareRoot()
}
