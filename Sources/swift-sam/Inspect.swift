import ArgumentParser
import Foundation
import Inspection
import PictureFiles
import SafeFiles
import SegmentAnything
import Segmentation

struct Inspect: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "A model's modules as a table; or its inside on a picture, as one page.",
        discussion: """
            Example: swift-sam inspect photo.jpg --box 40,30,220,180 -o inside.html

            The page needs no network. It follows the data from pixels to masks: attention of any patch that you pick, \
            relative positions, tokens as colours, what the decoder's tokens find, channels, masks. Of a large model it \
            holds the attention of 8×8 patches, the prompts' and those of --query.

            --without shows what a part causes, by running without it: a block, its .attn or .mlp, an attention's .head.N, a \
            token such as mask_decoder.mask_tokens.2, prompt.box, prompt.point.1. It may be given several times:

            Cause: swift-sam inspect photo.jpg --box 40,30,220,180 --without image_encoder.blocks.1.attn.head.2

            Without a picture, a row for each module and tensor in the order of the forward pass. FLOPs are twice the \
            multiply-adds of products: in the image encoder for one image, elsewhere for one box.

            Modules: swift-sam inspect --model sam_vit_b.safetensors
            """)

    @Argument(help: "A PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var image: String?

    @OptionGroup var prompts: PromptOptions
    @OptionGroup var pictures: PictureOptions
    @OptionGroup var options: ModelOptions

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Another place whose attention the page holds, where it cannot hold all.", valueName: "x,y"),
        transform: parsePosition)
    var query: [PixelPoint] = []

    @Option(help: ArgumentHelp("Run again without a part of the model or the prompt.", valueName: "part"))
    var without: [String] = []

    @Flag(help: "Print as JSON.")
    var json = false

    @Option(name: .shortAndLong, help: ArgumentHelp("The page to write.", valueName: "inside.html"))
    var output: String?

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard image != nil else {
            let isOfModel = pictures.samples.isDefault && pictures.recipe == .sam && options.precision == .float32
            guard isOfModel, prompts.isEmpty, query.isEmpty, without.isEmpty, output == nil else {
                throw ValidationError(
                    "Name a picture: the table of a model takes neither prompts nor -o, nor how a picture is run.")
            }
            return
        }
        try prompts.requirePrompt()
        guard query.isEmpty || output != nil else {
            throw ValidationError("--query is for the page: give -o PAGE.html.")
        }
        try requireEnding(".html", "-o", output)
    }

    func run() throws {
        guard let path = image else {
            let file = try ModelFile(path: try modelPath(options.model))
            printWarnings(file.warnings)
            let tree = ModelTree(file)
            if json { try printJSON(tree) } else { printTable(tree.table) }
            return
        }
        try requireOutputs([output].compactMap { $0 }, besides: [path] + prompts.reads + options.reads())
        let image = try pictures.samples.read(path)
        printWarnings(prompts.list.warnings(on: image.size, name: path))
        let (width, height) = (Double(image.size.width), Double(image.size.height))
        for place in query where !(0..<width).contains(place.x) || !(0..<height).contains(place.y) {
            throw ValidationError(
                "--query \(place.x),\(place.y) is outside of \(path), \(image.size.width)×\(image.size.height) pixels.")
        }
        let sam = try options.open(for: pictures.recipe)
        let asked = try prompts.list.prompts(on: image.size, name: path, masks: try prompts.masks(for: sam))
        let ablations = try without.map { part throws(FileError) in try Ablation(part, of: sam.file) }
        let progress = Stages()
        let inside = try Inside(
            sam, image, name: path, scaling: pictures.recipe.scaling, multimask: pictures.recipe.masks == .best, asked,
            queries: query, without: ablations, version: version, progress: progress.show)
        progress.end()
        if let output { try writeAtomically(output, Data(inside.html.utf8)) }
        if json { return try printJSON(inside.report) }
        for (title, rows) in inside.report.tables {
            print(title)
            printTable(rows)
        }
    }
}

private func parsePosition(_ text: String) throws -> PixelPoint {
    let numbers = try parseNumbers(text)
    guard numbers.count == 2 else { throw ValidationError("expected x,y, found \"\(text)\"") }
    return PixelPoint(x: numbers[0], y: numbers[1])
}
