import ArgumentParser
import Foundation
import PictureFiles
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

    @Argument(help: "PNGs or JPEGs, or folders of them.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var images: [String]

    @OptionGroup var pictures: PictureOptions
    @OptionGroup var options: ModelOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; made where missing.", valueName: "dir"))
    var output: String

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard !output.lowercased().hasSuffix(".safetensors") else {
            throw ValidationError("-o must name a folder, not \"\(output)\": it is written to FOLDER/NAME.safetensors.")
        }
    }

    func run() throws {
        let listing = try PictureListing(images)
        printWarnings(listing.warnings)
        try requireDistinctFiles(of: listing.files, path(of:))
        let outputs = listing.files.map(path(of:))
        try requireDistinct(reads: listing.files + options.reads(), writes: outputs)
        try makeFolder(output)
        for path in outputs { try requireWritable(path) }
        let sam = try options.open(for: pictures.recipe)
        let progress = Progress("encode: pictures", total: listing.files.count)
        var done = 0
        try forEach(listing.files, errors: listing.errors, isSeveral: listing.isSeveral) { image in
            defer {
                done += 1
                progress.update(done)
            }
            let picture = try pictures.samples.read(image)
            try sam.encode(picture, name: image, scaling: pictures.recipe.scaling).write(to: path(of: image))
        }
    }

    /// Where a picture's embedding goes.
    private func path(of image: String) -> String {
        SafeFiles.path(of: pictureName(image) + ".safetensors", in: output)
    }
}
