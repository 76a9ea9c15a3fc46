import ArgumentParser
import Foundation
import ImageFrames
import Imaging
import PictureFiles
import SafeFiles
import SegmentAnything
import Segmentation
import Tensors

struct Predict: AsyncParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Masks for boxes and points on a PNG or JPEG.",
        discussion: """
            Example: swift-sam predict photo.jpg --box 40,30,220,180 --point 90,80,1 --preview look.png -o mask.png

            MASK.png holds 0 and 255. Several prompts give MASK-1.png, MASK-2.png, …, and --all-masks MASK-1-1.png with \
            prompt and mask. To refine a mask, save its logits and start from them:

            Twice: swift-sam predict photo.jpg --box 40,30,220,180 --save-logits logits.safetensors -o mask.png && \
            swift-sam predict photo.jpg --point 90,80,1 --mask-input logits.safetensors -o better.png
            """)

    @OptionGroup var prompts: PromptOptions
    @OptionGroup var pictures: PictureOptions
    @OptionGroup var options: ModelOptions
    @OptionGroup var cache: CacheOptions

    @Option(
        help: ArgumentHelp("An embedding that encode kept, in place of the picture.", valueName: "file"),
        completion: .file(extensions: ["safetensors"]))
    var embedding: String?

    @Flag(help: "Predict the one mask for unambiguous prompts instead of three to choose from, as medsam does anyway.")
    var singleMask = false

    @Flag(help: "Write all masks of each prompt and not only the one of the highest score.")
    var allMasks = false

    @Flag(help: "Print the results as JSON; -o is then not needed.")
    var json = false

    @Option(help: ArgumentHelp("Also draw the masks, boxes and points on the picture.", valueName: "picture.png"))
    var preview: String?

    @Option(
        help: ArgumentHelp(
            "Write the logits of each prompt's best mask, for --mask-input; .npy or .safetensors.", valueName: "file"))
    var saveLogits: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("The PNG to write.", valueName: "mask.png"))
    var output: String?

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        try prompts.requirePrompt()
        guard (prompts.image == nil) != (embedding == nil) else {
            throw ValidationError("Name a picture, or with --embedding what encode made of one.")
        }
        guard output != nil || json || preview != nil || saveLogits != nil else {
            throw ValidationError("Nothing to write: give -o MASK.png, --preview, --save-logits or --json.")
        }
        for (option, path) in [("-o", output), ("--preview", preview)] {
            guard let path, !path.lowercased().hasSuffix(".png") else { continue }
            throw ValidationError("\(option) must name a .png file, not \"\(path)\".")
        }
        if let saveLogits, ![".npy", ".safetensors"].contains(where: saveLogits.hasSuffix) {
            throw ValidationError("--save-logits must name a .npy or .safetensors file, not \"\(saveLogits)\".")
        }
        if preview != nil, embedding != nil { throw ValidationError("--preview needs the picture, not its embedding.") }
        singleMask = singleMask || pictures.recipe.masks == .single
    }

    func run() async throws {
        let masks = allMasks && !singleMask ? 1...3 : 0...0
        let outputs = (1...prompts.promptCount).flatMap { prompt in
            masks.compactMap { outputPath(prompt: prompt, of: prompts.promptCount, mask: $0) }
        }
        try requireOutputs(
            outputs + [preview, saveLogits].compactMap { $0 },
            besides: prompts.reads + [embedding].compactMap { $0 } + options.reads())
        let picture = try prompts.image.map { path throws(FileError) in
            try pictures.read(path)
        }
        let (sam, load) = try timed { try options.open(for: pictures.recipe) }
        let kept = try embedding.map { path throws(FileError) in
            try EncodedImage(contentsOf: path, scaling: pictures.recipe.scaling, for: sam)
        }
        guard let size = kept?.size ?? picture?.size, let name = prompts.image ?? embedding else { return }
        let asked = try prompts.prompts(on: size, name: name, maskSize: sam.configuration.maskSize)
        printWarnings(prompts.warnings(on: size, name: name))
        let cache = try await cache.open(weights: { try sam.file.sha256() })
        let (encoded, encode) = try timed {
            try kept ?? picture.map { try sam.encode($0, name: name, scaling: pictures.recipe.scaling, cache: cache) }
        }
        printWarnings(cache?.takeWarnings() ?? [])
        guard let encoded else { return }
        let (answers, decode) = try timed { try sam.predict(asked, on: encoded, multimask: !singleMask) }

        var report = PredictionReport(image: size, seconds: .init(load: load, encode: encode, decode: decode))
        var drawn: [DrawnMask] = []
        for (number, (prompt, masks)) in zip(asked, answers).enumerated() {
            let best = masks.best?.index
            var answer = PredictionReport.Answer(prompt)
            for mask in masks {
                let ((pixels, stability), seconds) = timed { mask.thresholded() }
                report.seconds.decode += seconds
                let isChosen = mask.index == best
                let path =
                    allMasks || isChosen ? outputPath(prompt: number + 1, of: asked.count, mask: mask.index) : nil
                answer.masks.append(.init(mask, pixels, stability: stability, chosen: isChosen, file: path))
                if let path { try writePNG(path, pixels) }
                if isChosen, preview != nil {
                    let points = prompt.points.map { ($0.position, $0.isForeground) }
                    drawn.append(DrawnMask(mask: pixels, box: prompt.box, points: points))
                }
            }
            report.prompts.append(answer)
        }
        if let preview, let picture { try writePNG(preview, picture.drawing(drawn)) }
        if let saveLogits { try writeLogits(saveLogits, answers.compactMap(\.best)) }
        printWarnings(sam.warnings(aboutScores: answers.compactMap { $0.best?.score }, of: name))
        report.peakMemoryBytes = Machine.peakMemory
        if json {
            try printJSON(report)
        } else {
            printTable(report)
        }
    }

    private func outputPath(prompt: Int, of count: Int, mask: Int) -> String? {
        guard let output else { return nil }
        let stem = output.dropLast(".png".count)
        if allMasks { return "\(stem)-\(prompt)-\(mask).png" }
        return count > 1 ? "\(stem)-\(prompt).png" : output
    }

    private func printTable(_ report: PredictionReport) {
        print("prompt  mask  predicted IoU  stability  area (pixels)  file")
        for (number, prompt) in report.prompts.enumerated() {
            for mask in prompt.masks {
                guard allMasks || mask.chosen else { continue }
                print(
                    String(
                        format: "%6d  %4d  %13.3f  %9.3f  %13d  ", number + 1, mask.index, mask.score, mask.stability,
                        mask.area) + (mask.file.value ?? "-"))
            }
        }
    }
}
