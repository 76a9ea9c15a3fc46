import Foundation
import ImageFrames
import SafeFiles

/// A finding by the names that people know: a row of a list, of CSV or of JSON.
///
/// A run of slices goes by its first and last one, and `slices` has all, as "31–35, 40".
public struct FindingRow: Encodable, Sendable {
    public let caseName: String
    /// Empty where no annotator is known.
    public let annotator: String
    public let kind: BoxFinding.Kind
    public let className: OrNull<String>
    /// The class whose place the boxes have.
    public let otherName: OrNull<String>
    public let slice: OrNull<Int>
    public let last: OrNull<Int>
    public let slices: OrNull<String>
    public let file: OrNull<String>
    private let count: Int
    private let step: Int?

    enum CodingKeys: String, CodingKey {
        case annotator, kind, slice, last, slices, file
        case caseName = "case"
        case className = "class"
        case otherName = "other"
    }

    public init(_ finding: BoxFinding, case name: String, annotator: String, classes: ClassList) {
        (caseName, self.annotator, kind) = (name, annotator, finding.kind)
        className = OrNull(finding.classID.map { classes.names[$0] })
        otherName = OrNull(finding.otherClassID.map { classes.names[$0] })
        (slice, last) = (OrNull(finding.slices.first), OrNull(finding.slices.last))
        slices = OrNull(finding.slices.isEmpty ? nil : ranges(of: finding.slices))
        (file, count, step) = (OrNull(finding.file), finding.slices.count, finding.step)
    }

    /// As a sentence.
    ///
    /// - Parameters:
    ///   - namesCase: whether it says which volume it is.
    ///   - folder: the folder from which the file is named.
    public func text(namesCase: Bool, folder: String = "") -> String {
        let (first, last) = (slice.value ?? 0, last.value ?? 0)
        let named = step == nil ? slices.value ?? "" : "\(sliceDigits(first)) to \(sliceDigits(last))"
        let place = [
            namesCase ? caseName : nil, annotator.isEmpty ? nil : annotator,
            count == 0 ? nil : (count == 1 ? "slice " : "slices ") + named, className.value,
        ].compactMap { $0 }.joined(separator: ", ")
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        let shown = file.value.map { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : $0 }
        return (place.isEmpty ? "" : place + ": ") + what + (shown.map { " (\($0))" } ?? "")
    }

    private var what: String {
        let isOne = count == 1
        return switch kind {
        case .neverMarked: "never marked"
        case .barelyStarted: "the work has hardly begun"
        case .stopped: "the boxes end here abruptly, where there is more to draw"
        case .upsideDown: "the boxes are upside down, or the slices were turned in another way"
        case .exchanged:
            if let other = otherName.value {
                "exchanged with \(other)"
            } else {
                "left and right are exchanged on all slices, or the slices were turned in another way"
            }
        case .jump:
            if let other = otherName.value {
                isOne ? "the box lies on that of \(other)" : "the boxes lie on those of \(other)"
            } else {
                isOne
                    ? "the box lies apart from those before and after"
                    : "the boxes lie apart from those before and after"
            }
        case .empty: "no boxes, though slices before and after have some"
        case .gap: "no box, though slices before and after have one"
        case .size:
            isOne
                ? "the box is of another size than those before and after"
                : "the boxes are of another size than those before and after"
        case .sparse: "\(ordinal(step ?? 1)) slice is drawn"
        case .doubled: "two boxes in one place"
        case .outside: isOne ? "the box reaches beyond the image" : "boxes reach beyond the image"
        case .crowded: "more than \(mostBoxes) boxes, which are not compared with each other"
        }
    }

    /// The columns of a table of rows.
    public static let columns = ["case", "annotator", "kind", "class", "slice", "file", "last", "other"]

    /// The row in such a table.
    public var cells: [String] {
        [
            caseName, annotator, kind.rawValue, className.value ?? "", slice.value.map { "\($0)" } ?? "",
            file.value ?? "", last.value.map { "\($0)" } ?? "", otherName.value ?? "",
        ]
    }
}

/// "every second", "every third" and so on.
private func ordinal(_ step: Int) -> String {
    let names = [2: "second", 3: "third", 4: "fourth", 5: "fifth"]
    return "every \(names[step] ?? "\(step)th")"
}
