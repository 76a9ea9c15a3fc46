import Annotations
import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@Suite("Folders of boxes")
struct BoxFolderTests {
    let folder = Folder()
    let line = "0 0.375 0.25 0.125 0.3125\n"

    // MARK: Pairing by name

    @Test("files go to the slices that their names say, in the slices' order")
    func names() throws {
        for slice in [999, 7, 12, 1000, 0] { folder.write("ct-slice\(String(format: "%03d", slice)).txt", line) }
        #expect(try folder.boxes(slices: 1001).map(\.slice) == [0, 7, 12, 999, 1000])
    }

    @Test("other volumes' files and other files are ignored")
    func foreign() throws {
        folder.write("ct-slice003.txt", line)
        for name in [
            "ct2-slice004.txt", "CT-slice004.txt", "other-slice004.xml", "ct-slice2-slice004.txt", "slice004.txt",
            "ct-slice005.png", "ct-slice006.csv", "class_list.txt", "ct.txt", "._ct-slice004.txt", "notes.xml",
        ] {
            folder.write(name, "not a box")
        }
        #expect(try folder.boxes().map(\.slice) == [3])
    }

    @Test(
        "stems may hold what names may hold",
        arguments: ["img0001", "a b", "ct.v2", "ct-slice", "100%25", "Übung", "[x]*"])
    func stems(stem: String) throws {
        folder.write("\(stem)-slice003.txt", line)
        #expect(try folder.boxes(stem: stem).map(\.slice) == [3])
    }

    @Test("endings in capitals count, and so does a slash after the folder")
    func spelling() throws {
        folder.write("ct-slice003.TXT", line)
        let size = PixelSize(width: 320, height: 160)
        let slices = try readBoxes(
            folder.path + "/", case: "ct", sliceCount: 4, imageSize: size, classes: nil)
        #expect(slices.map(\.files) == [["\(folder.path)/ct-slice003.TXT"]])
    }

    @Test("boxes for a slice that the volume does not have")
    func missingSlice() {
        folder.write("ct-slice009.txt", line)
        let path = folder.write("ct-slice010.txt", line)
        let errors = folder.errors(slices: 10)
        #expect(errors.map(\.file) == [path])
        #expect(errors.first?.what == "boxes for a slice that does not exist")
        #expect(errors.first?.expected == "000 to 009")
        #expect(errors.first?.found == "010")
    }

    @Test(
        "names that are almost a slice's",
        arguments: [
            "ct-slice3", "ct-slice03", "ct-slice", "ct-slice00a", "ct-slice-01", "ct-slice003 ", "ct-slice٠٠٣",
            "ct-slice99999999999999999999",
        ])
    func badName(name: String) {
        let path = folder.write("\(name).txt", line)
        let errors = folder.errors()
        #expect(errors.map(\.file) == [path])
        #expect(errors.map(\.what) == ["not a slice's name"])
    }

    @Test("two files of one format for one slice")
    func duplicates() {
        let first = folder.write("ct-slice0003.txt", line)
        let second = folder.write("ct-slice003.txt", line)
        let third = folder.write("YOLO_darknet/ct-slice003.txt", line)
        let errors = folder.errors()
        #expect(errors.map(\.what) == Array(repeating: "a second file of the slice's boxes", count: 2))
        #expect(errors.map(\.file) == [second, third])
        #expect(errors.map(\.found) == ["also \(first)", "also \(first)"])
    }

    @Test("no file of the volume is an error that names what is there instead")
    func noFiles() {
        let empty = folder.errors()
        #expect(empty.map(\.kind) == [.missingInput])
        #expect(empty.first?.file == folder.path)
        #expect(empty.first?.found == "no file named so")
        folder.write("img0001-slice000.txt", line)
        let other = folder.errors()
        #expect(other.map(\.kind) == [.missingInput])
        #expect(other.first?.found == "img0001-slice000 and so on")
        #expect(other.first?.advice?.contains("--pattern") == true)
    }

    @Test(
        "a folder that is not there, or is a file",
        arguments: [("nowhere", "Check the path of --boxes."), ("coco.json", "(COCO, CVAT, Label Studio)")])
    func noFolder(name: String, advice: String) {
        folder.write("coco.json", "{}")
        #expect {
            try readBoxes(
                "\(folder.path)/\(name)", case: "ct", sliceCount: 1,
                imageSize: PixelSize(width: 2, height: 2), classes: nil)
        } throws: {
            ($0 as? FileError)?.kind == .missingInput && ($0 as? FileError)?.advice?.contains(advice) == true
        }
    }

    // MARK: Two formats

    @Test("OpenLabeling's subfolders are read as one, YOLO first")
    func subfolders() throws {
        let yolo = folder.write("YOLO_darknet/ct-slice003.txt", line)
        let voc = folder.write("PASCAL_VOC/ct-slice003.xml", pascalVOC(object("liver", "100", "15", "140", "65")))
        folder.write("YOLO_darknet/ct-slice004.txt", "")
        folder.write("PASCAL_VOC/ct-slice005.xml", pascalVOC(object("liver", "1", "2", "30", "40")))
        let slices = try folder.boxes(classes: folder.classes("liver"))
        #expect(slices.map(\.slice) == [3, 4, 5])
        #expect(slices.map(\.boxes.count) == [1, 0, 1])
        #expect(slices[0].files == [yolo, voc])
        #expect(slices[0].boxes[0].file == yolo)
    }

    @Test(
        "formats agree to within a pixel, in whichever order",
        arguments: [
            pascalVOC(object("liver", "100", "15", "140", "65"), object("spleen", "20", "30", "60", "70")),
            pascalVOC(object("spleen", "20", "30", "60", "70"), object("liver", "100", "15", "140", "65")),
            pascalVOC(object("spleen", "21", "29", "61", "69"), object("liver", "99", "16", "139", "66")),
        ])
    func agreeing(xml: String) throws {
        // spleen: x (0.125 ∓ 0.0625)·320 = 20, 60; y (0.3125 ∓ 0.125)·160 = 30, 70.
        folder.write("ct-slice003.txt", line + "1 0.125 0.3125 0.125 0.25\n")
        folder.write("ct-slice003.xml", xml)
        let slices = try folder.boxes(classes: folder.classes("liver", "spleen"))
        #expect(
            slices[0].boxes.map(\.box) == [
                PixelBox(x0: 100, y0: 15, x1: 140, y1: 65), PixelBox(x0: 20, y0: 30, x1: 60, y1: 70),
            ])
    }

    @Test("each box finds its own partner, though another is within a pixel")
    func partners() throws {
        // 100…140 and 101.5…141.5, against 101…141 and 100…140.
        folder.write("ct-slice003.txt", line + "0 0.3796875 0.25 0.125 0.3125\n")
        folder.write(
            "ct-slice003.xml",
            pascalVOC(object("liver", "101", "15", "141", "65"), object("liver", "100", "15", "140", "65")))
        #expect(try folder.boxes(classes: folder.classes("liver"))[0].boxes.count == 2)
    }

    @Test(
        "formats that disagree are an error, not a choice",
        arguments: [
            pascalVOC(object("liver", "102", "15", "140", "65")), pascalVOC(object("liver", "100", "15", "140", "67")),
            pascalVOC(object("spleen", "100", "15", "140", "65")), pascalVOC(), "",
            pascalVOC(object("liver", "100", "15", "140", "65"), object("liver", "100", "15", "140", "65")),
        ])
    func disagreeing(xml: String) throws {
        let yolo = folder.write("ct-slice003.txt", line)
        let voc = folder.write("ct-slice003.xml", xml)
        let errors = folder.errors(classes: try folder.classes("liver", "spleen"))
        #expect(errors.map(\.what) == ["its boxes are not those of the slice's other file"])
        #expect(errors.map(\.file) == [yolo])
        #expect(errors.map(\.found) == [voc])
    }

    @Test("a bad box is told once, not as a disagreement too")
    func badBeforeDisagreeing() throws {
        folder.write("ct-slice003.txt", "0 nan 0.25 0.125 0.3125\n")
        folder.write("ct-slice003.xml", pascalVOC(object("liver", "nan", "15", "nan", "65")))
        #expect(folder.errors(classes: try folder.classes("liver")).map(\.what) == ["a corner is not a number"])
    }

    // MARK: All at once

    @Test("everything wrong in all files is told at once, with file and line")
    func allAtOnce() throws {
        let names = [
            folder.write("ct-slice000.txt", line + "0 0.5\n" + line + "9 0.5 0.5 0.5 0.5\n0 0.5 0.5 -1 0.5\n"),
            folder.write("ct-slice001.xml", pascalVOC(object("lung", "1", "2", "3", "4"))),
            folder.write("ct-slice002.xml", "<annotation>"),
            folder.write("ct-slice003.txt", line),
            folder.write("ct-slice00x.txt", line),
            folder.write("ct-slice100.txt", line),
        ]
        let errors = folder.errors(classes: try folder.classes("liver"))
        let places = errors.map { "\($0.file):\($0.line ?? 0)" }
        #expect(
            places == [
                "\(names[4]):0", "\(names[5]):0", "\(names[0]):2", "\(names[0]):4", "\(names[0]):5", "\(names[1]):13",
                "\(names[2]):1",
            ])
        #expect(errors.allSatisfy { $0.kind == .badData })
    }

    @Test("a folder with a slice's name, and a link to nowhere, are errors of their own")
    func notFiles() throws {
        let path = folder.write("ct-slice000.txt/inside", "")
        let link = folder.path + "/ct-slice001.txt"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/nowhere")
        let errors = folder.errors()
        #expect(errors.map(\.kind) == [.missingInput, .missingInput])
        #expect(errors.map(\.file) == [String(path.dropLast("/inside".count)), link])
    }

    @Test("twenty thousand files, of both formats")
    func many() throws {
        let xml = Data("<annotation>\(object("liver", "100", "15", "140", "65"))</annotation>".utf8)
        for slice in 0..<10_000 {
            let name = "ct-slice\(String(format: "%03d", slice))"
            folder.write("\(name).txt", line)
            folder.write("\(name).xml", xml)
        }
        let slices = try folder.boxes(slices: 10_000, classes: folder.classes("liver"))
        #expect(slices.map(\.slice) == Array(0..<10_000))
        #expect(slices.reduce(0) { $0 + $1.files.count } == 20_000)
        #expect(slices.reduce(0) { $0 + $1.boxes.count } == 10_000)
    }

    @Test(
        "folders for annotators, volumes and OpenLabeling's output, in each other",
        arguments: [
            ("anna/output/YOLO_darknet/", "anna"), ("output/YOLO_darknet/", ""), ("anna/ct/", "anna"), ("ct/", ""),
            ("ct/anna/", "anna"), ("anna/ct/output/YOLO_darknet/", "anna"), ("anna/YOLO_darknet/", "anna"),
            ("ct/output/", ""), ("YOLO_darknet/ct/", ""),
        ])
    func nested(place: String, annotator: String) throws {
        folder.write("\(place)ct-slice003.txt", "0 0.5 0.5 0.5 0.5\n")
        let source = try BoxSource(folder.path, pattern: .standard, cases: ["ct"])
        #expect(source.annotators(ofCase: "ct") == [annotator])
        #expect(try folder.boxes().map(\.slice) == [3])
    }

    @Test(
        "boxes in a folder that is nobody's and no volume's are an error",
        arguments: [
            "anna/day2/", "anna/2026/day2/", "YOLO_darknet/day2/", "anna/output/YOLO_darknet/day2/",
            "output/anna/day2/",
        ])
    func misplaced(place: String) {
        folder.write("anna/ct-slice003.txt", line)
        let path = folder.write("\(place)ct-slice004.txt", line)
        let error = expectError(.badData, "in a folder in it that is no volume's") {
            _ = try BoxSource(folder.path, pattern: .standard, cases: ["ct"])
        }
        #expect(error?.found == path)
    }
}
