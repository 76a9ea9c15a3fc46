import ArgumentParser
import Foundation
import Inspection
import PictureFiles
import SafeFiles
import SegmentAnything
import Tensors

struct Verify: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the model against a reference, stage by stage; without one, check this installation.",
        discussion: """
            Example: swift-sam verify reference.safetensors --model sam_vit_b.safetensors

            Without a reference: every kernel of every instruction set against its definition, the bundled model against \
            the official package in float64, the same bytes on any number of threads. The first thing to ask for in a bug \
            report.

            IMAGE is a reference that tools/reference/export.py, activations or --save wrote, by PyTorch or any other \
            implementation. A table follows in the order of the forward pass: the error of the whole run (cumulative) and \
            of the stage fed with the reference's own input (isolated: where an error is made), where it is largest, and \
            which of the known deviations explains it. Exit code 1: a stage fails by itself.

            With --self IMAGE is a PNG or JPEG, and the reference is this project's plain model in double precision: a \
            proof without Python, slow, for small models. --save writes our own run of a picture, or of a reference's.
            """)

    @Argument(
        help: "A reference, or a PNG or JPEG.", completion: .file(extensions: ["safetensors", "png", "jpg", "jpeg"]))
    var image: String?

    @OptionGroup var prompts: PromptOptions
    @OptionGroup var samples: SampleOptions
    @OptionGroup var options: ModelOptions

    @Flag(name: .customLong("self"), help: "Hold a picture's run to the plain model in double precision.")
    var isSelf = false

    @Option(help: ArgumentHelp("Write our own run as a reference.", valueName: "r.safetensors"))
    var save: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("With --save: keep N projections of each activation.", valueName: "n"))
    var sketch: Int?

    @Option(
        help: ArgumentHelp(
            "Only stages whose name matches this shell pattern; a * also stands for dots.", valueName: "glob"))
    var only: String?

    @Flag(help: "Predict the one mask for unambiguous prompts, of a picture.")
    var singleMask = false

    @Option(help: ArgumentHelp("Write each stage's error over the picture as a PNG.", valueName: "dir"))
    var heatmaps: String?

    @Flag(help: "Print as JSON.")
    var json = false

    @OptionGroup var common: CommonOptions

    /// Whether what is named is a picture, and not a reference.
    private var isPicture: Bool { image?.lowercased().hasSuffix(".safetensors") == false }

    mutating func validate() throws {
        guard isPicture == !prompts.isEmpty else {
            throw ValidationError(
                isPicture ? "Give a --box, a --point or a --mask-input." : "A reference has prompts of its own.")
        }
        guard isPicture || samples.isDefault else {
            throw ValidationError("A reference has its own picture: leave --bits and --stretch out.")
        }
        guard isPicture || !singleMask else {
            throw ValidationError("--single-mask is for a picture: a reference says which masks it has.")
        }
        guard image != nil || (only == nil && heatmaps == nil) else {
            throw ValidationError("--only and --heatmaps are for a reference or a picture: name one.")
        }
        guard !isPicture || isSelf || save != nil else {
            throw ValidationError("A picture is verified with --self, or saved with --save; else name a reference.")
        }
        guard !isSelf || isPicture else { throw ValidationError("--self takes a PNG or JPEG.") }
        guard save == nil || image != nil else {
            throw ValidationError("--save needs a picture, or a reference, to run: name one.")
        }
        try requireEnding(".safetensors", "--save", save)
        guard isSelf || save == nil || heatmaps == nil && !json else {
            throw ValidationError("--save alone verifies nothing: leave --heatmaps and --json out.")
        }
        if let sketch, save == nil || !(1...Sketch.mostProjections).contains(sketch) {
            throw ValidationError("--sketch goes with --save, and is from 1 to \(Sketch.mostProjections).")
        }
        guard image != nil || (options.model == nil && options.precision == .float32) else {
            throw ValidationError("Without a reference the bundled model is checked, in float32: name no other.")
        }
    }

    func run() throws {
        guard let path = image else { return try checkInstallation() }
        let reads = try reads()
        try requireOutputs([save].compactMap { $0 }, besides: reads)
        if let heatmaps { try requireDistinct(reads: reads.map(folder(of:)), writes: [heatmaps]) }
        let sam = try options.open()
        let (image, asked, isSingle) = try question(path, sam)
        if let save { try write(save, image, asked, multimask: !isSingle, sam) }
        guard isSelf || save == nil else { return }
        let reference = isSelf ? nil : try Reference(contentsOf: path)
        if heatmaps != nil, reference?.sketch != nil {
            throw FileError(
                .usage, file: path, "holds sketches, of which no heatmap can be drawn",
                expected: "a reference with activations",
                advice: "Leave --heatmaps out, or make the reference without --sketch.")
        }
        let progress = Stages()
        let verification =
            try reference.map { reference in
                try Verification(
                    of: sam, against: reference, only: matches, hasMaps: heatmaps != nil, progress: progress.show)
            } ?? Verification(ofItself: sam, image, asked, multimask: !isSingle, name: path, only: matches)
        progress.end()
        if let heatmaps { try writeHeatmaps(of: verification, to: heatmaps) }
        if json { try printJSON(verification) } else { verification.report.forEach(print) }
        if !verification.passes { throw ExitCode(1) }
    }

    private func reads() throws(FileError) -> [String] {
        [image].compactMap { $0 } + prompts.reads + (try options.reads())
    }

    private func matches(_ name: String) -> Bool { only.map { fnmatch($0, name, 0) == 0 } ?? true }

    /// The picture and what is asked of it, from a reference or from the arguments.
    private func question(_ path: String, _ sam: Sam) throws -> (RGBImage, [Prompt], isSingleMask: Bool) {
        guard isPicture else {
            let reference = try Reference(contentsOf: path)
            // --save runs by SAM's own recipe too.
            try reference.requireSAMsInference()
            return (reference.image, reference.prompts, reference.isSingleMask)
        }
        let image = try samples.read(path)
        printWarnings(prompts.list.warnings(on: image.size, name: path))
        let asked = try prompts.list.prompts(on: image.size, name: path, masks: try prompts.masks(for: sam))
        // The plain model's run of itself is such a reference too.
        try Reference.check(asked, image: path)
        return (image, asked, singleMask)
    }

    private func write(_ path: String, _ image: RGBImage, _ asked: [Prompt], multimask: Bool, _ sam: Sam) throws {
        var activations: [(name: String, value: Tensor)] = []
        let recorder = Recorder { name, activation in
            if matches(name) { activations.append((name, activation())) }
        }
        let encoded = try sam.encode(image, name: self.image ?? "", recorder: recorder)
        _ = try sam.predict(asked, on: encoded, multimask: multimask, recorder: recorder)
        try Reference.write(
            to: path, image: image, prompts: asked, activations: activations,
            metadata: Reference.metadata(of: sam, version: version), sketch: sketch)
    }

    private func writeHeatmaps(of verification: Verification, to folder: String) throws {
        let maps = verification.heatmaps.map { (path: "\(folder)/\($0.name).png", map: $0) }
        try requireOutputs(maps.map(\.path), besides: reads())
        try makeFolder(folder)
        for (path, map) in maps { try writePNG(path, size: map.size, grey: map.grey) }
    }

    private func checkInstallation() throws {
        let sam = try Sam(path: try bundledPath(bundledModel))
        if let threads = options.threads { Threads.setProcessCount(threads) }
        let reference = try Reference(contentsOf: try bundledPath("swift-sam-small.reference.safetensors"))
        let progress = Stages()
        let installation = try Installation(sam, reference, version: version, progress: progress.show)
        progress.end()
        if json { try printJSON(installation) } else { installation.report.forEach(print) }
        if !installation.passes { throw ExitCode(1) }
    }
}
