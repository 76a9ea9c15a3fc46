import Annotations
import ArgumentParser
import Foundation
import ImageFrames
import Imaging
import SafeFiles
import Segmentation

struct CheckAnnotations: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "What a person should look at in boxes that people drew, the most harmful first.",
        discussion: """
            Example: swift-sam annotations check ct.nii.gz --boxes boxes/ --classes class_list.txt

            Classes never marked; work hardly begun or stopped half-way; boxes upside down; classes exchanged, by the slices \
            around and by the volume's orientation; boxes on another organ or apart from those before and after; slices that \
            were forgotten; boxes of another size than their neighbours; boxes drawn twice or beyond the image. A run of \
            slices is one line. Warns where all boxes seem to be drawn in another view, or on slices numbered from the other \
            end. Exits with 1 where it finds any.
            """)

    @OptionGroup var boxes: BoxOptions

    @Option(help: "The classes' names, a line each (class_list.txt).", completion: .file(extensions: ["txt"]))
    var classes: String

    @Option(help: "The one annotator whose boxes are checked.")
    var annotator: String?

    @OptionGroup var except: ExceptOption

    @OptionGroup var slicing: SlicingOptions

    @Option(help: ArgumentHelp("Write the list: case, annotator, kind, class, slice, file.", valueName: "file"))
    var csv: String?

    @Flag(help: "Print as JSON.")
    var json = false

    @OptionGroup var common: CommonOptions

    func run() throws {
        let cases = try slicing.cases()
        let classList = try ClassList(contentsOf: classes)
        let excepted = try except.classIDs(in: classList)
        let annotated = try boxes.read(
            on: cases, slicing, classes: classList, by: annotator.map { .one(named: $0) } ?? .all)
        for error in annotated.volumes.flatMap(\.errors).prefix(20) { printNote("left out: \(error)") }
        try requireOutputs([csv].compactMap { $0 }, besides: annotated.files + [classes])
        var crowd: AnnotatedVolumes?
        if annotator != nil {
            // Of the others it counts alone what they drew.
            var reading = boxes.reading
            reading.skipBad = true
            crowd = try reading.readSilently(boxes.boxes, on: cases, slicing, classes: classList)
        }
        let rows = annotated.findings(classes: classList, except: excepted, among: crowd)
        let views = try annotated.warningsOfViews(classes: classList)
        printWarnings(views)
        if let csv { try writeAtomically(csv, Data(commaSeparated([FindingRow.columns] + rows.map(\.cells)).utf8)) }
        if json {
            try printJSON(
                Report(
                    findings: rows, warnings: (annotated.warnings + views).map(\.description),
                    leftOut: annotated.leftOut.map(\.description)))
        } else {
            printCounts(rows)
            for row in rows { print(row.text(namesCase: cases.count > 1, folder: boxes.boxes)) }
            print(rows.isEmpty && views.isEmpty ? "nothing to look at" : "to look at: \(rows.count + views.count)")
        }
        if !rows.isEmpty || !views.isEmpty { throw ExitCode(1) }
    }

    private struct Report: Encodable {
        let findings: [FindingRow]
        /// What is assumed and what was left out, and that boxes seem to be drawn in another view.
        let warnings: [String]
        /// What is wrong with volumes and boxes that were left out.
        let leftOut: [String]

        enum CodingKeys: String, CodingKey {
            case findings, warnings
            case leftOut = "left_out"
        }
    }

    /// How many findings of each kind each annotator has, where there are several annotators or many findings.
    private func printCounts(_ rows: [FindingRow]) {
        let annotators = Dictionary(grouping: rows, by: \.annotator).sorted { $0.key < $1.key }
        guard annotators.count > 1 || rows.count > 20 else { return }
        let kinds = BoxFinding.Kind.allCases.filter { kind in rows.contains { $0.kind == kind } }
        let table = annotators.map { name, own in
            [name.isEmpty ? "-" : name] + kinds.map { kind in "\(own.count { $0.kind == kind })" } + ["\(own.count)"]
        }
        printTable([["annotator"] + kinds.map(\.rawValue) + ["all"]] + table)
        print("")
    }
}
