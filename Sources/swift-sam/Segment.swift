import Annotations
import ArgumentParser
import Foundation
import ImageFrames
import Imaging
import PictureFiles
import SafeFiles
import SegmentAnything
import Segmentation

extension Recipe: ExpressibleByArgument {}

struct Segment: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Label volumes from volumes and the boxes drawn on their slices.",
        discussion: """
            Example: swift-sam segment ct.nii.gz --boxes boxes/ --classes class_list.txt --labels 0=1,1=2,5=4 \
            -o labels.nii.gz

            Several: swift-sam segment 'ct/img{case}.nii.gz' --boxes boxes/ --pattern 'img{case}-slice{slice}' \
            --classes class_list.txt -o 'labels/{case}.nii.gz'

            Boxes are STEM-sliceKKK.txt (YOLO) or .xml (Pascal VOC), as OpenLabeling writes them, or rows of a CSV \
            slice,class,x0,y0,x1,y1[,annotator,seconds] in pixels, where a single volume's slices may go by their numbers from \
            0. All boxes of all volumes are checked before the first \
            slice is encoded. The labels have the volume's exact geometry; labels.json beside them says what they were \
            made from, how, and what became of each box.

            Recipes: sam is SAM's own way. medsam is MedSAM's own inference, for its weights: slices squashed to a square, \
            and the model's one mask. study is the way of Kulkarni et al. 2024 with SAM: --intensity minmax-slice, edges \
            added to the slices, which must be square, corners truncated to whole pixels, and where classes overlap the \
            last box wins.
            """)

    @Argument(
        help: "A NIfTI volume, a folder of them, or a pattern with {case}.",
        completion: .file(extensions: ["nii", "gz"]))
    var volume: String

    @OptionGroup var boxes: BoxOptions

    @Option(help: "The one of several annotators whose boxes count.")
    var annotator: String?

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

    @Flag(help: "Print the manifest instead of a table; of several volumes, all by their names.")
    var json = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The NIfTI volume to write; of several, with {case}.", valueName: "labels.nii.gz"))
    var output: String

    mutating func validate() throws {
        guard VolumeEnding(of: output) != nil else {
            throw ValidationError("-o must name a .nii or .nii.gz file, not \"\(output)\".")
        }
        guard preview?.lowercased().hasSuffix(".png") != false else {
            throw ValidationError("--preview must name a .png file, not \"\(preview ?? "")\".")
        }
        if let refusal = recipe.refusal(intensity: slicing.intensity, singleMask: singleMask) {
            throw ValidationError("--recipe \(recipe.name) \(refusal).")
        }
        slicing.intensity = recipe.intensity ?? slicing.intensity
    }

    func run() async throws {
        let cases = try slicing.cases(volume, isQuiet: options.quiet)
        try requireNames(cases)
        let classes = try classes.map { path throws(FileError) in try ClassList(contentsOf: path) }
        let labels = try labelMap(classes)
        let drawings = try boxes.drawings(
            on: cases, slicing, classes: classes, annotator: annotator, several: false,
            isQuiet: options.quiet)
        for drawing in drawings { try recipe.check(drawing.slices, file: drawing.item.path) }
        try labels.check(drawings.flatMap(\.boxes), classes: classes)

        let (sam, load) = try timed { try options.open() }
        try requireOutputs(cases)
        if recipe.weights != Recipe.sam.weights, !options.quiet, sam.path == (try? bundledPath(bundledModel)) {
            let what = "--recipe \(recipe.name) is for \(recipe.weights)'s weights, and these are SAM's kind"
            printWarnings([Warning(file: sam.path, what)])
        }
        let model = OpenedModel(
            sam: sam, load: load, weights: Task { try Manifest.Source(path: sam.path, files: [sam.path]) })
        var manifests: [String: Manifest] = [:]
        var errors: [FileError] = []
        let start = ContinuousClock.now
        for (index, drawing) in drawings.enumerated() {
            let place = placeInRun(index, of: drawings, since: start)
            do {
                manifests[drawing.item.name] = try await segment(
                    drawing, by: model, labels, classes, title: "\(drawing.item.path)\(place): slices")
            } catch let error as FileError where drawings.count > 1 {
                // The others' labels are worth as much without this one's.
                printError("error: \(error)")
                errors.append(error)
            }
        }
        if json {
            if drawings.count > 1 {
                try printJSON(["volumes": manifests])
            } else {
                try printJSON(manifests.first?.value)
            }
        }
        guard errors.isEmpty else {
            throw FileError(
                errors[0].kind, file: volume, "volumes that could not be labelled", found: "\(errors.count), told above"
            )
        }
    }

    /// What all volumes of a run share.
    private struct OpenedModel {
        let sam: Sam
        /// Seconds.
        let load: Double
        /// The digest of large weights takes seconds, while slices are encoded.
        let weights: Task<Manifest.Source, any Error>
    }

    /// Labels one volume and writes what comes of it.
    private func segment(
        _ drawing: Drawing, by model: OpenedModel, _ labels: LabelMap, _ classes: ClassList?, title: String
    ) async throws -> Manifest {
        let (output, preview) = outputs(drawing.item)
        let manifestPath = Manifest.path(besideLabels: output)
        let volume = try Volume(contentsOf: drawing.item.path)
        if !options.quiet {
            printWarnings(
                volume.warnings + drawing.slices.warnings(file: volume.file)
                    + (drawing.record?.warnings(case: drawing.item.name) ?? []))
        }
        let intensity = try slicing.intensity(of: volume, record: drawing.record?.record)
        let images = SliceImages(volume, drawing.slices, intensity)
        let segmenter = Segmenter(
            sam: model.sam, images: images, boxes: drawing.boxes, labels: labels, recipe: recipe, singleMask: singleMask
        )
        let boxFiles = Set(drawing.boxes.flatMap(\.files)).sorted()
        async let input = Manifest.Source(path: volume.file, files: [volume.file])
        async let boxSource = Manifest.Source(path: boxes.boxes, files: boxFiles)
        let classSource = try self.classes.map { path throws(FileError) in
            try Manifest.Source(path: path, files: [path])
        }
        let progress = Progress(title, total: segmenter.boxes.count, isQuiet: options.quiet)
        let (segmentation, seconds) = try timed { try segmenter(progress: progress.update) }

        let manifest = Manifest(
            version: version,
            sources: .init(
                input: try await input, boxes: try await boxSource, classes: classSource,
                weights: try await model.weights.value),
            annotator: drawing.annotator.isEmpty ? nil : drawing.annotator,
            options: .init(
                recipe: recipe, images: images, precision: model.sam.precision, singleMask: segmenter.singleMask,
                labels: labels.labels(of: drawing.boxes)),
            segmentation: segmentation, slices: images.slices, badBoxes: drawing.errors.map(\.description),
            seconds: .init(load: model.load, segment: seconds))
        try writeAtomically([output, manifestPath]) { temporary in
            try segmentation.labels.write(to: temporary[0], for: output)
            try write(try encodedJSON(manifest), to: temporary[1], for: manifestPath)
        }
        if let preview { try writePNG(preview, drawnSlices(segmentation, images)) }
        if !json {
            if self.output.contains(VolumeFile.placeholder) { print("\(drawing.item.path):") }
            manifest.printTable(classes, hasPicture: preview != nil)
            print("wrote \([output, manifestPath, preview].compactMap { $0 }.joined(separator: ", "))")
        }
        if !options.quiet { printWarnings(manifest.warnings(output)) }
        return manifest
    }

    // MARK: Parts

    /// Which volume of several it is, and how long all that are left may take by the slices that are done.
    private func placeInRun(_ index: Int, of drawings: [Drawing], since start: ContinuousClock.Instant) -> String {
        guard drawings.count > 1 else { return "" }
        func slices(_ part: ArraySlice<Drawing>) -> Double { part.reduce(0) { $0 + Double($1.boxes.count) } }
        let done = slices(drawings[..<index])
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let left = done > 0 ? ", \(duration(seconds / done * slices(drawings[index...]))) left in all" : ""
        return " (\(index + 1) of \(drawings.count)\(left))"
    }

    /// Checks that each volume's outputs have names of their own.
    private func requireNames(_ cases: [VolumeFile]) throws {
        guard
            cases.count == 1
                || [output, preview].compactMap({ $0 }).allSatisfy({ $0.contains(VolumeFile.placeholder) })
        else {
            throw ValidationError(
                "\(cases.count) volumes need {case} in -o and --preview, such as -o 'labels/{case}.nii.gz'.")
        }
    }

    /// Checks that all outputs can be written and replace nothing that is read; makes the folders of patterns.
    private func requireOutputs(_ cases: [VolumeFile]) throws {
        let inputs = cases.map(\.path) + [classes, options.model].compactMap { $0 }
        for item in cases {
            let (labels, picture) = outputs(item)
            for (path, pattern) in [
                (labels, output), (Manifest.path(besideLabels: labels), output), (picture, preview),
            ] {
                guard let path, let pattern else { continue }
                if pattern.contains(VolumeFile.placeholder) {
                    try makeFolder(URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false))
                }
                try requireOutput(path, besides: inputs)
            }
        }
    }

    private func outputs(_ item: VolumeFile) -> (labels: String, preview: String?) {
        (item.path(of: output), preview.map(item.path))
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
                rightAligned(text, 5)
                    + String(
                        format: "  %5d  %6d  %8d  %8.1f  %10.3f  ", amount.boxes, amount.slices, amount.voxels,
                        amount.millilitres, score) + names.joined(separator: ", ") + colour)
        }
        if !badBoxes.isEmpty { print("malformed boxes or files left out: \(badBoxes.count)") }
        if clippedBoxes > 0 { print("boxes that reached beyond the image and were cut at its edge: \(clippedBoxes)") }
        if conflictPixels > 0 {
            print("voxels claimed by two labels, where \(options.recipe.overlap.rawValue) won: \(conflictPixels)")
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
