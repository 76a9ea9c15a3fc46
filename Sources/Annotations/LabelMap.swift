import Foundation
import SafeFiles

/// Which label each class of boxes becomes.
public struct LabelMap: Hashable, Sendable {
    /// Why a text is not a map: the person's way of calling the command, not a file, is wrong.
    public struct SyntaxError: Error, CustomStringConvertible {
        public let description: String
    }

    /// The label of each class, 0 where it is left out; nil where each class has its id + 1.
    private let labels: [Int: UInt16]?

    /// Each class's id + 1.
    public init() {
        labels = nil
    }

    /// Reads a map such as `0=1,spleen=2,3=-`: classes by id or name, labels from 1 to 65535, `-` to leave a class out.
    /// Where only one side is a number, it is the label on either side, as in `2=spleen`. A class whose name holds a comma
    /// goes by its id.
    ///
    /// - Throws: ``SyntaxError`` where the text is none, names a class twice or one that does not exist, or has a number
    ///   that is one class's id and another's name.
    public init(_ text: String, classes: ClassList?) throws(SyntaxError) {
        var labels: [Int: UInt16] = [:]
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            let (name, label) = try Self.sides(of: entry, classes)
            guard let classID = try Self.classID(name, classes) else {
                throw SyntaxError(
                    description: "there is no class \"\(name)\"" + (classes == nil ? "; names need --classes" : ""))
            }
            guard labels[classID] == nil else {
                throw SyntaxError(description: "class \"\(name)\" has two labels")
            }
            guard let number = label == "-" ? 0 : UInt16(label).flatMap({ $0 == 0 ? nil : $0 }) else {
                throw SyntaxError(description: "\"\(label)\" is not a label: a number from 1 to 65535, or -")
            }
            labels[classID] = number
        }
        self.labels = labels
    }

    /// The class and the label of `CLASS=LABEL`, or of `LABEL=NAME` where only the label is a number. Names may hold
    /// equals signs.
    private static func sides(of entry: Substring, _ classes: ClassList?) throws(SyntaxError) -> (
        class: String, label: String
    ) {
        guard let first = entry.firstIndex(of: "="), let last = entry.lastIndex(of: "=") else {
            throw SyntaxError(description: "\"\(entry)\" is not CLASS=LABEL")
        }
        func split(at equals: Substring.Index) -> (String, String) {
            (
                entry[..<equals].trimmingCharacters(in: .whitespaces),
                entry[entry.index(after: equals)...].trimmingCharacters(in: .whitespaces)
            )
        }
        let (usual, exchanged) = (split(at: last), split(at: first))
        let isExchanged = Int(usual.1) == nil && Int(exchanged.0) != nil && classes?.id(of: exchanged.1) != nil
        return isExchanged ? (exchanged.1, exchanged.0) : usual
    }

    private static func classID(_ text: String, _ classes: ClassList?) throws(SyntaxError) -> Int? {
        do throws(ClassList.Ambiguity) {
            if let classes { return try classes.id(ofNameOrNumber: text) }
        } catch {
            throw SyntaxError(description: error.description)
        }
        return Int(text).flatMap { (0...highestClassID).contains($0) ? $0 : nil }
    }

    /// The label of a class, or nil where it is left out.
    ///
    /// - Precondition: the class is in the map; see ``check(_:classes:)``.
    public func label(ofClass classID: Int) -> UInt16? {
        guard let labels else { return UInt16(classID + 1) }
        guard let label = labels[classID] else { preconditionFailure("class \(classID) has no label") }
        return label == 0 ? nil : label
    }

    /// The labels of the classes of some boxes, by class id; nil of those left out.
    public func labels(of slices: [SliceBoxes]) -> [Int: UInt16?] {
        let classes = Set(slices.flatMap(\.boxes).map(\.classID))
        return Dictionary(uniqueKeysWithValues: classes.map { ($0, label(ofClass: $0)) })
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
