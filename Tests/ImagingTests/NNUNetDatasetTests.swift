import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Imaging

/// What `export nnunet` writes; that nnU-Net itself accepts it, `tools/oracle/README.md` says how to see.
@Suite struct NNUNetDatasetTests {
    let folder = Folder()
    let geometry = Geometry.plain(i: 7, j: 8, k: 6)

    /// A case whose labels are 7 on slices 1, 2 and 4, and 300 on slice 3.
    func addCase(_ name: String, at geometry: Geometry? = nil) throws -> VolumePair {
        let image = LabelVolume(geometry: self.geometry, values: (0..<336).map { UInt16($0 * 7 % 331) })
        var labels = LabelVolume(geometry: geometry ?? self.geometry)
        for (slice, label) in [(1, 7), (2, 7), (4, 7), (3, 300)] {
            labels[VoxelIndex(i: 5, j: 6, k: slice)] = UInt16(label)
        }
        let item = VolumePair(
            name: name, first: folder.file("\(name).nii.gz"), second: folder.file("\(name)-labels.nii.gz"))
        try image.write(to: item.first)
        try labels.write(to: item.second)
        return item
    }

    let organs = [Organ(name: "liver", label: 300), Organ(name: "spleen", label: 7)]

    func json(_ name: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: folder.file("set/\(name).json"))))
    }

    @Test func labelsAreConsecutiveAndFoldsAreByCase() throws {
        let cases = try ["c", "a", "b"].map { try addCase($0) }
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
                    == Data(contentsOf: URL(filePath: item.first)))
            let labels = try LabelVolume(contentsOf: folder.file("set/labelsTr/\(item.name).nii.gz"))
            #expect((1...4).map { labels[VoxelIndex(i: 5, j: 6, k: $0)] } == [2, 2, 1, 2])
            #expect(labels.values.count { $0 != 0 } == 4)
        }
    }

    @Test func theBackgroundOfASliceWithAForgottenOrganIsIgnored() throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: true).write(to: folder.file("set"))
        let labels = try LabelVolume(contentsOf: folder.file("set/labelsTr/a.nii.gz"))
        let area = 56
        // The spleen is missing on slice 3 alone; the liver's one slice is whole.
        #expect(labels.values.indices.filter { labels.values[$0] == 3 }.allSatisfy { $0 / area == 3 })
        #expect(labels.values.count { $0 == 3 } == area - 1)
        #expect(labels[VoxelIndex(i: 5, j: 6, k: 3)] == 1)
        let description = try #require(try json("dataset") as? [String: Any])
        #expect((description["labels"] as? [String: Int])?["ignore"] == 3)
    }

    /// Along the axis that `labels.json` has: on j = 5, where the spleen has voxels before and after.
    @Test func gapsAreThoseOfTheSlicesThatWereDrawn() throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        for item in cases {
            var labels = LabelVolume(geometry: geometry)
            for j in [4, 6] { labels[VoxelIndex(i: 1, j: j, k: 2)] = 7 }
            labels[VoxelIndex(i: 3, j: 5, k: 2)] = 300
            try labels.write(to: item.second)
            folder.write("\(item.name)-labels.json", #"{"options": {"axis": "j"}}"#)
        }
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: true).write(to: folder.file("set"))
        let labels = try LabelVolume(contentsOf: folder.file("set/labelsTr/a.nii.gz"))
        let ignored = labels.values.indices.filter { labels.values[$0] == 3 }
        #expect(ignored.count == 7 * 6 - 1 && ignored.allSatisfy { geometry.size.voxel(at: $0).j == 5 })
        #expect(labels[VoxelIndex(i: 3, j: 5, k: 2)] == 1 && labels[VoxelIndex(i: 1, j: 4, k: 2)] == 2)
    }

    @Test func nothingIsWrittenForABadCase() throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        var affine = geometry.affine
        affine.origin.x = 3
        let moved = try addCase("moved", at: Geometry(size: geometry.size, affine: affine))
        let reserved = [organs[0], Organ(name: "background", label: 7)]
        for (bad, organs, says) in [
            ([cases[0], moved], organs, "not in the place"), ([cases[0]], organs, "too few cases"),
            (cases, [organs[0]], "labels without a name"), (cases, reserved, "nnU-Net keeps the name background"),
        ] {
            expectError(.badData, says) {
                try NNUNetDataset(cases: bad, organs: organs, ignoresGaps: false).write(to: folder.file("set"))
            }
            #expect(!FileManager.default.fileExists(atPath: folder.file("set")))
        }
    }

    /// nnU-Net goes by the ending: what is not compressed gets compressed, and links become files.
    @Test func imagesThatAreLinksOrNotCompressed() throws {
        var cases = try ["a", "b", "c"].map { try addCase($0) }
        try FileManager.default.createSymbolicLink(atPath: folder.file("link.nii.gz"), withDestinationPath: "a.nii.gz")
        cases[0] = .init(name: "a", first: folder.file("link.nii.gz"), second: cases[0].second)
        try LabelVolume(contentsOf: cases[1].first).write(to: folder.file("b.nii"))
        cases[1] = .init(name: "b", first: folder.file("b.nii"), second: cases[1].second)
        let plain = try readFile(cases[1].first, limit: 10_000)
        cases[2] = .init(name: "c", first: folder.write("plain.nii.gz", plain), second: cases[2].second)
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false).write(to: folder.file("set"))
        for (item, source) in zip(cases, [folder.file("a.nii.gz"), cases[1].first, cases[2].first]) {
            let path = folder.file("set/imagesTr/\(item.name)_0000.nii.gz")
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType == .typeRegular)
            #expect(try readFile(path, limit: 10_000).starts(with: [0x1F, 0x8B]))
            #expect(try Volume(contentsOf: path).values == Volume(contentsOf: source).values)
        }
    }

    @Test func aFailureLeavesNothing() throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        let dataset = NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false)
        for name in ["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", "dataset.json", "splits_final.json"] {
            let place = folder.file("set-\(name.prefix(5))")
            folder.write("set-\(name.prefix(5))/\(name)", "")
            expectError(.cannotCreate, "a dataset stands there", about: place) { try dataset.write(to: place) }
        }
        // A case that is damaged when its turn comes, and folders that were made for it.
        var isDamaged = false
        expectError(.badData, "cut short") {
            let damage = { (done: Int) in
                if done == 3 { folder.write("b-labels.nii.gz", [0x1F, 0x8B]) }
                isDamaged = done == 3
            }
            try dataset.write(to: folder.file("new/deeper/set"), progress: damage)
        }
        #expect(isDamaged)
        #expect(!FileManager.default.fileExists(atPath: folder.file("new")))
        // The next try is not told that a dataset is there.
        _ = try addCase("b")
        try dataset.write(to: folder.file("new/deeper/set"))
        #expect(
            try Set(FileManager.default.contentsOfDirectory(atPath: folder.file("new/deeper/set"))) == [
                "imagesTr", "labelsTr", "dataset.json", "splits_final.json",
            ])
    }
}
