import Annotations
import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@Suite("YOLO files")
struct YOLOTests {
    let folder = Folder()

    @Test("x goes by the width and y by the height, to the last bit")
    func arithmetic() throws {
        // x: (0.375 ∓ 0.125/2)·320 = 100, 140; y: (0.25 ∓ 0.3125/2)·160 = 15, 65.
        let path = folder.write("ct-slice003.txt", "2 0.375 0.25 0.125 0.3125\n")
        let slices = try folder.boxes()
        #expect(slices.map(\.slice) == [3])
        #expect(slices[0].files == [path])
        let box = try #require(slices[0].boxes.first)
        #expect(slices[0].boxes.count == 1)
        #expect(box.box == PixelBox(x0: 100, y0: 15, x1: 140, y1: 65))
        #expect(box.classID == 2)
        #expect(!box.isClipped)
        #expect(box.file == path)
        #expect(box.number == 1)
    }

    @Test("an image higher than wide: width and height are not exchanged")
    func tall() throws {
        // x: (0.5 ∓ 0.25)·64 = 16, 48; y: (0.75 ∓ 0.125)·512 = 320, 448.
        folder.write("ct-slice000.txt", "0 0.5 0.75 0.5 0.25")
        let boxes = try folder.boxes(size: PixelSize(width: 64, height: 512))[0].boxes
        #expect(boxes.map(\.box) == [PixelBox(x0: 16, y0: 320, x1: 48, y1: 448)])
    }

    @Test("corners between pixels stay there")
    func fractions() throws {
        // x: (0.5 ∓ 0.0078125/2)·100 = 49.609375, 50.390625; y: (0.5 ∓ 0.015625/2)·50 = 24.609375, 25.390625.
        folder.write("ct-slice000.txt", "0 0.5 0.5 0.0078125 0.015625")
        let boxes = try folder.boxes(size: PixelSize(width: 100, height: 50))[0].boxes
        #expect(boxes.map(\.box) == [PixelBox(x0: 49.609375, y0: 24.609375, x1: 50.390625, y1: 25.390625)])
    }

    @Test(
        "line ends, marks and blank lines do not matter",
        arguments: [
            "0 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.25 0.25\n",
            "0 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.25 0.25",
            "0 0.5 0.5 0.5 0.5\r\n1 0.25 0.25 0.25 0.25\r\n",
            "0 0.5 0.5 0.5 0.5\r1 0.25 0.25 0.25 0.25\r",
            "\u{FEFF}0 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.25 0.25\n",
            "\u{FEFF}\r\n\r\n0 0.5 0.5 0.5 0.5\r\n\r\n  \t\r\n1 0.25 0.25 0.25 0.25\r\n\r\n",
            "  0\t0.5  0.5 0.5 0.5 \n1 2.5e-1 .25 0.250000 +0.25\n",
        ])
    func layout(text: String) throws {
        folder.write("ct-slice000.txt", text)
        let boxes = try folder.boxes()[0].boxes
        #expect(boxes.map(\.classID) == [0, 1])
        #expect(
            boxes.map(\.box) == [
                PixelBox(x0: 80, y0: 40, x1: 240, y1: 120), PixelBox(x0: 40, y0: 20, x1: 120, y1: 60),
            ])
    }

    @Test("a file without boxes is a slice without boxes", arguments: ["", "\n", "\u{FEFF}", " \r\n\t\r\n"])
    func empty(text: String) throws {
        folder.write("ct-slice004.txt", text)
        let slices = try folder.boxes()
        #expect(slices.map(\.slice) == [4])
        #expect(slices[0].boxes.isEmpty)
        #expect(slices[0].files.count == 1)
    }

    @Test(
        "a line that is no box is named",
        arguments: [
            "0 0.5 0.5 0.5", "0 0.5 0.5 0.5 0.5 0.9", "0 0.5 0.5 0.5 half", "0,0.5,0.5,0.5,0.5", "liver",
            "0 0.5 0.5 0.5 0.5.1", "\u{0}", "0 0.5 0.5 0.5 0,5",
        ])
    func badLine(line: String) {
        let path = folder.write("ct-slice000.txt", "0 0.5 0.5 0.5 0.5\r\n\r\n\(line)\r\n0 0.5 0.5 0.5 0.5\r\n")
        let errors = folder.errors()
        #expect(errors.count == 1)
        #expect(errors.first?.kind == .badData)
        #expect(errors.first?.file == path)
        #expect(errors.first?.line == 3)
        #expect(errors.first?.what == "not a YOLO box")
    }

    @Test("class ids that NumPy saved as decimals", arguments: [("1.000000000000000000e+00", 1), ("0.0", 0), ("2", 2)])
    func decimalClasses(id: String, expected: Int) throws {
        folder.write("ct-slice000.txt", "\(id) 0.5 0.5 0.5 0.5\n")
        #expect(try folder.boxes(classes: try folder.classes("a", "b", "c"))[0].boxes.map(\.classID) == [expected])
    }

    @Test(
        "class ids end where the list ends",
        arguments: ["3", "-1", "0.5", "3e0", "0x1", "nan", "liver", "99999999999999999999"])
    func classes(id: String) throws {
        folder.write("ct-slice000.txt", "2 0.5 0.5 0.5 0.5\n\(id) 0.5 0.5 0.5 0.5\n")
        let errors = folder.errors(classes: try folder.classes("a", "b", "c"))
        #expect(errors.count == 1)
        #expect(errors.first?.line == 2)
        #expect(errors.first?.what == "not a class")
        #expect(errors.first?.expected == "a number from 0 to 2")
        #expect(errors.first?.found == id)
    }

    @Test("without a list, class ids end where labels of 16 bits do")
    func highestClass() throws {
        folder.write("ct-slice000.txt", "65534 0.5 0.5 0.5 0.5\n")
        let slices = try folder.boxes()
        #expect(slices[0].boxes.map(\.classID) == [65534])
        #expect(LabelMap().label(ofClass: 65534) == 65535)
        folder.write("ct-slice000.txt", "65535 0.5 0.5 0.5 0.5\n")
        #expect(folder.errors().map(\.what) == ["not a class"])
    }

    @Test("what is not UTF-8 is not text")
    func encoding() {
        folder.write("ct-slice000.txt", Data([0x30, 0x20, 0xFF, 0xFE]))
        folder.write("ct-slice001.txt", "0 0.5 0.5 0.5 0.5".data(using: .utf16) ?? Data())
        #expect(folder.errors().map(\.what) == ["not text", "not text"])
    }

    @Test("an error quotes a part of a long line, and nothing that a terminal obeys")
    func excerpts() {
        folder.write("ct-slice000.txt", "\u{1B}[2J" + String(repeating: "x", count: 100_000))
        let description = folder.errors().first?.description
        #expect(description?.hasSuffix("found \u{FFFD}[2J" + String(repeating: "x", count: 494) + "…") == true)
    }
}
