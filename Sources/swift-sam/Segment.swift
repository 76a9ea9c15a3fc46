import Annotations
import ArgumentParser
import Files
import Foundation
import Frames
import Imaging
import SegmentAnything
import Segmentation

extension Recipe: ExpressibleByArgument {}

struct Segment: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A label volume from a volume and the boxes drawn on its slices.",
        discussion: """
            Example: swift-sam segment ct.nii.gz --boxes boxes/ --classes class_list.txt --labels 0=1,1=2,5=4 \
            -o labels.nii.gz

            Boxes are STEM-sliceKKK.txt (YOLO) or .xml (Pascal VOC), as OpenLabeling writes them. All are checked before \
            the first slice is encoded. The labels have the volume's exact geometry; labels.json beside them says what \
            they were made from, how, and what became of each box.

            Recipes: sam is SAM's own way. medsam is MedSAM's own inference, for its weights: slices squashed to a square, \
            and the model's one mask. study is the way of Kulkarni et al. 2024 with SAM: --intensity minmax-slice, edges \
            added to the slices, which must be square, corners truncated to whole pixels, and where classes overlap the \
            last box wins.
            """)

    @Argument(help: "A NIfTI volume.", completion: .file(extensions: ["nii", "gz"]))
    var volume: String

    @Option(
        help: "The folder of the boxes; a slices.json in it says how the slices were turned.", completion: .directory)
    var boxes: String

    @Option(
        help: "The classes' names, a line each (class_list.txt); Pascal VOC needs it.",
        completion: .file(extensions: ["txt"]))
    var classes: String?

    @Option(
        help: ArgumentHelp(
            "The label of each class, by id or name; - leaves it out. (default: the id + 1)",
            valueName: "0=1,spleen=2,3=-"))
    var labels: String?

    @OptionGroup var slicing: SlicingOptions
    @OptionGroup var options: ModelOptions

    @Option(help: "How the model is used.")
    var recipe = Recipe.sam

    @Flag(help: "Take the model's one mask for a box instead of the best of three, as medsam does anyway.")
    var singleMask = false

    @Option(help: ArgumentHelp("Also draw slices with labels and boxes.", valueName: "picture.png"))
    var preview: String?

    @Flag(help: "Print the manifest instead of a table.")
    var json = false

    @Option(name: .shortAndLong, help: ArgumentHelp("The NIfTI volume to write.", valueName: "labels.nii.gz"))
    var output: String

    mutating func validate() throws {
        guard output.hasSuffix(".nii") || output.hasSuffix(".nii.gz") else {
            throw ValidationError("-o must name a .nii or .nii.gz file, not \"\(output)\".")
        }
        guard preview?.lowercased().hasSuffix(".png") != false else {
            throw ValidationError("--preview must name a .png file, not \"\(preview ?? "")\".")
        }
        if recipe == .study {
            guard !singleMask, slicing.intensity ?? .minmaxSlice == .minmaxSlice else {
                throw ValidationError(
                    "--recipe study takes the best of three masks and --intensity minmax-slice, no other.")
            }
            slicing.intensity = .minmaxSlice
        }
    }

    func run() async throws {
        let manifestPath = Manifest.path(besideLabels: output)
        for path in [output, manifestPath, preview].compactMap({ $0 }) {
            try requireOutput(path, besides: [volume, classes, options.model].compactMap { $0 })
        }
        let classes = try classes.map { path throws(FileError) in try ClassList(contentsOf: path) }
        let (images, drawn, record) = try inputs(classes)
        let labels = try labelMap(classes)
        try labels.check(drawn, classes: classes)

        let (sam, load) = try timed { try options.open() }
        let segmenter = Segmenter(
            sam: sam, images: images, boxes: drawn, labels: labels, recipe: recipe, singleMask: singleMask)
        let boxFiles = drawn.flatMap(\.files)
        async let sources = Sources(
            volume: volume, boxFolder: boxes, boxFiles: boxFiles, classes: self.classes, weights: sam.path)
        let progress = Progress("\(volume): slices", total: segmenter.boxes.count, isQuiet: options.quiet)
        let (segmentation, seconds) = try timed { try segmenter(progress: progress.update) }

        let manifest = Manifest(
            version: version, sources: try await sources,
            options: .init(
                recipe: recipe, slices: record, precision: sam.precision, singleMask: segmenter.singleMask,
                labels: labels.labels(of: drawn)),
            segmentation: segmentation, slices: images.slices, seconds: .init(load: load, segment: seconds))
        try writeAtomically([output, manifestPath]) { temporary in
            try segmentation.labels.write(to: temporary[0], for: output)
            try write(try encodedJSON(manifest), to: temporary[1], for: manifestPath)
        }
        if let preview { try writePNG(preview, drawnSlices(segmentation, images)) }
        if json {
            try printJSON(manifest)
        } else {
            manifest.printTable(classes, hasPicture: preview != nil)
            print("wrote \([output, manifestPath, preview].compactMap { $0 }.joined(separator: ", "))")
        }
        if !options.quiet { printWarnings(manifest.warnings(output)) }
    }

    /// The volume's slices and the boxes on them, checked.
    private func inputs(_ classes: ClassList?) throws -> (SliceImages, [SliceBoxes], SlicesRecord) {
        let recordPath = SlicesRecord.path(in: boxes)
        let volume = try Volume(contentsOf: volume)
        let record = try slicing.slicing(of: volume, recordPath: recordPath)
        let slices = SliceGeometry(volume.geometry, axis: record.axis, view: record.view)
        if !options.quiet {
            if record.volume != URL(filePath: volume.file).lastPathComponent {
                printWarnings([Warning(file: recordPath, "the slices were made from \(record.volume)")])
            }
            printWarnings(volume.warnings + slices.warnings(file: volume.file))
        }
        let drawn = try readBoxes(
            folder: boxes, stem: slicing.stem(of: volume), sliceCount: slices.count, imageSize: slices.imageSize,
            classes: classes)
        return (SliceImages(volume, slices, record.intensity), drawn, record)
    }

    private func labelMap(_ classes: ClassList?) throws -> LabelMap {
        guard let labels else { return LabelMap() }
        do {
            return try LabelMap(labels, classes: classes)
        } catch {
            throw ValidationError("--labels: \(error).")
        }
    }

    /// Up to eight of the slices with boxes.
    private func drawnSlices(_ segmentation: SegmentedVolume, _ images: SliceImages) -> RGBImage {
        let boxes = Dictionary(grouping: segmentation.boxes, by: \.slice)
        let slices = boxes.isEmpty ? [images.slices.count / 2] : spread(boxes.keys.sorted(), count: 8)
        return picture(of: images, segmentation.labels, slices: slices) { slice in
            (boxes[slice] ?? []).map { ($0.box.box, $0.label) }
        }
    }
}

extension Manifest {
    /// A line for each label, then what was counted.
    fileprivate func printTable(_ classes: ClassList?, hasPicture: Bool) {
        print("label  boxes  slices    voxels        ml  mean score  class" + (hasPicture ? " (colour)" : ""))
        for (text, amount) in amounts.sorted(by: { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }) {
            let own = boxes.filter { "\($0.label)" == text }
            let score = own.reduce(0) { $0 + Double($1.score) } / Double(max(own.count, 1))
            let names = Set(own.map(\.class)).sorted().map { classes?.names[$0] ?? "class \($0)" }
            let colour = hasPicture ? own.first.map { " (\(colourName(of: $0.label)))" } ?? "" : ""
            print(
                String(
                    format: "%5@  %5d  %6d  %8d  %8.1f  %10.3f  %@", text as NSString, amount.boxes, amount.slices,
                    amount.voxels, amount.millilitres, score, names.joined(separator: ", ") + colour as NSString))
        }
        if clippedBoxes > 0 { print("boxes that reached beyond the image and were cut at its edge: \(clippedBoxes)") }
        if conflictPixels > 0 {
            let winner = options.recipe == .study ? "the later box" : "the higher score"
            print("voxels claimed by two labels, where \(winner) won: \(conflictPixels)")
        }
    }

    /// What the person should look at.
    fileprivate func warnings(_ file: String) -> [Warning] {
        let empty = boxes.filter { $0.area == 0 }
        var warnings: [Warning] = []
        if boxes.isEmpty { warnings.append(Warning(file: file, "no boxes, so no labels: every voxel is 0")) }
        if let first = empty.first {
            warnings.append(
                Warning(
                    file: file, "boxes whose mask is empty: \(empty.count), the first \(first.file):\(first.number)"))
        }
        return warnings
    }
}
