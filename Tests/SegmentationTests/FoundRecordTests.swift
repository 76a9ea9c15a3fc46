import Foundation
import ImageFrames
import Imaging
import SafeFiles
import TestSupport
import Testing

@testable import Segmentation

/// Where the record of slices is found, by where OpenLabeling and people put boxes.
@Suite struct FoundRecordTests {
    let folder = Folder()

    init() throws {
        try Phantom().write(to: folder.file("ct.nii"))
    }

    private func writeRecord(_ place: String, _ view: SliceView, axis: SliceAxis = .k, of name: String = "ct") throws {
        try makeFolder(folder.file(place))
        try SlicesRecord(
            volumes: [name: VolumeSize(i: 23, j: 17, k: 6)], axis: axis, view: view, intensity: .softTissue
        ).write(to: folder.file(place + "/slices.json"))
    }

    private func annotated(
        _ boxes: String, view: SliceView? = nil, record: String? = nil
    ) throws -> AnnotatedVolumes {
        try AnnotatedVolumes(
            folder.file(boxes), on: VolumeFiles(folder.file("ct.nii")).files,
            slicing: Slicing(view: view, record: record))
    }

    private func read(
        _ boxes: String, view: SliceView? = nil, record: String? = nil
    ) throws -> (volume: AnnotatedVolume, warnings: [Warning]) {
        let annotated = try self.annotated(boxes, view: view, record: record)
        return (try #require(annotated.volumes.first), annotated.warnings)
    }

    private let box = "0 0.5 0.5 0.2 0.2\n"

    /// The record beside the boxes, above them, beside their pictures in OpenLabeling's folder, and beside those that
    /// Pascal VOC names.
    @Test(arguments: [
        ("out", ["out"]), ("out/YOLO_darknet", ["out"]), ("s/output/YOLO_darknet", ["s"]), ("s/a/b/c/d", ["s"]),
        ("output/YOLO_darknet", ["input"]), ("raw/anna/output/YOLO_darknet", ["raw/slices"]),
    ])
    func isFound(boxes: String, records: [String]) throws {
        for record in records {
            try writeRecord(record, .radiological)
            folder.write("\(record)/ct-slice000.png", "")
        }
        folder.write("\(boxes)/ct-slice003.txt", box)
        let (volume, warnings) = try read(boxes)
        #expect(volume.slices.view == .radiological && warnings.isEmpty)
        #expect(
            volume.record.map { URL(filePath: $0.path).resolvingSymlinksInPath().path() }
                == URL(filePath: folder.file("\(records[0])/slices.json")).resolvingSymlinksInPath().path())
    }

    /// The nearest record, where the boxes are in folders of the one that is named.
    @Test(arguments: [
        ("all/ct", "all/ct"), ("all/ct/YOLO_darknet", "all/ct"), ("all/anna", "all/anna"),
        ("all/anna/ct", "all/anna/ct"), ("all/ct/anna", "all/ct"), ("all/output/anna", "all/output/anna"),
        ("all/anna/output/YOLO_darknet", "all/anna/output"),
    ])
    func isFoundWithBoxesInFoldersOfTheNamedOne(boxes: String, record: String) throws {
        folder.write("\(boxes)/ct-slice003.txt", box)
        try writeRecord("all", .array)
        try writeRecord(record, .radiological)
        let annotated = try self.annotated("all")
        #expect(annotated.volumes[0].slices.view == .radiological)
        #expect(annotated.warnings.isEmpty && annotated.recordsElsewhere.isEmpty)
        try FileManager.default.removeItem(atPath: folder.file("\(record)/slices.json"))
        #expect(try self.annotated("all/").volumes[0].slices.view == .array)
    }

    /// A record that is not with the boxes is named, unless the person did.
    @Test func oneThatIsElsewhereIsNamed() throws {
        try writeRecord("input", .radiological)
        folder.write("input/ct-slice000.png", "")
        folder.write("output/YOLO_darknet/ct-slice003.txt", box)
        let found = try annotated("output").recordsElsewhere
        #expect(found.count == 1 && found[0].hasSuffix("/input/slices.json"))
        #expect(try annotated("output", record: folder.file("input")).recordsElsewhere.isEmpty)
    }

    /// One that is damaged may be the boxes' own, and is not passed over.
    @Test(arguments: ["s/out", "s", "input"]) func oneThatIsDamagedIsAnError(place: String) throws {
        folder.write("s/out/ct-slice003.txt", box)
        folder.write("input/ct-slice000.png", "")
        try writeRecord(place, .radiological)
        let data = try Data(contentsOf: URL(filePath: folder.file("\(place)/slices.json")))
        folder.write("\(place)/slices.json", data.prefix(40))
        expectError(.badData, "\(place)/slices.json: not a record of slices") {
            do { _ = try read("s/out") } catch let errors as FileErrors { throw errors.errors[0] }
        }
        // A view that was chosen needs none from elsewhere.
        if place != "s/out" { #expect(try read("s/out", view: .radiological).volume.slices.view == .radiological) }
    }

    @Test func isFoundBesideThePictureThatPascalVOCNames() throws {
        try writeRecord("far/away", .radiological)
        for path in [folder.file("far/away/ct-slice003.png"), "../../../../../../far/away/ct-slice003.png"] {
            folder.write("a/b/c/d/e/f/ct-slice003.xml", "<annotation><path>\(path)</path></annotation>")
            #expect(try read("a/b/c/d/e/f").volume.slices.view == .radiological)
        }
    }

    /// Records of other volumes, of another size, or too far away are passed over; what is assumed is said.
    @Test func othersAreNotTaken() throws {
        try writeRecord("s", .radiological, of: "other")
        try writeRecord("input", .radiological)
        folder.write("s/out/ct-slice003.txt", box)
        let (volume, warnings) = try read("s/out")
        #expect(volume.record == nil && volume.slices.view == .array, "no picture of the volume stands in input/")
        #expect(warnings.count == 1 && warnings[0].what.contains("taken as --axis k --view array, as in the study"))
        // A view that was chosen says it all.
        #expect(try read("s/out", view: .array).warnings.isEmpty)
        #expect(try read("s/out", view: .radiological).volume.slices.view == .radiological)
        // Pictures that stand with the boxes are the ones that were drawn on.
        folder.write("input/ct-slice000.png", "")
        #expect(try read("s/out").volume.record != nil)
        folder.write("s/out/ct-slice000.png", "")
        #expect(try read("s/out").volume.record == nil)
        try SlicesRecord(
            volumes: ["ct": VolumeSize(i: 23, j: 17, k: 7)], axis: .k, view: .radiological, intensity: .softTissue
        ).write(to: folder.file("slices.json"))
        #expect(try read("s/out").volume.record == nil)
    }

    @Test func severalThatDifferAreAnError() throws {
        folder.write("out/ct-slice003.txt", box)
        for (name, view) in [("one", SliceView.array), ("two", .radiological)] {
            try writeRecord(name, view)
            folder.write("\(name)/ct-slice000.png", "")
        }
        expectError(.badData, "turned in several ways") {
            do { _ = try read("out") } catch let errors as FileErrors { throw errors.errors[0] }
        }
        #expect(try read("out", record: folder.file("two")).volume.slices.view == .radiological)
        #expect(try read("out", record: folder.file("one/slices.json")).volume.slices.view == .array)
        #expect(try read("out", view: .radiological).volume.record == nil)
        try writeRecord("one", .radiological)
        #expect(try read("out").volume.slices.view == .radiological)
    }

    /// The phantom is left-posterior-superior: the sagittal axis is i, the coronal one j.
    @Test func axesOfTheBodyGoByTheAffine() throws {
        let geometry = try Geometry(ofVolume: folder.file("ct.nii"))
        let axes = SliceAxis.allCases.map { $0.axis(in: geometry) }
        #expect(axes == [.i, .j, .k, .k, .j, .i])
        let turned = Geometry(
            size: geometry.size,
            affine: Affine(alongI: [0, 0, -2], alongJ: [1, 0.1, 0], alongK: [0, 1, 0], origin: .zero))
        #expect([SliceAxis.axial, .coronal, .sagittal].map { $0.axis(in: turned) } == [.i, .k, .j])
        try writeRecord("out", .radiological, axis: .coronal)
        folder.write("out/ct-slice003.txt", box)
        let slices = try read("out").volume.slices
        #expect(slices.axis == .j && slices.count == 17)
    }

    @Test func mixedOrientationsAreSaid() {
        let volumes = [("a", "RAS"), ("b", "LPS"), ("c", "RAS"), ("d", nil)]
        let warnings = warningsOfMixedOrientations(volumes, file: "ct")
        #expect(warnings.map(\.what.description).first?.contains("differently: RAS (a, c); LPS (b); --view") == true)
        #expect(warningsOfMixedOrientations([("a", "RAS"), ("d", nil)], file: "ct").isEmpty)
    }
}
