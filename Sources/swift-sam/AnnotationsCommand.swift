import Annotations
import ArgumentParser
import Foundation
import Imaging
import SafeFiles

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

    @Argument(
        help: "The volume that the boxes were drawn on, a folder of them, or a pattern with {case}.",
        completion: .file(extensions: ["nii", "gz"]))
    var volume: String

    @OptionGroup var boxes: BoxOptions

    @Option(help: "The classes' names, a line each (class_list.txt).", completion: .file(extensions: ["txt"]))
    var classes: String

    @OptionGroup var slicing: SlicingOptions

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        let classes = try ClassList(contentsOf: classes)
        let drawings = try boxes.drawings(on: try slicing.cases(volume), slicing, classes: classes)
        let objects = try agreement(of: drawings, in: boxes.boxes).flatMap(\.objects)
        let annotators = Set(drawings.map(\.annotator)).sorted().map { annotator in
            let own = drawings.filter { $0.annotator == annotator }.flatMap(\.boxes).flatMap(\.boxes)
            return Row(
                name: annotator, boxes: own.count,
                missed: objects.count {
                    $0.isAgreed && $0.own[annotator] == nil && $0.workers.contains(annotator)
                },
                alone: objects.count { !$0.isAgreed && $0.own[annotator] != nil },
                iou: OrNull(mean(objects.flatMap { $0.overlaps(of: annotator) })),
                seconds: OrNull(number(median(own.compactMap(\.seconds)))))
        }
        let byClass = classes.names.indices.compactMap { classID -> Row? in
            let own = objects.filter { $0.classID == classID }
            let drawn = drawings.flatMap(\.boxes).flatMap(\.boxes).filter { $0.classID == classID }
            guard !drawn.isEmpty else { return nil }
            return Row(
                name: classes.names[classID], boxes: drawn.count,
                missed: own.filter(\.isAgreed).reduce(0) { $0 + $1.workers.count - $1.own.count },
                alone: own.filter { !$0.isAgreed }.reduce(0) { $0 + $1.own.count },
                iou: OrNull(mean(own.flatMap { $0.overlaps() })),
                seconds: OrNull(number(median(drawn.compactMap(\.seconds)))))
        }
        if json {
            try printJSON(["annotators": annotators, "classes": byClass])
        } else {
            Row.printTable("annotator", annotators)
            print("")
            Row.printTable("class", byClass)
        }
    }

    /// A line of the tables.
    private struct Row: Encodable {
        var name: String
        var boxes: Int
        var missed: Int
        var alone: Int
        var iou: OrNull<Double>
        /// The median for a box, where it was measured.
        var seconds: OrNull<Double>

        static func printTable(_ title: String, _ rows: [Row]) {
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
}

struct MergeAnnotations: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "One set of boxes from several annotators': what at least half drew, by the median of each side.",
        discussion: """
            Example: swift-sam annotations merge ct.nii.gz --boxes boxes/ -o merged.csv

            Boxes mean one object where they overlap by half (intersection over union). segment reads the CSV; a slices.json \
            that stands with the boxes is written beside it.
            """)

    @Argument(
        help: "The volume that the boxes were drawn on, a folder of them, or a pattern with {case}.",
        completion: .file(extensions: ["nii", "gz"]))
    var volume: String

    @OptionGroup var boxes: BoxOptions

    @Option(
        help: "The classes' names, a line each (class_list.txt); Pascal VOC needs it.",
        completion: .file(extensions: ["txt"]))
    var classes: String?

    @OptionGroup var slicing: SlicingOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("The CSV to write.", valueName: "merged.csv"))
    var output: String

    mutating func validate() throws {
        guard output.lowercased().hasSuffix(".csv") else {
            throw ValidationError("-o must name a .csv file, not \"\(output)\".")
        }
    }

    func run() throws {
        try requireOutput(output, besides: [boxes.boxes, classes].compactMap { $0 })
        let folder = URL(filePath: output).deletingLastPathComponent().path(percentEncoded: false)
        let standing = try FoundRecord(in: [folder])
        let classes = try classes.map { path throws(FileError) in try ClassList(contentsOf: path) }
        let drawings = try boxes.drawings(on: try slicing.cases(volume), slicing, classes: classes)
        var rows = [["slice", "class", "x0", "y0", "x1", "y1"]]
        var (kept, left) = (0, 0)
        for (name, objects) in try agreement(of: drawings, in: boxes.boxes) {
            for object in objects where object.isAgreed {
                let box = object.box
                rows.append(
                    [
                        slicing.pattern.name(ofSlice: object.slice, case: name),
                        classes?.names[object.classID] ?? "\(object.classID)",
                    ] + [box.x0, box.y0, box.x1, box.y1].map { "\($0)" })
            }
            kept += objects.count(where: \.isAgreed)
            left += objects.count { !$0.isAgreed }
        }
        var record = drawings.compactMap(\.record).first?.record
        for drawing in drawings { record?.volumes[drawing.item.name] = drawing.slices.volumeSize }
        if let standing, standing.record != record {
            throw FileError(
                .cannotCreate, file: standing.path, "a record of other slices stands there",
                advice: "Choose another folder with -o.")
        }
        try writeAtomically(output, Data(commaSeparated(rows).utf8))
        let recordPath = SlicesRecord.path(in: folder)
        try record?.write(to: recordPath)
        print("wrote \(kept) boxes to \(output); left out \(left) that fewer than half drew")
        if record != nil { print("wrote how their slices were turned to \(recordPath)") }
    }
}

/// The objects of each volume by its name, over all annotators.
///
/// - Throws: ``FileError`` `badData` where slices were turned in several ways, or nobody worked beside the first.
private func agreement(
    of drawings: [Drawing], in boxes: String
) throws(FileError) -> [(name: String, objects: [AgreedBox])] {
    let annotators = Set(drawings.map(\.annotator))
    guard annotators.count > 1 else {
        throw FileError(
            .badData, file: boxes, "boxes of one annotator alone", expected: "two annotators or more",
            found: annotators.first.flatMap { $0.isEmpty ? nil : $0 } ?? "no annotators' names")
    }
    if let first = drawings.first,
        let other = drawings.first(where: { $0.slices.axis != first.slices.axis || $0.slices.view != first.slices.view }
        )
    {
        throw FileError(
            .badData, file: other.record?.path ?? other.item.path, "slices turned in another way than others",
            expected: "axis \(first.slices.axis), view \(first.slices.view)",
            found: "axis \(other.slices.axis), view \(other.slices.view)")
    }
    return Dictionary(grouping: drawings, by: \.item.name).sorted { $0.key < $1.key }.map { name, drawings in
        (name, agreement(of: Dictionary(uniqueKeysWithValues: drawings.map { ($0.annotator, $0.boxes) })))
    }
}

/// The mean, nil of none.
private func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}

/// Nil for NaN.
private func number(_ value: Double) -> Double? { value.isNaN ? nil : value }
