import Foundation
import ImageFrames
import SafeFiles

/// What `labels.json` says that readers of the labels beside it use: what each label is, which axis counts slices, and the
/// digest of the labels.
///
/// `segment` writes it as a part of its manifest. Another file of that name, such as dcm2niix's, is no record.
public struct LabelsRecord: Sendable {
    /// What a label is.
    public struct Label: Codable, Hashable, Sendable {
        /// The classes that became it, several joined by " + "; nil where they were known by their numbers alone.
        public var name: String?
        /// The colour in pictures, as `#e69f00`.
        public var colour: String

        public init(_ label: UInt16, name: String?) {
            self.name = name
            colour = LabelColour(of: label).hexadecimal
        }
    }

    /// By label.
    public let labels: [UInt16: Label]
    public let axis: VoxelAxis?
    /// Of the label volume when it was written.
    public let sha256: String?
    /// Whether the origins of the labels were written with them; see ``LabelOrigin``.
    public let hasOrigin: Bool

    /// The path of a label volume's record: `labels.json` beside `labels.nii.gz` or `labels.nii`.
    public static func path(besideLabels labels: String) -> String { withoutVolumeExtension(labels) + ".json" }

    /// The record of a label volume; nil where none is there, or another program's file.
    ///
    /// - Throws: ``FileError`` `badData` where what `segment` wrote is damaged, `inputOutput` where it cannot be read: without what
    ///   it says, labels would lose their names, and slices would be counted along another axis.
    public init?(besideLabels path: String) throws(FileError) {
        let record = Self.path(besideLabels: path)
        guard isOtherThanFolder(record) else { return nil }
        let data = try readFile(record, limit: .record)
        let content: Content
        do { content = try JSONDecoder().decode(Content.self, from: data) } catch {
            // A manifest begins with the amounts, and every one has digests; what has neither is another program's.
            guard [#""amounts""#, #""sha256""#].contains(where: { data.firstRange(of: Data($0.utf8)) != nil }) else {
                return nil
            }
            throw FileError(
                .badData, file: record, "the record of labels is damaged", found: explanation(of: error),
                advice: "Put back what segment wrote, or move it away to go on without what it says.")
        }
        labels = (content.labels ?? [:]).reduce(into: [:]) { labels, entry in
            if let label = UInt16(entry.key) { labels[label] = entry.value }
        }
        (axis, sha256) = (content.options?.axis, content.output?.sha256)
        hasOrigin = content.origin != nil
    }

    private struct Content: Decodable {
        struct Options: Decodable { var axis: VoxelAxis? }
        struct Output: Decodable { var sha256: String? }
        var labels: [String: Label]?
        var options: Options?
        var output: Output?
        var origin: Output?
    }
}

extension LabelsRecord {
    /// The names of labels by the records of some label volumes; labels that have none are left out.
    ///
    /// - Throws: ``FileError`` `badData` where a label has two names, or two labels have one.
    public static func names(besideLabels paths: [String]) throws(FileError) -> [UInt16: String] {
        var (names, labels): ([UInt16: String], [String: UInt16]) = ([:], [:])
        for path in paths {
            let recorded = try LabelsRecord(besideLabels: path)?.labels ?? [:]
            for (label, entry) in recorded.sorted(by: { $0.key < $1.key }) {
                guard let name = entry.name, !name.isEmpty else { continue }
                let (known, other) = (names.updateValue(name, forKey: label), labels.updateValue(label, forKey: name))
                guard known ?? name == name, other ?? label == label else {
                    throw FileError(
                        .badData, file: Self.path(besideLabels: path), place: "labels",
                        "label \(label) is \(name), where other records say otherwise",
                        found: known ?? name == name
                            ? "label \(other ?? 0) is \(name)" : "label \(label) is \(known ?? "")",
                        advice: "Give the names that are right with --names.")
                }
            }
        }
        return names
    }
}

extension Organ {
    /// Some labels under their names, those without as `label1`.
    ///
    /// - Throws: ``FileError`` `badData` where two have one name, as of label 2 that is called "label1".
    public static func named(
        _ labels: [UInt16], _ names: [UInt16: String], file: String
    ) throws(FileError) -> [Organ] {
        let organs = labels.map { Organ(name: names[$0] ?? "label\($0)", label: $0) }
        if let twice = Dictionary(grouping: organs, by: \.name).first(where: { $0.value.count > 1 })?.key {
            throw FileError(.badData, file: file, "two labels are called \(twice)", advice: "Name them with --names.")
        }
        return organs
    }
}
