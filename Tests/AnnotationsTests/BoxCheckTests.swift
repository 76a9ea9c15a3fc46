import Annotations
import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

/// Images are 320×160 here, so a pixel is 0.003125 wide and 0.00625 high.
@Suite("Checks of boxes")
struct BoxCheckTests {
    let folder = Folder()

    @Test(
        "corners that are no numbers",
        arguments: [
            "0 nan 0.5 0.5 0.5", "0 0.5 NaN 0.5 0.5", "0 0.5 0.5 inf 0.5", "0 0.5 0.5 0.5 -infinity",
            "0 1e308 0.5 0.5 0.5", "0 0.5 0.5 0.5 1e999",
        ])
    func notFinite(line: String) {
        expectError("a corner is not a number", line)
    }

    @Test("inverted boxes", arguments: ["0 0.5 0.5 -0.5 0.5", "0 0.5 0.5 0.5 -1e-3", "0 0.5 0.5 -0.5 -0.5"])
    func inverted(line: String) {
        expectError("the box is inverted", line)
    }

    @Test("boxes of no area", arguments: ["0 0.5 0.5 0 0.5", "0 0.5 0.5 0.5 0", "0 0.5 0.5 1e-9 0.5", "0 2 2 0 0"])
    func noArea(line: String) {
        expectError("the box has no area", line)
    }

    @Test(
        "boxes wholly outside, also where they touch the edge",
        arguments: [
            "0 1.5 0.5 0.5 0.5", "0 -0.5 0.5 0.5 0.5", "0 0.5 1.5 0.5 0.5", "0 0.5 -0.5 0.5 0.5",
            "0 1.25 0.5 0.5 0.5", "0 -0.05 0.5 0.1 0.5", "0 1.05 0.5 0.1 0.5", "0 0.5 1.15 0.1 0.3",
            "0 -0.05 0.5 0.10001 0.5",  // 0.0016 of a pixel is inside
        ])
    func outside(line: String) {
        expectError("the box is outside the image", line)
    }

    private func expectError(_ what: String, _ line: String) {
        let path = folder.write("ct-slice002.txt", "0 0.5 0.5 0.5 0.5\n\(line)\n")
        let errors = folder.errors()
        #expect(errors.map(\.what) == [what])
        #expect(errors.first?.kind == .badData)
        #expect(errors.first?.file == path)
        #expect(errors.first?.line == 2)
    }

    @Test("the same faults in Pascal VOC name the object")
    func pascalVOCFaults() throws {
        folder.write(
            "ct-slice000.xml",
            pascalVOC(
                object("a", "nan", "1", "2", "3"), object("a", "20", "1", "10", "3"), object("a", "2", "1", "2", "3"),
                object("a", "320", "1", "330", "3"), object("a", "-5", "1", "20", "3")))
        let errors = folder.errors(classes: try folder.classes("a"))
        #expect(
            errors.map(\.what) == [
                "a corner is not a number", "the box is inverted", "the box has no area",
                "the box is outside the image",
            ])
        #expect(errors.map(\.place) == (1...4).map { "object \($0)" })
        #expect(errors.last?.expected == "within 320×160 pixels")
        #expect(errors.last?.found == "320, 1, 330, 3")
    }

    @Test("a box partly outside is cut at the edge and marked, on each side")
    func clipped() throws {
        // The middle of each box is the middle of a side, so half of it is outside.
        folder.write(
            "ct-slice000.txt", "0 0 0.5 0.25 0.5\n0 1 0.5 0.25 0.5\n0 0.5 0 0.25 0.5\n0 0.5 1 0.25 0.5\n0 0.5 0.5 3 3\n"
        )
        let boxes = try folder.boxes()[0].boxes
        #expect(boxes.map(\.isClipped) == [true, true, true, true, true])
        #expect(
            boxes.map(\.box) == [
                PixelBox(x0: 0, y0: 40, x1: 40, y1: 120), PixelBox(x0: 280, y0: 40, x1: 320, y1: 120),
                PixelBox(x0: 120, y0: 0, x1: 200, y1: 40), PixelBox(x0: 120, y0: 120, x1: 200, y1: 160),
                PixelBox(x0: 0, y0: 0, x1: 320, y1: 160),
            ])
    }

    @Test("rounding beyond the edge is cut but is not a box partly outside")
    func edgeTolerance() throws {
        // 3.00003 / 2 of the width: 0.005 pixels beyond each side; then 0.02 pixels.
        folder.write("ct-slice000.txt", "0 0.5 0.5 1.00003 1\n0 0.5 0.5 1.000125 1\n0 0.5 0.5 1 1\n")
        let boxes = try folder.boxes()[0].boxes
        #expect(boxes.map(\.isClipped) == [false, true, false])
        #expect(boxes.allSatisfy { $0.box == PixelBox(x0: 0, y0: 0, x1: 320, y1: 160) })
    }

    @Test("a box as large as numbers go is cut, too")
    func enormous() throws {
        folder.write("ct-slice000.txt", "0 0.5 0.5 1e300 1e300\n")
        let boxes = try folder.boxes()[0].boxes
        #expect(boxes.map(\.box) == [PixelBox(x0: 0, y0: 0, x1: 320, y1: 160)])
        #expect(boxes[0].isClipped)
    }
}
