import Annotations
import ArgumentParser
import Foundation
import Imaging
import SafeFiles
import Segmentation

extension Segment {
    /// Everything that is known before a voxel is read.
    struct Study {
        var volumes: [AnnotatedVolume]
        /// Volumes whose headers cannot be read.
        var unreadable: [(file: VolumeFile, error: FileError)]
        /// The names of all cases, those without boxes too: what parts are of.
        var cases: [String]
        var settings: SegmentationSettings

        /// The volumes that have no boxes of the annotator.
        var withoutBoxes: [VolumeFile]

        var isOfOneVolume: Bool { cases.count == 1 }
    }

    /// Reads the boxes, checks them and the options, and opens the model.
    func open() async throws -> Study {
        let cases = try slicing.cases()
        if cases.count > 1, ![output, preview ?? output].allSatisfy({ $0.contains(VolumeFile.placeholder) }) {
            throw ValidationError(
                "\(cases.count) volumes need {case} in -o and --preview, such as -o 'labels/{case}.nii.gz'.")
        }
        let digests = ReadDigests()
        let classList = try digests.recording { () throws(FileError) in try classes.list() }
        let labels = try labels.map { try LabelMap($0, classes: classList) } ?? LabelMap()
        let annotated = try boxes.reading.read(
            boxes.boxes, on: cases, slicing, classes: classList, by: .one(named: annotator), slices: slices,
            digests: digests)
        let volumes = annotated.volumes
        for volume in volumes { try volume.requireFewBoxes() }
        let written = volumes.flatMap { outputs($0.file).all } + [shared.log].compactMap { $0 }
        let others = try volumes.first.map { try repeating.reads(labels: outputs($0.file).labels) } ?? []
        try requireDistinct(
            reads: annotated.files + options.reads() + classes.reads + others, writes: written)
        if let labels = volumes.map({ outputs($0.file).labels }).first(where: {
            VolumeFiles.wouldList($0, by: slicing.volume)
        }) {
            throw FileError(
                .usage, file: labels, "would be one of the volumes of the next run", found: slicing.volume,
                advice: "Choose another folder with -o.")
        }
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
        if cases.count == 1, slices == nil, let classList { printFindings(annotated, classList) }
        var settings = SegmentationSettings(
            sam: sam, labels: labels, recipe: recipe, singleMask: singleMask, slicing: slicing.slicing,
            classes: classList, version: version, loadSeconds: load)
        settings.filling = filling.filling
        try await repeating.check(volumes, settings)
        return Study(
            volumes: volumes, unreadable: annotated.unreadable, cases: cases.map(\.name), settings: settings,
            withoutBoxes: annotated.withoutBoxes)
    }

    /// Says how many boxes of a volume `annotations check` would have a person look at.
    private func printFindings(_ annotated: AnnotatedVolumes, _ classes: ClassList) {
        // Classes that nobody draws are no mistake here, and gaps that are filled are known.
        let passedOver: Set<BoxFinding.Kind> =
            filling.filling.isOn ? [.neverMarked, .sparse, .gap, .empty] : [.neverMarked]
        let rows = annotated.findings(classes: classes).filter { !passedOver.contains($0.kind) }
        guard !rows.isEmpty else { return }
        let kinds = BoxFinding.Kind.allCases.compactMap { kind in
            let count = rows.count { $0.kind == kind }
            return count > 0 ? "\(kind.rawValue) \(count)" : nil
        }
        printWarnings([
            Warning(
                file: boxes.boxes, "annotations check finds \(rows.count) to look at: \(kinds.joined(separator: ", "))")
        ])
    }
}
