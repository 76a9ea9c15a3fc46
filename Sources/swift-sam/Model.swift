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
        let file = try ModelFile(path: path)
        let (checkpoint, configuration) = (file.checkpoint, file.configuration)
        let digest = try sha256(ofFile: path)
        let known = KnownWeights.bySHA256[digest]
        let description = Description(
            file: path, name: known?.name ?? checkpoint.metadata["name"], variant: configuration.variant,
            parameters: file.parameterCount,
            types: Set(checkpoint.entries.values.map(\.dataType.rawValue)).sorted(), sizeBytes: checkpoint.size,
            sha256: digest, licence: known?.licence ?? checkpoint.metadata["licence"] ?? checkpoint.metadata["license"],
            configuration: configuration, metadata: checkpoint.metadata)
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
    var configuration: Configuration
    var metadata: [String: String]

    enum CodingKeys: String, CodingKey {
        case file, name, variant, parameters, types, sha256, licence, metadata
        case sizeBytes = "size_bytes"
        case decoderWidth = "decoder_width"
    }

    /// The encoder's own sizes lie beside the others.
    func encode(to encoder: any Encoder) throws {
        switch configuration.image {
        case .vit(let vit): try vit.encode(to: encoder)
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(file, forKey: .file)
        try container.encodeIfPresent(name, forKey: .name)
        try container.encode(variant, forKey: .variant)
        try container.encode(parameters, forKey: .parameters)
        try container.encode(types, forKey: .types)
        try container.encode(sizeBytes, forKey: .sizeBytes)
        try container.encode(sha256, forKey: .sha256)
        try container.encodeIfPresent(licence, forKey: .licence)
        try container.encode(configuration.decoder.width, forKey: .decoderWidth)
        try container.encode(metadata, forKey: .metadata)
    }

    func printTable() {
        let encoder =
            switch configuration.image {
            case .vit(let vit):
                (pixels: "\(vit.imageSize) pixels, patches of \(vit.patchSize)", blocks: vit.description)
            }
        let rows = [
            ("file", file),
            ("name", name ?? "unknown: not one of the known official files"),
            ("variant", variant),
            ("parameters", String(format: "%.1f million", Double(parameters) / 1e6)),
            ("type", types.joined(separator: ", ")),
            ("size", String(format: "%.1f MiB", Double(sizeBytes) / 1_048_576)),
            ("sha256", sha256),
            ("licence", licence ?? "unknown"),
            ("image", encoder.pixels),
            ("encoder", encoder.blocks),
            ("decoder", "\(configuration.decoder.width) channels"),
        ]
        for (name, value) in rows { print(name.padding(toLength: 12, withPad: " ", startingAt: 0) + value) }
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) where !["name", "licence"].contains(name) {
            print(name.padding(toLength: max(12, name.count + 1), withPad: " ", startingAt: 0) + value)
        }
    }
}
