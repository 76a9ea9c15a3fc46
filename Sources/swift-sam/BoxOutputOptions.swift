import Annotations
import ArgumentParser
import Foundation
import Imaging
import SafeFiles
import Segmentation

extension MergedBoxes.Format: ExpressibleByArgument {}

/// Where boxes are written, and the record of how their slices were turned.
struct BoxOutputOptions: ParsableArguments {
    @Option(help: "What is written: one CSV, or a folder of YOLO's or Pascal VOC's files.")
    var format = MergedBoxes.Format.csv

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The CSV, or the folder of files, to write.", valueName: "boxes.csv"))
    var output: String

    @Flag(
        help: "Replace boxes at -o that are others: a person may have corrected them.")
    var replaceEdited = false

    func validate(hasClasses: Bool) throws {
        let isTable = output.lowercased().hasSuffix(".csv")
        guard isTable == (format == .csv) else {
            throw ValidationError(
                format == .csv
                    ? "-o must name a .csv file, not \"\(output)\"."
                    : "-o must name a folder with --format \(format.rawValue), not \"\(output)\".")
        }
        guard format != .voc || hasClasses else { throw ValidationError("--format voc needs --classes.") }
    }

    /// Writes boxes, of those that nobody drew a list where the files cannot say which they are, and a record that is with the
    /// boxes they were made of.
    ///
    /// - Parameters:
    ///   - reads: what was read besides the boxes.
    ///   - report: says what was written.
    func write(
        _ merged: MergedBoxes, of annotated: AnnotatedVolumes, reads: [String], report: () -> Void
    ) throws {
        // Other processes may add their volumes to the same list and record. The folder above is locked, since writing files
        // locks their own.
        let above = folder(of: withoutLinkedFolders("\(output)/."))
        try withLocked(format == .csv ? [] : [above], for: output) {
            try writeAlone(merged, of: annotated, reads: reads, report: report)
        }
    }

    private func writeAlone(
        _ merged: MergedBoxes, of annotated: AnnotatedVolumes, reads: [String], report: () -> Void
    ) throws {
        let isTable = format == .csv
        if !isTable, isInside(annotated.path) {
            throw FileError(
                .usage, file: output, "is the folder of the boxes or in it, where it would be read with them",
                advice: "Choose a folder elsewhere with -o.")
        }
        var record = annotated.record
        let recordPath = isTable ? SlicesRecord.path(ofTable: output) : SlicesRecord.path(in: output)
        // What is written would be read by it. A table's own record is replaced with the table.
        var binding = [recordPath]
        if isTable { binding = record == nil ? [recordPath, SlicesRecord.path(in: folder(of: output))] : [] }
        let standing = try FoundRecord(at: binding)
        if let standing {
            record = record?.joined(with: standing.record)
            guard record != nil else {
                throw FileError(
                    .cannotCreate, file: standing.path, "already holds a record of other slices",
                    advice: "Choose another folder with -o.")
            }
        }
        let newRecord = record == standing?.record ? nil : recordPath
        var files =
            isTable
            ? [(output, merged.csv)]
            : Array(zip(merged.names(format).map { SafeFiles.path(of: $0, in: output) }, merged.contents(format)))
        let list = format == .yolo && merged.marksFilled ? SafeFiles.path(of: "filled.csv", in: output) : nil
        let written = files.map(\.0) + [list, newRecord].compactMap { $0 }
        try requireDistinct(reads: annotated.files + reads, writes: written)
        try requireOutputs(written, besides: [])
        var corrected = files
        if let list, let filled = merged.filled(after: isOtherThanFolder(list) ? try CSV(contentsOf: list) : nil) {
            // First: without it, boxes that nobody drew would be taken for drawn.
            files.insert((list, filled.table), at: 0)
            if filled.isOther { corrected.insert(files[0], at: 0) }
        }
        if !replaceEdited { try requireUnedited(corrected) }
        try writeFiles(files)
        report()
        let left = isTable ? [] : volumesLeft(of: annotated)
        if !left.isEmpty {
            printWarnings([
                Warning(
                    file: output,
                    "still holds boxes of volumes that have none in this call: \(listed(left)); remove what nobody has now"
                )
            ])
        }
        guard let record else { return }
        if let newRecord { try record.write(to: newRecord) }
        print("wrote how their slices were turned to \(recordPath)")
    }

    /// Whether the folder to write is another one or lies in it.
    private func isInside(_ folder: String) -> Bool {
        // A link that is the folder itself leads on where a name follows.
        (withoutLinkedFolders("\(output)/.") + "/").hasPrefix(withoutLinkedFolders("\(folder)/.") + "/")
    }

    /// The volumes without boxes in this call whose files are in the folder: they would be read with the others.
    private func volumesLeft(of annotated: AnnotatedVolumes) -> [String] {
        let ending = format == .yolo ? ".txt" : ".xml"
        let names = ((try? FolderNames(of: output))?.names ?? []).filter { $0.hasSuffix(ending) }
        let cases = names.compactMap { name in
            annotated.pattern.parts(of: name.dropLast(ending.count)).flatMap { parts in
                sliceNumber(parts.slice) == nil ? nil : String(parts.case)
            }
        }
        return annotated.withoutBoxes.map(\.name).filter(Set(cases).contains)
    }

    /// Checks that files which people correct are not there, or hold what is to be written.
    private func requireUnedited(_ files: [(path: String, data: Data)]) throws(FileError) {
        let others = files.filter { path, data in
            FileManager.default.fileExists(atPath: path) && (try? readFile(path, limit: .text)) != data
        }
        guard let first = others.first else { return }
        throw FileError(
            .cannotCreate, file: first.path, "holds other boxes, which somebody may have corrected",
            found: others.count > 1 ? "\(others.count) such files" : nil,
            advice: "Choose another place with -o, or replace them with --replace-edited.")
    }
}
