import Annotations
import ArgumentParser
import Foundation
import Imaging
import SafeFiles
import Segmentation

struct AnnotationsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "annotations", abstract: "Quality of the crowd's boxes.",
        subcommands: [CheckAnnotations.self, AgreementOfAnnotations.self, MergeAnnotations.self])
}

struct AgreementOfAnnotations: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agreement",
        abstract: "How well several annotators agree on the same volumes, by annotator and by class.",
        discussion: """
            Example: swift-sam annotations agreement ct.nii.gz --boxes boxes/ --classes class_list.txt

            Boxes mean one object where they overlap by half (intersection over union), and an object counts where at \
            least half of those who worked on the slice drew it. missed: objects that the annotator did not draw; alone: \
            boxes that count for no object; IoU: the mean with each other annotator's box of the object.
            """)

    @OptionGroup var boxes: BoxOptions

    @Option(help: "The classes' names, a line each (class_list.txt).", completion: .file(extensions: ["txt"]))
    var classes: String

    @OptionGroup var slicing: SlicingOptions

    @Flag(help: "Print nothing but errors, and what --json asks for.")
    var quiet = false

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        let classes = try ClassList(contentsOf: classes)
        let annotated = try boxes.read(on: try slicing.cases(), slicing, classes: classes)
        let report = AgreementReport(
            try annotated.agreedBoxes().flatMap(\.objects), drawn: annotated.boxesByAnnotator, classes: classes)
        if json { return try printJSON(report) }
        printTable("annotator", report.annotators)
        print("")
        printTable("class", report.classes)
    }

    private func printTable(_ title: String, _ rows: [AgreementReport.Row]) {
        let width = max(18, rows.map(\.name.count).max() ?? 0) + 2
        func padded(_ text: String) -> String { text.padding(toLength: width, withPad: " ", startingAt: 0) }
        print(padded(title) + "boxes  missed  alone    IoU  seconds")
        for row in rows {
            let iou = row.iou.value.map { String(format: "%.3f", $0) } ?? "-"
            let seconds = row.seconds.value.map { String(format: "%.1f", $0) } ?? "-"
            print(
                padded(row.name.isEmpty ? "-" : row.name)
                    + String(format: "%5d  %6d  %5d  ", row.boxes, row.missed, row.alone)
                    + rightAligned(iou, 5) + rightAligned(seconds, 9))
        }
    }
}

struct MergeAnnotations: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "One set of boxes from several annotators': what at least half drew, by the median of each side.",
        discussion: """
            Example: swift-sam annotations merge ct.nii.gz --boxes boxes/ -o merged.csv

            Boxes mean one object where they overlap by half (intersection over union). segment reads the CSV; a slices.json \
            that is with the boxes is written beside it.
            """)

    @OptionGroup var boxes: BoxOptions

    @Option(
        help: "The classes' names, a line each (class_list.txt); Pascal VOC needs it.",
        completion: .file(extensions: ["txt"]))
    var classes: String?

    @OptionGroup var slicing: SlicingOptions

    @Flag(help: "Print nothing but errors, and what --json asks for.")
    var quiet = false

    @Option(name: .shortAndLong, help: ArgumentHelp("The CSV to write.", valueName: "merged.csv"))
    var output: String

    mutating func validate() throws {
        guard output.lowercased().hasSuffix(".csv") else {
            throw ValidationError("-o must name a .csv file, not \"\(output)\".")
        }
    }

    func run() throws {
        let recordPath = SlicesRecord.path(in: folder(of: output))
        let standing = try FoundRecord(in: [folder(of: output)])
        let classList = try classes.map { path throws(FileError) in try ClassList(contentsOf: path) }
        let annotated = try boxes.read(on: try slicing.cases(), slicing, classes: classList)
        // A record that is there stays, or is refused below.
        let newRecord = standing == nil && annotated.record != nil ? recordPath : nil
        try requireOutputs(
            [output] + [newRecord].compactMap { $0 }, besides: annotated.files + [classes].compactMap { $0 })
        let merged = try MergedBoxes(try annotated.agreedBoxes(), pattern: slicing.pattern, classes: classList)
        let record = annotated.record
        if let standing, standing.record != record {
            throw FileError(
                .cannotCreate, file: standing.path, "already holds a record of other slices",
                advice: "Choose another folder with -o.")
        }
        try writeAtomically(output, merged.csv)
        print("wrote \(merged.count) boxes to \(output); left out \(merged.leftOut) that fewer than half drew")
        guard let record else { return }
        if let newRecord { try record.write(to: newRecord) }
        print("wrote how their slices were turned to \(recordPath)")
    }
}
