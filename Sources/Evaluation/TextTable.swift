import Foundation

/// A table of text for people: in columns, or to paste into a paper.
public struct TextTable: Sendable {
    public enum Style: Sendable {
        /// Columns of equal width, the first aligned to the left, the others to the right.
        case plain
        case markdown
        /// The rows of a `tabular` of LaTeX, with the lines of the package booktabs.
        case latex
    }

    public let header: [String]
    public let rows: [[String]]

    /// - Precondition: a cell for each column in each row.
    public init(header: [String], rows: [[String]]) {
        precondition(rows.allSatisfy { $0.count == header.count }, "rows of \(header.count) cells")
        (self.header, self.rows) = (header, rows)
    }

    /// The lines of the table, without an end of the last.
    public func text(_ style: Style) -> String {
        switch style {
        case .plain: plain
        case .markdown: markdown
        case .latex: latex
        }
    }

    private var plain: String {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            zip(row, widths).enumerated().map { column, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 ? cell.0 + space : space + cell.0
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    private var markdown: String {
        let line = ["---"] + header.dropFirst().map { _ in "---:" }
        let cells = ([header] + rows).map { $0.map { $0.replacing("|", with: "\\|") } }
        return ([cells[0], line] + cells.dropFirst()).map { "| " + $0.joined(separator: " | ") + " |" }
            .joined(separator: "\n")
    }

    private var latex: String {
        let lines = ([header] + rows).map { $0.map(latexCell).joined(separator: " & ") + " \\\\" }
        let columns = "l" + String(repeating: "r", count: header.count - 1)
        return
            (["\\begin{tabular}{\(columns)}", "\\toprule", lines[0], "\\midrule"] + lines.dropFirst()
            + ["\\bottomrule", "\\end{tabular}"]).joined(separator: "\n")
    }
}

/// Text with LaTeX's own characters written so that it prints them; ± and powers of ten in mathematics.
private func latexCell(_ text: String) -> String {
    if let power = text.firstIndex(of: "e"), let mantissa = Double(text[..<power]),
        let exponent = Int(text[text.index(after: power)...])
    {
        return "$\(mantissa) \\times 10^{\(exponent)}$"
    }
    let escaped = text.map { character in
        switch character {
        case "\\": "\\textbackslash{}"
        case "&", "%", "$", "#", "_", "{", "}": "\\\(character)"
        case "~": "\\textasciitilde{}"
        case "^": "\\textasciicircum{}"
        case "±": "$\\pm$"
        default: String(character)
        }
    }.joined()
    return escaped.hasPrefix("-") && Double(escaped) != nil ? "$\(escaped)$" : escaped
}

/// A number with some decimals; a dash where it is none.
func decimals(_ number: Double, _ count: Int = 3) -> String {
    number.isNaN ? "-" : String(format: "%.\(count)f", number)
}

/// A number with its sign and three decimals; a dash where it is none.
func signed(_ number: Double) -> String { number.isNaN ? "-" : String(format: "%+.3f", number) }

/// A number with three significant digits; a dash where it is none.
func significant(_ number: Double) -> String { number.isNaN ? "-" : String(format: "%.3g", number) }
