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

    @Flag(help: "Print nothing but errors, and what --json asks for.")
    var quiet = false

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
            .map { FindingRow($0, case: volume.file.name, annotator: volume.annotator, classes: classList) }
        }
        // Over all volumes and annotators.
        let rows = BoxFinding.Kind.allCases.flatMap { kind in found.filter { $0.kind == kind } }
        if let csv { try writeAtomically(csv, Data(commaSeparated([FindingRow.columns] + rows.map(\.cells)).utf8)) }
        if json {
            try printJSON(["findings": rows])
        } else {
            for row in rows { print(row.text(namesCase: cases.count > 1)) }
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
}
