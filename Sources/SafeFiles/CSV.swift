import Foundation

/// A table of comma-separated values (RFC 4180) whose first row names the columns.
///
/// Rows end with a line feed, a carriage return or both. Rows without any text are left out, and so are columns without a
/// name: spreadsheets leave both behind as commas.
public struct CSV: Sendable {
    public struct Row: Sendable {
        /// The line of the file on which the row begins, from 1.
        public let line: Int
        /// The text of each column with a name.
        public let cells: [String: String]
    }

    /// The names of the columns that have one, in order, without white space around them.
    public let columns: [String]
    /// The line of the names.
    public let headerLine: Int
    public let rows: [Row]

    /// What to do about a table that is not the one that was wanted, where semicolons separate its columns, as in German; else nil.
    package let adviceOnSemicolons: String?

    /// Reads a table.
    ///
    /// - Throws: ``FileError`` `missingInput` or `inputOutput` where it cannot be read; `badData` where it is not UTF-8, a
    ///   quotation mark is not closed or is inside a cell, a column is there twice, or a row has more or fewer cells.
    public init(contentsOf path: String) throws(FileError) {
        var errors: [FileError] = []
        self = try CSV(contentsOf: path, errors: &errors)
        if let first = errors.first { throw first }
    }

    /// The same, except that rows with more or fewer cells are left out and `errors` receives what is wrong with them.
    public init(contentsOf path: String, errors: inout [FileError]) throws(FileError) {
        let data = try readFile(path, limit: .table)
        guard String(validating: data, as: UTF8.self) != nil else {
            throw FileError(.badData, file: path, "not a CSV file", expected: "UTF-8")
        }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let records = try records(of: data.starts(with: mark) ? data.dropFirst(mark.count) : data, file: path)
        let names = (records.first?.cells ?? []).map { $0.trimmingCharacters(in: .whitespaces) }
        headerLine = records.first?.line ?? 1
        columns = names.filter { !$0.isEmpty }
        adviceOnSemicolons =
            columns.count == 1 && columns[0].contains(";") ? "Separate columns by commas." : nil
        var seen: Set<String> = []
        if let twice = columns.first(where: { !seen.insert($0).inserted }) {
            throw FileError(.badData, file: path, line: headerLine, "the column \"\(twice)\" is there twice")
        }
        var rows: [Row] = []
        for (line, cells) in records.dropFirst() {
            // A first column without a name numbers the rows, as pandas writes them. Others must be empty.
            let surplus = cells.indices.first { index in
                !isBlank(cells[index]) && (index >= names.count || index > 0 && names[index].isEmpty)
            }
            let missing = names.indices.first { $0 >= cells.count && !names[$0].isEmpty }
            if let missing {
                try errors.add(
                    FileError(
                        .badData, file: path, line: line, "too few cells", expected: "\(names.count)",
                        found: "\(cells.count), none for \"\(names[missing])\""))
            } else if let surplus {
                try errors.add(
                    FileError(
                        .badData, file: path, line: line, "more cells than columns", expected: "\(columns.count)",
                        found: "\"\(cells[surplus])\" in column \(surplus + 1)",
                        advice: adviceOnSemicolons
                            ?? "Put quotation marks around cells that contain commas, and write decimals with a point."
                    ))
            } else {
                let pairs = zip(names, cells).filter { !$0.0.isEmpty }
                rows.append(Row(line: line, cells: Dictionary(uniqueKeysWithValues: pairs)))
            }
        }
        self.rows = rows
    }
}

/// Rows as CSV (RFC 4180); cells that contain a comma, a quotation mark or the end of a line are put in quotation marks.
public func commaSeparated(_ rows: [[String]]) -> String {
    func cell(_ text: String) -> String {
        text.utf8.contains { [comma, quote, lineFeed, carriageReturn].contains($0) }
            ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
    return rows.map { $0.map(cell).joined(separator: ",") + "\n" }.joined()
}

private let (comma, quote, lineFeed, carriageReturn) = (
    UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r")
)

private func isBlank(_ cell: String) -> Bool { cell.allSatisfy(\.isWhitespace) }

/// The rows that have text, with the lines on which they begin.
private func records(of data: Data, file: String) throws(FileError) -> [(line: Int, cells: [String])] {
    enum State { case start, plain, quoted, closed }
    var records: [(line: Int, cells: [String])] = []
    var (state, cells, cell): (State, [String], [UInt8]) = (.start, [], [])
    var (line, start, opened, previous) = (1, 1, 1, UInt8(0))
    func endCell() {
        cells.append(String(decoding: cell, as: UTF8.self))
        (state, cell) = (.start, [])
    }
    func endRecord() {
        endCell()
        if !cells.allSatisfy(isBlank) { records.append((start, cells)) }
        cells = []
    }
    for byte in [UInt8](data) {
        let endsLine = byte == carriageReturn || byte == lineFeed && previous != carriageReturn
        switch (state, byte) {
        case (.quoted, quote): state = .closed
        case (.quoted, _): cell.append(byte)
        case (.closed, quote):
            cell.append(quote)
            state = .quoted
        case (.start, quote): (state, opened) = (.quoted, line)
        case (_, comma): endCell()
        case (_, carriageReturn), (_, lineFeed): if endsLine { endRecord() }
        case (.closed, _), (_, quote):
            throw FileError(
                .badData, file: file, line: line, "a quotation mark inside a cell",
                expected: "the whole cell in quotation marks, and marks in it twice")
        default:
            cell.append(byte)
            state = .plain
        }
        if endsLine { line += 1 }
        if cells.isEmpty, cell.isEmpty, state == .start { start = line }
        previous = byte
    }
    guard state != .quoted else {
        throw FileError(.badData, file: file, line: opened, "a quotation mark that is not closed")
    }
    endRecord()
    return records
}
