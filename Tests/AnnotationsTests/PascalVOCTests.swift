import Annotations
import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@Suite("Pascal VOC files")
struct PascalVOCTests {
    let folder = Folder()

    private func classes() throws -> ClassList { try folder.classes("spleen", "right kidney", "liver") }

    @Test("corners are pixels from 0, as they stand")
    func corners() throws {
        let path = folder.write(
            "ct-slice003.xml",
            pascalVOC(object("liver", "100", "15", "140", "65"), object("right kidney", "0", "0", "320", "160")))
        let slices = try folder.boxes(classes: classes())
        #expect(slices.map(\.slice) == [3])
        let boxes = slices[0].boxes
        #expect(boxes.map(\.classID) == [2, 1])
        #expect(
            boxes.map(\.box) == [
                PixelBox(x0: 100, y0: 15, x1: 140, y1: 65), PixelBox(x0: 0, y0: 0, x1: 320, y1: 160),
            ])
        #expect(boxes.map(\.isClipped) == [false, false])
        #expect(boxes.map(\.number) == [1, 2])
        #expect(boxes.map(\.file) == [path, path])
    }

    @Test("both formats give the same pixels")
    func sameAsYOLO() throws {
        folder.write("ct-slice000.txt", "2 0.375 0.25 0.125 0.3125\n")
        folder.write("ct-slice001.xml", pascalVOC(object("liver", "100", "15", "140", "65")))
        let slices = try folder.boxes(classes: classes())
        #expect(slices.map(\.slice) == [0, 1])
        #expect(slices[0].boxes.map(\.box) == slices[1].boxes.map(\.box))
        #expect(slices[0].boxes.map(\.classID) == slices[1].boxes.map(\.classID))
    }

    @Test("declarations, marks, comments, CDATA and line ends do not matter")
    func layout() throws {
        let plain = pascalVOC(object("right kidney", "1", "2", "30", "40"))
        let texts = [
            plain, "<?xml version=\"1.0\" ?>\n" + plain, "\u{FEFF}<?xml version='1.0' encoding='utf-8'?>" + plain,
            "\n\n" + plain, "<!-- made by hand --><!-- twice -->\n" + plain + "<!-- the end -->",
            plain.replacingOccurrences(of: "\n", with: "\r\n"), plain.replacingOccurrences(of: "\n", with: ""),
            plain.replacingOccurrences(of: "right kidney", with: " right&#32;kidney\n"),
            plain.replacingOccurrences(of: "right kidney", with: "<![CDATA[right kidney]]>"),
            plain.replacingOccurrences(of: "<xmin>1<", with: "<xmin> 1.0 <"),
            plain.replacingOccurrences(of: "<object>", with: "<object id=\"7\"><part><name>x</name></part>"),
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?>" + plain,  // it is not: it is text already
        ]
        for text in texts {
            folder.write("ct-slice000.xml", text)
            let boxes = try folder.boxes(classes: classes())[0].boxes
            #expect(boxes.map(\.box) == [PixelBox(x0: 1, y0: 2, x1: 30, y1: 40)], "\(text)")
            #expect(boxes.map(\.classID) == [1], "\(text)")
        }
    }

    @Test("a file without objects is a slice without boxes", arguments: ["", " \n", pascalVOC(), "<annotation/>"])
    func empty(text: String) throws {
        folder.write("ct-slice004.xml", text)
        // Without a list of names too: there is nothing to name.
        let slices = try folder.boxes()
        #expect(slices.map(\.slice) == [4])
        #expect(slices[0].boxes.isEmpty)
    }

    @Test("without a list of names, names are no classes")
    func missingList() {
        let path = folder.write("ct-slice000.xml", pascalVOC(object("liver", "1", "2", "30", "40")))
        let errors = folder.errors()
        #expect(errors.map(\.file) == [path])
        #expect(errors.first?.kind == .badData)
        #expect(errors.first?.advice == "Give the list with --classes class_list.txt.")
    }

    @Test("every bad object is named, with its line")
    func badObjects() throws {
        let path = folder.write(
            "ct-slice000.xml",
            pascalVOC(
                object("lung", "1", "2", "30", "40"), object("liver", "1", "2", "30", ""),
                object("liver", "1", "2", "30", "forty"), "    <object><name>liver</name></object>\n",
                "    <object/>\n",
                object("liver", "1", "2", "30", "40").replacingOccurrences(
                    of: "<xmin>1<", with: "<xmin>1</xmin><xmin>2<"),
                object("liver", "1", "2", "30", "40").replacingOccurrences(
                    of: "<name>liver", with: "<name>spleen</name><name>liver")))
        let errors = folder.errors(classes: try classes())
        #expect(errors.allSatisfy { $0.file == path && $0.kind == .badData })
        #expect(errors.map(\.place) == (1...7).map { "object \($0)" })
        #expect(errors.map(\.line) == [13, 25, 37, 49, 50, 51, 63])
        #expect(errors.first?.expected == "spleen, right kidney, liver")
        #expect(
            errors.map(\.found) == [
                "\"lung\"", "1, 2, 30, ", "1, 2, 30, forty", "nothing, nothing, nothing, nothing", "\"\"",
                "1 and 2, 2, 30, 40", "\"spleen and liver\"",
            ])
    }

    @Test("numbers are decimal: with a point and as a size, not hexadecimal and not with a comma")
    func numbers() throws {
        let classes = try classes()
        let decimal = pascalVOC(object("liver", "1.5", "2", "3e1", "40.25"), width: "320.0", height: "160.00")
        folder.write("ct-slice000.xml", decimal)
        #expect(
            try folder.boxes(classes: classes)[0].boxes.map(\.box) == [PixelBox(x0: 1.5, y0: 2, x1: 30, y1: 40.25)])
        for corner in ["0x1e", "30,5"] {
            folder.write("ct-slice000.xml", pascalVOC(object("liver", "1", "2", corner, "40")))
            #expect(folder.errors(classes: classes).map(\.what) == ["not a Pascal VOC box"])
        }
        folder.write("ct-slice000.xml", pascalVOC(object("liver", "1", "2", "3", "4"), width: "320.5"))
        #expect(folder.errors(classes: classes).map(\.place) == ["size"])
    }

    @Test("a file made for an image of another size is not read")
    func otherSize() throws {
        let classes = try classes()
        for (width, height) in [("160", "320"), ("320", "161"), ("0", "0"), ("320", ""), ("wide", "160")] {
            folder.write(
                "ct-slice000.xml", pascalVOC(object("liver", "1", "2", "3", "4"), width: width, height: height))
            let errors = folder.errors(classes: classes)
            #expect(errors.map(\.place) == ["size"])
            #expect(errors.map(\.expected) == ["320×160"])
            #expect(errors.map(\.found) == ["\(width)×\(height)"])
        }
        let sizeless = pascalVOC(object("liver", "1", "2", "3", "4")).replacing("size>", with: "other>")
        folder.write("ct-slice000.xml", sizeless)
        #expect(folder.errors(classes: classes).isEmpty)
    }

    // MARK: XML

    @Test(
        "document types, entities and instructions are refused, in whichever encoding they hide",
        arguments: [
            "<!DOCTYPE annotation><annotation/>",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n<annotation>&e;</annotation>",
            "<!-- --><!DOCTYPE a [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><!-- --><annotation>&b;</annotation>",
            "<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADwAIQ-DOCTYPE a+AD4-<annotation/>",
            "<?xml version=\"1.0\"?><?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADwAIQ-DOCTYPE a+AD4-<annotation/>",
            "<annotation>&undeclared;</annotation>",
            // FoundationXML's parser would end the process at these.
            "<annotation><?p?></annotation>", "<?xml?><annotation/>",
            "<?xml version=\"1.0\"?><annotation><?xml?></annotation>",
        ])
    func documentTypes(text: String) {
        folder.write("ct-slice000.xml", text)
        #expect(folder.errors().map(\.what) == ["not a Pascal VOC file"])
    }

    @Test(
        "another root, or none, is not Pascal VOC",
        arguments: [
            "<svg><annotation/></svg>", "<annotations/>", "annotation", "{\"annotation\": []}", "<a/>",
            "<annotation/><annotation/>", "<annotation></annotation>more", "<annotation></Annotation>",
            "<annotation><object></annotation>", "<annotation", "<", "<annotation>\u{0}</annotation>",
            String(repeating: "<annotation>", count: 5000), String(repeating: "<!---->", count: 5000) + "<a/>",
        ])
    func otherRoots(text: String) {
        folder.write("ct-slice000.xml", text)
        let errors = folder.errors()
        #expect(errors.map(\.what) == ["not a Pascal VOC file"])
        #expect(errors.first?.kind == .badData)
    }

    @Test("a file cut short anywhere is not read as one with fewer boxes")
    func cutShort() throws {
        let classes = try classes()
        let text = pascalVOC(object("liver", "1", "2", "30", "40")).dropLast()  // the last line's end
        for length in 1..<text.count {
            folder.write("ct-slice000.xml", String(text.prefix(length)))
            #expect(folder.errors(classes: classes).map(\.what) == ["not a Pascal VOC file"], "\(length)")
        }
    }
}
