import Foundation
import ImageFrames
import SafeFiles

/// A dataset as nnU-Net v2 wants it (`documentation/dataset_format.md` there): `imagesTr/CASE_0000.nii.gz`,
/// `labelsTr/CASE.nii.gz`, `dataset.json`, and a `splits_final.json` for cross-validation by case.
public struct NNUNetDataset: Sendable {
    /// What becomes of cases whose labels are unfinished: an organ is nowhere, or work stopped half-way; see
    /// ``DrawnSlices``.
    public enum Unfinished: Sendable {
        case refused
        /// What was not drawn becomes background, or is ignored with the gaps.
        case written
        case leftOut
    }

    /// Images and their labels.
    public let cases: [VolumePair]
    /// Label number n of the dataset is the n-th of these, but for the one that nnU-Net ignores, whose name is `ignore`.
    public let organs: [Organ]
    /// Labels that become background.
    public let leftOut: Set<UInt16>
    /// Whether slices on which an organ was forgotten are ignored; see ``DrawnSlices``.
    public let ignoresGaps: Bool
    /// Whether what was filled and not drawn is ignored; see ``LabelOrigin``.
    public let ignoresFilled: Bool
    public let unfinished: Unfinished
    /// Whether images keep the text and the extensions of their headers, where patients' names can be.
    public let keepsHeader: Bool
    /// What the images are: nnU-Net normalises `CT` by the intensities of all cases, `rescale_to_0_1` and `rgb_to_0_1` to that
    /// range, `noNorm` not at all, and anything else case by case; in letters of either case.
    public let channel: String
    /// Whether some voxels have the label that nnU-Net ignores.
    private let hasIgnored: Bool

    public init(
        cases: [VolumePair], organs: [Organ], leftOut: Set<UInt16> = [], ignoresGaps: Bool,
        ignoresFilled: Bool = false, unfinished: Unfinished = .refused, keepsHeader: Bool = false,
        channel: String = "CT"
    ) {
        self.cases = cases.sorted { $0.name < $1.name }
        // nnU-Net wants the label that it ignores to be the highest.
        self.organs = organs.filter { $0.name != ignoredName } + organs.filter { $0.name == ignoredName }
        self.leftOut = leftOut
        self.ignoresGaps = ignoresGaps
        self.ignoresFilled = ignoresFilled
        self.unfinished = unfinished
        self.keepsHeader = keepsHeader
        self.channel = channel
        hasIgnored = ignoresGaps || ignoresFilled || organs.contains { $0.name == ignoredName }
    }

    /// What ``write(to:warn:progress:)`` puts into a folder.
    public static func outputs(in folder: String) -> [String] { parts.map { "\(folder)/\($0)" } }

    /// Checks each case, then writes the dataset into a folder that is made where it is missing.
    ///
    /// All is written into a hidden folder in there first: a run that fails or is ended by a signal leaves nothing, and what one
    /// that was killed leaves is no dataset, and goes with the next.
    ///
    /// - Parameters:
    ///   - warn: receives what the person should know about each volume.
    ///   - progress: receives after each case, of twice as many, how many are done.
    /// - Returns: the names of the cases that were written.
    /// - Throws: before anything is written, ``FileErrors`` for unfinished cases; ``FileError`` `badData` for fewer than two
    ///   cases, for images that nnU-Net cannot use (voxels that are not finite numbers, axes that ITK refuses), for labels
    ///   that are not in their image's place, or that are none of the organs', and for an organ called `background`;
    ///   `cannotCreate`, also where a dataset is there; `inputOutput`.
    @discardableResult
    public func write(
        to folder: String, warn: ([Warning]) -> Void = { _ in }, progress: (_ done: Int) -> Void = { _ in }
    ) throws -> [String] {
        if let organ = organs.first(where: { $0.name == "background" }) {
            throw FileError(
                .badData, file: folder, "nnU-Net keeps the name background", found: "label \(organ.label)",
                advice: "Give it another name, or make it background: \(organ.label)=-.")
        }
        guard organs.contains(where: { $0.name != ignoredName }) else {
            throw FileError(.badData, file: folder, "no organ to learn", expected: "a name besides \(ignoredName)")
        }
        try requireNoDataset(in: folder)
        let checked = try check(for: folder, warn: warn, progress: progress)
        guard checked.count >= 2 else {
            throw FileError(
                .badData, file: folder, "too few cases to validate across", expected: "2 or more",
                found: "\(checked.count)")
        }

        // All is written beside its place first.
        let missingFolders = missingFolders(folder)
        // Copies of patients' images are not to stay where nobody looks.
        try removeAbandonedFolders(in: folder, ending: stagingEnding)
        let staging = "\(folder)/.\(UUID().uuidString.prefix(8))\(stagingEnding)"
        var own: [String] = []
        do {
            defer { removeTemporaryFolder(staging) }
            try makeTemporaryFolder(staging)
            try write(checked, into: staging) { progress(2 * cases.count - checked.count + $0) }
            // Once more: hours may lie between the first time and now.
            try requireNoDataset(in: folder)
            for part in parts {
                let path = "\(folder)/\(part)"
                guard rename("\(staging)/\(part)", path) == 0 else {
                    throw FileError(.cannotCreate, file: path, systemMessage(errno))
                }
                own.append(path)
            }
        } catch {
            // Nothing that another process put there meanwhile.
            for path in own {
                try? FileManager.default.removeItem(atPath: path)
            }
            for path in missingFolders { rmdir(path) }
            guard var error = error as? FileError else { throw error }
            error.file = error.file.replacing(staging, with: folder)
            throw error
        }
        return checked.map(\.name)
    }

    /// Refuses a folder with a dataset: nnU-Net would train on what is left there of other cases.
    private func requireNoDataset(in folder: String) throws(FileError) {
        for part in parts where FileManager.default.fileExists(atPath: "\(folder)/\(part)") {
            throw FileError(
                .cannotCreate, file: folder, "already holds a dataset", found: part,
                advice: "Remove it, or choose another folder with -o.")
        }
    }

    /// Checks all cases.
    ///
    /// - Returns: those that are to be written.
    private func check(
        for folder: String, warn: ([Warning]) -> Void, progress: (_ done: Int) -> Void
    ) throws -> [VolumePair] {
        var (finished, errors): ([VolumePair], [FileError]) = ([], [])
        var absent = Set(organs.map(\.label))
        var ofVersion2: Set<String> = []
        for (done, item) in cases.enumerated() {
            // Whole, though only its place counts: a volume that is damaged stops the training.
            let image = try Volume(contentsOf: item.first)
            try requireUsable(image)
            if image.geometry.header?.version == 2 { ofVersion2.insert(image.file) }
            if channel.lowercased() == "ct", !image.looksLikeHounsfield {
                warn([
                    Warning(
                        file: item.first,
                        "does not look like Hounsfield units, and nnU-Net is told that it is CT: name what it is with --channel, "
                            + "such as MRI")
                ])
            }
            let (_, drawn, warnings) = try labels(of: item, in: image.geometry)
            warn(image.warnings + warnings.filter { own in !image.warnings.contains { $0.what == own.what } })
            absent.subtract(drawn.present.map { organs[Int($0) - 1].label })
            let missing = organs.enumerated().filter {
                $0.element.name != ignoredName && !drawn.present.contains(UInt16($0.offset + 1))
            }
            let findings =
                missing.map { "no \($0.element.name)" }
                + drawn.undrawn.map {
                    "nothing on slices \($0.lowerBound)–\($0.upperBound), before which work seems to have stopped"
                }
            if findings.isEmpty {
                finished.append(item)
            } else {
                errors.append(
                    FileError(
                        .badData, file: item.second, "unfinished", found: findings.joined(separator: "; "),
                        advice:
                            "Write such cases with --allow-missing, leave them out with --exclude-incomplete, or have "
                            + "nnU-Net ignore what was not drawn with --ignore-gaps."))
            }
            if !ignoresGaps { warn(gapWarnings(drawn, file: item.second)) }
            progress(done + 1)
        }
        if !errors.isEmpty, unfinished == .refused, !ignoresGaps { throw FileErrors(errors) }
        let fate = unfinished == .leftOut ? "unfinished, left out" : "unfinished"
        warn(errors.map { Warning(file: $0.file, "\(fate): \($0.found ?? "")") })
        let nowhere = organs.filter { absent.contains($0.label) && $0.name != ignoredName }
        warn(nowhere.map { Warning(file: folder, "no voxel is \($0.name) (label \($0.label))") })
        let written = unfinished == .leftOut ? finished : cases
        let versions = written.map { ofVersion2.contains($0.first) }
        if let other = versions.firstIndex(of: true), versions.contains(false) {
            throw FileError(
                .badData, file: written[other].first,
                "NIfTI-2 among NIfTI-1: nnU-Net reads all by one reader, and ITK reads no NIfTI-2",
                advice: "Write the image and its labels as NIfTI-1 first.")
        }
        return written
    }

    /// Names the slices on which an organ is background though it is there before and after them.
    private func gapWarnings(_ drawn: DrawnSlices, file: String) -> [Warning] {
        let gaps = organs.indices.compactMap { index -> String? in
            let slices = drawn.gaps(of: UInt16(index + 1))
            return slices.isEmpty ? nil : "\(organs[index].name) on \(ranges(of: slices))"
        }
        if gaps.isEmpty { return [] }
        return [
            Warning(
                file: file,
                "background between slices that have the organ: \(gaps.joined(separator: "; ")); --ignore-gaps has nnU-Net "
                    + "ignore such slices")
        ]
    }

    /// Refuses an image that nnU-Net does not train on.
    private func requireUsable(_ image: Volume) throws(FileError) {
        guard image.geometry.isReadByITK else {
            throw FileError(
                .badData, file: image.file,
                "its axes are not perpendicular, and nnU-Net reads by ITK, which refuses it",
                advice: "Resample the image and its labels to perpendicular axes first.")
        }
        if let offset = image.values.firstIndex(where: { !$0.isFinite }) {
            let voxel = image.size.voxel(at: offset)
            throw FileError(
                .badData, file: image.file, place: "voxel (\(voxel.i), \(voxel.j), \(voxel.k))",
                "not a number that nnU-Net can use", expected: "finite numbers", found: "\(image.values[offset])",
                advice: "Replace such voxels, by −1024 in CT for example.")
        }
    }

    /// Writes all parts of some cases into a folder that is not there.
    private func write(_ cases: [VolumePair], into folder: String, progress: (_ done: Int) -> Void) throws {
        for part in folders { try makeFolder("\(folder)/\(part)") }
        for (done, item) in cases.enumerated() {
            let image = "\(folder)/imagesTr/\(item.name)_0000.nii.gz"
            try writeAtomically(image) { temporary in
                try copyImage(item.first, to: temporary, for: image, keepsHeader: keepsHeader)
            }
            let labels = try labels(of: item, in: try Geometry(ofVolume: item.first)).labels
            try labels.write(to: "\(folder)/labelsTr/\(item.name).nii.gz")
            progress(done + 1)
        }
        try writeAtomically("\(folder)/splits_final.json", try encodedJSON(splits(cases.map(\.name))))
        try writeAtomically("\(folder)/dataset.json", try encodedJSON(description(count: cases.count)))
    }

    // MARK: Labels

    /// The labels of a case in its volume's own geometry, numbered from 1, and on which slices they were drawn.
    private func labels(
        of item: VolumePair, in geometry: Geometry
    ) throws(FileError) -> (labels: LabelVolume, drawn: DrawnSlices, warnings: [Warning]) {
        let labels = try LabelVolume(contentsOf: item.second)
        if let difference = geometry.difference(from: labels.geometry) {
            throw FileError(.badData, file: item.second, "not in the place of \(item.first)", found: difference)
        }
        var numbers: [UInt16: UInt16] = [0: 0]
        for label in leftOut { numbers[label] = 0 }
        for (index, organ) in organs.enumerated() { numbers[organ.label] = UInt16(index + 1) }
        var result = LabelVolume(geometry: geometry)
        var unnamed: Set<UInt16> = []
        for (offset, label) in labels.values.enumerated() {
            if let number = numbers[label] { result.values[offset] = number } else { unnamed.insert(label) }
        }
        guard unnamed.isEmpty else {
            throw FileError(
                .badData, file: item.second, "labels without a name",
                found: unnamed.sorted().map { "\($0)" }.joined(separator: ", "),
                advice: "Add each to --names: LABEL=NAME, or LABEL=- to make it background.")
        }
        let learned = organs.indices.filter { organs[$0].name != ignoredName }.map { UInt16($0 + 1) }
        let record = try LabelsRecord(besideLabels: item.second)
        let drawn = DrawnSlices(result, SliceGeometry(geometry, axis: record?.axis ?? .k), labels: learned)
        if ignoresFilled, record?.hasOrigin == true { try ignoreFilled(of: item.second, in: &result) }
        if ignoresGaps { result.ignoreBackground(of: drawn.forgotten, drawn.slices, as: ignoreLabel) }
        let unknown = [
            (ignoresFilled, "no record beside it says what was filled: nothing of it is ignored"),
            (ignoresGaps, "no record beside it says along which axis its slices were drawn: taken as k"),
        ].filter { $0.0 && record == nil }
        return (result, drawn, labels.warnings + unknown.map { Warning(file: item.second, $0.1) })
    }

    /// Gives what was filled, by the labels' origins, the label that is ignored.
    private func ignoreFilled(of labels: String, in result: inout LabelVolume) throws(FileError) {
        let path = LabelOrigin.path(besideLabels: labels)
        let origin = try LabelVolume(contentsOf: path)
        if let difference = result.geometry.difference(from: origin.geometry) {
            throw FileError(.badData, file: path, "not in the place of \(labels)", found: difference)
        }
        for (offset, origin) in origin.values.enumerated()
        where origin > LabelOrigin.drawn.rawValue && result.values[offset] != 0 {
            result.values[offset] = ignoreLabel
        }
    }

    /// The highest of all.
    private var ignoreLabel: UInt16 { UInt16(organs.count { $0.name != ignoredName } + 1) }

    // MARK: Descriptions

    /// `dataset.json`.
    private struct Description: Encodable {
        var channelNames: [String: String]
        var labels: [String: UInt16]
        var numTraining: Int
        var fileEnding = ".nii.gz"

        enum CodingKeys: String, CodingKey {
            case labels, numTraining
            case channelNames = "channel_names"
            case fileEnding = "file_ending"
        }
    }

    private func description(count: Int) -> Description {
        var labels: [String: UInt16] = ["background": 0]
        for (index, organ) in organs.enumerated() { labels[organ.name] = UInt16(index + 1) }
        if hasIgnored { labels[ignoredName] = ignoreLabel }
        return Description(channelNames: ["0": channel], labels: labels, numTraining: count)
    }

    /// Up to five folds; the n-th validates on every fifth case from the n-th on.
    private func splits(_ names: [String]) -> [[String: [String]]] {
        let folds = min(5, names.count)
        return (0..<folds).map { fold in
            [
                "train": names.indices.filter { $0 % folds != fold }.map { names[$0] },
                "val": names.indices.filter { $0 % folds == fold }.map { names[$0] },
            ]
        }
    }
}

private let folders = ["imagesTr", "labelsTr"]
private let parts = folders + ["splits_final.json", "dataset.json"]
/// How the name of the folder ends in which all is written first.
private let stagingEnding = "-export"
/// The name of the label that nnU-Net leaves out of its loss.
private let ignoredName = "ignore"

/// Copies a volume compressed, without the text and the extensions of its header unless it keeps them; reading follows
/// links.
private func copyImage(
    _ volume: String, to temporary: String, for path: String, keepsHeader: Bool
) throws(FileError) {
    var reader = try GzipReader(volume)
    if reader.isCompressed, keepsHeader {
        try write(try reader.file.bytes(), to: temporary, for: path)
        return
    }
    let writer = try GzipWriter(temporary, for: path, compressed: true)
    let chunk = 1 << 20
    var (position, blank, end): (Int, [Range<Int>], Int) = (0, [], .max)
    // To the file's end, where its checksum is.
    while case var bytes = try reader.read(chunk), !bytes.isEmpty {
        if position == 0, !keepsHeader {
            let header = try NIfTIHeader.read(Array(bytes.prefix(NIfTIHeader.longest)), file: volume)
            (blank, end) = (header.0.textRanges, header.0.voxelOffset + header.1.size.count * header.0.bytesPerVoxel)
        }
        let part = position..<position + bytes.count
        for place in blank.flatMap({ $0.clamped(to: part) }) { bytes[place - position] = 0 }
        try writer.write(Array(bytes.prefix(max(end - position, 0))))
        position = part.upperBound
    }
    try writer.close()
    try reader.file.requireUnchanged()
}

/// A folder and those above it that are not there, the innermost first.
private func missingFolders(_ path: String) -> [String] {
    let folders = sequence(first: URL(filePath: path).absoluteURL) { $0.deletingLastPathComponent() }.lazy
        .map { $0.path(percentEncoded: false) }
    return Array(folders.prefix { !FileManager.default.fileExists(atPath: $0) })
}
