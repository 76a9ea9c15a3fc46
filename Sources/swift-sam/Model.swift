import ArgumentParser
import Foundation
import SafeFiles
import SegmentAnything
import Segmentation

struct Model: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What a weights file is: variant, sizes, type, SHA-256, licence.",
        discussion: "Example: swift-sam model sam_vit_h_4b8939.pth")

    @Argument(
        help: "The weights; without it the model that other commands would use.",
        completion: .file(extensions: ["safetensors", "pth"]))
    var file: String?

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        let path = try modelPath(file)
        let (checkpoint, _, configuration) = try openModel(path)
        let digest = try sha256(ofFile: path)
        let known = KnownWeights.bySHA256[digest]
        let description = Description(
            file: path, name: known?.name ?? checkpoint.metadata["name"], variant: configuration.variant,
            parameters: configuration.parameterCount,
            types: Set(checkpoint.entries.values.map(\.dataType.rawValue)).sorted(), sizeBytes: checkpoint.size,
            sha256: digest, licence: known?.licence ?? checkpoint.metadata["licence"] ?? checkpoint.metadata["license"],
            imageSize: configuration.imageSize, patchSize: configuration.patchSize, width: configuration.width,
            depth: configuration.depth, heads: configuration.heads, window: configuration.window,
            globalBlocks: configuration.globalBlocks, decoderWidth: configuration.decoderWidth,
            metadata: checkpoint.metadata)
        if json {
            try printJSON(description)
        } else {
            description.printTable()
        }
    }
}

/// What `model` prints.
private struct Description: Encodable {
    var file: String
    var name: String?
    var variant: String
    var parameters: Int
    var types: [String]
    var sizeBytes: Int
    var sha256: String
    var licence: String?
    var imageSize: Int
    var patchSize: Int
    var width: Int
    var depth: Int
    var heads: Int
    var window: Int?
    var globalBlocks: [Int]
    var decoderWidth: Int
    var metadata: [String: String]

    enum CodingKeys: String, CodingKey {
        case file, name, variant, parameters, types, sha256, licence, width, depth, heads, window, metadata
        case sizeBytes = "size_bytes"
        case imageSize = "image_size"
        case patchSize = "patch_size"
        case globalBlocks = "global_blocks"
        case decoderWidth = "decoder_width"
    }

    func printTable() {
        let window = window.map { "windows of \($0)×\($0) tokens, global in blocks \(globalBlocks)" } ?? "global"
        let rows = [
            ("file", file),
            ("name", name ?? "unknown: not one of the known official files"),
            ("variant", variant),
            ("parameters", String(format: "%.1f million", Double(parameters) / 1e6)),
            ("type", types.joined(separator: ", ")),
            ("size", String(format: "%.1f MiB", Double(sizeBytes) / 1_048_576)),
            ("sha256", sha256),
            ("licence", licence ?? "unknown"),
            ("image", "\(imageSize) pixels, patches of \(patchSize)"),
            ("encoder", "\(depth) blocks, \(width) channels, \(heads) heads, \(window)"),
            ("decoder", "\(decoderWidth) channels"),
        ]
        for (name, value) in rows { print(name.padding(toLength: 12, withPad: " ", startingAt: 0) + value) }
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) where !["name", "licence"].contains(name) {
            print(name.padding(toLength: max(12, name.count + 1), withPad: " ", startingAt: 0) + value)
        }
    }
}
