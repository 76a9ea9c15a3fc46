import Annotations
import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

/// Box files damaged at random, the same ones on every run: reading gives boxes inside the image or an error about
/// the file, and never ends the process.
@Suite("Damaged box files")
struct FuzzTests {
    let folder = Folder()

    @Test("YOLO", arguments: 0..<8)
    func yolo(seed: UInt64) throws {
        let text = "\u{FEFF}0 0.5 0.5 0.25 0.5\r\n2 0.125 0.75 0.0625 0.03125\n\n1 1.0 0.5 0.5 1e-1\n"
        try check(text, file: "ct-slice003.txt", seed: seed)
    }

    @Test("Pascal VOC", arguments: 0..<8)
    func pascalVOCs(seed: UInt64) throws {
        let text =
            "<?xml version=\"1.0\"?>\n"
            + pascalVOC(
                object("liver", "100", "15", "140", "65"), object("aorta", "300", "15", "340", "65"))
        try check(text, file: "ct-slice003.xml", seed: seed)
    }

    private func check(_ text: String, file: String, seed: UInt64) throws {
        let classes = try folder.classes("liver", "spleen", "aorta")
        var random = SplitMix(seed: seed)
        for round in 0..<100 {
            let damaged = Self.damaged(Array(text.utf8), &random)
            let path = folder.write(file, damaged)
            do {
                let slices = try folder.boxes(classes: classes)
                #expect(slices.map(\.slice) == [3])
                for box in slices.flatMap(\.boxes) {
                    #expect((0..<3).contains(box.classID))
                    #expect(box.box.width > 0 && box.box.height > 0)
                    #expect(box.box.x0 >= 0 && box.box.y0 >= 0 && box.box.x1 <= 320 && box.box.y1 <= 160)
                }
            } catch let errors as FileErrors {
                #expect(errors.errors.allSatisfy { $0.kind == .badData && $0.file == path }, "round \(round)")
                #expect(errors.description.utf8.count < 20_000)
            }
        }
    }

    /// One to four of: a byte changed, a piece removed, a piece repeated, a token put in, the end cut off.
    static func damaged(_ data: [UInt8], _ random: inout SplitMix) -> Data {
        let tokens = [
            "nan", "-", "1e999", " ", "\n", "\r", "\u{0}", "99999999999999999999", "</object>", "<object>", "<!--",
            "-->",
            "<![CDATA[", "]]>", "&lt;", "&#0;", "&x;", "<!DOCTYPE a>", "<?xml?>", "0x10", "\u{301}", "<a b='1' b='2'/>",
        ]
        var bytes = data
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let start = Int.random(in: 0..<bytes.count, using: &random)
            let end = min(bytes.count, start + Int.random(in: 1...40, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[start] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.removeSubrange(start..<end)
            case 2: bytes.insert(contentsOf: bytes[start..<end], at: start)
            case 3: bytes.insert(contentsOf: Array(tokens.randomElement(using: &random)?.utf8 ?? "".utf8), at: start)
            default: bytes.removeSubrange(start...)
            }
        }
        return Data(bytes)
    }
}
