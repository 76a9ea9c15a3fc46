import ArgumentParser
import Evaluation
import Foundation
import SafeFiles

/// Which rows of a table of scores count.
struct RowOptions: ParsableArguments {
    @Option(
        name: .customLong("where"),
        help: ArgumentHelp("Keep only rows whose column has this value.", valueName: "column=value"))
    var conditions: [String] = []

    @Flag(help: "Keep only rows that have every score.")
    var complete = false

    mutating func validate() throws {
        for condition in conditions where !condition.contains("=") {
            throw ValidationError("--where needs COLUMN=VALUE, not \"\(condition)\".")
        }
    }

    /// Reads a table and keeps its rows that count.
    func table(_ path: String) throws(FileError) -> ScoreTable {
        var table = try ScoreTable(contentsOf: path)
        for condition in conditions {
            let parts = condition.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            try table.keep(where: String(parts[0]), is: String(parts[1]))
        }
        if complete { table.keepComplete() }
        return table
    }
}

struct Summarize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Mean, deviation and 95% confidence interval of each column of scores.",
        discussion: """
            Example: swift-sam summarize slice_dice.csv --where model=SAM-vit_h --complete

            Scores are the columns whose names end in _dice; empty and nan count as missing. The row "mean" is of the \
            rows' own means.
            """)

    @Argument(help: "A CSV file of scores.", completion: .file(extensions: ["csv"]))
    var scores: String

    @OptionGroup var rows: RowOptions

    @Flag(help: "Print nothing but errors, and what --json asks for.")
    var quiet = false

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        let table = try rows.table(scores)
        let columns = table.scoreColumns.map { ($0, Summary(table.scores($0))) }
        try printColumns(
            columns, mean: Summary(table.rowMeans), asJSON: json,
            header: "column                    n  missing   mean     sd  ±95% CI  ±95% CI by t"
        ) {
            String(
                format: "%5d  %7d  %.3f  %.3f    %.3f         %.3f", $0.n, $0.missing, $0.mean, $0.sd, $0.ci95,
                $0.ci95ByT)
        }
    }
}

struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Paired Wilcoxon signed-rank test of two tables of scores, column by column.",
        discussion: """
            Example: swift-sam compare GT-nnunet-11-pred.csv SAM-nnunet-11-pred.csv

            Rows are paired by a column, never by order. The test is two-sided, and SciPy 1.17's: exact for up to 50 pairs \
            without ties and equal pairs, over all signs for up to 13 with them, else by the normal distribution.
            """)

    @Argument(help: "A CSV file of scores.", completion: .file(extensions: ["csv"]))
    var first: String

    @Argument(help: "Another of the same rows.", completion: .file(extensions: ["csv"]))
    var second: String

    @OptionGroup var rows: RowOptions

    @Option(help: "The column that pairs rows, or several: path,slice_idx.")
    var key = "path"

    @Flag(help: "Print nothing but errors, and what --json asks for.")
    var quiet = false

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        let (one, other) = try rows.table(first).paired(with: rows.table(second), by: key)
        let shared = one.scoreColumns.filter(other.scoreColumns.contains)
        guard !shared.isEmpty else {
            throw FileError(
                .badData, file: second, "no score in common with \(first)",
                expected: one.scoreColumns.joined(separator: ","), found: other.scoreColumns.joined(separator: ","))
        }
        let columns = shared.map { ($0, Wilcoxon(one.scores($0), other.scores($0))) }
        try printColumns(
            columns, mean: Wilcoxon(one.rowMeans, other.rowMeans), asJSON: json,
            header: "column                    n  missing  statistic          p  method"
        ) {
            String(format: "%5d  %7d  %9.1f  %9.3g  ", $0.n, $0.missing, $0.statistic, $0.p) + $0.method.rawValue
        }
    }
}

/// Prints a value of the rows' means and of each column.
private func printColumns<Value: Encodable>(
    _ columns: [(String, Value)], mean: Value, asJSON: Bool, header: String, row: (Value) -> String
) throws {
    if asJSON { return try printJSON(ColumnReport(columns: Dictionary(uniqueKeysWithValues: columns), mean: mean)) }
    print(header)
    for (name, value) in [("mean", mean)] + columns { print(leftAligned(name, 22) + row(value)) }
}

private struct ColumnReport<Value: Encodable>: Encodable {
    var columns: [String: Value]
    var mean: Value
}
