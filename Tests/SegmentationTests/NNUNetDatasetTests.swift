import Foundation
import ImageFrames
import Imaging
import SafeFiles
import TestSupport
import Testing

@testable import Segmentation

/// What `export nnunet` writes; that nnU-Net itself accepts it, `tools/oracle/README.md` says how to see.
@Suite struct NNUNetDatasetTests {
    let folder = Folder()
    let phantom = Phantom()

    /// A case whose labels are 7 on slices 1, 2 and 4, and 300 on slice 3.
    func addCase(_ name: String) throws -> NNUNetDataset.Case {
        let (plain, image) = (folder.file("\(name).nii"), folder.file("\(name).nii.gz"))
        try phantom.write(to: plain)
        let gzip = Process()
        gzip.executableURL = URL(filePath: "/bin/gzip")
        gzip.arguments = [plain]
        try gzip.run()
        gzip.waitUntilExit()
        var labels = LabelVolume(geometry: try Volume(contentsOf: image).geometry)
        for (slice, label) in [(1, 7), (2, 7), (4, 7), (3, 300)] {
            labels[VoxelIndex(i: 5, j: 6, k: slice)] = UInt16(label)
        }
        try labels.write(to: folder.file("\(name)-labels.nii.gz"))
        return .init(name: name, image: image, labels: folder.file("\(name)-labels.nii.gz"))
    }

    let organs = [Organ(name: "liver", label: 300), Organ(name: "spleen", label: 7)]

    func json(_ name: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: folder.file("set/\(name).json"))))
    }

    @Test func labelsAreConsecutiveAndFoldsAreByCase() throws {
        let cases = try ["c", "a", "b"].map(addCase)
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false).write(to: folder.file("set"))
        let description = try #require(try json("dataset") as? [String: Any])
        #expect(description["labels"] as? [String: Int] == ["background": 0, "liver": 1, "spleen": 2])
        #expect(description["channel_names"] as? [String: String] == ["0": "CT"])
        #expect(description["numTraining"] as? Int == 3 && description["file_ending"] as? String == ".nii.gz")
        let splits = try #require(try json("splits_final") as? [[String: [String]]])
        #expect(splits.map { $0["val"] } == [["a"], ["b"], ["c"]])
        #expect(splits.map { $0["train"] } == [["b", "c"], ["a", "c"], ["a", "b"]])
        for item in cases {
            #expect(
                try Data(contentsOf: URL(filePath: folder.file("set/imagesTr/\(item.name)_0000.nii.gz")))
                    == Data(contentsOf: URL(filePath: item.image)))
            let labels = try LabelVolume(contentsOf: folder.file("set/labelsTr/\(item.name).nii.gz"))
            #expect((1...4).map { labels[VoxelIndex(i: 5, j: 6, k: $0)] } == [2, 2, 1, 2])
            #expect(labels.values.count { $0 != 0 } == 4)
        }
    }

    @Test func theBackgroundOfASliceWithAForgottenOrganIsIgnored() throws {
        let cases = try ["a", "b"].map(addCase)
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: true).write(to: folder.file("set"))
        let labels = try LabelVolume(contentsOf: folder.file("set/labelsTr/a.nii.gz"))
        let area = phantom.size.i * phantom.size.j
        // The spleen is missing on slice 3 alone; the liver's one slice is whole.
        #expect(labels.values.indices.filter { labels.values[$0] == 3 }.allSatisfy { $0 / area == 3 })
        #expect(labels.values.count { $0 == 3 } == area - 1)
        #expect(labels[VoxelIndex(i: 5, j: 6, k: 3)] == 1)
        let description = try #require(try json("dataset") as? [String: Any])
        #expect((description["labels"] as? [String: Int])?["ignore"] == 3)
    }

    @Test func nothingIsWrittenForABadCase() throws {
        let cases = try ["a", "b"].map(addCase)
        let other = checkout + "weights/demo/truth.nii.gz"
        let moved = NNUNetDataset.Case(name: "b", image: cases[1].image, labels: other)
        for (bad, organs) in [([cases[0], moved], organs), ([cases[0]], organs), (cases, [organs[0]])] {
            #expect(throws: FileError.self) {
                try NNUNetDataset(cases: bad, organs: organs, ignoresGaps: false).write(to: folder.file("set"))
            }
            #expect(!FileManager.default.fileExists(atPath: folder.file("set")))
        }
    }
}
