import ArgumentParser
import Evaluation
import Foundation
import SafeFiles

/// How numbers are printed, if not as a table for people.
enum OutputStyle: String, EnumerableFlag {
    case json, markdown, latex

    static func help(for style: OutputStyle) -> ArgumentHelp? {
        switch style {
        case .json: "Print as JSON."
        case .markdown: "Print a table of Markdown, with mean ± 95% CI in one cell."
        case .latex: "Print a table of LaTeX, likewise."
        }
    }
}

/// Prints a report in a style.
func printReport<Value>(
    _ report: ScoreReport<Value>, _ style: OutputStyle?, text: (TextTable.Style) -> String
) throws {
    switch style {
    case .json: try printJSON(report)
    case .markdown: print(text(.markdown))
    case .latex: print(text(.latex))
    case nil: print(text(.plain))
    }
}

/// Which rows and columns of a table of scores count.
struct RowOptions: ParsableArguments {
    @Option(
        name: .customLong("where"),
        help: ArgumentHelp("Keep only rows whose column has this value.", valueName: "column=value"))
    var conditions: [String] = []

    @Flag(help: "Keep only rows that have every score; in compare, only pairs that have every score in both tables.")
    var complete = false

    @Option(
        help: ArgumentHelp(
            "The columns of numbers that count. (default: dice and those that end in _dice)", valueName: "a,b"))
    var columns: String?

    mutating func validate() throws { try requireConditions(conditions) }

    /// Reads a table and keeps its rows that count, also by conditions of its own.
    func table(_ path: String, where own: [String] = []) throws(FileError) -> ScoreTable {
        let chosen = columns.map { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
        var table = try ScoreTable(contentsOf: path, columns: chosen ?? [])
        for condition in conditions + own {
            let parts = condition.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            try table.keep(where: String(parts[0]), is: String(parts[1]))
        }
        return table
    }
}

private func requireConditions(_ conditions: [String]) throws {
    for condition in conditions where !condition.contains("=") {
        throw ValidationError("--where needs COLUMN=VALUE, not \"\(condition)\".")
    }
}

struct Summarize: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Mean, deviation and 95% confidence interval of each column of scores.",
        discussion: """
            Example: swift-sam summarize slice_dice.csv --where model=SAM-vit_h --complete

            Scores are the columns called dice or NAME_dice, or those of --columns; empty and nan count as missing. The row \
            "mean" is of the rows' own means, where all scores are of one unit.
            """)

    @Argument(help: "A CSV file of scores.", completion: .file(extensions: ["csv"]))
    var scores: String

    @OptionGroup var rows: RowOptions

    @Flag var style: OutputStyle?

    @OptionGroup var common: CommonOptions

    func run() throws {
        var table = try rows.table(scores)
        if rows.complete { try table.keepComplete() }
        printWarnings(table.warnings)
        let report = ScoreReport(table)
        try printReport(report, style, text: report.text)
    }
}

struct Compare: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Paired Wilcoxon signed-rank test of two tables of scores, column by column.",
        discussion: """
            Example: swift-sam compare GT-nnunet-11-pred.csv SAM-nnunet-11-pred.csv

            Rows are paired by a column, never by order. The test is two-sided, and SciPy 1.17's: exact for up to 50 pairs \
            without ties and equal pairs, over all signs for up to 13 with them, else by the normal distribution. Means \
            and their difference, the first less the second, are of the pairs that have both scores.

            Two models of one table: swift-sam compare volume_dice.csv volume_dice.csv --where-first model=SAM-vit_h \
            --where-second model=MedSAM-vit_b
            """)

    @Argument(help: "A CSV file of scores.", completion: .file(extensions: ["csv"]))
    var first: String

    @Argument(help: "Another of the same rows.", completion: .file(extensions: ["csv"]))
    var second: String

    @OptionGroup var rows: RowOptions

    @Option(help: ArgumentHelp("Of the first table, keep only rows like this.", valueName: "column=value"))
    var whereFirst: [String] = []

    @Option(help: ArgumentHelp("Of the second table, keep only rows like this.", valueName: "column=value"))
    var whereSecond: [String] = []

    @Option(help: "The column that pairs rows, or several: path,slice_idx.")
    var key = "path"

    @Flag var style: OutputStyle?

    mutating func validate() throws { try requireConditions(whereFirst + whereSecond) }

    @OptionGroup var common: CommonOptions

    func run() throws {
        var (one, other) = try rows.table(first, where: whereFirst)
            .paired(with: rows.table(second, where: whereSecond), by: key)
        if rows.complete { try one.keepComplete(with: &other) }
        let report = ScoreReport(one, other)
        printWarnings(report.warnings(one, other))
        try printReport(report, style, text: report.text)
    }
}
