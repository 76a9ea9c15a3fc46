// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Annotations

/// What says that somebody looked, what merging makes of it, and how far the work has come.
@Suite struct EvidenceTests {
    let folder = Folder()
    let size = PixelSize(width: 320, height: 160)

    /// The slices of each annotator: class and box of each row.
    private func slices(_ rows: [(slice: Int, boxes: [(Int, PixelBox)])]) -> [SliceBoxes] {
        rows.map { slice, boxes in
            SliceBoxes(
                slice: slice, files: ["\(slice).txt"],
                boxes: boxes.enumerated().map { index, box in
                    try! DrawnBox(
                        WrittenBox(classID: box.0, box: box.1, place: Place(file: "\(slice).txt", line: index + 1)),
                        imageSize: size)
                })
        }
    }

    private let box = PixelBox(x0: 10, y0: 20, x1: 50, y1: 60)
    private let other = PixelBox(x0: 100, y0: 20, x1: 150, y1: 60)

    @Test func aBoxATaskOrAnAgreedEmptyFileSaysThatSomebodyLooked() throws {
        let drawn = [
            "anna": slices([(3, [(0, box), (1, other)])]), "ben": slices([(3, [])]), "carl": slices([(3, [(0, box)])]),
        ]
        func workers(_ evidence: Evidence) -> [[String]] {
            AgreedBox.objects(drawnBy: drawn, case: "ct", evidence: evidence).map(\.workers)
        }
        #expect(workers(Evidence()) == [["anna", "carl"], ["anna", "carl"]])
        #expect(workers(Evidence(emptyFile: .nothing)) == [["anna", "ben", "carl"], ["anna", "ben", "carl"]])
        // Carl was to draw the first class alone, and Ben the second on other slices; Dora has no file.
        let path = folder.write(
            "tasks.csv",
            "annotator,class,case,first,last\ncarl,0,ct,0,9\nben,1,ct,4,9\ndora,1,ct,0,3\n")
        let tasks = try Tasks(contentsOf: path, classes: nil)
        let all = AgreedBox.objects(
            drawnBy: drawn.merging(["dora": []]) { $1 }, case: "ct", evidence: Evidence(tasks: tasks))
        #expect(all.map(\.workers) == [["anna", "carl"], ["anna", "dora"]])
        #expect(AgreedBox.objects(drawnBy: drawn, case: "mr", evidence: Evidence(tasks: tasks))[1].workers == ["anna"])
        #expect(
            Evidence().unseenSlices(
                slices([(2, [(0, box)]), (3, [(1, box)]), (5, []), (6, [(0, box)])]), by: "", case: "")
                == [4, 5])
    }

    @Test(arguments: [
        ("annotator,class,case,first\na,0,ct,1\n", "not a table of tasks"),
        ("annotator,class,case,first,last\na,5,ct,1,2\n", "not a class"),
        ("annotator,class,case,first,last\na,spleen,ct,3,2\n", "not a range of slices"),
        ("annotator,class,case,first,last\na,spleen,ct,x,2\n", "not a range of slices"),
        ("annotator,class,case,first,last\na,spleen,ct,0,\(Int.max)\n", "not a range of slices"),
    ]) func tasksThatAreNone(text: String, what: String) throws {
        let classes = try folder.classes("spleen", "liver")
        let path = folder.write("tasks.csv", text)
        expectError(.badData, what, about: path) { _ = try Tasks(contentsOf: path, classes: classes) }
    }

    /// However long the ranges are, and however often they are there.
    @Test func tasksBeyondTheVolume() throws {
        let row = "a,0,ct,1,\(Int.max - 1)\n"
        let path = folder.write("tasks.csv", "annotator,class,case,first,last\n" + row + row)
        let tasks = try Tasks(contentsOf: path, classes: nil)
        var volume = CheckedVolume(sliceCount: 3)
        volume.tasks = tasks.slices(of: "a", case: "ct")
        let classes = try folder.classes("spleen")
        // Two slices were asked for, and one is drawn: fewer than that is hardly begun.
        #expect(
            BoxFinding.findings(in: slices([(1, [(0, box)])]), classes: classes, volume: volume).map(\.kind)
                == [.barelyStarted])
        #expect(
            BoxFinding.findings(in: slices([(1, [(0, box)]), (2, [(0, box)])]), classes: classes, volume: volume)
                .isEmpty)
    }

    /// Files that are malformed, or that disagree, are no empty files.
    @Test func filesThatCannotBeReadSayNothing() throws {
        for slice in [5, 9] { folder.write("ct-slice00\(slice).txt", "0 0.5 0.5 0.2 0.2\n") }
        folder.write("ct-slice006.txt", "no box\n")
        folder.write("ct-slice007.txt", "0 0.5 0.5 0.2 0.2\n")
        folder.write("ct-slice007.xml", "")
        folder.write("ct-slice008.txt", "")
        let reading = try BoxSource(folder.path, pattern: .standard, cases: ["ct"]).boxes(
            ofCase: "ct", annotator: "", sliceCount: 10, imageSize: size, classes: nil)
        #expect(reading.slices.map(\.isWhole) == [true, false, false, true, true])
        let path = folder.write("tasks.csv", "annotator,class,case,first,last\n,0,ct,0,9\n")
        let tasks = try Tasks(contentsOf: path, classes: nil)
        for tasks in [nil, tasks] as [Tasks?] {
            let evidence = Evidence(tasks: tasks, emptyFile: .nothing)
            func places(_ test: (Int, SliceBoxes) -> Bool) -> [Int] {
                reading.slices.filter { test($0.slice, $0) }.map(\.slice)
            }
            #expect(places { evidence.saysLooked("", for: 0, at: $0, $1, case: "ct") } == [5, 8, 9])
            let without = places {
                !$1.boxes.contains { $0.classID == 0 } && evidence.saysNothing("", of: 0, at: $0, $1, case: "ct")
            }
            #expect(without == [8])
            #expect(evidence.unseenSlices(reading.slices, by: "", case: "ct") == [6, 7])
            // A box of the class says that somebody looked, whatever else is in the file.
            var torn = reading.slices
            torn[1].boxes = reading.slices[0].boxes
            #expect(evidence.unseenSlices(torn, by: "", case: "ct") == [7])
        }
    }

    // MARK: Merging

    @Test func mergedBoxesKeepTheDrawingOrderAndAreRounded() throws {
        // Anna forgot the second class, and Ben draws 313.99999999999994, as YOLO's numbers come back.
        let near = PixelBox(x0: 11, y0: 20, x1: 49.99999999999994, y1: 60.5)
        let far = PixelBox(x0: 200, y0: 20, x1: 250, y1: 60)
        let drawn = [
            "anna": slices([(3, [(2, other), (0, box)])]),
            "ben": slices([(3, [(2, other), (1, far), (0, near)])]),
        ]
        let objects = AgreedBox.objects(drawnBy: drawn)
        #expect(objects.map { [$0.classID, $0.place] } == [[0, 2], [1, 1], [2, 0]])
        let item = MergedBoxes.Case(name: "ct", sliceCount: 5, imageSize: size, objects: objects)
        let classes = try folder.classes("a & b", "<c>", "d")
        let merged = try MergedBoxes([item], pattern: .standard, classes: classes)
        #expect((merged.count, merged.leftOut, merged.majoritiesOfOne) == (3, 0, 1))
        #expect(
            String(decoding: merged.csv, as: UTF8.self) == """
                slice,class,x0,y0,x1,y1
                ct-slice003,d,100,20,150,60
                ct-slice003,<c>,200,20,250,60
                ct-slice003,a & b,10.5,20,50,60.25

                """)
        for format in [MergedBoxes.Format.yolo, .voc] {
            let place = Folder()
            for (name, data) in zip(merged.names(format), merged.contents(format)) { place.write(name, data) }
            let again = try place.boxes(slices: 5, size: size, classes: classes)
            #expect(again.map(\.slice) == Array(0..<5))
            #expect(again.map(\.boxes.count) == [0, 0, 0, 3, 0])
            #expect(again[3].boxes.map(\.classID) == [2, 1, 0])
            // Relative numbers come back within a rounding of doubles.
            let sides = again[3].boxes[2].box
            #expect(abs(sides.x0 - 10.5) < 1e-9 && abs(sides.y1 - 60.25) < 1e-9)
        }
    }

    // MARK: Coverage

    @Test func coverageListsGapsStopsAndNobody() throws {
        let classes = try folder.classes("a", "b", "c")
        let drawn = [
            "anna": slices([1, 2, 3, 7].map { ($0, [(0, box)]) }), "ben": slices([(4, [(0, box)])]),
            "carl": slices([0, 3, 6, 9, 12].map { ($0, [(1, other)]) }),
        ]
        let rows = Coverage.rows(
            drawnBy: drawn, case: "ct", classes: classes, volume: CheckedVolume(sliceCount: 20), except: [])
        #expect(
            rows.map(\.cells) == [
                ["ct", "a", "001", "007", "5", "005–006", "anna, ben"],
                ["ct", "b", "000", "012", "5", "every 3", "carl"], ["ct", "c", "-", "-", "0", "nobody", "-"],
            ])
        #expect(rows.map(\.isComplete) == [false, true, false])
        let others = Coverage.rows(
            drawnBy: drawn, case: "ct", classes: classes, volume: CheckedVolume(sliceCount: 20), except: [0, 2])
        #expect(others.map(\.className) == ["a", "b"])
    }

    /// A small organ is on too few of the slices that were handed out to have a step of its own.
    @Test func coverageFollowsTheVolumesStep() {
        let classes = ClassList(names: ["a", "b"], path: "")
        let drawn = slices(
            stride(from: 0, to: 45, by: 5).map { ($0, [(0, box)] + ((10...20).contains($0) ? [(1, other)] : [])) })
        let rows = Coverage.rows(
            drawnBy: ["": drawn], case: "ct", classes: classes, volume: CheckedVolume(sliceCount: 45))
        #expect(rows.map(\.step.value) == [5, 5] && rows.map(\.gaps.count) == [0, 0])
    }

    /// Boxes that end where the tasks end do not stop half-way.
    @Test func coverageKnowsTasks() {
        let classes = ClassList(names: ["a", "b", "c"], path: "")
        let drawn = ["anna": slices((3..<12).map { ($0, [(0, box), (1, other)]) })]
        var volume = CheckedVolume(sliceCount: 20)
        func rows() -> [Coverage] { Coverage.rows(drawnBy: drawn, case: "ct", classes: classes, volume: volume) }
        #expect(rows().map(\.isStopped) == [true, true, false])
        volume.tasks = [0: RangeSet(3..<12), 1: RangeSet(3..<12)]
        #expect(rows().map(\.className) == ["a", "b"] && rows().map(\.isComplete) == [true, true])
    }

    /// More boxes on a slice than are compared with each other.
    @Test func coverageOfACrowd() {
        let classes = ClassList(names: (0..<8).map { "organ \($0)" }, path: "")
        let own = slices([2, 3, 4, 7].map { slice in (slice, (0..<8).map { ($0, box) }) })
        let drawn = Dictionary(uniqueKeysWithValues: (0..<40).map { ("a\($0)", own) })
        let rows = Coverage.rows(
            drawnBy: drawn, case: "ct", classes: classes, volume: CheckedVolume(sliceCount: 20), except: [])
        #expect(rows.count == 8)
        for row in rows {
            #expect(row.drawn == 4 && row.first.value == 2 && row.last.value == 7 && row.gaps == [[5, 6]])
            #expect(row.annotators.count == 40)
        }
    }
}
