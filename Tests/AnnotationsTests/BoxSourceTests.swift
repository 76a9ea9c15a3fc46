import Annotations
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@Suite("Several volumes and annotators")
struct BoxSourceTests {
    let folder = Folder()
    let line = "0 0.375 0.25 0.125 0.3125\n"
    let size = PixelSize(width: 320, height: 160)

    private func source(_ pattern: SlicePattern = .standard, case name: String? = nil) throws -> BoxSource {
        try BoxSource(folder.path, pattern: pattern, cases: name.map { [$0] } ?? [])
    }

    private func slices(_ source: BoxSource, _ name: String, by annotator: String = "") -> [Int] {
        let reading = source.boxes(
            ofCase: name, annotator: annotator, sliceCount: 2000, imageSize: size, classes: nil)
        #expect(reading.errors.isEmpty)
        return reading.slices.map(\.slice)
    }

    // MARK: Names

    @Test(
        "a pattern finds the case and the slice",
        arguments: [
            ("{case}-slice{slice}", "ct-slice012", "ct", 12),
            ("img{case}-slice{slice}", "img0001-slice012", "0001", 12),
            ("{case}_{slice}_axial", "a_b_1000_axial", "a_b", 1000), ("Ü{case}é{slice}", "Ü×é003", "×", 3),
        ])
    func pattern(text: String, file: String, caseName: String, slice: Int) throws {
        let pattern = try #require(SlicePattern(text))
        #expect(pattern.description == text)
        #expect(pattern.name(ofSlice: slice, case: caseName) == file)
        folder.write("\(file).txt", line)
        let source = try source(pattern)
        #expect(source.cases == [caseName])
        #expect(slices(source, caseName) == [slice])
    }

    /// macOS writes names of files decomposed; keyboards write patterns composed.
    @Test(arguments: [("\u{E9}", "e\u{301}"), ("e\u{301}", "\u{E9}")])
    func aPatternsAccents(written: String, there: String) throws {
        folder.write("pr\(there)1-coup\(there)002\(there).txt", line)
        let source = try source(try #require(SlicePattern("pr\(written){case}-coup\(written){slice}\(written)")))
        #expect(source.cases == ["1"])
        #expect(slices(source, "1") == [2])
    }

    @Test(
        "what is no pattern",
        arguments: [
            "", "{case}", "{slice}", "{case}{slice}", "{slice}-{case}", "{case}-{slice}-{slice}",
            "{case}{case}-{slice}",
            "a/{case}-slice{slice}", "{Case}-{slice}",
        ])
    func noPattern(text: String) {
        #expect(SlicePattern(text) == nil)
    }

    @Test("each volume has its own files, whatever stands between")
    func severalVolumes() throws {
        for name in ["a-slice001", "a-slice003", "b-slice002", "a-slice1-slice004"] {
            folder.write("\(name).txt", line)
        }
        let source = try source()
        #expect(source.cases == ["a", "b", "a-slice1"])
        #expect(slices(source, "a") == [1, 3])
        #expect(slices(source, "b") == [2])
        #expect(slices(source, "c") == [])
    }

    // MARK: Annotators

    @Test("a folder for each annotator, with OpenLabeling's subfolders or without")
    func annotators() throws {
        folder.write("anna/ct-slice001.txt", line)
        folder.write("ben/YOLO_darknet/ct-slice002.txt", line)
        folder.write("ben/PASCAL_VOC/ct-slice002.xml", pascalVOC(object("liver", "100", "15", "140", "65")))
        folder.write("ben/YOLO_darknet/other-slice005.txt", line)
        folder.write("notes/readme.txt", "no boxes")
        folder.write(".hidden/ct-slice003.txt", line)
        let source = try source()
        #expect(source.annotators(ofCase: "ct") == ["anna", "ben"])
        #expect(slices(source, "ct", by: "anna") == [1])
        #expect(try source.annotator(ofCase: "other", chosen: nil) == "ben")
        #expect(try source.annotator(ofCase: "ct", chosen: "ben") == "ben")
        let reading = source.boxes(
            ofCase: "ct", annotator: "ben", sliceCount: 9, imageSize: size, classes: try folder.classes("liver"))
        #expect(reading.errors.isEmpty)
        #expect(reading.slices.map(\.files.count) == [2])
    }

    @Test("hidden files are nobody's, and do not turn a volume's folder into an annotator's")
    func hidden() throws {
        folder.write("anna/ct/ct-slice001.txt", line)
        folder.write("anna/ct/._ct-slice001.txt", "not a box")
        folder.write("anna/ct/.ct-slice002.png", "not a picture")
        let source = try source()
        #expect(source.cases == ["ct"] && source.annotators(ofCase: "ct") == ["anna"])
        #expect(slices(source, "ct", by: "anna") == [1] && source.otherFiles.isEmpty)
    }

    @Test("who is meant has to be said, and to have drawn")
    func whichAnnotator() throws {
        folder.write("anna/ct-slice001.txt", line)
        folder.write("ben/ct-slice001.txt", line)
        let source = try source()
        #expect {
            try source.annotator(ofCase: "ct", chosen: nil)
        } throws: { error in
            let error = error as? FileError
            return error?.kind == .badData && error?.found == "anna, ben"
                && error?.advice?.contains("--annotator") == true
        }
        for (name, chosen) in [("ct", "carl"), ("other", "ben")] {
            #expect {
                try source.annotator(ofCase: name, chosen: chosen)
            } throws: {
                ($0 as? FileError)?.kind == .missingInput
            }
        }
    }

    @Test("boxes beside annotators' folders are an error, not a choice")
    func both() {
        folder.write("ct-slice001.txt", line)
        folder.write("old/ct-slice001.txt", line)
        #expect {
            try source()
        } throws: {
            ($0 as? FileError)?.what == "boxes are in it and in a folder in it"
        }
    }

    // MARK: Going on without what is bad

    @Test("what is bad is told, and what is good is there")
    func reading() throws {
        let path = folder.write("ct-slice003.txt", line + "0 0.5\n1" + line.dropFirst() + "0 0.5 0.5 -1 0.5\n")
        folder.write("ct-slice100.txt", line)
        folder.write("ct-slice005.txt", line)
        folder.write("ct-slice005.xml", pascalVOC(object("liver", "1", "2", "30", "40")))
        let reading = try source().boxes(
            ofCase: "ct", annotator: "", sliceCount: 100, imageSize: size, classes: folder.classes("liver", "spleen"))
        #expect(reading.slices.map(\.slice) == [3, 5])
        #expect(reading.slices[0].boxes.map(\.classID) == [0, 1])
        // Neither of two that disagree.
        #expect(reading.slices[1].boxes.isEmpty)
        #expect(reading.slices.map(\.isWhole) == [false, false])
        #expect(reading.errors.count == 4)
        #expect(reading.errors.filter { $0.file == path }.map(\.line) == [2, 4])
    }
}

@Suite("Boxes as CSV")
struct BoxTableTests {
    let folder = Folder()
    let header = "slice,class,x0,y0,x1,y1"

    private func read(
        _ text: String, case name: String = "ct", annotator: String = "", only: Bool = true, classes: ClassList? = nil
    ) throws -> BoxReading {
        let source = try BoxSource(folder.write("boxes.csv", text), pattern: .standard, cases: only ? [name] : [])
        var reading = source.boxes(
            ofCase: name, annotator: annotator, sliceCount: 10, imageSize: PixelSize(width: 320, height: 160),
            classes: classes)
        reading.errors = source.errors + reading.errors
        return reading
    }

    @Test("rows become boxes on the slices that they name")
    func rows() throws {
        let reading = try read(
            "\(header),annotator,seconds\r\n3,liver,10,20,30.5,40,,2.5\r\n\r\nct-slice001,1,1,2,3,4,,\r\n"
                + "ct-slice003.png,\"spleen\",300,150,330,170,,0\r\n",
            classes: folder.classes("liver", "spleen"))
        #expect(reading.errors.isEmpty)
        #expect(reading.slices.map(\.slice) == [1, 3])
        #expect(reading.slices.map(\.files) == [["\(folder.path)/boxes.csv"], ["\(folder.path)/boxes.csv"]])
        let boxes = reading.slices.flatMap(\.boxes)
        #expect(boxes.map(\.classID) == [1, 0, 1])
        #expect(boxes.map(\.number) == [4, 2, 5])
        #expect(boxes.map(\.seconds) == [nil, 2.5, 0])
        #expect(boxes.map(\.isClipped) == [false, false, true])
        #expect(boxes[1].box == PixelBox(x0: 10, y0: 20, x1: 30.5, y1: 40))
        #expect(boxes[2].box == PixelBox(x0: 300, y0: 150, x1: 320, y1: 160))
    }

    @Test("columns in any order, without a line feed at the end")
    func order() throws {
        let reading = try read("x1,y1,annotator,slice,class,x0,y0\n30,40,anna,5,7,10,20", annotator: "anna")
        #expect(reading.errors.isEmpty)
        #expect(reading.slices.flatMap(\.boxes).map(\.box) == [PixelBox(x0: 10, y0: 20, x1: 30, y1: 40)])
        #expect(try read("\(header)\n").slices.isEmpty)
    }

    /// Without it two people's boxes would be one's.
    @Test(arguments: ["Annotator", "SECONDS"]) func optionalColumnsInCapitals(column: String) throws {
        #expect {
            try read("slice,class,x0,y0,x1,y1,\(column)\n")
        } throws: {
            ($0 as? FileError)?.found == "\"\(column)\"" && ($0 as? FileError)?.expected == "\"\(column.lowercased())\""
        }
        #expect(throws: Never.self) { try read("slice,class,x0,y0,x1,y1,Remark\n3,0,1,1,9,9,none\n") }
    }

    @Test(
        "another head of the columns says what to do",
        arguments: [
            ("slice;class;x0;y0;x1;y1", "Separate columns by commas."),
            ("Slice,Class,X0,Y0,X1,Y1", "Write the names of columns in small letters."), ("slice,x0,y0", nil),
        ])
    func otherHeads(head: String, advice: String?) {
        #expect {
            try read("\(head)\n")
        } throws: {
            ($0 as? FileError)?.what == "not a table of boxes" && ($0 as? FileError)?.advice == advice
        }
    }

    @Test("rows of empty cells, as spreadsheets leave them, are no rows")
    func emptyRows() throws {
        let reading = try read("\(header)\n3,0,10,20,30,40\n,,,,,\n\"\", ,,,\"\",\n5,0,10,20,30,x\n,,,,,\n,,,,,")
        #expect(reading.slices.flatMap(\.boxes).map(\.number) == [2])
        #expect(reading.errors.map(\.line) == [5])
    }

    @Test("a number alone is a slice of the only volume, and of several none")
    func numbers() throws {
        let text = "\(header)\nother-slice001,0,1,2,3,4\n2,0,1,2,3,4\n"
        #expect(try read(text).slices.map(\.slice) == [2])
        #expect(try read(text, case: "other").slices.map(\.slice) == [1, 2])
        let several = try read(text, case: "other", only: false)
        #expect(several.slices.map(\.slice) == [1])
        #expect(several.errors.map(\.line) == [3])
        #expect(several.errors.allSatisfy { $0.expected?.contains("several volumes") == true })
    }

    @Test("where some rows are signed, one that is not is nobody's")
    func unsigned() throws {
        let reading = try read(
            "\(header),annotator\n1,0,1,2,3,4,anna\n2,0,1,2,3,4,\n3,0,1,2,3,4,ben\n", annotator: "anna")
        #expect(reading.slices.map(\.slice) == [1])
        #expect(reading.errors.map(\.what) == ["no annotator"])
        #expect(reading.errors.map(\.line) == [3])
    }

    @Test("errors about a table speak of rows, not of files", arguments: ["", "3,0,1,2,3,4\n"])
    func words(rows: String) throws {
        let source = try BoxSource(folder.write("boxes.csv", "\(header)\n\(rows)"), pattern: .standard, cases: ["ct"])
        #expect {
            try source.annotator(ofCase: "ct", chosen: "anna")
        } throws: { error in
            let error = error as? FileError
            return error?.kind == .missingInput
                && error?.found == (rows.isEmpty ? "no row" : "no annotator's name")
        }
    }

    @Test(
        "bad rows, each with its line",
        arguments: [
            ("3,0,1,2,3", "not a box"), ("3,0,1,2,3,x", "not a box"), ("3,0,nan,2,3,4", "a corner is not a number"),
            ("3,0,3,2,1,4", "the box is inverted"), ("3,0,1,2,1,4", "the box has no area"),
            ("3,0,400,2,500,4", "the box is outside the image"), ("3,liver,1,2,3,4", "not a class"),
            ("3,-1,1,2,3,4", "not a class"), ("10,0,1,2,3,4", "boxes for a slice that does not exist"),
            ("-1,0,1,2,3,4", "not a slice's name"), ("ct-slice3,0,1,2,3,4", "not a slice's name"),
            (",0,1,2,3,4", "not a slice's name"), ("3,0,0x1,2,3,4", "not a box"), ("3,0,1,2,3,4,,-1", "not a time"),
            ("3,0,1,2,3,4,,soon", "not a time"),
        ])
    func badRows(row: String, what: String) throws {
        let commas = String(repeating: ",", count: max(0, 7 - row.count { $0 == "," }))
        let reading = try read("\(header),annotator,seconds\n1,0,1,2,3,4,,\n\n\(row)\(commas)\n2,0,1,2,3,4,,\n")
        #expect(reading.errors.map(\.what) == [what])
        #expect(reading.errors.map(\.line) == [4])
        #expect(reading.slices.filter { !$0.boxes.isEmpty }.map(\.slice) == [1, 2])
        #expect(reading.slices.allSatisfy { $0.isWhole == !$0.boxes.isEmpty })
    }

    @Test(
        "rows with too many or too few cells, as decimal commas make them, each with its line",
        arguments: [
            ("3,0,1,2,3,4", "too few cells"), ("3,0,1,2,3,4,,,5", "more cells than columns"),
            ("3,0,10,5,25,2,20,75,5,5", "more cells than columns"), ("3,0,1,2,3,4,,,", nil),
        ] as [(String, String?)])
    func numberOfCells(row: String, what: String?) throws {
        let reading = try read("\(header),annotator,seconds\n1,0,1,2,3,4,,\n\n\(row)\n2,0,1,2,3,4,,\n")
        #expect(reading.errors.map(\.what) == [what].compactMap { $0 })
        #expect(reading.errors.map(\.line) == (what == nil ? [] : [4]))
        #expect(reading.slices.map(\.slice) == (what == nil ? [1, 2, 3] : [1, 2]))
    }

    @Test(
        "what is no table of boxes",
        arguments: [
            "", "slice,class\n", "slice,class,x0,y0,x1,y1,x0\n", "slice,class,x0,y0,x1,y1,color,color\n",
            "slice,class,x0,y0,x1,y1\n3,\"0,1,2,3,4\n",
            "slice,class,x0,y0,x1,y1\n3,\"li\nver\",1,2,3,4\n",
        ])
    func noTable(text: String) {
        #expect {
            try read(text)
        } throws: {
            ($0 as? FileError)?.kind == .badData
        }
    }

    @Test("damaged tables give boxes inside the image or errors", arguments: 0..<8)
    func damaged(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let text = "\(header),annotator,seconds\n3,0,10,20,30,40,,1\n\"4\",1,1.5,2,3e1,4,,\n5,2,1,2,3,4,,7\n"
        for _ in 0..<100 {
            let path = folder.write("boxes.csv", FuzzTests.damaged(Array(text.utf8), &random))
            guard let source = try? BoxSource(path, pattern: .standard, cases: ["ct"]) else { continue }
            for annotator in source.annotators(ofCase: "ct") {
                let reading = source.boxes(
                    ofCase: "ct", annotator: annotator, sliceCount: 10, imageSize: PixelSize(width: 320, height: 160),
                    classes: nil)
                for box in reading.slices.flatMap(\.boxes).map(\.box) {
                    #expect(box.width > 0 && box.height > 0)
                    #expect(box.x0 >= 0 && box.y0 >= 0 && box.x1 <= 320 && box.y1 <= 160)
                }
            }
        }
    }
}
