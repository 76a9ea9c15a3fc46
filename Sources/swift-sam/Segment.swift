import Annotations
import ArgumentParser
import Imaging
import PictureFiles
import SafeFiles
import Segmentation

struct Segment: AsyncParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Label volumes from volumes and the boxes drawn on their slices.",
        discussion: """
            Example: swift-sam segment ct.nii.gz --boxes boxes/ --classes class_list.txt --labels 0=1,1=2,5=4 \
            -o labels.nii.gz

            Several: swift-sam segment 'ct/img{case}.nii.gz' --boxes boxes/ --pattern 'img{case}-slice{slice}' \
            --classes class_list.txt -o 'labels/{case}.nii.gz'

            Boxes are STEM-sliceKKK.txt (YOLO) or .xml (Pascal VOC), as OpenLabeling writes them, or rows of a CSV \
            slice,class,x0,y0,x1,y1[,annotator,seconds] in pixels, where a single volume's slices may go by their numbers \
            from 0. All boxes of all volumes are checked before the first slice is encoded. The labels have the volume's \
            exact geometry; labels.json beside them says what they were made from, how, and what became of each box.

            Again: swift-sam segment --from-manifest labels.json -o again.nii.gz

            With --fill, slices that nobody drew are filled, and labels-origin.nii.gz says where each voxel comes from: 1 drawn, \
            2 between drawn slices, 3 beyond them.

            Recipes: sam is SAM's own way. medsam is MedSAM's own inference, for its weights: slices squashed to a square, \
            and the model's one mask. study is the way of Kulkarni et al. 2024 with SAM: --intensity minmax-slice, edges \
            added to the slices, which must be square, corners truncated to whole pixels, and the last box wins overlaps.
            """)

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
    @OptionGroup var cache: CacheOptions
    @OptionGroup var shared: SharedWorkOptions
    @OptionGroup var filling: FillOptions
    @OptionGroup var repeating: RepeatOptions

    @Option(help: "How the model is used.")
    var recipe = Recipe.sam

    @Flag(help: "Take the model's one mask for a box instead of the best of three, as medsam does anyway.")
    var singleMask = false

    @Option(help: ArgumentHelp("Also draw slices with labels and boxes.", valueName: "picture.png"))
    var preview: String?

    @Option(
        help: ArgumentHelp("The slices to draw. (default: up to eight with boxes)", valueName: "10,20-25"),
        transform: parseSlices)
    var previewSlices: [Int] = []

    @Option(
        help: ArgumentHelp("Only boxes on these slices count.", valueName: "20-30"), transform: parseSliceRange)
    var slices: ClosedRange<Int>?

    @Flag(help: "Keep the labels of slices that have no boxes now.")
    var update = false

    @Flag(help: "Compute all slices, also where the labels are what they would become.")
    var force = false

    @Flag(help: "Replace labels that a person has edited since they were written.")
    var replaceEdited = false

    @Flag(help: "Have labels.json name files by absolute paths, not from its own folder.")
    var absolutePaths = false

    @Flag(help: "Print the manifest instead of a table; of several volumes, all by their names.")
    var json = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The NIfTI volume to write; of several, with {case}.", valueName: "labels.nii.gz"))
    var output: String

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard VolumeEnding(of: output) != nil else {
            throw ValidationError("-o must name a .nii or .nii.gz file, not \"\(output)\".")
        }
        guard preview?.lowercased().hasSuffix(".png") != false else {
            throw ValidationError("--preview must name a .png file, not \"\(preview ?? "")\".")
        }
        guard previewSlices.isEmpty || preview != nil else {
            throw ValidationError("--preview-slices needs --preview.")
        }
        guard !(update && force) else { throw ValidationError("--update keeps slices that --force would compute.") }
        if let refusal = recipe.refusal(intensity: slicing.intensity, singleMask: singleMask) {
            throw ValidationError("--recipe \(recipe.name) \(refusal).")
        }
        slicing.intensity = recipe.intensity ?? slicing.intensity
    }

    /// Everything that is known before a voxel is read.
    struct Study {
        var volumes: [AnnotatedVolume]
        /// Volumes whose headers cannot be read.
        var unreadable: [(file: VolumeFile, error: FileError)]
        /// The names of all cases, those without boxes too: what parts are of.
        var cases: [String]
        var settings: SegmentationSettings

        var isOfOneVolume: Bool { volumes.count + unreadable.count == 1 }
    }

    /// Reads the boxes, checks them and the options, and opens the model.
    func open() async throws -> Study {
        let cases = try slicing.cases()
        if cases.count > 1, ![output, preview ?? output].allSatisfy({ $0.contains(VolumeFile.placeholder) }) {
            throw ValidationError(
                "\(cases.count) volumes need {case} in -o and --preview, such as -o 'labels/{case}.nii.gz'.")
        }
        let digests = ReadDigests()
        let classList = try digests.recording { () throws(FileError) in
            try classes.map { path throws(FileError) in try ClassList(contentsOf: path) }
        }
        let labels = try labels.map { try LabelMap($0, classes: classList) } ?? LabelMap()
        let annotated = try boxes.read(
            on: cases, slicing, classes: classList, by: .one(named: annotator), slices: slices,
            digests: digests)
        let volumes = annotated.volumes
        for volume in volumes { try volume.requireFewBoxes() }
        let written = volumes.flatMap { outputs($0.file) } + [shared.log].compactMap { $0 }
        let others = try volumes.first.map { try repeating.reads(labels: outputs($0.file)[0]) } ?? []
        try requireDistinct(
            reads: annotated.files + options.reads() + [classes].compactMap { $0 } + others, writes: written)
        for volume in volumes {
            guard let wrong = previewSlices.first(where: { $0 >= volume.slices.count }) else { continue }
            throw ValidationError(
                "--preview-slices: \(volume.file.path) has no slice \(wrong), but \(volume.slices.count).")
        }
        for volume in volumes { try recipe.check(volume.slices, file: volume.file.path) }
        if slices != nil, volumes.allSatisfy({ $0.boxes.allSatisfy(\.boxes.isEmpty) }) {
            throw ValidationError("--slices: there are no boxes on these.")
        }
        try labels.check(volumes.flatMap(\.boxes), classes: classList)

        let (sam, load) = try timed { try options.open(for: recipe) }
        if filling.filling.between == nil { printWarnings(annotated.warningsOfUnseenSlices) }
        var settings = SegmentationSettings(
            sam: sam, labels: labels, recipe: recipe, singleMask: singleMask, slicing: slicing.slicing,
            classes: classList, version: version, loadSeconds: load)
        settings.filling = filling.filling
        try await repeating.check(volumes, settings)
        return Study(
            volumes: volumes, unreadable: annotated.unreadable, cases: cases.map(\.name), settings: settings)
    }

    func run() async throws {
        let study = try await open()
        var settings = study.settings
        let part = Set(try chosen(study.cases, by: shared.part))
        let volumes = study.volumes.filter { part.contains($0.file.name) }
        settings.cache = try await cache.open(weights: settings.weightsDigest)
        settings.stop = Signals.askToStop()
        try requireOutputs(volumes.flatMap { outputs($0.file) } + [shared.log].compactMap { $0 }, besides: [])
        var manifests: [String: Manifest] = [:]
        var work = SharedWork(log: shared.log, claims: shared.claim, isAlone: study.isOfOneVolume)
        for (file, error) in study.unreadable where part.contains(file.name) {
            try await work.attempt(file, slices: 0) { _ in throw error }
        }
        var plans: [VolumePlan] = []
        for volume in volumes {
            try await work.attempt(volume.file, slices: 0) { _ in
                let outputs = outputs(volume.file)
                recoverInterrupted(labels: outputs[0], outputs: Array(outputs.dropFirst(2)))
                let plan = try await plan(volume, settings)
                if plan.isDone { manifests[volume.file.name] = plan.manifest } else { plans.append(plan) }
                return nil
            }
        }
        if plans.count < volumes.count || volumes.isEmpty {
            printNote("\(plans.count) of \(volumes.count) to do")
        }
        var run = RunProgress(counts: plans.map(\.sliceCount))
        for plan in plans {
            let volume = plan.annotated
            let title = "\(volume.file.path)\(run.next()): slices"
            try await work.attempt(volume.file, slices: plan.sliceCount, claiming: outputs(volume.file)[0]) { claim in
                // Another process may have done it since.
                let plan = claim == nil ? plan : try await self.plan(volume, settings)
                if let manifest = plan.manifest {
                    manifests[volume.file.name] = manifest
                    return nil
                }
                manifests[volume.file.name] = try await label(plan, settings, title: title, claim)
                return .done
            }
            printWarnings(settings.cache?.takeWarnings() ?? [])
        }
        if json {
            try study.isOfOneVolume ? printJSON(manifests.first?.value) : printJSON(["volumes": manifests])
        }
        try work.finish(slicing.volume)
    }

    func plan(_ volume: AnnotatedVolume, _ settings: SegmentationSettings) async throws -> VolumePlan {
        let outputs = outputs(volume.file)
        return try await VolumePlan(
            volume, settings, labels: outputs[0], outputs: Array(outputs.dropFirst(2)),
            mode: force ? .all : update ? .update : .changes, replacesEdited: replaceEdited)
    }

    /// Labels one volume and writes what comes of it.
    private func label(
        _ plan: VolumePlan, _ settings: SegmentationSettings, title: String, _ claim: VolumeClaim?
    ) async throws -> Manifest {
        let outputs = outputs(plan.annotated.file)
        let run = try SegmentationRun(plan.annotated, settings, from: plan.earlier)
        printWarnings(run.warnings)
        let progress = Progress(title, total: run.sliceCount)
        let result = try await run { done in
            progress.update(done)
            claim?.renew(labels: outputs[0])
        }
        if let preview { try writePNG(plan.annotated.file.path(of: preview), result.picture(slices: previewSlices)) }
        let manifest = try result.write(
            to: outputs[0], naming: absolutePaths ? .absolute : .relative, replacesEdited: replaceEdited)
        if !json {
            if output.contains(VolumeFile.placeholder) { print("\(plan.annotated.file.path):") }
            manifest.printTable(settings.classes, hasPicture: preview != nil)
            print("wrote \(outputs.joined(separator: ", "))")
        }
        printWarnings(
            result.warnings(file: outputs[0])
                + settings.sam.warnings(aboutScores: manifest.boxes.map(\.score), of: outputs[0]))
        return manifest
    }

    /// Where a volume's labels, manifest, origins and picture are written.
    func outputs(_ file: VolumeFile) -> [String] {
        let labels = file.path(of: output)
        return [labels, LabelsRecord.path(besideLabels: labels)]
            + (filling.filling.isOn ? [LabelOrigin.path(besideLabels: labels)] : [])
            + [preview].compactMap { $0.map(file.path(of:)) }
    }
}

/// The first and the last slice, such as `20-30`, or one number for both.
func parseSliceRange(_ text: String) throws -> ClosedRange<Int> {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first >= 0, first <= last
    else { throw ValidationError("\"\(text)\" is not a slice's number, or two with a minus sign between") }
    return first...last
}

/// Numbers of slices and ranges of them, such as `10,20-25`; no more than a picture holds.
private func parseSlices(_ text: String) throws -> [Int] {
    let ranges = try text.split(separator: ",", omittingEmptySubsequences: false).map {
        try parseSliceRange(String($0))
    }
    let most = 64
    guard ranges.allSatisfy({ $0.count <= most }), ranges.reduce(0, { $0 + $1.count }) <= most else {
        throw ValidationError("\"\(text)\" are more than the \(most) slices of a picture")
    }
    return ranges.flatMap { Array($0) }
}
