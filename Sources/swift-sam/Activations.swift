import ArgumentParser
import Foundation
import Imaging
import SafeFiles
import SegmentAnything
import Tensors

struct Activations: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Every named activation of a run, as safetensors.",
        discussion: """
            Example: swift-sam activations photo.png --box 40,30,220,180 --only 'image_encoder.blocks.*' -o acts.safetensors

            Names are the official module paths and values are in the official memory order. The image and the prompts \
            are written beside them. All prompts must be alike in kind and number of points, with one mask input for all \
            or none.

            With --all, each stage's parts too: queries, keys, scores, relative terms, softmax weights, hidden layers, \
            sublayers, all four masks. The scores of a global block take heads · grid⁴ · 4 bytes (0.8 GB in ViT-B): \
            choose blocks with --only.
            """)

    @Argument(help: "A PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var image: String

    @OptionGroup var prompts: PromptOptions
    @OptionGroup var pictures: PictureOptions
    @OptionGroup var options: ModelOptions

    @Option(
        help: ArgumentHelp(
            "Only activations whose name matches this shell pattern; a * also matches dots.", valueName: "glob"))
    var only: String?

    @Flag(help: "Also the parts of each stage.")
    var all = false

    @Flag(help: "Predict the one mask for unambiguous prompts instead of three to choose from.")
    var singleMask = false

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "acts.safetensors"))
    var output: String

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        try prompts.requirePrompt()
        try requireEnding(".safetensors", "-o", output)
    }

    func run() throws {
        try requireOutputs([output], besides: [image] + prompts.reads + options.reads())
        let picture = try pictures.samples.read(image)
        printWarnings(prompts.list.warnings(on: picture.size, name: image))
        let sam = try options.open(for: pictures.recipe)
        let asked = try prompts.list.prompts(on: picture.size, name: image, masks: try prompts.masks(for: sam))
        try Reference.check(asked, image: image)
        var activations: [(name: String, value: Tensor)] = []
        let recorder = Recorder(parts: all) { name, activation in
            if only.map({ fnmatch($0, name, 0) == 0 }) ?? true { activations.append((name, activation())) }
        }
        let encoded = try sam.encode(picture, name: image, scaling: pictures.recipe.scaling, recorder: recorder)
        let multimask = !singleMask && pictures.recipe.masks == .best
        let answers = try sam.predict(asked, on: encoded, multimask: multimask, recorder: recorder)
        guard !activations.isEmpty else {
            throw ValidationError("No activation matches --only \"\(only ?? "*")\".")
        }
        try Reference.write(
            to: output, image: picture, prompts: asked, activations: activations,
            metadata: Reference.metadata(of: sam, version: version, recipe: pictures.recipe.name, answers: answers))
    }
}
