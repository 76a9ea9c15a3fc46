import Foundation
import SafeFiles
import TestSupport
import Testing

/// The one reader and writer of comma-separated values.
@Suite struct CSVTests {
    let folder = Folder()

    private func read(_ text: String) throws -> CSV { try CSV(contentsOf: folder.write("t.csv", text)) }

    /// The rows as their lines and their cells in the order of the columns.
    private func cells(_ text: String) throws -> [[String]] {
        let table = try read(text)
        return table.rows.map { row in ["\(row.line)"] + table.columns.map { row.cells[$0] ?? "-" } }
    }

    @Test func rowsKeepTheirLines() throws {
        #expect(try read("a,b\n1,2\n").columns == ["a", "b"])
        #expect(try cells("a,b\n1,2\n\n3,4") == [["2", "1", "2"], ["4", "3", "4"]])
        #expect(try cells("\n \na,b\n1, 2 \n") == [["4", "1", " 2 "]], "cells are as they are written")
        #expect(try read(" a , b\n").columns == ["a", "b"])
        #expect(try cells("a\n") == [] && cells("") == [])
        #expect(try read("\n\na\n").headerLine == 3)
    }

    @Test("lines end with a line feed, a carriage return or both", arguments: ["\n", "\r", "\r\n"])
    func lineEnds(end: String) throws {
        let text = ["a,b", "1,\"x\(end)y\"", "", "2,3", ""].joined(separator: end)
        #expect(try cells(text) == [["2", "1", "x\(end)y"], ["5", "2", "3"]])
        #expect(try cells("\u{FEFF}" + text).count == 2, "an editor's mark")
    }

    @Test func quotedCells() throws {
        #expect(try cells("a,b,c\n\"x,y\",\"say \"\"z\"\"\",\"\"\n") == [["2", "x,y", "say \"z\"", ""]])
        #expect(try cells("\"a\",\"b,c\"\né,\"\u{1F600}\"\n") == [["2", "é", "\u{1F600}"]])
    }

    /// As Excel keeps empty columns and rows, and as pandas numbers rows.
    @Test func whatSpreadsheetsLeave() throws {
        #expect(
            try cells("a,b,,\n1,2,,\n3,4\n5,6, ,\n,,,\n\"\",,\n") == [
                ["2", "1", "2"], ["3", "3", "4"], ["4", "5", "6"],
            ])
        #expect(try cells("a,,b\n1,,2\n") == [["2", "1", "2"]])
        #expect(try cells(",a,b\n0,1,2\n1,3,4\n") == [["2", "1", "2"], ["3", "3", "4"]])
    }

    static let wrong: [(text: String, line: Int, says: String)] = [
        ("a,b\n1,2\n3\n", 3, "too few cells: expected 2, found 1, none for \"b\""),
        ("a,b\n\n1,2,3\n", 3, "more cells than columns: expected 2, found \"3\" in column 3"),
        // Decimals with commas, beside columns that a spreadsheet left.
        ("a,b,,\n1,5,2,5\n", 2, "more cells than columns: expected 2, found \"2\" in column 3"),
        ("a,,b\n1,x,2\n", 2, "found \"x\" in column 2"), ("\n x,y,x\n1,2,3\n", 2, "the column \"x\" is there twice"),
        ("a,b\n1,\"2\n3,4\n", 2, "a quotation mark that is not closed"),
        ("a,b\n\"1\n2\",3\n4,5\"6\n", 4, "a quotation mark inside a cell"),
        ("a,b\n\"1\"2,3\n", 2, "a quotation mark inside a cell"),
        ("a,b\n1, \"2\"\n", 2, "a quotation mark inside a cell"),
    ]

    @Test(arguments: wrong.indices) func wrongTables(index: Int) {
        let wrong = Self.wrong[index]
        let error = expectError(.badData, wrong.says) { _ = try read(wrong.text) }
        #expect(error?.line == wrong.line)
    }

    @Test func rowsThatAreWrongCanBeLeftOut() throws {
        var errors: [FileError] = []
        let table = try CSV(contentsOf: folder.write("t.csv", "a,b\n1\n2,3\n4,5,6\n"), errors: &errors)
        #expect(table.rows.map(\.line) == [3])
        #expect(errors.map(\.line) == [2, 4])
    }

    @Test func whatIsNoText() {
        expectError(.badData, "expected UTF-8") {
            _ = try CSV(contentsOf: folder.write("t.csv", [0x61, 0x0A, 0xE9, 0x0A] as [UInt8]))
        }
        let path = folder.write("t.csv", "")
        #expect(truncate(path, off_t(Limit.table.standard + 1)) == 0)
        expectError(.badData, "too large") { _ = try CSV(contentsOf: path) }
    }

    /// RFC 4180, 2.5 to 2.7.
    @Test func writing() {
        #expect(commaSeparated([["a", "b c"], ["1,2", "say \"x\""]]) == "a,b c\n\"1,2\",\"say \"\"x\"\"\"\n")
        #expect(commaSeparated([["a\rb", "c\nd", "e\r\nf", ""]]) == "\"a\rb\",\"c\nd\",\"e\r\nf\",\n")
    }

    /// What is written is what is read, whatever is in the cells.
    @Test(arguments: 0..<50) func readsWhatItWrites(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let letters = ["a", ",", "\"", "\n", "\r", "\r\n", " ", "é", ""]
        let rows = (0..<4).map { row in
            ["x"] + (0..<3).map { _ in (0..<3).map { _ in letters.randomElement(using: &random) ?? "" }.joined() }
        }
        #expect(try cells("p,q,r,s\n" + commaSeparated(rows)).map { Array($0.dropFirst()) } == rows)
    }
}
