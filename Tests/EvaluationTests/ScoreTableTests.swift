import Foundation
import SafeFiles
import TestSupport
import Testing

@testable import Evaluation

@Suite struct ScoreTableTests {
    func table(_ text: String, columns: [String] = []) throws -> ScoreTable {
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).csv").path(percentEncoded: false)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return try ScoreTable(contentsOf: path, columns: columns)
    }

    @Test func readsScoresAndWhatIsMissing() throws {
        let table = try table("model,path,a_dice,b_dice\nm,x,0.5,nan\nm,\"y,z\",1,\n")
        #expect(table.scoreColumns == ["a_dice", "b_dice"])
        #expect(table.scores("a_dice") == [0.5, 1])
        #expect(table.scores("b_dice").count { $0.isNaN } == 2)
        #expect(table.rowMeans == [0.5, 1])
    }

    /// A mean of some organs would look like the mean of all.
    @Test func endingsAreOfAnyCase() throws {
        let table = try table("path,Spleen_Dice,liver_dice,DICE\nx,0.5,1,0\n")
        #expect(table.scoreColumns == ["Spleen_Dice", "liver_dice", "DICE"])
        #expect(ScoreTable.shortName("Spleen_Dice") == "Spleen" && ScoreTable.shortName("dice") == "dice")
    }

    @Test func aColumnIsChosenOnce() throws {
        let error = #expect(throws: FileError.self) { try table("a,b\n1,2\n", columns: ["a", "b", "a"]) }
        #expect(error?.kind == .usage && error?.place == "a" && error?.what == "the column is chosen twice")
    }

    @Test func keepsRows() throws {
        var table = try table("model,path,a_dice\nm,x,0.5\nn,y,nan\nn,z,0.25\n")
        try table.keep(where: "model", is: "n")
        #expect(table.rows.count == 2)
        try table.keepComplete()
        #expect(table.scores("a_dice") == [0.25])
        for (column, value) in [("model", "k"), ("colour", "n")] {
            #expect(throws: FileError.self) {
                var copy = table
                try copy.keep(where: column, is: value)
            }
        }
    }

    /// A table of dashes would look like a result.
    @Test func noCompleteRowIsAnError() throws {
        var one = try table("path,a_dice,b_dice\nx,0.1,nan\ny,,0.2\n")
        #expect(throws: FileError.self) { try one.keepComplete() }
        var (first, second) = try table("path,a_dice\nx,0.1\n").paired(with: table("path,a_dice\nx,nan\n"), by: "path")
        let error = #expect(throws: FileError.self) { try first.keepComplete(with: &second) }
        #expect(error?.what == "no row has every score in both tables")
    }

    /// Millimetres and millilitres have no mean in common; scores of whatever names do.
    @Test(arguments: [
        ("a_hd95_mm,a_truth_ml", false), ("a_dice,a_hd95_mm", false), ("a_hd95_mm,b_hd95_mm", true),
        ("own,other", true), ("a_hd95,a_dice", false), ("a_hd95,a_hd95_mm", false), ("liver,a_assd", false),
    ])
    func meansAreOfOneUnit(columns: String, hasMean: Bool) throws {
        let names = columns.split(separator: ",").map(String.init)
        let report = ScoreReport(try table("path,\(columns)\nx,1,0.5\ny,0.5,0.25\n", columns: names))
        #expect(report.text(.plain).split(separator: "\n").dropFirst().contains { $0.hasPrefix("mean ") } == hasMean)
        let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any]
        #expect(json?["mean"] is NSNull == !hasMean)
    }

    @Test func rowsOfOnePathAreSaid() throws {
        let twice = try table("path,model,a_dice\nx,m,1\nx,n,1\ny,m,1\n")
        let what = "rows whose path an earlier row has, which count as well: 1; choose rows with --where"
        #expect(twice.warnings.map(\.description) == ["\(twice.file): \(what)"])
        #expect(try table("path,slice_idx,a_dice\nx,0,1\nx,1,1\n").warnings.isEmpty)
        #expect(try table("case,a_dice\nx,1\nx,1\n").warnings.isEmpty)
    }

    /// What is missing in either table; Python: pandas' dropna of the two joined.
    @Test func keepsPairsThatAreWhole() throws {
        var (one, other) = try table("path,a_dice,b_dice\nx,0.1,0.2\ny,0.3,nan\nz,0.5,0.6\n").paired(
            with: table("path,a_dice,b_dice\nz,nan,0.7\ny,0.8,0.9\nx,1,0\n"), by: "path")
        try one.keepComplete(with: &other)
        #expect(one.scores("a_dice") == [0.1] && other.scores("a_dice") == [1])
    }

    @Test func pairsByKeyAndNotByOrder() throws {
        let (one, other) = try table("path,a_dice\nx,0.1\ny,0.2\n").paired(
            with: table("path,a_dice\ny,0.6\nx,0.5\n"), by: "path")
        #expect(one.scores("a_dice") == [0.1, 0.2])
        #expect(other.scores("a_dice") == [0.5, 0.6])
    }

    @Test func pairsBySeveralColumns() throws {
        let (one, other) = try table("path,slice_idx,a_dice\nx,0,0.1\nx,1,0.2\ny,0,0.3\n").paired(
            with: table("path,slice_idx,a_dice\ny,0,0.6\nx,1,0.5\nx,0,0.4\n"), by: "path,slice_idx")
        #expect(one.scores("a_dice") == [0.1, 0.2, 0.3])
        #expect(other.scores("a_dice") == [0.4, 0.5, 0.6])
    }

    @Test(arguments: [
        "path,a_dice\nx,1\n", "path,a_dice\nx,1\nz,0\n", "path,a_dice\nx,1\ny,0\ny,0\n", "name,a_dice\nx,1\ny,0\n",
        "path,b_dice\nx,1\ny,0\n",
    ])
    func refusesOtherRows(text: String) throws {
        let (one, other) = (try table("path,a_dice\nx,1\ny,0\n"), try table(text))
        #expect(throws: FileError.self) { try one.paired(with: other, by: "path") }
        #expect(throws: FileError.self) { try one.paired(with: other, by: "path,nothing") }
    }

    static let noTables: [(text: String, line: Int, what: String)] = [
        ("", 1, "no scores"), ("path\nx\n", 1, "no scores"), ("path,a_dice\n\nx,high\n", 3, "not a score"),
        ("path,a_dice\nx,0x1\n", 2, "not a score"), ("path,a_dice\n\"x,1\n", 2, "a quotation mark that is not closed"),
        ("path,a_dice,a_dice\nx,1,0\n", 1, "the column \"a_dice\" is there twice"),
        ("path,a_dice\nx,0,5\n", 2, "more cells than columns"), ("path,a_dice\nx\n", 2, "too few cells"),
        ("path,a_dice\nx,1\ny,44\n", 3, "not a Dice"), ("path,dice\nx,-0.01\n", 2, "not a Dice"),
        ("path,a_dice\nx,inf\n", 2, "not a score"), ("\n\npath,hd95\nx,3\n", 3, "no scores"),
    ]

    @Test(arguments: noTables.indices) func refusesWhatIsNoTable(index: Int) {
        let wrong = Self.noTables[index]
        let error = expectError(.badData, wrong.what) { _ = try table(wrong.text) }
        #expect(error?.line == wrong.line)
    }

    /// Columns and rows without text, as Excel keeps them, and quoted line ends, which count as lines.
    @Test func readsWhatSpreadsheetsWrite() throws {
        let table = try table("path,a_dice,,\n\"x\ny\",0.5,,\nz,1,,\n,,,\n")
        #expect(table.columns == ["path", "a_dice"])
        #expect(table.scores("a_dice") == [0.5, 1])
        #expect(table.rows.map(\.line) == [2, 4])
    }

    /// As the study's own tables of one organ have it, and any others that are chosen.
    @Test func columnsOfOtherNames() throws {
        #expect(try table("path,dice\nx,0.5\n").scores("dice") == [0.5])
        let chosen = try table("path,hd95 (mm),dice\nx,12.5,0.5\ny,,0.6\n", columns: ["hd95 (mm)"])
        #expect(chosen.scoreColumns == ["hd95 (mm)"] && chosen.rowMeans[0] == 12.5 && chosen.rowMeans[1].isNaN)
        let error = expectError(.badData, "no column \"hd\"") {
            _ = try table("\npath,hd95\nx,1\n", columns: ["hd95", "hd"])
        }
        #expect(error?.line == 2 && error?.found == "path,hd95")
        expectError(.badData, "not a score") { _ = try table("path,dice\nx,1\n", columns: ["path"]) }
    }

    // MARK: Two tables

    /// Means, half intervals and p by NumPy and SciPy: 1.96·std/√n, and wilcoxon([0.9, 0.8, 0.85], [0.7, 0.9, 0.6]).
    @Test func bothMeansTheirDifferenceAndItsDirection() throws {
        let first = try table("path,a b_dice,c_dice\nw,0.9,0.5\nx,0.8,0.5\ny,0.85,0.5\nz,0.1,0.5\n")
        let second = try table("path,a b_dice,c_dice,d_dice\nz,nan,0.5,1\ny,0.6,0.5,1\nx,0.9,0.5,1\nw,0.7,0.5,1\n")
        let (one, other) = try first.paired(with: second, by: "path")
        #expect(other.scoreColumns == ["a b_dice", "c_dice"], "what the first lacks counts in no mean")
        let report = ScoreReport(one, other)
        let a = report.columns[0].value
        #expect(a.first.n == 3 && a.second.n == 3 && a.test.missing == 1)
        #expect(abs(a.first.mean - 0.85) < 1e-12 && abs(a.second.mean - 0.733_333_333_333_333_3) < 1e-12)
        #expect(abs(a.difference - 0.116_666_666_666_666_6) < 1e-12 && a.higher == "first")
        #expect(abs(a.second.ci95 - 0.141_136_130_765_326_74) < 1e-12)
        #expect(a.test.statistic == 1 && a.test.p == 0.5)
        let c = report.columns[1].value
        #expect(c.difference == 0 && c.higher == nil && c.test.p == 1)
        #expect(report.warnings(one, other).map(\.what).joined().contains("the reverse: 1; their means"))
        let json = try #require(
            JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: [String: Any]])
        let column = try #require(json["columns"]?["a b_dice"] as? [String: Any])
        #expect(column["n"] as? Int == 3 && column["p"] as? Double == 0.5 && column["higher"] as? String == "first")
        #expect(column["mean_second"] as? Double == a.second.mean && column["difference"] as? Double == a.difference)
        let markdown = report.text(.markdown).split(separator: "\n")
        #expect(markdown[0] == "|  | n | first | second | difference | p |")
        #expect(markdown[1] == "| --- | ---: | ---: | ---: | ---: | ---: |")
        #expect(markdown[3] == "| a b | 3 | 0.850 ± 0.046 | 0.733 ± 0.141 | +0.117 | 0.5 |")
        #expect(
            report.text(.latex).contains(
                "\na b & 3 & 0.850 $\\pm$ 0.046 & 0.733 $\\pm$ 0.141 & +0.117 & 0.5 \\\\\n"))
        let plain = report.text(.plain).split(separator: "\n").map { $0.split(separator: " ") }
        #expect(
            plain[3] == ["c_dice", "4", "0", "0.500", "0.500", "+0.000", "-", "0.0", "1", "permutation"],
            "\(plain[3])")
        let same = try first.paired(with: first, by: "path")
        #expect(
            ScoreReport(same.0, same.1).warnings(same.0, same.1).map(\.what).joined().contains(
                "every score is the same"))
    }

    @Test func cellsToPaste() throws {
        let report = ScoreReport(try table("path,a|b_dice,c_d\nx,1,0.5\ny,0.5,\n", columns: ["a|b_dice", "c_d"]))
        // 1.96 · 0.25 / √2; one score has no interval.
        #expect(
            report.text(.markdown).split(separator: "\n").suffix(2) == [
                "| a\\|b | 2 | 0.750 ± 0.346 |", "| c_d | 1 | 0.500 |",
            ])
        #expect(report.text(.latex).hasSuffix("c\\_d & 1 & 0.500 \\\\\n\\bottomrule\n\\end{tabular}"))
        // What c_d measures is not known: no mean.
        #expect(report.text(.plain).split(separator: "\n").count == 3)
    }

    @Test func latexOfNumbers() {
        let table = TextTable(header: ["100% & #1"], rows: [["5.7e-07"], ["-0.010"], ["x^2~{y}"], ["elbow"]])
        #expect(
            table.text(.latex).split(separator: "\n") == [
                "\\begin{tabular}{l}", "\\toprule", "100\\% \\& \\#1 \\\\", "\\midrule", "$5.7 \\times 10^{-7}$ \\\\",
                "$-0.010$ \\\\", "x\\textasciicircum{}2\\textasciitilde{}\\{y\\} \\\\", "elbow \\\\", "\\bottomrule",
                "\\end{tabular}",
            ])
    }

    // MARK: The paper

    static let study = sharedData + "/study"

    /// Table 1 of Kulkarni et al., as printed: mean and half interval of each column, and the p-values.
    @Test(.needsSharedData) func tableOneOfThePaper() throws {
        var slices = try ScoreTable(contentsOf: Self.study + "/slice_dice.csv")
        try slices.keep(where: "model", is: "SAM-vit_h")
        try slices.keepComplete()
        #expect(slices.rows.count == 75)
        #expect((100 * Summary(slices.rowMeans).mean).rounded() == 88)

        let (truth, sam) = try ScoreTable(contentsOf: Self.study + "/GT-nnunet-11-pred.csv").paired(
            with: ScoreTable(contentsOf: Self.study + "/SAM-nnunet-11-pred.csv"), by: "path")
        func p(_ column: String) -> Double { Wilcoxon(truth.scores(column), sam.scores(column)).p }
        // To the digits that the paper prints.
        #expect(abs(Wilcoxon(truth.rowMeans, sam.rowMeans).p - 0.000183) < 5e-7)
        for column in ["spleen_dice", "liver_dice", "aorta_dice"] { #expect(abs(p(column) - 6.1e-5) < 5e-7) }
        #expect(abs(p("lkidney_dice") - 0.0215) < 5e-5)
        #expect(abs(p("rkidney_dice") - 0.0637) < 5e-5)
    }
}
