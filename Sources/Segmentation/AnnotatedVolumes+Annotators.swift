import Annotations
import Imaging
import SafeFiles

// Several annotators of one volume.

extension AnnotatedVolumes {
    /// The objects of each volume by its name, over all annotators.
    ///
    /// - Throws: ``FileError`` `badData` where slices were turned in several ways, or nobody worked beside the first.
    public func agreedBoxes() throws(FileError) -> [MergedBoxes.Case] {
        let annotators = Set(volumes.map(\.annotator))
        guard annotators.count > 1 else {
            throw FileError(
                .badData, file: path, "boxes of one annotator alone", expected: "two annotators or more",
                found: annotators.first.flatMap { $0.isEmpty ? nil : $0 } ?? "no annotators' names")
        }
        try requireComparable()
        try requireOneTurning()
        return Dictionary(grouping: volumes, by: \.file.name).sorted { $0.key < $1.key }.map { name, volumes in
            let slices = volumes[0].slices
            return MergedBoxes.Case(
                name: name, sliceCount: slices.count, imageSize: slices.imageSize,
                objects: AgreedBox.objects(drawnBy: Self.drawn(volumes), case: name, evidence: evidence))
        }
    }

    /// Throws `badData` where slices were turned in several ways, or made from several volumes of one name: what is made of their
    /// boxes has one record.
    func requireOneTurning() throws(FileError) {
        func turning(_ volume: AnnotatedVolume) -> String {
            "axis \(volume.record?.record.axis ?? slicing.axis ?? .k), view \(volume.slices.view)"
        }
        if let other = volumes.first(where: { turning($0) != turning(volumes[0]) }) {
            throw FileError(
                .badData, file: other.record?.path ?? other.file.path, "slices turned in another way than others",
                expected: turning(volumes[0]), found: turning(other))
        }
        var known: [String: FoundRecord] = [:]
        for volume in volumes {
            let name = volume.file.name
            guard let record = volume.record, let checksum = record.record.checksums[name] else { continue }
            let first = known[name] ?? record
            known[name] = first
            guard first.record.checksums[name] == checksum else {
                throw FileError(
                    .badData, file: record.path, "slices of another volume called \(name) than others'",
                    expected: "as \(first.path)", found: "the checksum \(checksum)")
            }
        }
    }

    /// Throws `badData` where a slice has more boxes, of all annotators, than are compared with each other.
    private func requireComparable() throws(FileError) {
        for (name, own) in Dictionary(grouping: volumes, by: \.file.name).sorted(by: { $0.key < $1.key }) {
            var counts: [Int: Int] = [:]
            for slice in own.lazy.flatMap(\.boxes) { counts[slice.slice, default: 0] += slice.boxes.count }
            guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else { continue }
            try Limit.boxes.check(
                most.value, ofSize: 64 << 10, of: path, place: "\(name), slice \(most.key)",
                "too many boxes on one slice")
        }
    }

    private static func drawn(_ volumes: [AnnotatedVolume]) -> [String: [SliceBoxes]] {
        Dictionary(uniqueKeysWithValues: volumes.map { ($0.annotator, $0.boxes) })
    }

    /// What a person should look at in each annotator's boxes on each volume, the most harmful kind first; see
    /// ``BoxFinding/findings(in:classes:volume:)``.
    ///
    /// - Parameters:
    ///   - excepted: classes that nobody was asked to draw.
    ///   - crowd: the boxes of all annotators, where these are one's: what others draw need not be drawn by each.
    public func findings(
        classes: ClassList, except excepted: Set<Int> = [], among crowd: AnnotatedVolumes? = nil
    ) -> [FindingRow] {
        let drawers = Dictionary(grouping: (crowd ?? self).volumes, by: \.file.name)
            .mapValues { Drawers($0.map(\.boxes)) }
        let found = volumes.flatMap { volume in
            let own = evidence.tasks?.slices(of: volume.annotator, case: volume.file.name)
            var checked = volume.checked(tasks: own)
            checked.drawers = drawers[volume.file.name] ?? checked.drawers
            return BoxFinding.findings(in: volume.boxes, classes: classes, volume: checked)
                .filter { $0.kind != .neverMarked || $0.classID.map(excepted.contains) != true }
                .map { FindingRow($0, case: volume.file.name, annotator: volume.annotator, classes: classes) }
        }
        return BoxFinding.Kind.allCases.flatMap { kind in found.filter { $0.kind == kind } }
    }

    /// Warns of volumes whose boxes seem to be drawn on slices in another view, or numbered from the other end, each annotator's
    /// boxes by themselves; see ``ViewSigns``.
    ///
    /// - Throws: ``FileError`` where a volume cannot be read.
    public func warningsOfViews(classes: ClassList) throws(FileError) -> [Warning] {
        var warnings: [Warning] = []
        for (path, own) in Dictionary(grouping: volumes, by: \.file.path).sorted(by: { $0.key < $1.key }) {
            let volume = try Volume(contentsOf: path)
            for annotated in own {
                warnings += try annotated.record?.warnings(case: annotated.file.name, volume: path) ?? []
                let signs = ViewSigns(annotated.boxes, classes: classes, volume: volume, slices: annotated.slices)
                warnings += try signs.warnings(
                    isChosen: true, view: annotated.slices.view, record: annotated.record?.path,
                    file: annotated.annotator.isEmpty ? path : "\(path), \(annotated.annotator)")
            }
        }
        return warnings
    }

    /// Warns of slices between boxes of a class that nobody is known to have looked at: labels have holes there.
    public var warningsOfUnseenSlices: [Warning] {
        volumes.compactMap { volume in
            let unseen = evidence.unseenSlices(volume.boxes, by: volume.annotator, case: volume.file.name)
            guard let first = unseen.first else { return nil }
            return Warning(
                file: volume.file.path,
                "slices between boxes that nobody is known to have looked at, where the labels have holes: "
                    + "\(unseen.count), the first \(first) (annotations coverage lists them)")
        }
    }

    /// How far the boxes of each organ on each volume have come; see
    /// ``Coverage/rows(drawnBy:case:classes:volume:except:)``.
    ///
    /// - Throws: ``FileError`` `badData` where slices of one volume are along several axes.
    public func coverage(classes: ClassList, except excepted: Set<Int> = []) throws(FileError) -> [Coverage] {
        var rows: [Coverage] = []
        let drawn = Dictionary(grouping: volumes, by: \.file.name)
        for name in (drawn.keys + withoutBoxes.map(\.name)).sorted() {
            let (own, tasks) = (drawn[name] ?? [], evidence.tasks?.slices(ofCase: name))
            // Where there are tasks, a volume without any was nobody's to draw.
            if own.isEmpty, evidence.tasks != nil, tasks == nil { continue }
            if let other = own.first(where: { $0.slices.axis != own[0].slices.axis }) {
                throw FileError(
                    .badData, file: other.record?.path ?? other.file.path,
                    "slices along another axis than others of \(name)",
                    expected: "\(own[0].slices.axis)", found: "\(other.slices.axis)")
            }
            var volume = own.first?.checked(tasks: tasks) ?? CheckedVolume(sliceCount: 0)
            volume.tasks = tasks
            rows += Coverage.rows(
                drawnBy: Self.drawn(own), case: name, classes: classes, volume: volume, except: excepted)
        }
        return rows
    }

    /// What is wrong with volumes and boxes that were left out.
    public var leftOut: [FileError] { unreadable.map(\.error) + volumes.flatMap(\.errors) }

    /// The boxes of each annotator on all volumes.
    public var boxesByAnnotator: [String: [DrawnBox]] {
        Dictionary(grouping: volumes, by: \.annotator).mapValues { $0.flatMap(\.boxes).flatMap(\.boxes) }
    }

    /// One record of the slices of all volumes; nil where none has one and nothing was chosen.
    public var record: SlicesRecord? {
        var record = volumes.compactMap(\.record).first?.record
        if record == nil, slicing.axis != nil || slicing.view != nil {
            // What is made of the boxes is read as they were.
            record = SlicesRecord(
                volumes: [:], axis: slicing.axis ?? .k, view: slicing.view ?? .array, intensity: slicing.intensity)
        }
        for volume in volumes {
            let name = volume.file.name
            record?.volumes[name] = volume.slices.volumeSize
            if let known = volume.record?.record.checksums[name] { record?.checksums[name] = known }
        }
        return record
    }
}
