import Foundation
import SafeFiles

/// A finding by the names that people know: a row of a list, of CSV or of JSON.
public struct FindingRow: Encodable, Sendable {
    public let caseName: String
    /// Empty where no annotator is known.
    public let annotator: String
    public let kind: BoxFinding.Kind
    public let className: OrNull<String>
    public let slice: OrNull<Int>
    public let file: OrNull<String>

    enum CodingKeys: String, CodingKey {
        case annotator, kind, slice, file
        case caseName = "case"
        case className = "class"
    }

    public init(_ finding: BoxFinding, case name: String, annotator: String, classes: ClassList) {
        (caseName, self.annotator, kind) = (name, annotator, finding.kind)
        className = OrNull(finding.classID.map { classes.names[$0] })
        (slice, file) = (OrNull(finding.slice), OrNull(finding.file))
    }

    /// As a sentence.
    ///
    /// - Parameter namesCase: whether it says which volume it is.
    public func text(namesCase: Bool) -> String {
        let place = [
            namesCase ? caseName : nil, annotator.isEmpty ? nil : annotator,
            slice.value.map { String(format: "slice %03d", $0) }, className.value,
        ].compactMap { $0 }.joined(separator: ", ")
        return (place.isEmpty ? "" : place + ": ") + what + (file.value.map { " (\($0))" } ?? "")
    }

    private var what: String {
        switch kind {
        case .exchanged:
            slice.value == nil
                ? "left and right are exchanged on all slices, or the slices were turned in another way"
                : "left and right are exchanged"
        case .jump: "the box lies apart from those before and after"
        case .empty: "no boxes, though the slices before and after have some"
        case .gap: "no box, though slices before and after have one"
        case .doubled: "two boxes in one place"
        case .outside: "the box reaches beyond the image"
        case .barelyStarted: "the work has hardly begun"
        case .neverMarked: "never marked"
        }
    }

    /// The columns of a table of rows.
    public static let columns = ["case", "annotator", "kind", "class", "slice", "file"]

    /// The row in such a table.
    public var cells: [String] {
        [
            caseName, annotator, kind.rawValue, className.value ?? "", slice.value.map { "\($0)" } ?? "",
            file.value ?? "",
        ]
    }
}
