import Foundation
import ImageFrames
import TestSupport
import Testing

@testable import Annotations

@Suite("What several annotators agree on")
struct ConsensusTests {
    let folder = Folder()
    let size = PixelSize(width: 320, height: 160)

    /// The boxes of each annotator, as rows `slice,class,x0,y0,x1,y1`.
    private func drawings(_ rows: [String: [String]]) throws -> [String: [SliceBoxes]] {
        let text = rows.flatMap { annotator, rows in rows.map { "\($0),\(annotator)" } }.joined(separator: "\n")
        let path = folder.write("boxes.csv", "slice,class,x0,y0,x1,y1,annotator\n\(text)\n")
        let source = try BoxSource(path, pattern: .standard, cases: ["ct"])
        return Dictionary(
            uniqueKeysWithValues: rows.keys.map { name in
                let reading = source.boxes(
                    ofCase: "ct", annotator: name, sliceCount: 99, imageSize: size, classes: nil)
                #expect(reading.errors.isEmpty)
                return (name, reading.slices)
            })
    }

    @Test("the median of each side, of three and of two")
    func medians() throws {
        let objects = AgreedBox.objects(
            drawnBy: try drawings([
                "a": ["3,0,10,20,50,60", "4,0,10,20,50,60"], "b": ["3,0,12,18,55,61", "4,0,12,26,54,60"],
                "c": ["3,0,11,25,52,58"],
            ]))
        #expect(
            objects.map(\.box) == [PixelBox(x0: 11, y0: 20, x1: 52, y1: 60), PixelBox(x0: 11, y0: 23, x1: 52, y1: 60)])
        #expect(objects.map(\.workers) == [["a", "b", "c"], ["a", "b"]])
        #expect(objects.map(\.isAgreed) == [true, true])
        #expect([].median() == nil && [3].median() == 3 && [4, 1, 2, 8].median() == 3)
    }

    @Test("what fewer than half of those drew who worked on the slice does not count")
    func minority() throws {
        let objects = AgreedBox.objects(
            drawnBy: try drawings([
                "a": ["3,0,10,20,50,60", "3,1,100,20,150,60", "5,2,1,1,9,9"], "b": ["3,0,10,20,50,60"],
                "c": ["3,0,200,20,250,60"],
            ]))
        #expect(objects.map(\.classID) == [0, 0, 1, 2])
        // Two of three, one of three, one of three, and one of the one who looked.
        #expect(objects.map(\.isAgreed) == [true, false, false, true])
        #expect(objects.map(\.own.keys.count) == [2, 1, 1, 1])
    }

    @Test("two objects of one class stay two, and other classes and slices do not count")
    func separate() throws {
        let objects = AgreedBox.objects(
            drawnBy: try drawings([
                "a": ["3,0,10,20,50,60", "3,0,60,20,100,60", "3,1,10,20,50,60", "4,0,10,20,50,60"],
                "b": ["3,0,61,21,101,61", "3,0,11,21,51,61"],
            ]))
        #expect(
            objects.map { [$0.slice, $0.classID, $0.own.count] } == [[3, 0, 2], [3, 0, 2], [3, 1, 1], [4, 0, 1]])
        #expect(objects[0].box == PixelBox(x0: 10.5, y0: 20.5, x1: 50.5, y1: 60.5))
    }

    @Test("overlaps are those of all pairs, or of one annotator's")
    func overlaps() throws {
        let objects = AgreedBox.objects(
            drawnBy: try drawings(["a": ["3,0,0,0,10,10"], "b": ["3,0,0,0,10,8"], "c": ["3,0,0,0,5,10"]]))
        #expect(objects.count == 1)
        // 80 of 100, 50 of 100, 40 of 90.
        let expected = [0.8, 0.5, 40.0 / 90]
        #expect(zip(objects[0].overlaps(), expected).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(zip(objects[0].overlaps(of: "b"), [0.8, 40.0 / 90]).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(objects[0].overlaps(of: "nobody").isEmpty)
    }

    @Test("intersection over union, against counting pixels", arguments: 0..<20)
    func byPixels(seed: UInt64) {
        var random = SplitMix(seed: seed)
        func box() -> PixelBox {
            let (x, y) = (Int.random(in: 0..<12, using: &random), Int.random(in: 0..<9, using: &random))
            return PixelBox(
                x0: Double(x), y0: Double(y), x1: Double(x + Int.random(in: 1...8, using: &random)),
                y1: Double(y + Int.random(in: 1...8, using: &random)))
        }
        let (one, other) = (box(), box())
        func pixels(_ box: PixelBox) -> Set<[Int]> {
            Set((Int(box.y0)..<Int(box.y1)).flatMap { y in (Int(box.x0)..<Int(box.x1)).map { [$0, y] } })
        }
        let shared = pixels(one).intersection(pixels(other)).count
        let covered = pixels(one).union(pixels(other)).count
        #expect(abs(one.intersectionOverUnion(other) - Double(shared) / Double(covered)) < 1e-12)
    }
}
