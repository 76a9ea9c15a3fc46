import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Annotations

/// Nothing takes more steps, or more bytes, for each box, class or line because there are more of them.
@Suite(.serialized) struct GrowthTests {
    let folder = Folder()
    let size = PixelSize(width: 64, height: 48)

    private func box(_ number: Int, classID: Int = 0, shift: Double = 0) -> DrawnBox {
        let (x, y) = (Double(number % 60) + shift, Double(number / 60 % 45))
        return DrawnBox(
            classID: classID, box: PixelBox(x0: x, y0: y, x1: x + 1, y1: y + 1), isClipped: false,
            place: Place(file: "b.csv", line: number + 1))
    }

    private func check(_ slices: [SliceBoxes], names: [String], others: [SliceBoxes] = []) {
        let classes = ClassList(names: names, path: "")
        var volume = CheckedVolume(sliceCount: 100_000, towardsRight: [1, 0], towardsFront: [0, 1])
        volume.drawers = Drawers([slices, others])
        _ = BoxFinding.findings(in: slices, classes: classes, volume: volume)
        _ = Coverage.rows(drawnBy: ["a": slices], case: "ct", classes: classes, volume: volume)
    }

    /// All on one slice; one on each; 100 of 100 classes on each; with another annotator on other slices.
    @Test func checksOfBoxes() throws {
        try expectLinearGrowth(from: 500) { count in
            let slices = [SliceBoxes(slice: 0, files: ["b.csv"], boxes: (0..<count).map { box($0) })]
            return { check(slices, names: ["spleen"]) }
        }
        for others in [false, true] {
            try expectLinearGrowth(from: 100) { count in
                let slices = (0..<count).map {
                    SliceBoxes(slice: 2 * $0, files: ["b.csv"], boxes: [box($0 % 3)])
                }
                let theirs = (0..<count).map {
                    SliceBoxes(slice: 2 * $0 + 1, files: ["c.csv"], boxes: [box($0 % 3)])
                }
                return { check(slices, names: ["spleen"], others: others ? theirs : []) }
            }
        }
        try expectLinearGrowth(from: 2) { count in
            let slices = (0..<count).map { slice in
                SliceBoxes(
                    slice: slice, files: ["b.csv"],
                    boxes: (0..<100).map { box($0, classID: (slice + $0) % 100, shift: Double(slice % 2)) })
            }
            return { check(slices, names: (0..<100).map { "organ \($0)" }) }
        }
    }

    /// Each class on six slices of its own, with names that are looked at closely: sides, single organs, pairs.
    @Test(arguments: ["organ", "l", "r", "liver ", "spleen ", "left "]) func classes(_ name: String) throws {
        try expectLinearGrowth(from: 60) { count in
            let names = (0..<count).map { $0 % 2 == 0 ? "\(name)\($0)" : "liver \($0)" }
            let slices = (0..<count / 60 * 6).map { slice in
                SliceBoxes(
                    slice: slice, files: ["b.csv"],
                    boxes: (0..<60).map { box($0 * 44, classID: slice / 6 * 60 + $0) })
            }
            return { check(slices, names: names) }
        }
    }

    /// Each class on the first slice and on the last, of as many slices as classes.
    @Test func slicesThatNobodyLookedAt() throws {
        try expectLinearGrowth(from: 100) { count in
            let own = (0..<count).map { box($0, classID: $0) }
            let slices = [0, count].map { SliceBoxes(slice: $0, files: ["b.csv"], boxes: own) }
            return { #expect(Evidence().unseenSlices(slices, by: "a", case: "ct") == Array(1..<count)) }
        }
    }

    /// As many rows of one class, in any order, as slices.
    @Test func tasks() throws {
        try expectLinearGrowth(from: 200) { count in
            let rows = (0..<count).map { "a,0,ct,\(2 * (count - $0)),\(2 * (count - $0))\n" }
            let path = folder.write("tasks.csv", "annotator,class,case,first,last\n" + rows.joined())
            let tasks = try Tasks(contentsOf: path, classes: nil)
            let slices = [0, 2 * count + 2].map { SliceBoxes(slice: $0, files: ["b.csv"], boxes: [box($0)]) }
            return {
                let unseen = Evidence(tasks: tasks).unseenSlices(slices, by: "a", case: "ct")
                #expect(unseen == (0...count).map { 2 * $0 + 1 })
            }
        }
    }

    @Test func lists() throws {
        try expectLinearGrowth(from: 200) { count in
            let path = folder.write("c.txt", (0..<count).map { "l\($0)\n" }.joined())
            return { _ = try ClassList(contentsOf: path) }
        }
        try expectLinearGrowth(from: 50) { count in
            let list = ClassList(names: (0..<count).map { "l\($0)" }, path: "")
            let text = (0..<count).map { "l\($0)=\($0 + 1)" }.joined(separator: ",")
            return { _ = try LabelMap(text, classes: list) }
        }
        try expectLinearGrowth(from: 1000) { count in
            let text = String(repeating: "=", count: count)
            return { expectError(.usage, "there is no class") { _ = try LabelMap(text, classes: nil) } }
        }
    }

    /// Objects; values of one element; white space around a path; nested elements.
    @Test func pascalVOCs() throws {
        let list = ClassList(names: ["liver"], path: "")
        for (begin, part, end) in [
            ("", object("liver", "1", "2", "30", "40"), ""),
            ("<object>", "<name>liver</name>", "</object>"), ("<object><name>", "<a>b</a>", "</name></object>"),
            ("<size>", "<width>64</width>", "</size>"), ("<path>", " ", "x</path>"), ("<path>", " ", "x"),
            ("", "<!-- -->", ""), ("<object>", "&lt;", "</object>"),
        ] {
            try expectLinearGrowth(from: 100) { count in
                let text = "<annotation>\(begin)\(String(repeating: part, count: count))\(end)</annotation>"
                folder.write("boxes/ct-slice003.xml", text)
                let source = try BoxSource(folder.file("boxes"), pattern: .standard, cases: ["ct"])
                return {
                    _ = source.boxes(ofCase: "ct", annotator: "", sliceCount: 8, imageSize: size, classes: list)
                    _ = source.namedPictures(ofCase: "ct", annotator: "")
                }
            }
        }
    }

    /// The same boxes in both of OpenLabeling's formats.
    @Test func twoFormats() throws {
        let list = ClassList(names: ["liver"], path: "")
        try expectLinearGrowth(from: 350) { count in
            folder.write("both/ct-slice003.txt", String(repeating: "0 0.25 0.5 0.125 0.25\n", count: count))
            folder.write(
                "both/ct-slice003.xml",
                "<annotation>" + String(repeating: object("liver", "12", "18", "20", "30"), count: count)
                    + "</annotation>")
            let source = try BoxSource(folder.file("both"), pattern: .standard, cases: ["ct"])
            return {
                let read = source.boxes(ofCase: "ct", annotator: "", sliceCount: 8, imageSize: size, classes: list)
                #expect(read.errors.isEmpty && read.slices[0].boxes.count == count)
            }
        }
    }

    /// One annotator for each box, on a slice of his own.
    @Test func annotators() throws {
        try expectLinearGrowth(from: 50) { count in
            let drawn = Dictionary(
                uniqueKeysWithValues: (0..<count).map {
                    ("\($0)", [SliceBoxes(slice: $0, files: ["b.csv"], boxes: [box($0)])])
                })
            return { _ = AgreedBox.objects(drawnBy: drawn) }
        }
    }
}
