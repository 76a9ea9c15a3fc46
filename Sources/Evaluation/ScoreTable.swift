import Foundation
import SafeFiles

/// A CSV of scores as the study publishes them: columns of text or whole numbers (`model`, `path`, `slice_idx`), and
/// columns of scores: those called `dice` or `NAME_dice` in any case, or any that are chosen.
public struct ScoreTable: Sendable {
    public let file: String
    /// The names of all columns, in order.
    public let columns: [String]
    /// The names of those that hold scores, in order.
    public private(set) var scoreColumns: [String]
    private let headerLine: Int
    public private(set) var rows: [CSV.Row]

    /// The ending of a Dice's name.
    public static let scoreEnding = "_dice"

    private static func isDice(_ column: String) -> Bool {
        column.lowercased() == "dice" || shortName(column) != column
    }

    /// A column's name without the ending of a Dice.
    static func shortName(_ column: String) -> String {
        column.lowercased().hasSuffix(scoreEnding) ? String(column.dropLast(scoreEnding.count)) : column
    }

    /// Reads a table.
    ///
    /// - Parameter chosen: the columns of scores; without any, `dice` and those whose names end in `_dice`.
    /// - Throws: ``FileError`` as ``CSV/init(contentsOf:)``; `usage` where a column is chosen twice; `badData` where there
    ///   is no column of scores, or not a chosen one, or a score is neither a finite number nor `nan` nor empty, or a Dice is not
    ///   from 0 to 1.
    public init(contentsOf path: String, columns chosen: [String] = []) throws(FileError) {
        let table = try CSV(contentsOf: path)
        (file, columns, rows, headerLine) = (path, table.columns, table.rows, table.headerLine)
        scoreColumns = chosen.isEmpty ? columns.filter(Self.isDice) : chosen
        for column in chosen where !columns.contains(column) { throw missing(column) }
        if let twice = chosen.indices.first(where: { chosen[..<$0].contains(chosen[$0]) }) {
            throw FileError(
                .usage, file: path, place: chosen[twice], "the column is chosen twice", advice: "Name it once.")
        }
        guard !scoreColumns.isEmpty else {
            throw FileError(
                .badData, file: path, line: headerLine, "no scores",
                expected: "columns called dice or NAME\(Self.scoreEnding)", found: columns.joined(separator: ","),
                advice: table.adviceOnSemicolons ?? "Name others with --columns.")
        }
        for row in rows {
            for column in scoreColumns {
                func wrong(_ what: String, expected: String, advice: String? = nil) -> FileError {
                    FileError(
                        .badData, file: path, line: row.line, place: column, what, expected: expected,
                        found: "\"\(row.cells[column] ?? "")\"", advice: table.adviceOnSemicolons ?? advice)
                }
                guard let score = Self.score(row.cells[column]) else {
                    throw wrong("not a score", expected: "a number or nan")
                }
                guard score.isNaN || !Self.isDice(column) || (0...1).contains(score) else {
                    throw wrong(
                        "not a Dice", expected: "0 to 1",
                        advice: "Divide percentages by 100, or choose scores with --columns.")
                }
            }
        }
    }

    /// The number in a cell: NaN where it is empty or says so, nil where it is none or infinite.
    private static func score(_ text: String?) -> Double? {
        guard let text = text?.trimmingCharacters(in: .whitespaces) else { return nil }
        if text.isEmpty { return .nan }
        guard let number = decimal(text), !number.isInfinite else { return nil }
        return number
    }

    /// Keeps only rows in which a column has this value.
    ///
    /// - Throws: ``FileError`` `badData` where there is no such column, or no such row.
    public mutating func keep(where column: String, is value: String) throws(FileError) {
        guard columns.contains(column) else { throw missing(column) }
        let values = Set(rows.compactMap { $0.cells[column] })
        rows = rows.filter { $0.cells[column] == value }
        guard !rows.isEmpty else {
            throw FileError(
                .badData, file: file, place: column, "no row has the value \"\(value)\"",
                found: values.sorted().prefix(8).joined(separator: ", "))
        }
    }

    /// Keeps only rows that have every score.
    ///
    /// - Throws: ``FileError`` `badData` where none has.
    public mutating func keepComplete() throws(FileError) {
        rows = rows.filter { isComplete($0) }
        try requireRows(complete: "has every score")
    }

    private func requireRows(complete what: String) throws(FileError) {
        guard rows.isEmpty else { return }
        throw FileError(.badData, file: file, "no row \(what)", advice: "Leave --complete out, or choose --columns.")
    }

    /// Keeps only rows that have every score, and so have their partners, which the other table has in the same order.
    ///
    /// - Throws: ``FileError`` `badData` where none has.
    public mutating func keepComplete(with partners: inout ScoreTable) throws(FileError) {
        let complete = zip(rows, partners.rows).filter { [partners] in isComplete($0) && partners.isComplete($1) }
        (rows, partners.rows) = (complete.map(\.0), complete.map(\.1))
        try requireRows(complete: "has every score in both tables")
    }

    private func isComplete(_ row: CSV.Row) -> Bool {
        scoreColumns.allSatisfy { Self.score(row.cells[$0])?.isNaN == false }
    }

    /// The scores of a column, NaN where there is none.
    public func scores(_ column: String) -> [Double] {
        rows.map { Self.score($0.cells[column]) ?? .nan }
    }

    /// The mean of each row's scores, of those that are numbers.
    public var rowMeans: [Double] {
        rows.map { row in mean(scoreColumns.map { Self.score(row.cells[$0]) ?? .nan }) }
    }

    /// The rows of this table and of another that have the same value in a column, or in each of several, in this one's
    /// order, with the scores that both have.
    ///
    /// - Parameter key: the column, or several with commas.
    /// - Throws: ``FileError`` `badData` where a table lacks the column or has a value twice, where the two do not have
    ///   the same values (nothing is ever paired by order), or have no score in common.
    public func paired(with other: ScoreTable, by key: String) throws(FileError) -> (ScoreTable, ScoreTable) {
        let (own, others) = (try index(by: key), try other.index(by: key))
        let unpaired = Set(own.keys).symmetricDifference(others.keys).sorted()
        guard unpaired.isEmpty else {
            let found = [(file, own, others), (other.file, others, own)].compactMap { file, rows, partners -> String? in
                let alone = rows.keys.filter { partners[$0] == nil }.sorted()
                let names = alone.prefix(5).joined(separator: ", ")
                return alone.isEmpty ? nil : "\(alone.count) in \(file) without a partner: \(names)"
            }
            let isByOtherNames = unpaired.count == own.count + others.count
            throw FileError(
                .badData, file: other.file, place: key, "not the same rows as in \(file)",
                found: found.joined(separator: "; "),
                advice: isByOtherNames
                    ? "Pair by another column with --key, such as case, the truth's name, in tables of evaluate." : nil)
        }
        let shared = scoreColumns.filter(other.scoreColumns.contains)
        guard !shared.isEmpty else {
            throw FileError(
                .badData, file: other.file, "no score in common with \(file)",
                expected: scoreColumns.joined(separator: ","), found: other.scoreColumns.joined(separator: ","))
        }
        var (one, partner) = (self, other)
        (one.scoreColumns, partner.scoreColumns) = (shared, shared)
        partner.rows = rows.compactMap { others[Self.value(of: $0, key)] }
        return (one, partner)
    }

    /// What the person should know: rows of one path and slice, which a mean counts as several.
    public var warnings: [Warning] {
        let key = ["path", "slice_idx"].filter(columns.contains)
        guard key.first == "path" else { return [] }
        let repeated = rows.count - Set(rows.map { row in key.map { row.cells[$0] ?? "" } }).count
        guard repeated > 0 else { return [] }
        let what = "rows whose \(key.joined(separator: " and ")) an earlier row has, which count as well: \(repeated)"
        return [Warning(file: file, what + "; choose rows with --where")]
    }

    private static func value(of row: CSV.Row, _ key: String) -> String {
        key.split(separator: ",").map { row.cells[String($0)] ?? "" }.joined(separator: ",")
    }

    private func index(by key: String) throws(FileError) -> [String: CSV.Row] {
        for column in key.split(separator: ",") where !columns.contains(String(column)) {
            throw missing(String(column))
        }
        var result: [String: CSV.Row] = [:]
        for row in rows {
            let value = Self.value(of: row, key)
            guard result.updateValue(row, forKey: value) == nil else {
                throw FileError(
                    .badData, file: file, line: row.line, place: key, "a second row of this key", found: value,
                    advice:
                        "Choose rows with --where, or another --key; several columns together: --key path,slice_idx.")
            }
        }
        return result
    }

    private func missing(_ column: String) -> FileError {
        FileError(
            .badData, file: file, line: headerLine, "no column \"\(column)\"", found: columns.joined(separator: ","))
    }
}
