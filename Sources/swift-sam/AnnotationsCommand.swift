import Annotations
import ArgumentParser
import Foundation
import Imaging
import SafeFiles
import Segmentation

struct AnnotationsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "annotations", abstract: "Quality of the crowd's boxes.",
        subcommands: [
            CheckAnnotations.self, CoverageOfAnnotations.self, AgreementOfAnnotations.self, MergeAnnotations.self,
            FillAnnotations.self,
        ])
}

struct AgreementOfAnnotations: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        commandName: "agreement",
        abstract: "How well several annotators agree on the same volumes, by annotator and by class.",
        discussion: """
            Example: swift-sam annotations agreement ct.nii.gz --boxes boxes/ --classes class_list.txt

            Boxes mean one object where they overlap by half (intersection over union), and an object counts where at \
            least half of those who looked for its class there drew it: who drew anything on the slice, or had it as a task. \
            missed: objects that the annotator did not draw; alone: boxes that count for no object; IoU: the mean with each \
            other annotator's box of the object; seconds for a box where a CSV has them: mean, median and total in minutes.
            """)

    @OptionGroup var boxes: BoxOptions

    @Option(help: "The classes' names, a line each (class_list.txt).", completion: .file(extensions: ["txt"]))
    var classes: String

    @OptionGroup var slicing: SlicingOptions

    @Flag(help: "Print as JSON.")
    var json = false

    @OptionGroup var common: CommonOptions

    func run() throws {
        let classes = try ClassList(contentsOf: classes)
        let annotated = try boxes.read(on: try slicing.cases(), slicing, classes: classes)
        printWarnings(annotated.warningsOfClippedBoxes)
        let report = AgreementReport(
            try annotated.agreedBoxes().flatMap(\.objects), drawn: annotated.boxesByAnnotator, classes: classes)
        if json { return try printJSON(report) }
        printRows("annotator", report.annotators)
        print("")
        printRows("class", report.classes)
    }

    private func printRows(_ title: String, _ rows: [AgreementReport.Row]) {
        func number(_ value: OrNull<Double>, _ format: String, by divisor: Double = 1) -> String {
            value.value.map { String(format: format, $0 / divisor) } ?? "-"
        }
        let cells = rows.map { row in
            [
                row.name.isEmpty ? "-" : row.name, "\(row.boxes)", "\(row.missed)", "\(row.alone)",
                number(row.iou, "%.3f"), number(row.meanSeconds, "%.2f"), number(row.medianSeconds, "%.2f"),
                number(row.totalSeconds, "%.1f", by: 60),
            ]
        }
        let head = [title, "boxes", "missed", "alone", "IoU", "mean s", "median s", "total min"]
        printTable([head] + cells)
    }
}

struct MergeAnnotations: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "One set of boxes from several annotators': what at least half drew, by the median of each side.",
        discussion: """
            Example: swift-sam annotations merge ct.nii.gz --boxes boxes/ -o merged.csv

            Boxes mean one object where they overlap by half (intersection over union); at least half of those who looked for \
            the class on the slice must have drawn it. Boxes keep the order in which people drew them, and corners are \
            rounded to a hundredth of a pixel. --format yolo and voc write a folder of files as OpenLabeling reads them, one \
            for each slice. segment reads all three. A record of how the slices were turned is carried along: as slices.json in the \
            folder, or as merged.slices.json beside merged.csv.
            """)

    @OptionGroup var boxes: BoxOptions

    @OptionGroup var classes: ClassOptions

    @OptionGroup var slicing: SlicingOptions

    @OptionGroup var output: BoxOutputOptions
    @OptionGroup var common: CommonOptions

    mutating func validate() throws { try output.validate(hasClasses: !classes.reads.isEmpty) }

    func run() throws {
        let classList = try classes.list()
        let annotated = try boxes.read(on: try slicing.cases(), slicing, classes: classList)
        printWarnings(annotated.warningsOfClippedBoxes)
        let merged = try MergedBoxes(try annotated.agreedBoxes(), pattern: slicing.pattern, classes: classList)
        try output.write(merged, of: annotated, reads: classes.reads) {
            print(
                "wrote \(merged.count) boxes to \(output.output); left out \(merged.leftOut) that fewer than half drew")
            if merged.majoritiesOfOne > 0 {
                printWarnings([
                    Warning(
                        file: output.output,
                        "boxes that only one of two annotators drew, which is half of them: \(merged.majoritiesOfOne)")
                ])
            }
        }
    }
}
