import Annotations
import ArgumentParser
import Imaging
import SafeFiles
import Segmentation

extension Evidence.EmptyFile: ExpressibleByArgument {}

/// Which boxes are meant: the options that `segment` and `annotations` share, and what says that somebody looked.
struct BoxOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The boxes: a folder of OpenLabeling's files, a folder of such a folder for each annotator, or a CSV. "
                + "slices.json with them, beside their pictures or above says how the slices were turned.",
            valueName: "path"),
        completion: .file())
    var boxes: String

    @OptionGroup var reading: BoxReadingOptions

    /// Reads all boxes on some volumes; those that cannot be read are left out, as by ``printSkipped(_:as:)``.
    func read(
        on files: [VolumeFile], _ slicing: SlicingOptions, classes: ClassList?,
        by annotators: AnnotatedVolumes.Annotators = .all
    ) throws -> AnnotatedVolumes {
        let annotated = try reading.read(boxes, on: files, slicing, classes: classes, by: annotators)
        printSkipped(annotated.unreadable.map(\.error))
        return annotated
    }
}

/// How boxes are read, also where none need be.
struct BoxReadingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The slices.json of the slices that the boxes were drawn on, or its folder.", valueName: "path"),
        completion: .file())
    var record: String?

    @Option(
        help: ArgumentHelp(
            "A CSV annotator,class,case,first,last: who was to draw what on which slices. What they did not draw there is "
                + "not there.", valueName: "tasks.csv"), completion: .file(extensions: ["csv"]))
    var tasks: String?

    @Option(
        help: ArgumentHelp(
            "What a file without boxes says: nothing is there, or (unseen) no more than a missing file, since OpenLabeling "
                + "makes one for every picture.", valueName: "nothing|unseen"))
    var emptyMeans = Evidence.EmptyFile.unseen

    @Flag(help: "Go on without boxes that are malformed, and count them.")
    var skipBad = false

    /// Reads all boxes on some volumes, and says what is assumed; see ``AnnotatedVolumes``.
    func read(
        _ boxes: String, on files: [VolumeFile], _ slicing: SlicingOptions, classes: ClassList?,
        by annotators: AnnotatedVolumes.Annotators = .all, slices: ClosedRange<Int>? = nil,
        digests: ReadDigests = ReadDigests()
    ) throws -> AnnotatedVolumes {
        let annotated = try readSilently(
            boxes, on: files, slicing, classes: classes, by: annotators, slices: slices, digests: digests)
        printSkipped(annotated.skipped)
        printWarnings(annotated.warnings)
        for path in annotated.recordsElsewhere {
            printNote("\(boxes): read as slices turned by \(path), which is not with them")
        }
        return annotated
    }

    /// The same, without a word.
    func readSilently(
        _ boxes: String, on files: [VolumeFile], _ slicing: SlicingOptions, classes: ClassList?,
        by annotators: AnnotatedVolumes.Annotators = .all, slices: ClosedRange<Int>? = nil,
        digests: ReadDigests = ReadDigests()
    ) throws -> AnnotatedVolumes {
        var ways = slicing.slicing
        ways.record = record
        let tasks = try digests.recording { () throws(FileError) -> Tasks? in
            try self.tasks.map { path throws(FileError) in try Tasks(contentsOf: path, classes: classes) }
        }
        do {
            return try AnnotatedVolumes(
                boxes, on: files, pattern: slicing.pattern, slicing: ways, classes: classes,
                annotators: annotators, slices: slices, skipsBad: skipBad,
                evidence: Evidence(tasks: tasks, emptyFile: emptyMeans), digests: digests)
        } catch let error as FileErrors where !skipBad {
            throw error.advising("Mend the lines, or go on without their boxes: --skip-bad.") { $0.line != nil }
        }
    }
}
