import Foundation
import Imaging
import SafeFiles
import TestSupport
import Testing

@testable import Segmentation

/// What is in a folder that gets slices keeps its meaning.
@Suite struct SliceFolderTests {
    let folder = Folder()

    init() throws {
        try Phantom().write(to: folder.file("ct.nii"))
    }

    private func prepare(_ place: String, _ view: SliceView, _ intensity: Intensity = .softTissue) throws {
        let volume = try Volume(contentsOf: folder.file("ct.nii"))
        let images = SliceImages(volume, SliceGeometry(volume.geometry, axis: .k, view: view), intensity)
        try makeFolder(folder.file(place))
        try SliceFolder(folder.file(place), pattern: .standard).prepare(for: images, axis: .k, case: "ct")
    }

    private func view(_ place: String) throws -> SliceView? {
        try FoundRecord(in: [folder.file(place)])?.record.view
    }

    /// Where boxes on the pictures in s/ may be.
    static let places = [
        "s/ct-slice003.txt", "s/YOLO_darknet/ct-slice003.txt", "s/PASCAL_VOC/ct-slice003.xml",
        "s/output/YOLO_darknet/ct-slice003.txt", "s/anna/ct-slice003.txt", "s/anna/ct/ct-slice003.txt",
        "s/other-slice003.txt", "s/boxes.csv", "output/YOLO_darknet/ct-slice003.txt",
    ]

    private func writeBoxes(_ place: String) {
        folder.write(
            place, place.hasSuffix(".csv") ? "slice,class,x0,y0,x1,y1\nct-slice003,0,1,2,3,4\n" : "0 0.5 0.5 0.2 0.2\n")
    }

    /// The boxes of a volume are segmented in the grey values that they were drawn on; those of others are.
    @Test(arguments: places) func boxesKeepTheirGreyValues(place: String) throws {
        try prepare("s", .array)
        folder.write("s/ct-slice000.png", "")
        writeBoxes(place)
        if place.contains("other") { return try prepare("s", .array, .minmaxSlice) }
        expectError(.cannotCreate, "holds boxes on slices that have other grey values: expected axis k, view array") {
            try prepare("s", .array, .minmaxSlice)
        }
        #expect(FileManager.default.fileExists(atPath: folder.file("s/ct-slice000.png")))
        try prepare("s", .array)
    }

    /// Boxes that have a record of their own, and those of a table or folder that was merged or filled, forbid none.
    @Test func boxesThatWereDrawnElsewhereForbidNoGreyValues() throws {
        try prepare("s", .array)
        writeBoxes("output/YOLO_darknet/ct-slice003.txt")
        try prepare("output/YOLO_darknet", .array, .minmaxSlice)
        try prepare("s", .array, .minmaxSlice)
        writeBoxes("merged/ct-slice003.txt")
        try SlicesRecord(
            volumes: ["ct": try Volume(contentsOf: folder.file("ct.nii")).size], axis: .k, view: .array, intensity: nil
        ).write(to: SlicesRecord.path(in: folder.file("merged")))
        try prepare("merged", .array, .minmaxSlice)
    }

    /// As boxes without a record are read, they were drawn.
    @Test(arguments: places) func boxesWithoutARecordAreOfTheArraysView(place: String) throws {
        writeBoxes(place)
        expectError(.cannotCreate, "expected axis k, view radiological, found axis k, view array, as without a") {
            try prepare("s", .radiological)
        }
        #expect(try view("s") == nil)
        try prepare("s", .array)
        #expect(try view("s") == .array)
    }

    @Test(arguments: places) func boxesOnRadiologicalSlicesStayTheirs(place: String) throws {
        try prepare("s", .radiological)
        folder.write("s/ct-slice000.png", "")
        writeBoxes(place)
        expectError(.cannotCreate, "expected axis k, view array, found axis k, view radiological by") {
            try prepare("s", .array)
        }
        #expect(try view("s") == .radiological)
        try prepare("s", .radiological)
    }

    /// Other files are no boxes, and boxes with a record of their own are not read by this one.
    @Test func othersDoNotMatter() throws {
        folder.write("s/readme.txt", "")
        folder.write("s/class_list.txt", "spleen\n")
        folder.write("s/table.csv", "a,b\n")
        try prepare("s/anna", .radiological)
        writeBoxes("s/anna/ct-slice003.txt")
        try prepare("s", .radiological)
        try prepare("s", .array)
        #expect(try view("s") == .array)
        #expect(try view("s/anna") == .radiological)
    }

    /// Only pictures that a record says are swift-sam's are removed.
    @Test func picturesOfOthersStay() throws {
        let picture = folder.write("s/ct-slice001.png", "mine")
        expectError(.cannotCreate, "no slices.json with it", about: picture) { try prepare("s", .radiological) }
        #expect(folder.names == ["ct.nii", "s"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("s")) == ["ct-slice001.png"])
        try prepare("own", .radiological)
        folder.write("own/ct-slice001.png", "")
        try prepare("own", .radiological)
        #expect(FileManager.default.fileExists(atPath: folder.file("own/ct-slice001.png")))
        // In another view they would be taken for its.
        try prepare("own", .array)
        #expect(!FileManager.default.fileExists(atPath: folder.file("own/ct-slice001.png")))
    }
}
