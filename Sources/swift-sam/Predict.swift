import ArgumentParser
import Foundation
import PictureFiles
import SafeFiles
import SegmentAnything
import Segmentation

extension MaskFormat: ExpressibleByArgument {}

struct Predict: AsyncParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Masks for boxes and points on PNGs or JPEGs.",
        discussion: """
            Example: swift-sam predict photo.jpg --box 40,30,220,180 --point 90,80,1 --preview look.png -o mask.png

            MASK.png holds 0 and 255. Several prompts give MASK-1.png, MASK-2.png, …, and --all-masks MASK-1-1.png with \
            prompt and mask. To refine a mask, save its logits and start from them:

            Twice: swift-sam predict photo.jpg --box 40,30,220,180 --save-logits logits.safetensors -o mask.png && \
            swift-sam predict photo.jpg --point 90,80,1 --mask-input logits.safetensors -o better.png

            In a pipe: swift-sam predict - --point 90,80 -o - < photo.jpg > mask.png

            Of several pictures, or a folder, -o, --preview and --save-logits name folders, and the model is opened once. A \
            picture that cannot be used is reported and skipped; then the exit code is 65.

            Many: swift-sam predict photos/ --point 90,80 --format coco -o masks/

            --prompts asks something else of each picture. A line is {"image": "a.jpg", "boxes": [[40, 30, 220, 180]], \
            "points": [[90, 80, 1]]}, a point with its prompt's number as in --point; --json then prints a line for each.

            Lines: swift-sam predict --prompts prompts.jsonl --json
            """)

    @Argument(
        help: "PNGs or JPEGs, folders of them, or - for standard input.",
        completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var images: [String] = []

    @OptionGroup var prompts: PromptOptions

    @Option(
        name: .customLong("prompts"),
        help: ArgumentHelp(
            "Pictures, named from the working folder, and what is asked of each, as JSON lines; - for standard input.",
            valueName: "file.jsonl"),
        completion: .file(extensions: ["jsonl"]))
    var lines: String?

    @Option(
        help: ArgumentHelp("An embedding that encode kept, in place of the picture.", valueName: "file"),
        completion: .file(extensions: ["safetensors"]))
    var embedding: String?

    @OptionGroup var pictures: PictureOptions
    @OptionGroup var options: ModelOptions
    @OptionGroup var cache: CacheOptions

    @Flag(help: "Predict the one mask for unambiguous prompts instead of three to choose from, as medsam does anyway.")
    var singleMask = false

    @Flag(help: "Write all masks of each prompt and not only the one of the highest score.")
    var allMasks = false

    @Option(parsing: .unconditional, help: "Masks are where logits are above this.")
    var threshold: Float = 0

    @Option(
        help: ArgumentHelp(
            "png, labels (one 16-bit PNG with the masks' numbers), coco-rle, coco, polygons (JSON; the last for LabelMe) or "
                + "yolo-seg (.txt).", valueName: "format"))
    var format = MaskFormat.png

    @Flag(help: "Print the results as JSON; -o is then not needed.")
    var json = false

    @Option(help: ArgumentHelp("Also draw the masks, boxes and points on the picture.", valueName: "picture.png"))
    var preview: String?

    @Option(
        help: ArgumentHelp(
            "Write the logits of each prompt's best mask, for --mask-input; .npy or .safetensors.", valueName: "file"))
    var saveLogits: String?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The file to write, or - for standard output.", valueName: "mask.png"))
    var output: String?

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard [!images.isEmpty, lines != nil, embedding != nil].count(where: { $0 }) == 1 else {
            throw ValidationError(
                "Name one of three: pictures, --embedding with what encode wrote, or --prompts with a file of JSON lines."
            )
        }
        if lines == nil {
            try prompts.requirePrompt()
        } else if !prompts.isEmpty {
            throw ValidationError(
                "With --prompts its lines say what is asked: leave --box, --point and --mask-input out.")
        }
        guard output != nil || json || preview != nil || saveLogits != nil else {
            throw ValidationError("Nothing to write: give -o MASK.png, --preview, --save-logits or --json.")
        }
        if preview != nil, embedding != nil { throw ValidationError("--preview needs the picture, not its embedding.") }
        guard embedding == nil || (pictures.samples.isDefault && cache.cache == nil) else {
            throw ValidationError("An embedding is encoded already: leave --bits, --stretch and --cache out.")
        }
        if images.count > 1, images.contains("-") { throw ValidationError("- goes alone.") }
        guard output != "-" || !json else {
            throw ValidationError("Standard output takes one of -o - and --json: choose another -o.")
        }
        singleMask = singleMask || pictures.recipe.masks == .single
        guard output != "-" || format != .png || (prompts.list.count == 1 && (!allMasks || singleMask)) else {
            throw ValidationError("Standard output takes one file: choose another -o, or a --format of one file.")
        }
        guard output != nil || format == .png else { throw ValidationError("--format says what -o is: name one.") }
        guard threshold.isFinite else { throw ValidationError("--threshold must be a number.") }
    }

    func run() async throws {
        let (requests, errors, isSeveral) = try requests()
        var outputs = PictureOutputs(isSeveral: isSeveral)
        (outputs.masks, outputs.preview, outputs.logits) = (output, preview, saveLogits)
        (outputs.format, outputs.allMasks) = (format, allMasks)
        try outputs.checkEndings()
        if isSeveral, output == "-" || prompts.maskInput != nil {
            throw ValidationError("Several pictures need a folder -o, and take no --mask-input.")
        }
        if let lines {
            try PictureRequest.requireDistinctFiles(of: requests, in: lines, outputs.file(of:))
        } else {
            try requireDistinctFiles(of: requests.map(\.name), outputs.file(of:))
        }
        try requireOutputs(
            outputs.files(requests, masks: allMasks && !singleMask ? 1...3 : 0...0),
            besides: requests.compactMap(\.file) + prompts.reads + [lines].compactMap { $0 } + options.reads())
        let (sam, load) = try timed { try options.open(for: pictures.recipe) }
        var run = PictureRun(sam, to: outputs)
        (run.recipe, run.samples) = (pictures.recipe, pictures.samples.range)
        (run.isSingleMask, run.threshold) = (singleMask, threshold)
        run.cache = try await cache.open(weights: { try sam.file.sha256() })
        run.masks = try prompts.masks(for: sam)
        let progress = Progress("predict: pictures", total: requests.count, isQuiet: !isSeveral)
        var done = 0
        func step() {
            done += 1
            progress.update(done)
        }
        func skip(_ request: PictureRequest, _ error: FileError) throws {
            if json {
                try printJSON(
                    Skipped(picture: request.name, line: request.line, error: error.description), isLine: true)
            }
            step()
        }
        if json {
            for error in errors {
                try printJSON(Skipped(line: error.line, error: error.description), isLine: true)
            }
        }
        try forEach(requests, errors: errors, isSeveral: isSeveral, skipped: skip) { request in
            var report = try run(request, warn: printWarnings)
            report.line = request.line
            report.seconds.load = load
            progress.clear()
            try show(report, isLine: isSeveral)
            step()
        }
        try run.finish()
    }

    /// What is asked, what of it cannot be used, and whether results belong into a folder.
    private func requests() throws(FileError) -> ([PictureRequest], [FileError], isSeveral: Bool) {
        if let lines {
            let (requests, errors) = try PictureRequest.lines(of: lines)
            return (requests, errors, true)
        }
        if let embedding { return ([PictureRequest(.embedding(embedding), prompts.list)], [], false) }
        if images == ["-"] { return ([PictureRequest(.picture("-"), prompts.list)], [], false) }
        let listing = try PictureListing(images)
        printWarnings(listing.warnings)
        return (listing.files.map { PictureRequest(.picture($0), prompts.list) }, listing.errors, listing.isSeveral)
    }

    private func show(_ report: PredictionReport, isLine: Bool) throws {
        if json { return try printJSON(report, isLine: isLine) }
        if output == "-" { return }
        if isLine {
            let scores = report.prompts.flatMap(\.masks).filter(\.chosen).map { String(format: "%.3f", $0.score) }
            return print("\(report.picture): predicted IoU \(scores.joined(separator: " "))")
        }
        print("prompt  mask  predicted IoU  stability  area (pixels)  file")
        for (number, prompt) in report.prompts.enumerated() {
            for mask in prompt.masks where allMasks || mask.chosen {
                print(
                    String(
                        format: "%6d  %4d  %13.3f  %9.3f  %13d  ", number + 1, mask.index, mask.score, mask.stability,
                        mask.area) + (mask.file.value ?? "-"))
            }
        }
    }
}

/// The line of what was skipped: a picture, or a request by its line.
private struct Skipped: Encodable {
    var picture: String?
    var line: Int?
    let error: String
}
