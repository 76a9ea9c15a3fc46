import ArgumentParser
import Foundation
import SafeFiles
import SegmentAnything

struct Encode: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Embeddings of pictures, kept for predict --embedding.",
        discussion: """
            Example: swift-sam encode photo.jpg -o embeddings/

            Writes NAME.safetensors for each NAME.png or NAME.jpg: the embedding, the picture's size, and which model made \
            it. predict --embedding then needs no encoder: some hundredths of a second a prompt.
            """)

    @Argument(help: "PNGs or JPEGs.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var images: [String]

    @OptionGroup var pictures: PictureOptions
    @OptionGroup var options: ModelOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; made where missing.", valueName: "dir"))
    var output: String

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        let names = images.map(embeddingName)
        if let twice = Dictionary(grouping: names, by: { $0 }).first(where: { $0.value.count > 1 })?.key {
            throw ValidationError("Two pictures would give \(twice): encode them into two folders.")
        }
    }

    func run() throws {
        let outputs = images.map(path(of:))
        try requireDistinct(reads: images + options.reads(), writes: outputs)
        try makeFolder(output)
        for path in outputs { try requireWritable(path) }
        let sam = try options.open(for: pictures.recipe)
        let progress = Progress("encode: pictures", total: images.count)
        for (done, image) in images.enumerated() {
            let picture = try pictures.read(image)
            try sam.encode(picture, name: image, scaling: pictures.recipe.scaling).write(to: path(of: image))
            progress.update(done + 1)
        }
    }

    private func path(of image: String) -> String {
        SafeFiles.path(of: embeddingName(image), in: output)
    }
}

/// The name of a picture's embedding.
private func embeddingName(_ image: String) -> String {
    URL(filePath: image).deletingPathExtension().lastPathComponent + ".safetensors"
}
