import Foundation
import ImageFrames
import SafeFiles

/// A row of a CSV of boxes, of which only the slice is read yet.
struct BoxRow: Sendable {
    var slice: Int
    var cells: [String: String]
    var place: Place

    /// A cell's text, empty where there is none.
    subscript(column: String) -> String { cells[column] ?? "" }
}

/// The columns that a CSV of boxes must have, and those that it may have.
private let neededColumns = ["slice", "class", "x0", "y0", "x1", "y1"]
private let otherColumns = ["annotator", "seconds"]

/// Reads the rows of a CSV of boxes; see ``BoxSource/init(_:pattern:cases:)``.
///
/// - Parameter errors: receives the rows that have too many or too few cells, whose slice is none, and those that nobody
///   signed where others are signed.
func boxRows(
    _ path: String, pattern: SlicePattern, cases: [String], errors: inout [FileError]
) throws(FileError) -> [BoxSource.Assignment: [BoxRow]] {
    let onlyCase = cases.count == 1 ? cases[0] : nil
    let table = try tableRows(path, errors: &errors)
    let isSigned = table.contains { $0.cells["annotator"]?.isEmpty == false }
    var rows: [BoxSource.Assignment: [BoxRow]] = [:]
    for (line, cells) in table {
        let place = Place(file: path, line: line)
        let text = cells["slice"] ?? ""
        guard let (caseName, slice) = sliceAndCase(text, pattern, onlyCase) else {
            let name = pattern.name(ofSlice: 0, case: cases.first ?? "ct")
            try errors.add(
                place.error(
                    "not a slice's name",
                    expected: onlyCase == nil
                        ? "such as \(name), since there are several volumes" : "a number, or \(name)",
                    found: "\"\(text)\""))
            continue
        }
        let assignment = BoxSource.Assignment(annotator: cells["annotator"] ?? "", caseName: caseName)
        guard !isSigned || !assignment.annotator.isEmpty else {
            try errors.add(place.error("no annotator", expected: "a name, as other rows have", found: "an empty cell"))
            continue
        }
        rows[assignment, default: []].append(BoxRow(slice: slice, cells: cells, place: place))
    }
    return rows
}

/// The rows below the header with the lines on which they begin, white space around cells left out.
private func tableRows(
    _ path: String, errors: inout [FileError]
) throws(FileError) -> [(line: Int, cells: [String: String])] {
    let table = try CSV(contentsOf: path, errors: &errors)
    guard neededColumns.allSatisfy(table.columns.contains) else {
        let hasCapitals = Set(neededColumns).isSubset(of: table.columns.map { $0.lowercased() })
        throw FileError(
            .badData, file: path, line: table.headerLine, "not a table of boxes",
            expected: neededColumns.joined(separator: ",") + "[,\(otherColumns.joined(separator: ","))]",
            found: table.columns.isEmpty ? "nothing" : table.columns.joined(separator: ","),
            advice: table.adviceOnSemicolons
                ?? (hasCapitals ? "Write the names of columns in small letters." : nil))
    }
    if let column = table.columns.first(where: {
        otherColumns.contains($0.lowercased()) && !otherColumns.contains($0) && !table.columns.contains($0.lowercased())
    }) {
        throw FileError(
            .badData, file: path, line: table.headerLine, "a column's name in capitals",
            expected: "\"\(column.lowercased())\"", found: "\"\(column)\"",
            advice: "Write the names of columns in small letters.")
    }
    // Nothing in a table of boxes goes over several lines: a quotation mark that is missing does that.
    for row in table.rows where row.cells.values.contains(where: { $0.contains(where: \.isNewline) }) {
        throw FileError(.badData, file: path, line: row.line, "a cell that goes over several lines")
    }
    return table.rows.map { ($0.line, $0.cells.mapValues { $0.trimmingCharacters(in: .whitespaces) }) }
}

/// The volume and the number of a slice by its name, with or without an image's ending, or by its number alone.
private func sliceAndCase(_ text: String, _ pattern: SlicePattern, _ onlyCase: String?) -> (String, Int)? {
    if let onlyCase, let slice = Int(text), slice >= 0 { return (onlyCase, slice) }
    guard let parts = pattern.parts(of: withoutPictureEnding(text)), let slice = sliceNumber(parts.slice) else {
        return nil
    }
    return (String(parts.case), slice)
}

// MARK: Reading

extension BoxCollector {
    /// Reads the rows of one annotator and volume.
    mutating func read(_ rows: [BoxRow]) {
        for (slice, rows) in Dictionary(grouping: rows, by: \.slice).sorted(by: { $0.key < $1.key }) {
            do throws(FileError) {
                try requireSlice(slice, file: rows[0].place.file, line: rows[0].place.line)
            } catch {
                reading.add(error)
                continue
            }
            var (written, errors): ([WrittenBox], [FileError]) = ([], [])
            for row in rows {
                do throws(FileError) {
                    written.append(try box(row))
                } catch {
                    try? errors.add(error)
                }
            }
            let boxes = drawn(written, errors: &errors)
            reading.add(
                SliceBoxes(slice: slice, files: [rows[0].place.file], boxes: boxes, isWhole: errors.isEmpty),
                errors: errors)
        }
    }

    private func box(_ row: BoxRow) throws(FileError) -> WrittenBox {
        let corners = ["x0", "y0", "x1", "y1"].map { row[$0] }
        let numbers = corners.compactMap(decimal)
        guard numbers.count == 4 else {
            throw row.place.error(
                "not a box", expected: "numbers x0, y0, x1, y1",
                found: corners.map { "\"\($0)\"" }.joined(separator: ", "))
        }
        var seconds: Double?
        if !row["seconds"].isEmpty {
            guard let number = decimal(row["seconds"]), number >= 0, number.isFinite else {
                throw row.place.error("not a time", expected: "seconds", found: "\"\(row["seconds"])\"")
            }
            seconds = number
        }
        let box = PixelBox(x0: numbers[0], y0: numbers[1], x1: numbers[2], y1: numbers[3])
        return WrittenBox(classID: try classID(row), box: box, place: row.place, seconds: seconds)
    }

    /// The class by its name or its number.
    private func classID(_ row: BoxRow) throws(FileError) -> Int {
        guard let classID = try classes.id(ofNameOrNumber: row["class"]) else {
            throw row.place.error(
                "not a class",
                expected: classes.expected(besides: row["class"]),
                found: "\"\(row["class"])\"")
        }
        return classID
    }
}
