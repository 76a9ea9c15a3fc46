import ArgumentParser
import Checkpoints
import ImageFrames
import Imaging
import PictureFiles
import SafeFiles
import SegmentAnything
import Tensors

struct Activations: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Every named activation of a run, as safetensors.",
        discussion: """
            Example: swift-sam activations photo.png --box 40,30,220,180 --only 'image_encoder.blocks.*' -o acts.safetensors

            Names are the official module paths and values are in the official memory order. The image and the prompts \
            are written beside them. All prompts must be alike in kind and number of points.
            """)

    @OptionGroup var prompts: PromptOptions
    @OptionGroup var options: ModelOptions

    @Option(help: ArgumentHelp("Only activations whose name matches this shell pattern.", valueName: "glob"))
    var only: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "acts.safetensors"))
    var output: String

    mutating func validate() throws {
        guard output.hasSuffix(".safetensors") else {
            throw ValidationError("-o must name a .safetensors file, not \"\(output)\".")
        }
    }

    func run() throws {
        try requireOutputs([output], besides: prompts.reads + options.reads())
        let (image, warnings) = try readImage(prompts.image)
        if !options.quiet { printWarnings(warnings) }
        let sam = try options.open()
        let asked = try prompts.prompts(on: image.size, maskSize: sam.configuration.maskSize)
        guard Set(asked.map { [$0.points.count, $0.box == nil ? 0 : 1] }).count == 1 else {
            throw ValidationError("The prompts differ in kind or number of points: run one activations for each.")
        }
        let recorder = Recorder(matching: only)
        let encoded = try sam.encode(image, name: prompts.image, recorder: recorder)
        _ = try sam.predict(asked, on: encoded, recorder: recorder)
        guard !recorder.activations.isEmpty else {
            throw ValidationError("No activation matches --only \"\(only ?? "*")\".")
        }

        var contents = recorder.activations.mapValues { TensorContents.tensor($0, .float32) }
        contents["image"] = .bytes(image.pixels, .uint8, shape: [image.size.height, image.size.width, 3])
        contents.merge(asked.contents) { $1 }
        try writeSafetensors(output, names: contents.keys, metadata: ["swift-sam": version]) { name in
            guard let tensor = contents[name] else { preconditionFailure("no activation \(name)") }
            return tensor
        }
    }
}

extension [Prompt] {
    /// The prompts as a reference file holds them: boxes `[prompts, 4]`, points `[prompts, points, 2]`, labels
    /// `[prompts, points]`, and the mask.
    fileprivate var contents: [String: TensorContents] {
        var contents: [String: TensorContents] = [:]
        let boxes = compactMap(\.box).flatMap { [$0.x0, $0.y0, $0.x1, $0.y1] }
        if !boxes.isEmpty {
            contents["prompt.boxes"] = .tensor(Tensor(boxes.map(Float.init), shape: [count, 4]), .float32)
        }
        let points = flatMap(\.points)
        if !points.isEmpty {
            let places = points.flatMap { [Float($0.position.x), Float($0.position.y)] }
            let labels = points.map { Float($0.isForeground ? 1 : 0) }
            let each = points.count / count
            contents["prompt.points"] = .tensor(Tensor(places, shape: [count, each, 2]), .float32)
            contents["prompt.labels"] = .tensor(Tensor(labels, shape: [count, each]), .float32)
        }
        if let mask = first?.mask { contents["prompt.mask"] = .tensor(mask, .float32) }
        return contents
    }
}
