import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles

/// The boxes of one annotator on one volume, checked before the volume's voxels are read.
public struct AnnotatedVolume: Sendable {
    public let file: VolumeFile
    /// Empty where no annotator is known.
    public let annotator: String
    /// The record of the slices that the boxes were drawn on.
    public let record: FoundRecord?
    public let slices: SliceGeometry
    /// Where the volume's axes point, such as "RAS"; nil where it does not say.
    let orientation: String?
    /// What the person should know of where the volume's voxels are.
    let geometryWarnings: [Warning]
    /// The slices that have files or rows, in order; those without boxes too.
    public let boxes: [SliceBoxes]
    /// How many boxes reached beyond the image.
    var clippedBoxes: Int { boxes.map { $0.boxes.count(where: \.isClipped) }.reduce(0, +) }
    /// What says that somebody looked at a slice.
    let evidence: Evidence
    /// From one slice to the next, in millimetres.
    let spacing: Double
    /// What is wrong with boxes that are not among these.
    public fileprivate(set) var errors: [FileError]
    /// By which boxes were chosen and read.
    let reading: Manifest.Reading
    /// The digests of the boxes, of their record and of the list of classes, taken when they were read.
    let boxFiles: Manifest.Source
    let recordFile: Manifest.Source?
    let classFile: Manifest.Source?

    /// Reads the boxes.
    ///
    /// - Parameter geometry: the volume's.
    fileprivate init(
        _ source: BoxSource, _ file: VolumeFile, _ geometry: Geometry, annotator: String, _ pattern: SlicePattern,
        _ slicing: Slicing, _ classes: ClassList?, _ chosen: ClosedRange<Int>?, skipsBad: Bool,
        _ evidence: Evidence, _ digests: ReadDigests
    ) throws(FileError) {
        self.file = file
        self.annotator = annotator
        self.evidence = evidence
        reading = .init(
            case: file.name, pattern: pattern.description, slices: chosen.map { [$0.lowerBound, $0.upperBound] },
            skipsBad: skipsBad, emptyFile: evidence.emptyFile,
            tasks: evidence.tasks.map { Manifest.Source($0.path, digests) })
        orientation = geometry.source == .none ? nil : geometry.orientation
        geometryWarnings = geometry.warnings(file: file.path)
        record = try digests.recording { () throws(FileError) in
            try Self.record(source, file, annotator, pattern, slicing, geometry)
        }
        let slices = try slicing.slices(of: geometry, case: file.name, record: record)
        let reading = try digests.recording {
            source.boxes(
                ofCase: file.name, annotator: annotator, sliceCount: slices.count, imageSize: slices.imageSize,
                classes: classes)
        }
        self.slices = slices
        spacing = geometry.spacing(along: slices.axis)
        (boxes, errors) = (reading.slices.filter { chosen?.contains($0.slice) != false }, reading.errors)
        // Files that could not be read to their end have no part in the labels.
        let files = Set(boxes.flatMap(\.files)).filter(digests.contains).sorted()
        boxFiles = Manifest.Source(path: source.path, files: files, digests)
        recordFile = record.map { Manifest.Source($0.path, digests) }
        classFile = classes.map { Manifest.Source($0.path, digests) }
    }

    /// The record that was named, else the one with the boxes, else one that is found elsewhere; a view that was chosen
    /// needs none from elsewhere.
    private static func record(
        _ source: BoxSource, _ file: VolumeFile, _ annotator: String, _ pattern: SlicePattern, _ slicing: Slicing,
        _ geometry: Geometry
    ) throws(FileError) -> FoundRecord? {
        if let chosen = slicing.record { return try FoundRecord(chosen: chosen) }
        if let own = try FoundRecord(at: source.records(ofCase: file.name, annotator: annotator)) { return own }
        guard slicing.view == nil else { return nil }
        return try FoundRecord(
            elsewhereThan: source, case: file.name, annotator: annotator, pattern: pattern, size: geometry.size,
            volume: file.path)
    }

    /// Throws `badData` where a slice has more boxes than the model is asked about at once; see ``Limit/boxes``.
    public func requireFewBoxes() throws(FileError) {
        for slice in boxes {
            try Limit.boxes.check(
                slice.boxes.count, ofSize: 1 << 20, of: slice.files.first ?? file.path, place: "slice \(slice.slice)",
                "too many boxes on one slice")
        }
    }

    /// What checks know of the volume besides its boxes.
    func checked(tasks: [Int: RangeSet<Int>]?) -> CheckedVolume {
        var volume = CheckedVolume(
            sliceCount: slices.count, towardsRight: slices.towardsRight, towardsFront: slices.towardsFront)
        volume.tasks = tasks
        return volume
    }
}

/// The boxes on some volumes: all read, and everything wrong with them found, before any voxel is.
public struct AnnotatedVolumes: Sendable {
    /// Whose boxes are read.
    public enum Annotators: Sendable {
        case all
        /// The one of this name; without one, whoever is alone on a volume.
        case one(named: String?)
    }

    /// The folder or table of the boxes.
    public let path: String
    /// One for each volume and annotator; volumes without boxes are left out where there are others.
    public let volumes: [AnnotatedVolume]
    /// The volumes without boxes that are meant, where others have some.
    public let withoutBoxes: [VolumeFile]
    /// Volumes with boxes that are left out because their header or the record of their slices is bad; there are others.
    public let unreadable: [(file: VolumeFile, error: FileError)]
    /// Files and folders of boxes that are left out because their names are not UTF-8.
    public let skipped: [FileError]
    /// Every file that belongs to the boxes: theirs, the records and pictures of slices, the volumes.
    public let files: [String]
    /// What was left out, and what is assumed.
    public let warnings: [Warning]
    /// The records that are not with the boxes and that nobody named: what they say was found, and may be another's.
    public let recordsElsewhere: [String]
    let slicing: Slicing
    /// How the files of slices are named.
    public let pattern: SlicePattern
    /// What says that somebody looked at a slice.
    public let evidence: Evidence

    /// Reads the boxes at a path; see ``BoxSource/init(_:pattern:cases:)``.
    ///
    /// - Parameters:
    ///   - slices: those that count; nil for all.
    ///   - skipsBad: whether malformed boxes are left out, and counted.
    ///   - evidence: what says that somebody looked at a slice.
    ///   - digests: with which the list of classes was read, for manifests; others' is read again.
    /// - Throws: ``FileErrors`` with everything wrong in all of them; ``FileError`` where there are none.
    public init(
        _ path: String, on files: [VolumeFile], pattern: SlicePattern = .standard, slicing: Slicing = Slicing(),
        classes: ClassList? = nil, annotators: Annotators = .all, slices: ClosedRange<Int>? = nil,
        skipsBad: Bool = false, evidence: Evidence = Evidence(), digests: ReadDigests = ReadDigests()
    ) throws {
        for path in [classes?.path, evidence.tasks?.path].compactMap({ $0 }) where !digests.contains(path) {
            _ = try digests.recording { () throws(FileError) in try readFile(path, limit: .text) }
        }
        let source = try digests.recording { () throws(FileError) in
            try BoxSource(path, pattern: pattern, cases: files.map(\.name))
        }
        var name: String?
        var isForAll = true
        if case .one(let chosen) = annotators { (name, isForAll) = (chosen, false) }
        var (volumes, errors, without): ([AnnotatedVolume], [FileError], [VolumeFile]) = ([], [], [])
        var unreadable: [(file: VolumeFile, error: FileError)] = []
        for file in files {
            let known = source.annotators(ofCase: file.name)
            if files.count > 1, known.isEmpty || name.map({ !known.contains($0) }) == true {
                without.append(file)
                continue
            }
            let geometry: Geometry
            do throws(FileError) { geometry = try Geometry(ofVolume: file.path) } catch {
                unreadable.append((file, error))
                continue
            }
            do throws(FileError) {
                let chosen =
                    isForAll && !known.isEmpty
                    ? known : [try source.annotator(ofCase: file.name, chosen: name)]
                try Limit.boxes.check(chosen.count, ofSize: 1 << 20, of: path, "too many annotators of one volume")
                let own = try chosen.map { annotator throws(FileError) in
                    if let classes {
                        try source.requireSamePlaces(as: classes, ofCase: file.name, annotator: annotator)
                    }
                    return try AnnotatedVolume(
                        source, file, geometry, annotator: annotator, pattern, slicing, classes, slices,
                        skipsBad: skipsBad, evidence, digests)
                }
                if slicing.view == nil, slicing.record == nil {
                    try FoundRecord.requireMade(own.compactMap(\.record), from: file.path, case: file.name)
                }
                volumes += own
            } catch {
                // One volume that cannot be labelled stops no other; nor is it there with some of its annotators.
                if files.count > 1, error.kind == .badData {
                    unreadable.append((file, error))
                } else {
                    errors.append(error)
                }
            }
        }
        // Rows of no slice are nobody's, unless there is one whose they can be.
        if volumes.count == 1 { volumes[0].errors.insert(contentsOf: source.errors, at: 0) }
        let bad = volumes.flatMap(\.errors) + (volumes.count == 1 ? [] : source.errors)
        // First, since what is missing may be missing for that reason.
        if !skipsBad { errors = bad.sorted { ($0.file, $0.line ?? 0) < ($1.file, $1.line ?? 0) } + errors }
        if !errors.isEmpty || volumes.isEmpty { errors += unreadable.map(\.error) }
        if !errors.isEmpty { throw FileErrors(errors) }
        if volumes.isEmpty { _ = try source.annotator(ofCase: files[0].name, chosen: name) }

        (self.path, self.volumes, self.slicing, self.evidence) = (path, volumes, slicing, evidence)
        self.pattern = pattern
        (withoutBoxes, self.unreadable, skipped) = (without, unreadable, source.unreadable)
        let own = Set(volumes.flatMap { source.records(ofCase: $0.file.name, annotator: $0.annotator) })
        let used = Set(volumes.compactMap(\.record?.path))
        recordsElsewhere = slicing.record == nil ? used.subtracting(own).sorted() : []
        self.files =
            source.files + own.union(used).sorted().filter(FileManager.default.fileExists) + files.map(\.path)
            + [evidence.tasks?.path].compactMap { $0 }
        var warnings = Self.warnings(source, files, without: without.map(\.name), bad: bad.count)
        warnings += Self.warnings(volumes, slicing, file: path)
        if isForAll {
            let counts = Dictionary(volumes.map { ($0.file.name, $0.slices.count) }) { one, _ in one }
            warnings += Self.copies(volumes, file: path) + Self.alike(volumes.map(\.annotator), file: path)
            warnings += evidence.tasks?.warnings(annotators: Set(volumes.map(\.annotator)), slices: counts) ?? []
        } else if let tasks = evidence.tasks {
            try tasks.requireAnnotator(among: Set(volumes.map(\.annotator)))
        }
        // Once for each volume, whoever drew on it.
        for (_, own) in Dictionary(grouping: volumes, by: \.file.path).sorted(by: { $0.key < $1.key }) {
            warnings += own[0].geometryWarnings
        }
        self.warnings = warnings
    }

    /// What is assumed where no record says how slices were turned.
    private static func warnings(_ volumes: [AnnotatedVolume], _ slicing: Slicing, file: String) -> [Warning] {
        let assumed = volumes.filter { $0.record == nil }
        guard slicing.view == nil, !assumed.isEmpty else { return [] }
        let what =
            "no \(SlicesRecord.fileName) with the boxes, beside their pictures or above: taken as --axis "
            + "\(slicing.axis ?? .k) --view array, as in the study; name the record with --record, or choose --view"
        let orientations = assumed.map { (case: $0.file.name, orientation: $0.orientation) }
        return [Warning(file: file, what)] + warningsOfMixedOrientations(orientations, file: file)
    }

    /// Where one annotator's boxes are another's, as after a folder was copied.
    private static func copies(_ volumes: [AnnotatedVolume], file: String) -> [Warning] {
        var annotators: [DrawnBoxes: [String]] = [:]
        for volume in volumes {
            let boxes = volume.boxes.filter { !$0.boxes.isEmpty }.map { [$0.slice: $0.boxes.map(\.box)] }
            // Boxes that were cut at the image's edge may have been different.
            guard !boxes.isEmpty, volume.clippedBoxes == 0 else { continue }
            annotators[DrawnBoxes(caseName: volume.file.name, boxes: boxes), default: []].append(volume.annotator)
        }
        return annotators.filter { $1.count > 1 }.sorted {
            ($0.key.caseName, $0.value[0]) < ($1.key.caseName, $1.value[0])
        }
        .map { drawn, names in
            Warning(file: file, "on \(drawn.caseName) these have the same boxes, to the pixel: \(listed(names))")
        }
    }

    /// Where two annotators may be one, whose boxes count twice.
    private static func alike(_ annotators: [String], file: String) -> [Warning] {
        Dictionary(grouping: Set(annotators)) { $0.lowercased() }.values.filter { $0.count > 1 }.map { $0.sorted() }
            .sorted { $0[0] < $1[0] }.map { names in
                Warning(
                    file: file, "annotators whose names differ in capitals alone are taken as several: \(listed(names))"
                )
            }
    }

    /// What a command says that writes or compares boxes: those that were cut at the image's edge.
    public var warningsOfClippedBoxes: [Warning] {
        let count = volumes.map(\.clippedBoxes).reduce(0, +)
        return count == 0
            ? [] : [Warning(file: path, "boxes that reached beyond the image and were cut at its edge: \(count)")]
    }

    private static func warnings(
        _ source: BoxSource, _ files: [VolumeFile], without: [String], bad: Int
    ) -> [Warning] {
        let strangers = source.cases.subtracting(files.map(\.name)).sorted()
        let lists = [
            ("volumes without boxes", without),
            (files.count > 1 ? "boxes without a volume" : "boxes of other volumes, not used", strangers),
            ("files without a slice's name, not read", source.otherFiles),
            ("folders without boxes", source.unusedFolders),
        ]
        let first = bad > 0 ? [Warning(file: source.path, "malformed boxes or files left out: \(bad)")] : []
        return first
            + lists.filter { !$1.isEmpty }.map { what, names in
                Warning(file: source.path, "\(what): \(listed(names))")
            }
    }
}

/// What is drawn on a volume, whoever drew it.
private struct DrawnBoxes: Hashable {
    let caseName: String
    let boxes: [[Int: [PixelBox]]]
}

extension BoxSource {
    /// Where the record of the slices that an annotator drew on may be with the boxes, the nearest first.
    func records(ofCase name: String, annotator: String) -> [String] {
        (isTable ? [SlicesRecord.path(ofTable: path)] : [])
            + folders(ofCase: name, annotator: annotator).map(SlicesRecord.path(in:))
    }
}
