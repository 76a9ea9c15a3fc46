import ArgumentParser
import Foundation
import SafeFiles
import SegmentAnything
import Segmentation

struct Model: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "What a weights file is: variant, sizes, type, SHA-256, licence.",
        discussion: "Example: swift-sam model sam_vit_h_4b8939.pth")

    @Argument(
        help: "The weights; without it the model that other commands would use.",
        completion: .file(extensions: ["safetensors", "pth"]))
    var file: String?

    @Flag(help: "Print as JSON.")
    var json = false

    @OptionGroup var common: CommonOptions

    func run() throws {
        let path = try modelPath(file)
        let file = try ModelFile(path: path)
        let description = ModelDescription(file, sha256: try file.sha256())
        printWarnings(file.warnings)
        if json {
            try printJSON(description)
        } else {
            description.printTable()
        }
    }
}

extension ModelDescription {
    fileprivate func printTable() {
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
        for (name, value) in rows { print(leftAligned(name, 12) + value) }
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) where !["name", "licence"].contains(name) {
            print(leftAligned(name, 12) + value)
        }
    }
}
