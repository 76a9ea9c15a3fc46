import Foundation
import SafeFiles

/// Which label each class of boxes becomes.
public struct LabelMap: Hashable, Sendable {
    /// The label of each class, 0 where it is left out; nil where each class has its id + 1.
    private let labels: [Int: UInt16]?

    /// Each class's id + 1.
    public init() {
        labels = nil
    }

    /// Reads a map such as `0=1,spleen=2,3=-`: classes by id or name, labels from 1 to 65535, `-` to leave a class out.
    /// Where only one side is a number, it is the label on either side, as in `2=spleen`. Names may hold equals signs; a
    /// class whose name holds a comma goes by its id.
    ///
    /// - Throws: ``FileError`` `usage` where the text is none, or names a class twice or one that does not exist; `badData`
    ///   as ``ClassList/id(ofNameOrNumber:)``.
    public init(_ text: String, classes: ClassList?) throws(FileError) {
        func wrong(_ what: String, expected: String? = nil) -> FileError {
            FileError(.usage, file: "--labels", what, expected: expected)
        }
        var labels: [Int: UInt16] = [:]
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let begin = entry.firstIndex(of: "="), let end = entry.lastIndex(of: "=") else {
                throw wrong("\"\(entry)\" is not CLASS=LABEL")
            }
            func text(_ part: Substring) -> String { part.trimmingCharacters(in: .whitespaces) }
            var (name, label) = (text(entry[..<end]), text(entry[end...].dropFirst()))
            let (first, rest) = (text(entry[..<begin]), text(entry[begin...].dropFirst()))
            if Int(label) == nil, Int(first) != nil, classes?.id(of: rest) != nil { (name, label) = (rest, first) }
            guard let classID = try classes.id(ofNameOrNumber: name) else {
                throw wrong("there is no class \"\(name)\"", expected: classes.expected(besides: name))
            }
            guard labels[classID] == nil else { throw wrong("class \"\(name)\" has two labels") }
            guard let value = label == "-" ? 0 : UInt16(label).flatMap({ $0 == 0 ? nil : $0 }) else {
                throw wrong("\"\(label)\" is not a label: a number from 1 to 65535, or -")
            }
            labels[classID] = value
        }
        self.labels = labels
    }

    /// The label of a class, or nil where it is left out.
    ///
    /// - Precondition: the class is in the map; see ``check(_:classes:)``.
    public func label(ofClass classID: Int) -> UInt16? {
        guard let labels else { return UInt16(classID + 1) }
        guard let label = labels[classID] else { preconditionFailure("class \(classID) has no label") }
        return label == 0 ? nil : label
    }

    /// The labels of all classes in the map, by class id; nil of those left out. Where each class has its id + 1, those of some
    /// boxes.
    public func labels(of slices: [SliceBoxes]) -> [Int: UInt16?] {
        let classes = labels.map { Set($0.keys) } ?? Set(slices.flatMap(\.boxes).map(\.classID))
        return Dictionary(uniqueKeysWithValues: classes.map { ($0, label(ofClass: $0)) })
    }

    /// The name of each label that is asked for: of its classes, joined by " + "; nil where no list has their names. Where each
    /// class has its id + 1, those are asked for that some boxes have.
    public func names(of slices: [SliceBoxes], classes: ClassList?) -> [UInt16: String?] {
        let asked = labels.map { Set($0.keys) } ?? Set(slices.flatMap(\.boxes).map(\.classID))
        let byLabel = Dictionary(grouping: asked.sorted()) { label(ofClass: $0) }
        return byLabel.reduce(into: [:]) { names, group in
            guard let label = group.key else { return }
            names[label] = .some(classes.map { list in group.value.map { list.names[$0] }.joined(separator: " + ") })
        }
    }

    /// Checks that every box's class is in the map.
    ///
    /// - Throws: ``FileErrors`` with every class that is not, at its first box.
    public func check(_ slices: [SliceBoxes], classes: ClassList?) throws(FileErrors) {
        guard let labels else { return }
        let unmapped = Dictionary(grouping: slices.flatMap(\.boxes).filter { labels[$0.classID] == nil }, by: \.classID)
        let errors = unmapped.sorted { $0.key < $1.key }.map { classID, boxes in
            let name = classes.map { " (\($0.names[classID]))" } ?? ""
            return boxes[0].place.error(
                "class \(classID)\(name) has no label", found: "\(boxes.count) such boxes",
                advice: "Add each class to --labels: CLASS=LABEL, or CLASS=- to leave it out.")
        }
        if !errors.isEmpty { throw FileErrors(errors) }
    }
}
