import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles
import SegmentAnything

/// How boxes become labels: what the volumes of a run share.
public struct SegmentationSettings: Sendable {
    public var sam: Sam
    public var labels: LabelMap
    public var recipe: Recipe
    public var singleMask: Bool
    public var slicing: Slicing
    /// The list of the classes' names, where there is one.
    public var classes: ClassList?
    /// What made the labels, as manifests say it.
    public var version: String
    /// How many seconds it took to open the model.
    public var loadSeconds: Double
    /// Where encoded slices are kept.
    public var cache: EmbeddingCache?
    /// By which the work can be asked to end.
    public var stop: StopRequest?
    /// What becomes of slices that nobody drew.
    public var filling = Filling()
    /// The digest of large weights takes seconds, so it is computed beside the first slices.
    let weights: Task<Manifest.Source, any Error>

    public init(
        sam: Sam, labels: LabelMap = LabelMap(), recipe: Recipe = .sam, singleMask: Bool = false,
        slicing: Slicing = Slicing(), classes: ClassList? = nil, version: String, loadSeconds: Double = 0
    ) {
        (self.sam, self.labels, self.recipe) = (sam, labels, recipe)
        (self.singleMask, self.slicing, self.classes) = (singleMask, slicing, classes)
        (self.version, self.loadSeconds) = (version, loadSeconds)
        weights = Task {
            Manifest.Source(path: sam.path, files: sam.file.checkpoint.fileCount, sha256: try sam.file.sha256())
        }
    }
}

extension SegmentationSettings {
    /// The SHA-256 of the weights' file.
    public func weightsDigest() async throws -> String { try await weights.value.sha256 }

    /// Encodes a slice's image, or finds it in the cache.
    ///
    /// - Parameter name: what the image is called in an error.
    /// - Throws: ``FileError`` as ``Sam/encode(_:name:scaling:recorder:progress:)``; ``Interrupted``.
    func encode(_ image: RGBImage, name: String) throws -> EncodedImage {
        try stop?.check()
        let start = ContinuousClock.now
        return try sam.encode(image, name: name, scaling: recipe.scaling, cache: cache) { done, total in
            let rest = (ContinuousClock.now - start) / .seconds(1) / Double(max(done, 1)) * Double(total - done)
            // Without a cache nothing would be gained by its end.
            try stop?.check(unlessWithin: cache == nil ? nil : rest)
        }
    }
}

/// One volume of a run, opened: read it, segment its slices, and write the labels with their manifest.
public struct SegmentationRun: Sendable {
    public let annotated: AnnotatedVolume
    public let settings: SegmentationSettings
    public let segmenter: Segmenter
    /// The volume's file as it was read.
    let input: Manifest.Source
    /// What is taken over of the labels that are there.
    let earlier: EarlierLabels?
    /// What the person should know before.
    public let warnings: [Warning]

    /// Reads the volume; ``AnnotatedVolumes/warnings`` are about its place.
    ///
    /// - Parameter earlier: what is taken over of the labels that are there; see ``VolumePlan``.
    /// - Throws: ``FileError`` `missingInput`, `inputOutput`; `badData` where it is no volume, does not look like CT and
    ///   no intensity was chosen, or two signs of anatomy agree that the boxes were drawn in another view than the one
    ///   that is assumed.
    public init(
        _ annotated: AnnotatedVolume, _ settings: SegmentationSettings, from earlier: EarlierLabels? = nil
    ) throws(FileError) {
        let (path, digests) = (annotated.file.path, ReadDigests())
        let volume = try digests.recording { () throws(FileError) in try Volume(contentsOf: path) }
        input = Manifest.Source(path, digests)
        let slices = try settings.slicing.slices(
            of: volume.geometry, case: annotated.file.name, record: annotated.record)
        guard slices == annotated.slices else {
            throw FileError(.badData, file: volume.file, "replaced since its boxes were checked", advice: "Run again.")
        }
        let signs = ViewSigns(annotated.boxes, classes: settings.classes, volume: volume, slices: slices)
        let isChosen = settings.slicing.view != nil || settings.slicing.record != nil
        let intensity = try settings.slicing.intensity(of: volume, record: annotated.record?.record)
        self.annotated = annotated
        self.settings = settings
        self.earlier = earlier
        var segmenter = Segmenter(
            sam: settings.sam, images: SliceImages(volume, slices, intensity), boxes: annotated.boxes,
            labels: settings.labels, recipe: settings.recipe, singleMask: settings.singleMask)
        segmenter.plan = GapPlan(annotated, settings, kept: earlier?.keptBoxes ?? [])
        self.segmenter = segmenter
        warnings =
            try signs.warnings(
                isChosen: isChosen, view: slices.view, record: annotated.record?.path, file: volume.file)
            + slices.warnings(file: volume.file)
            + (try annotated.record?.warnings(case: annotated.file.name, volume: volume.file) ?? [])
    }

    /// How many slices are encoded, of slices that are filled at most.
    public var sliceCount: Int { segmenter.plan.encodedCount(drawing: segmenter.boxes, besides: earlier) }

    /// Segments the slices and describes how.
    ///
    /// - Parameter progress: receives after each slice how many are done.
    /// - Throws: ``FileError`` as ``Segmenter/callAsFunction(from:encode:progress:)``, and `badData` where the weights' file was written
    ///   to since it was opened.
    public func callAsFunction(progress: @escaping (_ done: Int) -> Void = { _ in }) async throws -> LabelledVolume {
        try requireSameWeights()
        let (segmentation, seconds) = try segmented(progress)
        var manifest = Manifest(
            version: settings.version, input: input, boxFiles: annotated.boxFiles,
            record: annotated.recordFile, annotator: annotated.annotator.isEmpty ? nil : annotated.annotator,
            classes: annotated.classFile, weights: try await settings.weights.value,
            options: .init(settings, annotated, segmenter.images.intensity), reading: annotated.reading,
            labels: settings.labels.names(of: annotated.boxes, classes: settings.classes), segmentation: segmentation,
            slices: segmenter.images.slices, badBoxes: annotated.errors.map(\.description),
            seconds: seconds)
        if settings.filling.isAsked { manifest.setFilling(segmentation) }
        try requireSameWeights()
        try earlier?.complete(&manifest, file: annotated.file.path)
        return LabelledVolume(
            segmentation: segmentation, manifest: manifest, images: segmenter.images, badBoxes: annotated.errors)
    }

    /// The labels, and what they took.
    private func segmented(
        _ progress: @escaping (_ done: Int) -> Void
    ) throws -> (segmentation: SegmentedVolume, seconds: Manifest.Seconds) {
        let start = ContinuousClock.now
        var computed = 0
        let segmentation = try segmenter(
            from: earlier,
            encode: { image, name in
                computed += 1
                return try settings.encode(image, name: name)
            }, progress: progress)
        // Filling may have ended before all that it could have filled.
        if settings.filling.isAsked, sliceCount > 0 { progress(sliceCount) }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        return (segmentation, .init(load: settings.loadSeconds, segment: seconds, computed: computed))
    }

    /// Weights are mapped and not copied: what is written to their file later is computed with.
    private func requireSameWeights() throws(FileError) {
        try settings.sam.file.checkpoint.forEachFile { file throws(FileError) in try file.requireUnchanged() }
    }
}

/// A volume's labels with what says how they came about.
public struct LabelledVolume: Sendable {
    public let segmentation: SegmentedVolume
    public let manifest: Manifest
    public let images: SliceImages
    let badBoxes: [FileError]

    /// Writes the labels, the manifest at ``LabelsRecord/path(besideLabels:)`` and, where something was to be filled, the origins at
    /// ``LabelOrigin/path(besideLabels:)``: all are whole before the first gets its name. Where the system then refuses the name
    /// of a later one, the labels have no manifest that is theirs, and count as edited.
    ///
    /// - Parameter replacesEdited: whether labels are replaced that a person may have edited.
    /// - Returns: the manifest as it was written, with the digest of the labels.
    /// - Throws: ``FileError`` `cannotCreate`, also as ``requireUnedited(labels:)``; `inputOutput`.
    @discardableResult
    public func write(
        to labels: String, naming: FileNaming = .relative, replacesEdited: Bool = false
    ) throws -> Manifest {
        let manifestPath = LabelsRecord.path(besideLabels: labels)
        // Once more: hours may lie between the first time and now.
        if !replacesEdited { try requireUnedited(labels: labels) }
        var manifest = manifest.named(naming, in: manifestPath, badBoxes: badBoxes)
        let origin = manifest.options.filling?.isOn == true ? [LabelOrigin.path(besideLabels: labels)] : []
        let isStale = origin.isEmpty && (try? LabelsRecord(besideLabels: labels))?.hasOrigin == true
        // The labels come before their manifest, by which they are done.
        try writeAtomically(origin + [labels, manifestPath]) { temporary in
            func output(_ path: String, _ temporary: String) throws -> Manifest.Output {
                .init(path: naming.name(of: path, in: manifestPath), sha256: try sha256(ofFile: temporary))
            }
            if let path = origin.first {
                try segmentation.origin.write(to: temporary[0], for: path)
                manifest.origin = try output(path, temporary[0])
            }
            let written = temporary.dropFirst(origin.count)
            try segmentation.labels.write(to: written[written.startIndex], for: labels)
            manifest.output = try output(labels, written[written.startIndex])
            try SafeFiles.write(try encodedJSON(manifest), to: written[written.startIndex + 1], for: manifestPath)
        }
        // Origins of labels that were filled before would be a volume of their own.
        if isStale { unlink(LabelOrigin.path(besideLabels: labels)) }
        return manifest
    }

    /// What the person should look at.
    ///
    /// - Parameter file: what the warnings are about.
    public func warnings(file: String) -> [Warning] {
        if manifest.boxes.isEmpty {
            let which = manifest.options.labels.isEmpty ? "" : " of classes that --labels keeps"
            return [Warning(file: file, "no boxes\(which), so no labels: every voxel is 0")]
        }
        let empty = manifest.boxes.filter { $0.area == 0 }
        let drawn = Set(segmentation.boxes.map { "\($0.label)" })
        let undrawn = manifest.labels.filter { !drawn.contains($0.key) }.sorted { Int($0.key) ?? 0 < Int($1.key) ?? 0 }
            .map { manifest.name(ofLabel: UInt16($0.key) ?? 0) }
        return (undrawn.isEmpty ? [] : [Warning(file: file, "no box of: \(undrawn.joined(separator: ", "))")])
            + manifest.warningsOfGaps(file: file)
            + empty.prefix(1).map { first in
                Warning(
                    file: file, "boxes whose mask is empty: \(empty.count), the first \(first.file):\(first.number)")
            }
    }

    /// Some slices with labels and boxes, and what the colours mean.
    ///
    /// - Parameter chosen: the slices; without any, up to eight of those with boxes or filled, or the middle one where none is.
    public func picture(slices chosen: [Int] = []) -> RGBImage {
        let boxes = Dictionary(grouping: segmentation.boxes, by: \.slice)
        let filled = segmentation.gaps.flatMap(\.fills).filter { $0.area > 0 }.map(\.slice)
        let labelled = Set(boxes.keys).union(filled).sorted()
        let spreadOut = labelled.isEmpty ? [images.slices.count / 2] : spread(labelled, count: 8)
        let legend = manifest.labels.reduce(into: [UInt16: String]()) { legend, entry in
            if let label = UInt16(entry.key) { legend[label] = manifest.name(ofLabel: label) }
        }
        return Imaging.picture(
            of: images, segmentation.labels, origin: segmentation.origin, slices: chosen.isEmpty ? spreadOut : chosen,
            legend: legend
        ) { slice in
            (boxes[slice] ?? []).map { ($0.box, $0.label) }
        }
    }
}
