import Annotations
import ArgumentParser
import Files
import Foundation
import Frames
import Imaging

struct AnnotationsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "annotations", abstract: "Quality of the crowd's boxes.", subcommands: [CheckAnnotations.self])
}

struct CheckAnnotations: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "What a person should look at in boxes that people drew, the most harmful first.",
        discussion: """
            Example: swift-sam annotations check ct.nii.gz --boxes boxes/ --classes class_list.txt

            Left and right exchanged; boxes apart from those of the slices before and after; empty files between others; \
            slices that were forgotten; boxes drawn twice or beyond the image; classes never marked; work hardly begun. \
            Exits with 1 where it finds any. A folder of folders is one of annotators.
            """)

    @Argument(help: "The volume that the boxes were drawn on.", completion: .file(extensions: ["nii", "gz"]))
    var volume: String

    @Option(help: "The folder of the boxes, or of a folder for each annotator.", completion: .directory)
    var boxes: String

    @Option(help: "The classes' names, a line each (class_list.txt).", completion: .file(extensions: ["txt"]))
    var classes: String

    @OptionGroup var slicing: SlicingOptions

    @Option(help: ArgumentHelp("Write the list: annotator, kind, class, slice, file.", valueName: "file"))
    var csv: String?

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        if let csv { try requireOutput(csv, besides: [volume, classes]) }
        let classes = try ClassList(contentsOf: classes)
        let volume = try Volume(contentsOf: volume)
        var rows: [Row] = []
        for (annotator, folder) in annotators() {
            let recordPath = SlicesRecord.path(in: folder)
            let slices = try slicing.geometry(of: volume, recordPath: recordPath)
            let drawn = try readBoxes(
                folder: folder, stem: slicing.stem(of: volume), sliceCount: slices.count, imageSize: slices.imageSize,
                classes: classes)
            rows += findings(in: drawn, classes: classes, sliceCount: slices.count).map { Row(annotator, $0, classes) }
        }
        if let csv { try writeAtomically(csv, Data(Row.csv(rows).utf8)) }
        if json {
            try printJSON(["findings": rows])
        } else {
            for row in rows { print(row.text) }
            print(rows.isEmpty ? "nothing to look at" : "to look at: \(rows.count)")
        }
        if !rows.isEmpty { throw ExitCode(1) }
    }

    /// The folders in the folder by name, but for OpenLabeling's own; else the folder itself.
    private func annotators() -> [(name: String, folder: String)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: boxes)) ?? []
        let folders = names.sorted().filter { name in
            var status = stat()
            let isFolder = stat("\(boxes)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            return isFolder && !["YOLO_darknet", "PASCAL_VOC"].contains(name) && !name.hasPrefix(".")
        }
        return folders.isEmpty ? [("", boxes)] : folders.map { ($0, "\(boxes)/\($0)") }
    }

    /// A finding of an annotator, as it is printed.
    private struct Row: Encodable {
        var annotator: String
        var kind: BoxFinding.Kind
        var className: OrNull<String>
        var slice: OrNull<Int>
        var file: OrNull<String>

        enum CodingKeys: String, CodingKey {
            case annotator, kind, slice, file
            case className = "class"
        }

        init(_ annotator: String, _ finding: BoxFinding, _ classes: ClassList) {
            self.annotator = annotator
            kind = finding.kind
            className = OrNull(finding.classID.map { classes.names[$0] })
            slice = OrNull(finding.slice)
            file = OrNull(finding.file)
        }

        var text: String {
            let what =
                switch kind {
                case .exchanged: "left and right are exchanged"
                case .jump: "the box lies apart from those before and after"
                case .empty: "no boxes, though the slices before and after have some"
                case .gap: "no box, though slices before and after have one"
                case .doubled: "two boxes in one place"
                case .beyond: "the box reaches beyond the image"
                case .begun: "the work has hardly begun"
                case .never: "never marked"
                }
            let place = [
                annotator.isEmpty ? nil : annotator, slice.value.map { String(format: "slice %03d", $0) },
                className.value,
            ]
            let source = file.value.map { " (\($0))" } ?? ""
            return place.compactMap { $0 }.joined(separator: ", ") + ": " + what + source
        }

        static func csv(_ rows: [Row]) -> String {
            commaSeparated(
                [["annotator", "kind", "class", "slice", "file"]]
                    + rows.map { row in
                        [
                            row.annotator, row.kind.rawValue, row.className.value ?? "",
                            row.slice.value.map { "\($0)" } ?? "", row.file.value ?? "",
                        ]
                    })
        }
    }
}
