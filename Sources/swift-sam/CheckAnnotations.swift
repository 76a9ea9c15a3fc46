import Annotations
import ArgumentParser
import Foundation
import ImageFrames
import Imaging
import SafeFiles
import Segmentation

struct CheckAnnotations: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "What a person should look at in boxes that people drew, the most harmful first.",
        discussion: """
            Example: swift-sam annotations check ct.nii.gz --boxes boxes/ --classes class_list.txt

            Left and right exchanged, by the slices before and after and by the volume's orientation; boxes apart from \
            those of the slices before and after; empty files between others; slices that were forgotten; boxes drawn \
            twice or beyond the image; classes never marked; work hardly begun. Exits with 1 where it finds any.
            """)

    @OptionGroup var boxes: BoxOptions

    @Option(help: "The classes' names, a line each (class_list.txt).", completion: .file(extensions: ["txt"]))
    var classes: String

    @Option(help: "The one annotator whose boxes are checked.")
    var annotator: String?

    @Option(
        help: ArgumentHelp(
            "Classes that nobody was asked to draw, by id or name: they may be missing.", valueName: "stomach,6"))
    var except = ""

    @OptionGroup var slicing: SlicingOptions

    @Option(help: ArgumentHelp("Write the list: case, annotator, kind, class, slice, file.", valueName: "file"))
    var csv: String?

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        let cases = try slicing.cases()
        let classList = try ClassList(contentsOf: classes)
        let excepted = try classIDs(of: except, classList)
        let annotated = try boxes.read(
            on: cases, slicing, classes: classList, by: annotator.map { .one(named: $0) } ?? .all)
        try requireOutputs([csv].compactMap { $0 }, besides: annotated.files + [classes])
        let found = annotated.volumes.flatMap { volume in
            BoxFinding.findings(
                in: volume.boxes, classes: classList, sliceCount: volume.slices.count,
                towardsRight: volume.slices.towardsRight
            )
            .filter { $0.kind != .neverMarked || $0.classID.map(excepted.contains) != true }
            .map { Row(volume, $0, classList, namesCase: cases.count > 1) }
        }
        // Over all volumes and annotators.
        let rows = BoxFinding.Kind.allCases.flatMap { kind in found.filter { $0.kind == kind } }
        if let csv { try writeAtomically(csv, Data(Row.csv(rows).utf8)) }
        if json {
            try printJSON(["findings": rows])
        } else {
            for row in rows { print(row.text) }
            print(rows.isEmpty ? "nothing to look at" : "to look at: \(rows.count)")
        }
        if !rows.isEmpty { throw ExitCode(1) }
    }

    private func classIDs(of text: String, _ classes: ClassList) throws -> Set<Int> {
        try text.split(separator: ",").reduce(into: []) { ids, entry in
            let name = entry.trimmingCharacters(in: .whitespaces)
            guard let id = try classes.id(ofNameOrNumber: name) else {
                throw ValidationError("--except: \"\(name)\" is not a class of \(self.classes).")
            }
            ids.insert(id)
        }
    }

    /// A finding of an annotator, as it is printed.
    private struct Row: Encodable {
        var caseName: String
        var annotator: String
        var kind: BoxFinding.Kind
        var className: OrNull<String>
        var slice: OrNull<Int>
        var file: OrNull<String>

        enum CodingKeys: String, CodingKey {
            case annotator, kind, slice, file
            case caseName = "case"
            case className = "class"
        }

        /// Whether the text says which volume it is.
        private let namesCase: Bool

        init(_ volume: AnnotatedVolume, _ finding: BoxFinding, _ classes: ClassList, namesCase: Bool) {
            caseName = volume.volume.name
            annotator = volume.annotator
            self.namesCase = namesCase
            kind = finding.kind
            className = OrNull(finding.classID.map { classes.names[$0] })
            slice = OrNull(finding.slice)
            file = OrNull(finding.file)
        }

        var text: String {
            let what =
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
            let place = [
                namesCase ? caseName : nil, annotator.isEmpty ? nil : annotator,
                slice.value.map { String(format: "slice %03d", $0) },
                className.value,
            ]
            let source = file.value.map { " (\($0))" } ?? ""
            let named = place.compactMap { $0 }.joined(separator: ", ")
            return (named.isEmpty ? "" : named + ": ") + what + source
        }

        static func csv(_ rows: [Row]) -> String {
            commaSeparated(
                [["case", "annotator", "kind", "class", "slice", "file"]]
                    + rows.map { row in
                        [
                            row.caseName, row.annotator, row.kind.rawValue, row.className.value ?? "",
                            row.slice.value.map { "\($0)" } ?? "", row.file.value ?? "",
                        ]
                    })
        }
    }
}
