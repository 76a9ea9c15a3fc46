import Foundation
import SafeFiles
import TestSupport
import Testing

@testable import Evaluation

@Suite struct ScoreTableTests {
    func table(_ text: String) throws -> ScoreTable {
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).csv").path(percentEncoded: false)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return try ScoreTable(contentsOf: path)
    }

    @Test func readsScoresAndWhatIsMissing() throws {
        let table = try table("model,path,a_dice,b_dice\nm,x,0.5,nan\nm,\"y,z\",1,\n")
        #expect(table.scoreColumns == ["a_dice", "b_dice"])
        #expect(table.scores("a_dice") == [0.5, 1])
        #expect(table.scores("b_dice").count { $0.isNaN } == 2)
        #expect(table.rowMeans == [0.5, 1])
    }

    @Test func keepsRows() throws {
        var table = try table("model,path,a_dice\nm,x,0.5\nn,y,nan\nn,z,0.25\n")
        try table.keep(where: "model", is: "n")
        #expect(table.rows.count == 2)
        table.keepComplete()
        #expect(table.scores("a_dice") == [0.25])
        for (column, value) in [("model", "k"), ("colour", "n")] {
            #expect(throws: FileError.self) {
                var copy = table
                try copy.keep(where: column, is: value)
            }
        }
    }

    @Test func pairsByKeyAndNotByOrder() throws {
        let (one, other) = try table("path,a_dice\nx,1\ny,2\n").paired(
            with: table("path,a_dice\ny,20\nx,10\n"), by: "path")
        #expect(one.scores("a_dice") == [1, 2])
        #expect(other.scores("a_dice") == [10, 20])
    }

    @Test func pairsBySeveralColumns() throws {
        let (one, other) = try table("path,slice_idx,a_dice\nx,0,1\nx,1,2\ny,0,3\n").paired(
            with: table("path,slice_idx,a_dice\ny,0,30\nx,1,20\nx,0,10\n"), by: "path,slice_idx")
        #expect(one.scores("a_dice") == [1, 2, 3])
        #expect(other.scores("a_dice") == [10, 20, 30])
    }

    @Test(arguments: [
        "path,a_dice\nx,1\n", "path,a_dice\nx,1\nz,2\n", "path,a_dice\nx,1\ny,2\ny,2\n", "name,a_dice\nx,1\ny,2\n",
    ])
    func refusesOtherRows(text: String) throws {
        let (one, other) = (try table("path,a_dice\nx,1\ny,2\n"), try table(text))
        #expect(throws: FileError.self) { try one.paired(with: other, by: "path") }
        #expect(throws: FileError.self) { try one.paired(with: other, by: "path,nothing") }
    }

    static let noTables: [(text: String, line: Int, what: String)] = [
        ("", 1, "no scores"), ("path\nx\n", 1, "no scores"), ("path,a_dice\n\nx,high\n", 3, "not a score"),
        ("path,a_dice\nx,0x1\n", 2, "not a score"), ("path,a_dice\n\"x,1\n", 2, "a quotation mark that is not closed"),
        ("path,a_dice,a_dice\nx,1,0\n", 1, "the column \"a_dice\" is there twice"),
        ("path,a_dice\nx,0,5\n", 2, "more cells than columns"), ("path,a_dice\nx\n", 2, "too few cells"),
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

    // MARK: The paper

    static let study = sharedData + "/study"

    /// Table 1 of Kulkarni et al., as printed: mean and half interval of each column, and the p-values.
    @Test(.needsSharedData) func tableOneOfThePaper() throws {
        var slices = try ScoreTable(contentsOf: Self.study + "/slice_dice.csv")
        try slices.keep(where: "model", is: "SAM-vit_h")
        slices.keepComplete()
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
