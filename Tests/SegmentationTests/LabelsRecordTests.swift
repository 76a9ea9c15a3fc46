import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles
import TestSupport
import Testing

@testable import Segmentation

/// What `labels.json` says to those who read labels, and labels that a person has edited.
@Suite struct LabelsRecordTests {
    let folder = Folder()

    @Test func namesAreThoseOfTheClasses() throws {
        folder.write("classes.txt", "spleen\nright kidney\nleft kidney\nliver\n")
        let classes = try ClassList(contentsOf: folder.file("classes.txt"))
        let map = try LabelMap("spleen=7,right kidney=2,left kidney=2,liver=-", classes: classes)
        #expect(map.names(of: [], classes: classes) == [7: "spleen", 2: "right kidney + left kidney"])
        #expect(map.names(of: [], classes: nil) == [7: String?.none, 2: String?.none])
        // Where each class has its id + 1, those count that were drawn.
        folder.write("boxes/ct-slice003.txt", "3 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2\n")
        let drawn = try readBoxes(
            folder.file("boxes"), case: "ct", sliceCount: 5, imageSize: PixelSize(width: 50, height: 40))
        #expect(LabelMap().names(of: drawn, classes: classes) == [1: "spleen", 4: "liver"])
    }

    @Test func coloursAreThoseOfPictures() {
        #expect(LabelsRecord.Label(1, name: nil).colour == "#e69f00")
        #expect(LabelsRecord.Label(7, name: nil).colour == "#0072b2")
        #expect(LabelsRecord.Label(37, name: nil) == LabelsRecord.Label(1, name: nil))
    }

    @Test func recordsAreReadAndOtherFilesAreNot() throws {
        folder.write(
            "a.json",
            #"{"labels": {"4": {"name": "liver", "colour": "grey"}, "x": {"colour": ""}}, "options": {"axis": "j"}}"#)
        let record = try #require(try LabelsRecord(besideLabels: folder.file("a.nii.gz")))
        #expect(record.labels.mapValues(\.name) == [4: "liver"] && record.axis == .j && record.sha256 == nil)
        // Of 0.4.0, and dcm2niix's.
        folder.write("b.json", #"{"options": {"axis": "k"}, "boxes": []}"#)
        #expect(try LabelsRecord(besideLabels: folder.file("b.nii"))?.labels.isEmpty == true)
        folder.write("c.json", #"{"Modality": "CT", "labels": 3}"#)
        for name in ["c", "none"] { #expect(try LabelsRecord(besideLabels: folder.file("\(name).nii")) == nil) }
        for text in ["", "{", "[1, 2]", #"{"voxels": NaN}"#] {
            folder.write("d.json", text)
            #expect(try LabelsRecord(besideLabels: folder.file("d.nii.gz")) == nil)
        }
        for text in [#"{"amounts" : {"1" : {"bo"#, #"{"options": {"axis": "x"}, "output": {"sha256": "0"}}"#] {
            let path = folder.write("d.json", text)
            expectError(.badData, "the record of labels is damaged", about: path) {
                _ = try LabelsRecord(besideLabels: folder.file("d.nii.gz"))
            }
        }
    }

    @Test func namesOfSeveralRecordsMustAgree() throws {
        func names(_ records: [String: String]...) throws -> [UInt16: String] {
            var paths: [String] = []
            for (index, record) in records.enumerated() {
                let labels = record.map { #""\#($0)": {"name": "\#($1)", "colour": "grey"}"# }
                folder.write("\(index).json", "{\"labels\": {\(labels.joined(separator: ", "))}}")
                paths.append(folder.file("\(index).nii"))
            }
            return try LabelsRecord.names(besideLabels: paths)
        }
        #expect(try names(["1": "spleen"], ["1": "spleen", "2": "liver"]) == [1: "spleen", 2: "liver"])
        expectError(.badData, "label 1 is liver", about: folder.file("1.json")) {
            _ = try names(["1": "spleen"], ["1": "liver"])
        }
        expectError(.badData, "found label 1 is spleen") { _ = try names(["1": "spleen"], ["2": "spleen"]) }
        expectError(.badData, "two labels are called label1") {
            _ = try Organ.named([1, 2], [2: "label1"], file: "truth")
        }
    }

    @Test func labelsWithoutTheRecordedDigestAreEdited() throws {
        let path = folder.file("l.nii.gz")
        try requireUnedited(labels: path)
        folder.write("l.nii.gz", "labels")
        expectError(.cannotCreate, "not known to be written by swift-sam", about: path) {
            try requireUnedited(labels: path)
        }
        let digest = try sha256(ofFile: path)
        folder.write("l.json", #"{"output": {"path": "l.nii.gz", "sha256": "\#(digest)"}}"#)
        try requireUnedited(labels: path)
        try FileManager.default.removeItem(atPath: path)
        try requireUnedited(labels: path)
        folder.write("l.nii.gz", "labels that were edited")
        expectError(.cannotCreate, "edited since swift-sam wrote it", about: path) { try requireUnedited(labels: path) }
    }

    /// dcm2niix writes `ct1.json` beside `ct1.nii.gz`, where labels called `ct1.nii` would have their record.
    @Test(arguments: [#"{"Modality": "CT", "labels": 3}"#, "{}", "notes"])
    func anotherProgramsFileIsKept(text: String) throws {
        let path = folder.file("ct1.nii")
        folder.write("ct1.json", text)
        let error = expectError(.cannotCreate, "not written by swift-sam", about: folder.file("ct1.json")) {
            try requireUnedited(labels: path)
        }
        #expect(error?.advice?.contains("-o") == true)
    }

    /// `..` after a link is the folder above the link's target.
    @Test func filesAreNamedByWhereLinksLead() throws {
        folder.write("data/deep/boxes.csv", "")
        folder.write("data/ct1.nii.gz", "")
        try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "data/deep")
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("ct.nii"), withDestinationPath: "data/ct1.nii.gz")
        func name(_ path: String, in manifest: String = "out/l.json") -> String {
            FileNaming.relative.name(of: folder.file(path), in: folder.file(manifest))
        }
        #expect(name("link/../ct1.nii.gz") == "../data/ct1.nii.gz")
        #expect(name("link/boxes.csv") == "../data/deep/boxes.csv")
        #expect(name("link/../ct1.nii.gz", in: "link/l.json") == "../ct1.nii.gz")
        #expect(name("none/../ct.nii") == "../ct.nii", "a link that is the file itself stays")
        #expect(name("link/") == "../link" && name("data/./deep/.") == "../data/deep")
        let absolute = FileNaming.absolute.name(of: folder.file("link/../ct1.nii.gz"), in: folder.file("l.json"))
        #expect(absolute.hasSuffix("/data/ct1.nii.gz") && absolute.hasPrefix("/"))
    }
}
