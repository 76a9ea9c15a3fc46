import Annotations
import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@Suite("Label maps")
struct LabelMapTests {
    let folder = Folder()

    @Test("without a map, each class has its id + 1")
    func plain() {
        let map = LabelMap()
        #expect([0, 1, 41].map { map.label(ofClass: $0) } == [1, 2, 42])
    }

    @Test("ids, names, and - to leave a class out")
    func entries() throws {
        let classes = try folder.classes("spleen", "right kidney", "liver", "aorta")
        let map = try LabelMap("0=5,right kidney=65535,2=-,aorta=5", classes: classes)
        #expect((0...3).map { map.label(ofClass: $0) } == [5, 65535, nil, 5])
        let spaced = try LabelMap(" 0 = 5, right kidney=65535 , 2= -,aorta=5 ", classes: classes)
        #expect(spaced == map)
    }

    @Test("the study's map needs no names")
    func withoutNames() throws {
        let map = try LabelMap("0=1,1=2,2=3,5=4,7=5", classes: nil)
        #expect([0, 1, 2, 5, 7].map { map.label(ofClass: $0) } == [1, 2, 3, 4, 5])
    }

    @Test("names may hold an equals sign")
    func oddNames() throws {
        let classes = try folder.classes("a=b", "=", "1=c")
        let map = try LabelMap("a=b=7, == 8 ,1=c=9", classes: classes)
        #expect((0...2).map { map.label(ofClass: $0) } == [7, 8, 9])
        #expect(try LabelMap("7=a=b,8==,1=c=9", classes: classes) == map)
    }

    @Test("where one side alone is a number, it is the label on either side")
    func exchangedSides() throws {
        let classes = try folder.classes("liver", "spleen", "aorta")
        let map = try LabelMap("5=liver,spleen=6,2=-", classes: classes)
        #expect((0...2).map { map.label(ofClass: $0) } == [5, 6, nil])
        #expect(try LabelMap("1=2", classes: classes).label(ofClass: 1) == 2)
        expectError(.usage, "--labels: \"0\" is not a label: a number from 1 to 65535, or -") {
            _ = try LabelMap("0=liver", classes: classes)
        }
    }

    @Test("a number that is one class's id and another's name is neither")
    func numbersAsNames() throws {
        let classes = try folder.classes("1", "2", "2nd", "3", "7")
        let both = "\"1\" is both the id of the class \"2\" and the name of the class with the id 0"
        expectError(.badData, both, about: classes.path) { _ = try LabelMap("1=5", classes: classes) }
        // A name beyond the ids, an id that is no name, and one that is its own name.
        let map = try LabelMap("7=5,0=6,3=4", classes: classes)
        #expect([4, 0, 3].map { map.label(ofClass: $0) } == [5, 6, 4])
        folder.write("boxes.csv", "slice,class,x0,y0,x1,y1\n3,1,10,20,60,70\n3,7,10,20,60,70\n")
        let source = try BoxSource(folder.path + "/boxes.csv", pattern: .standard, cases: ["ct"])
        let size = PixelSize(width: 320, height: 160)
        let reading = source.boxes(ofCase: "ct", annotator: "", sliceCount: 10, imageSize: size, classes: classes)
        #expect(reading.errors.map(\.what) == [both])
        #expect(reading.slices.flatMap(\.boxes).map(\.classID) == [4])
    }

    @Test(
        "what is no map is told",
        arguments: [
            ("", "\"\" is not CLASS=LABEL"), ("0", "\"0\" is not CLASS=LABEL"), ("0=1,", "\"\" is not CLASS=LABEL"),
            ("0=1,,1=2", "\"\" is not CLASS=LABEL"), ("0:1", "\"0:1\" is not CLASS=LABEL"),
            ("lung=1", "there is no class \"lung\""), ("2=1", "there is no class \"2\""),
            ("-1=1", "there is no class \"-1\""), ("=1", "there is no class \"\""),
            ("Liver=1", "there is no class \"Liver\""),
            ("0=1,0=1", "class \"0\" has two labels"), ("0=1,liver=2", "class \"liver\" has two labels"),
            ("0=-,0=1", "class \"0\" has two labels"),
            ("0=0", "\"0\" is not a label: a number from 1 to 65535, or -"),
            ("0=65536", "\"65536\" is not a label: a number from 1 to 65535, or -"),
            ("0=-1", "\"-1\" is not a label: a number from 1 to 65535, or -"),
            ("0=", "\"\" is not a label: a number from 1 to 65535, or -"),
            ("0=1.0", "\"1.0\" is not a label: a number from 1 to 65535, or -"),
            ("0=--", "\"--\" is not a label: a number from 1 to 65535, or -"),
        ])
    func badText(text: String, description: String) throws {
        let classes = try folder.classes("liver", "spleen")
        let error = #expect(throws: FileError.self) { try LabelMap(text, classes: classes) }
        #expect(error?.kind == .usage && error?.what == description)
    }

    @Test(
        "the nearest name comes first",
        arguments: [
            ("Liver", "liver? (of liver, right kidney, spleen)"), ("splen", "spleen? (of liver, right kidney, spleen)"),
            ("right_kidney", "right kidney? (of liver, right kidney, spleen)"), ("lung", "liver, right kidney, spleen"),
        ])
    func nearestName(name: String, expected: String) throws {
        let classes = try folder.classes("liver", "right kidney", "spleen")
        let error = #expect(throws: FileError.self) { try LabelMap("\(name)=1", classes: classes) }
        #expect(error?.expected == expected)
    }

    @Test("names without a list, and ids beyond 16 bits")
    func withoutList() throws {
        expectError(.usage, "there is no class \"liver\": expected a number, or a name with --classes") {
            _ = try LabelMap("liver=1", classes: nil)
        }
        expectError(.usage) { _ = try LabelMap("65535=1", classes: nil) }
        #expect(try LabelMap("65534=1", classes: nil).label(ofClass: 65534) == 1)
    }

    @Test("every class without a label is told at its first box, with the number of such boxes, and the advice once")
    func check() throws {
        let classes = try folder.classes("liver", "spleen", "aorta")
        let first = folder.write("ct-slice000.txt", "0 0.5 0.5 0.5 0.5\n2 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.5 0.5\n")
        folder.write("ct-slice001.txt", "2 0.5 0.5 0.5 0.5\n")
        let slices = try folder.boxes(classes: classes)
        try LabelMap().check(slices, classes: classes)
        try LabelMap("0=1,1=-,2=3", classes: classes).check(slices, classes: classes)
        let map = try LabelMap("0=1,1=-", classes: classes)
        let errors = #expect(throws: FileErrors.self) { try map.check(slices, classes: classes) }
        #expect(errors?.kind == .badData)
        #expect(
            errors?.description == """
                \(first):2: class 2 (aorta) has no label: found 2 such boxes
                Add each class to --labels: CLASS=LABEL, or CLASS=- to leave it out.
                """)
        let nameless = #expect(throws: FileErrors.self) { try map.check(slices, classes: nil) }
        #expect(nameless?.errors.map(\.what) == ["class 2 has no label"])
    }

    @Test("the labels of all classes in the map, drawn or not")
    func labels() throws {
        folder.write("ct-slice000.txt", "0 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5 0.5\n")
        let map = try LabelMap("0=4,1=-,2=3", classes: nil)
        #expect(map.labels(of: try folder.boxes()) == [0: 4, 1: nil, 2: 3])
        #expect(LabelMap().labels(of: try folder.boxes()) == [0: 1, 1: 2], "without a map, of those that were drawn")
    }
}

@Suite("Class lists")
struct ClassListTests {
    let folder = Folder()

    @Test(
        "a name on each line; blank lines do not count, as in OpenLabeling",
        arguments: [
            "spleen\nright kidney\nliver\n", "spleen\r\nright kidney\r\nliver",
            "\u{FEFF}spleen\nright kidney\nliver\n\n",
            "\n  spleen\t\n\nright kidney \n\nliver\n",
        ])
    func names(text: String) throws {
        let classes = try ClassList(contentsOf: folder.write("class_list.txt", text))
        #expect(classes.names == ["spleen", "right kidney", "liver"])
        #expect(classes.id(of: "liver") == 2)
        #expect(classes.id(of: "Liver") == nil)
        #expect(classes.id(of: "") == nil)
    }

    @Test("no names, and one name twice")
    func bad() {
        expectError("", "no classes", line: nil)
        expectError(" \n\n", "no classes", line: nil)
        expectError("liver\n\nspleen\nliver \n", "a second class of this name", line: 4)
    }

    private func expectError(_ text: String, _ what: String, line: Int?) {
        let path = folder.write("class_list.txt", text)
        let error = #expect(throws: FileError.self) { try ClassList(contentsOf: path) }
        #expect(error?.kind == .badData)
        #expect(error?.what == what)
        #expect(error?.line == line)
    }

    @Test("no more classes than labels")
    func tooMany() throws {
        let names = (0..<65536).map { "class \($0)" }
        let path = folder.write("class_list.txt", names.dropLast().joined(separator: "\n"))
        #expect(try ClassList(contentsOf: path).names.count == 65535)
        expectError(names.joined(separator: "\n"), "too many classes", line: 65536)
    }

    @Test("a list that is not there")
    func missing() {
        let error = #expect(throws: FileError.self) { try ClassList(contentsOf: folder.path + "/none.txt") }
        #expect(error?.kind == .missingInput)
    }
}
