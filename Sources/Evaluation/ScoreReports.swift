import SafeFiles

/// What columns measure by the last word of their names; those of other names count as one more.
private let measures: Set = [
    "dice", "iou", "jaccard", "nsd", "hd", "hd95", "assd", "asd", "msd", "mm", "ml", "seconds", "score",
]

private func measure(of column: String) -> String? {
    column.lowercased().split(separator: "_").last.map(String.init).flatMap { measures.contains($0) ? $0 : nil }
}

/// What a table of scores comes to, column by column and for the means of its rows.
public struct ScoreReport<Value: Encodable & Sendable>: Sendable {
    public let columns: [(name: String, value: Value)]
    /// Of the rows' own means.
    public let mean: Value

    /// Of columns that measure different things, as Dice and millimetres, there is no mean.
    private var hasMean: Bool { Set(columns.map { measure(of: $0.name) }).count < 2 }

    private var all: [(name: String, value: Value)] { (hasMean ? [("mean", mean)] : []) + columns }
}

extension ScoreReport: Encodable {
    enum CodingKeys: CodingKey { case columns, mean }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Dictionary(uniqueKeysWithValues: columns.map { ($0.name, $0.value) }), forKey: .columns)
        try container.encode(hasMean ? mean : nil, forKey: .mean)
    }
}

extension ScoreReport<Summary> {
    /// Mean, deviation and confidence interval of each column.
    public init(_ table: ScoreTable) {
        columns = table.scoreColumns.map { ($0, Summary(table.scores($0))) }
        mean = Summary(table.rowMeans)
    }

    /// The numbers for people; for a paper, means with the half intervals 1.96·sd/√n, with three decimals.
    public func text(_ style: TextTable.Style) -> String {
        if style == .plain {
            let header = ["column", "n", "missing", "mean", "sd", "±95% CI", "±95% CI by t"]
            let rows = all.map { name, value in
                [name, "\(value.n)", "\(value.missing)"]
                    + [value.mean, value.sd, value.ci95, value.ci95ByT].map { decimals($0) }
            }
            return TextTable(header: header, rows: rows).text(style)
        }
        let rows = all.map { name, value in [ScoreTable.shortName(name), "\(value.n)", value.cell] }
        return TextTable(header: ["", "n", "mean ± 95% CI"], rows: rows).text(style)
    }
}

extension ScoreReport<Comparison> {
    /// The paired test of each column of two tables whose rows are paired.
    public init(_ first: ScoreTable, _ second: ScoreTable) {
        columns = first.scoreColumns.map { ($0, Comparison(first.scores($0), second.scores($0))) }
        mean = Comparison(first.rowMeans, second.rowMeans)
    }

    /// The numbers for people; for a paper, both means with the half intervals 1.96·sd/√n, with three decimals.
    public func text(_ style: TextTable.Style) -> String {
        if style == .plain {
            let header = [
                "column", "n", "missing", "first", "second", "difference", "higher", "statistic", "p", "method",
            ]
            let rows = all.map { name, value in
                [
                    name, "\(value.test.n)", "\(value.test.missing)", decimals(value.first.mean),
                    decimals(value.second.mean), signed(value.difference), value.higher ?? "-",
                    decimals(value.test.statistic, 1), significant(value.test.p), value.test.method.rawValue,
                ]
            }
            return TextTable(header: header, rows: rows).text(style)
        }
        let rows = all.map { name, value in
            [
                ScoreTable.shortName(name), "\(value.test.n)", value.first.cell, value.second.cell,
                signed(value.difference),
                significant(value.test.p),
            ]
        }
        return TextTable(header: ["", "n", "first", "second", "difference", "p"], rows: rows).text(style)
    }
}

/// The scores of two tables in one column, of the rows that have both.
public struct Comparison: Hashable, Sendable, Encodable {
    public let first: Summary
    public let second: Summary
    public let test: Wilcoxon

    /// - Precondition: as many scores on both sides.
    public init(_ first: [Double], _ second: [Double]) {
        let pairs = zip(first, second).filter { !$0.isNaN && !$1.isNaN }
        self.first = Summary(pairs.map(\.0))
        self.second = Summary(pairs.map(\.1))
        test = Wilcoxon(first, second)
    }

    /// The first mean less the second.
    public var difference: Double { first.mean - second.mean }

    /// Which mean is higher, `first` or `second`; nil where neither is.
    public var higher: String? { difference > 0 ? "first" : difference < 0 ? "second" : nil }

    enum CodingKeys: String, CodingKey {
        case first = "mean_first"
        case second = "mean_second"
        case difference, higher
    }

    /// The test's own values and the means; what is not a number is null.
    public func encode(to encoder: any Encoder) throws {
        try test.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        for (key, value) in [(CodingKeys.first, first.mean), (.second, second.mean), (.difference, difference)] {
            try container.encode(value.isNaN ? nil : value, forKey: key)
        }
        try container.encode(higher, forKey: .higher)
    }
}

extension ScoreReport<Comparison> {
    /// What the person should know about two tables whose rows are paired.
    public func warnings(_ first: ScoreTable, _ second: ScoreTable) -> [Warning] {
        var warnings: [Warning] = []
        if mean.test.n > 0, columns.allSatisfy({ $0.value.test.n == $0.value.test.zeros }) {
            warnings.append(Warning(file: second.file, "every score is the same as in \(first.file)"))
        }
        let onlyInOne = first.scoreColumns.map { column in
            zip(first.scores(column), second.scores(column)).map { $0.isNaN != $1.isNaN }
        }
        let uneven = first.rows.indices.count { row in onlyInOne.contains { $0[row] } }
        if uneven > 0 {
            warnings.append(
                Warning(
                    file: second.file,
                    "rows with scores that \(first.file) lacks, or the reverse: \(uneven); their means are of different "
                        + "columns, unless with --complete"))
        }
        return warnings
    }
}

// MARK: Words

extension Summary {
    /// The mean with half the confidence interval of the paper, for a table of one.
    var cell: String { n == 0 ? "-" : n == 1 ? decimals(mean) : "\(decimals(mean)) ± \(decimals(ci95))" }
}
