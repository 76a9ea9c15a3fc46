// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Annotations
import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

/// Boxes of the data that stands beside the checkout; skipped where it does not.
@Suite("Boxes of the data at hand", .needsSharedData)
struct SharedDataTests {
    @Test("all 131 boxes of the abdomen")
    func abdomen() throws {
        let folder = sharedData + "/ct_abdomen/boxes"
        let classes = try ClassList(contentsOf: sharedData + "/ct_abdomen/class_list.txt")
        let size = PixelSize(width: 122, height: 101)
        let slices = try readBoxes(folder, case: "ct", sliceCount: 30, imageSize: size, classes: classes)
        #expect(slices.reduce(0) { $0 + $1.boxes.count } == 131)
        #expect(Set(slices.flatMap(\.boxes).map(\.classID)) == [0, 1, 2, 5, 7])
        try expectAllLines(of: folder, stem: "ct", in: slices, size: size)
    }

    @Test("all boxes that people drew")
    func crowd() throws {
        let folder = sharedData + "/crowd/prompts"
        let size = PixelSize(width: 512, height: 512)
        let slices = try readBoxes(folder, case: "img0001", sliceCount: 147, imageSize: size, classes: nil)
        #expect(slices.map(\.slice) == Array(0..<147))
        try expectAllLines(of: folder, stem: "img0001", in: slices, size: size)
    }

    /// Holds the slices to the folder's lines, split and counted without the code under test.
    private func expectAllLines(
        of folder: String, stem: String, in slices: [SliceBoxes], size: PixelSize
    ) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(slices.count == names.count)
        for (slice, name) in zip(slices, names) {
            #expect(name == "\(stem)-slice\(String(format: "%03d", slice.slice)).txt")
            let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            let lines = text.components(separatedBy: .newlines).filter { !$0.isEmpty }
            #expect(slice.boxes.count == lines.count, "\(name)")
            for (box, line) in zip(slice.boxes, lines) {
                let fields = line.components(separatedBy: " ").map { Double($0)! }
                #expect(Double(box.classID) == fields[0])
                let middle = ((box.box.x0 + box.box.x1) / 2, (box.box.y0 + box.box.y1) / 2)
                if box.isClipped { continue }
                // A file's edge may be off by rounding, and is cut by a hundredth of a pixel at most.
                #expect(abs(middle.0 - fields[1] * Double(size.width)) <= 0.01)
                #expect(abs(middle.1 - fields[2] * Double(size.height)) <= 0.01)
                #expect(abs(box.box.width - fields[3] * Double(size.width)) <= 0.02)
                #expect(abs(box.box.height - fields[4] * Double(size.height)) <= 0.02)
            }
        }
    }
}
