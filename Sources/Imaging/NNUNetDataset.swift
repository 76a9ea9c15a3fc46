import Foundation
import ImageFrames
import SafeFiles

/// A dataset as nnU-Net v2 wants it (`documentation/dataset_format.md` there): `imagesTr/CASE_0000.nii.gz`,
/// `labelsTr/CASE.nii.gz`, `dataset.json`, and a `splits_final.json` for cross-validation by case.
public struct NNUNetDataset: Sendable {
    /// Images and their labels.
    public let cases: [VolumePair]
    /// Label number n of the dataset is the n-th of these.
    public let organs: [Organ]
    /// Labels that become background.
    public let leftOut: Set<UInt16>
    /// Whether slices on which an organ was forgotten are ignored; see ``LabelVolume/ignoringGaps(_:as:along:)``.
    public let ignoresGaps: Bool

    public init(cases: [VolumePair], organs: [Organ], leftOut: Set<UInt16> = [], ignoresGaps: Bool) {
        self.cases = cases.sorted { $0.name < $1.name }
        self.organs = organs
        self.leftOut = leftOut
        self.ignoresGaps = ignoresGaps
    }

    /// What ``write(to:warn:progress:)`` puts into a folder.
    public static func outputs(in folder: String) -> [String] { parts.map { "\(folder)/\($0)" } }

    /// Checks each case, then writes the dataset into a folder that is made where it is missing.
    ///
    /// All is written into a hidden folder in there first: a run that fails leaves nothing, and what an interrupted one
    /// leaves is no dataset.
    ///
    /// - Parameters:
    ///   - warn: receives what the person should know about each volume.
    ///   - progress: receives after each case, of twice as many, how many are done.
    /// - Returns: the organs that no case has.
    /// - Throws: ``FileError`` `badData` for fewer than two cases, for labels that are not in their volume's place, or that
    ///   are none of the organs', before anything is written; `cannotCreate`, also where a dataset is there;
    ///   `inputOutput`.
    @discardableResult
    public func write(
        to folder: String, warn: ([Warning]) -> Void = { _ in }, progress: (_ done: Int) -> Void = { _ in }
    ) throws -> [Organ] {
        if let organ = organs.first(where: { ["background", "ignore"].contains($0.name) }) {
            throw FileError(
                .badData, file: folder, "nnU-Net keeps the name \(organ.name)", found: "label \(organ.label)",
                advice: "Give it another name, or leave it out: \(organ.label)=-.")
        }
        // nnU-Net would train on what is left there of other cases.
        for part in parts where FileManager.default.fileExists(atPath: "\(folder)/\(part)") {
            throw FileError(
                .cannotCreate, file: folder, "a dataset stands there", found: part,
                advice: "Remove it, or choose another folder with -o.")
        }
        guard cases.count >= 2 else {
            throw FileError(
                .badData, file: folder, "too few cases to validate across", expected: "2 or more",
                found: "\(cases.count)")
        }
        var missing = Array(organs.enumerated())
        for (done, item) in cases.enumerated() {
            // Whole, though only its place counts: a volume that is damaged stops the training.
            let image = try Volume(contentsOf: item.first)
            let labels = try labels(of: item, in: image.geometry)
            warn(image.warnings)
            missing.removeAll { labels.values.contains(UInt16($0.offset + 1)) }
            progress(done + 1)
        }

        // All is written beside its place first.
        let missingFolders = missingFolders(folder)
        let staging = "\(folder)/.\(UUID().uuidString.prefix(8))-export"
        do {
            try write(into: staging) { progress(cases.count + $0) }
            for part in parts {
                guard rename("\(staging)/\(part)", "\(folder)/\(part)") == 0 else {
                    throw FileError(.cannotCreate, file: "\(folder)/\(part)", systemMessage(errno))
                }
            }
        } catch {
            for path in [staging] + parts.map({ "\(folder)/\($0)" }) {
                try? FileManager.default.removeItem(atPath: path)
            }
            for path in missingFolders { rmdir(path) }
            guard var error = error as? FileError else { throw error }
            error.file = error.file.replacing(staging, with: folder)
            throw error
        }
        rmdir(staging)
        return missing.map(\.element)
    }

    /// Writes all parts into a folder that is not there.
    private func write(into folder: String, progress: (_ done: Int) -> Void) throws {
        for part in folders { try makeFolder("\(folder)/\(part)") }
        for (done, item) in cases.enumerated() {
            let image = "\(folder)/imagesTr/\(item.name)_0000.nii.gz"
            try writeAtomically(image) { temporary in try compress(item.first, to: temporary, for: image) }
            let labels = try labels(of: item, in: try Geometry(ofVolume: item.first))
            try labels.write(to: "\(folder)/labelsTr/\(item.name).nii.gz")
            progress(done + 1)
        }
        try writeAtomically("\(folder)/splits_final.json", try encodedJSON(splits))
        try writeAtomically("\(folder)/dataset.json", try encodedJSON(description))
    }

    // MARK: Labels

    /// The labels of a case in its volume's own geometry, numbered from 1.
    private func labels(of item: VolumePair, in geometry: Geometry) throws(FileError) -> LabelVolume {
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
        guard ignoresGaps else { return result }
        let axis = LabelsRecord(besideLabels: item.second)?.axis ?? .k
        return result.ignoringGaps(organs.indices.map { UInt16($0 + 1) }, as: ignoreLabel, along: axis)
    }

    private var ignoreLabel: UInt16 { UInt16(organs.count + 1) }

    // MARK: Descriptions

    /// `dataset.json`.
    private struct Description: Encodable {
        var channelNames = ["0": "CT"]
        var labels: [String: UInt16]
        var numTraining: Int
        var fileEnding = ".nii.gz"

        enum CodingKeys: String, CodingKey {
            case labels, numTraining
            case channelNames = "channel_names"
            case fileEnding = "file_ending"
        }
    }

    private var description: Description {
        var labels: [String: UInt16] = ["background": 0]
        for (index, organ) in organs.enumerated() { labels[organ.name] = UInt16(index + 1) }
        if ignoresGaps { labels["ignore"] = ignoreLabel }
        return Description(labels: labels, numTraining: cases.count)
    }

    /// Up to five folds; the n-th validates on every fifth case from the n-th on.
    private var splits: [[String: [String]]] {
        let (names, folds) = (cases.map(\.name), min(5, cases.count))
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

/// Copies a volume, which is compressed unless it is; reading follows links.
private func compress(_ volume: String, to temporary: String, for path: String) throws(FileError) {
    let file = try GzipFile(reading: volume)
    if file.isCompressed {
        try write(try readFile(volume, limit: .max), to: temporary, for: path)
        return
    }
    let compressed = try GzipFile(writing: temporary, for: path, compressed: true)
    while true {
        let bytes = try file.read(1 << 20)
        if bytes.isEmpty { break }
        try compressed.write(bytes)
    }
    try compressed.close()
}

/// A folder and those above it that are not there, the innermost first.
private func missingFolders(_ path: String) -> [String] {
    let folders = sequence(first: URL(filePath: path).absoluteURL) { $0.deletingLastPathComponent() }.lazy
        .map { $0.path(percentEncoded: false) }
    return Array(folders.prefix { !FileManager.default.fileExists(atPath: $0) })
}

extension LabelVolume {
    /// On every slice along an axis on which a label has no voxel though slices before and after have, the background gets
    /// the label `ignored`: a forgotten organ must not teach that there is none.
    func ignoringGaps(_ labels: [UInt16], as ignored: UInt16, along axis: VoxelAxis = .k) -> LabelVolume {
        let slices = SliceGeometry(geometry, axis: axis)
        var present: [UInt16: Set<Int>] = [:]
        for slice in 0..<slices.count {
            for label in Set(self.labels(ofSlice: slice, slices)) { present[label, default: []].insert(slice) }
        }
        var result = self
        var forgotten: Set<Int> = []
        for label in labels {
            if let own = present[label], let first = own.min(), let last = own.max() {
                forgotten.formUnion(Set(first...last).subtracting(own))
            }
        }
        for slice in forgotten {
            for offset in slices.offsets(ofSlice: slice) where values[offset] == 0 { result.values[offset] = ignored }
        }
        return result
    }
}
