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
        let written = try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false, keepsHeader: true)
            .write(to: folder.file("set"))
        #expect(written == ["a", "b", "c"])
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

    /// By the channel's name nnU-Net chooses how to normalise: values from 0 to 330 are no CT's.
    @Test(arguments: ["CT", "MRI"]) func theChannelIsNamed(_ channel: String) throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        var warnings: [Warning] = []
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: true, channel: channel)
            .write(to: folder.file("set"), warn: { warnings += $0 })
        let description = try #require(try json("dataset") as? [String: Any])
        #expect(description["channel_names"] as? [String: String] == ["0": channel])
        let doubted = warnings.filter { $0.what.contains("Hounsfield") }
        #expect(doubted.map(\.file) == (channel == "CT" ? cases.map(\.first) : []))
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

    @Test(arguments: [false, true]) func gapsThatBecomeBackgroundAreNamed(ignoresGaps: Bool) throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        var warnings: [Warning] = []
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: ignoresGaps)
            .write(to: folder.file("set"), warn: { warnings += $0 })
        let gaps = warnings.filter { $0.what.contains("between slices") }
        #expect(gaps.map(\.file) == (ignoresGaps ? [] : cases.map(\.second)))
        #expect(gaps.allSatisfy { $0.what.contains("spleen on 003;") && !$0.what.contains("liver") })
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

    /// Put there between the check and the end, by another process.
    @Test func anotherRunsDatasetStays() throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        for other in ["set/imagesTr/other_0000.nii.gz", "set/dataset.json"] {
            try? FileManager.default.removeItem(atPath: folder.file("set"))
            expectError(.cannotCreate, "already holds a dataset", about: folder.file("set")) {
                try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false)
                    .write(to: folder.file("set"), progress: { if $0 == 4 { folder.write(other, "theirs") } })
            }
            #expect(try readFile(folder.file(other), limit: .text) == Data("theirs".utf8))
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.file("set"))
            #expect(left == [other.split(separator: "/")[1]].map(String.init))
        }
    }

    /// A killed run's copies of images go with the next; those of one that lives stay, and other folders.
    @Test func whatAKilledRunLeftGoes() throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        for name in [".0A1B2C3D-export", ".11111111-export", ".notes-export"] {
            folder.write("set/\(name)/imagesTr/x_0000.nii.gz", "theirs")
        }
        let alive = open(folder.file("set/.11111111-export"), O_RDONLY | O_DIRECTORY)
        defer { close(alive) }
        #expect(flock(alive, LOCK_EX | LOCK_NB) == 0)
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false).write(to: folder.file("set"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("set")).sorted() == [
                ".11111111-export", ".notes-export", "dataset.json", "imagesTr", "labelsTr", "splits_final.json",
            ])
    }

    /// nnU-Net goes by the ending: what is not compressed gets compressed, and links become files.
    @Test func imagesThatAreLinksOrNotCompressed() throws {
        var cases = try ["a", "b", "c"].map { try addCase($0) }
        try FileManager.default.createSymbolicLink(atPath: folder.file("link.nii.gz"), withDestinationPath: "a.nii.gz")
        cases[0] = .init(name: "a", first: folder.file("link.nii.gz"), second: cases[0].second)
        try LabelVolume(contentsOf: cases[1].first).write(to: folder.file("b.nii"))
        cases[1] = .init(name: "b", first: folder.file("b.nii"), second: cases[1].second)
        let plain = try readFile(cases[1].first, limit: .picture)
        cases[2] = .init(name: "c", first: folder.write("plain.nii.gz", plain), second: cases[2].second)
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false).write(to: folder.file("set"))
        for (item, source) in zip(cases, [folder.file("a.nii.gz"), cases[1].first, cases[2].first]) {
            let path = folder.file("set/imagesTr/\(item.name)_0000.nii.gz")
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType == .typeRegular)
            #expect(try readFile(path, limit: .picture).starts(with: [0x1F, 0x8B]))
            #expect(try Volume(contentsOf: path).values == Volume(contentsOf: source).values)
        }
    }

    // MARK: What nnU-Net can use

    /// `LabelManager` asserts that the label to ignore is the highest.
    @Test(arguments: [false, true]) func theLabelToIgnoreIsTheHighest(ignoresGaps: Bool) throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        let organs = [Organ(name: "ignore", label: 300), Organ(name: "spleen", label: 7)]
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: ignoresGaps).write(to: folder.file("set"))
        let description = try #require(try json("dataset") as? [String: Any])
        #expect(description["labels"] as? [String: Int] == ["background": 0, "spleen": 1, "ignore": 2])
        let labels = try LabelVolume(contentsOf: folder.file("set/labelsTr/b.nii.gz"))
        #expect((1...4).map { labels[VoxelIndex(i: 5, j: 6, k: $0)] } == [1, 1, 2, 1])
        // The gap of the spleen is the slice of the other label.
        #expect(labels.values.count { $0 == 2 } == (ignoresGaps ? 56 : 1))
        expectError(.badData, "no organ to learn") {
            try NNUNetDataset(cases: cases, organs: [organs[0]], ignoresGaps: false).write(to: folder.file("none"))
        }
    }

    @Test(arguments: [Float.nan, .infinity]) func voxelsThatAreNoNumbers(value: Float) throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        // Stored as float32: datatype 16, 32 bits.
        var bytes =
            geometry.labelsHeader(bytesPerLabel: 1)
            .with(Int16(16), at: 70).with(Int16(32), at: 72) + [UInt8](repeating: 0, count: 4 * 336)
        bytes = bytes.with(value, at: 352 + 4 * 60)
        let bad = VolumePair(name: "b", first: folder.write("bad.nii", bytes), second: cases[1].second)
        // Voxel 60 of 7×8: 4 of row 0 of slice 1.
        let error = expectError(.badData, "voxel (4, 0, 1): not a number that nnU-Net can use", about: bad.first) {
            try NNUNetDataset(cases: [cases[0], bad], organs: organs, ignoresGaps: false).write(to: folder.file("set"))
        }
        #expect(error?.found == (value.isNaN ? "nan" : "inf"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("set")))
    }

    /// SimpleITK 2.5.7 reads no volume whose only form is sheared, and where there is a qform follows that.
    @Test func axesThatITKRefuses() throws {
        var affine = geometry.affine
        affine.alongK.x = 0.2
        let sheared = Geometry(size: geometry.size, affine: affine)
        let cases = try ["a", "b"].map { name in
            let item = try addCase(name, at: sheared)
            try LabelVolume(geometry: sheared).write(to: item.first)
            return item
        }
        let dataset = NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false)
        expectError(.badData, "axes are not perpendicular", about: cases[0].first) {
            try dataset.write(to: folder.file("set"))
        }
        for item in cases {
            try LabelVolume(geometry: sheared).write(to: folder.file("x.nii"))
            let bytes = [UInt8](try readFile(folder.file("x.nii"), limit: .picture))
            folder.write(URL(filePath: item.first).lastPathComponent, bytes.with(Int16(1), at: 252))
        }
        var warnings: [Warning] = []
        try dataset.write(to: folder.file("set"), warn: { warnings += $0 })
        // The image's; that of labels in the same place is said once.
        #expect(warnings.count { $0.what.contains("follows its qform instead") } == 2)
    }

    /// Fields of text and extensions hold patients' names; voxels and all that places them stay.
    @Test(arguments: [1, 2]) func textOfTheHeaderStays(version: Int) throws {
        var cases = try ["a", "b"].map { try addCase($0) }
        let size = version == 1 ? geometry.size : VolumeSize(i: 40_000, j: 1, k: 1)
        let place = Geometry(size: size, affine: geometry.affine)
        let name = Array("DOE^JANE".utf8)
        var header = place.labelsHeader(bytesPerLabel: 1)
        for field in version == 1 ? [5, 20, 150, 230, 330] : [250, 322, 510, 530] {
            header.replaceSubrange(field..<field + name.count, with: name)
        }
        header[header.count - 4] = 1
        header = version == 1 ? header.with(Float(384), at: 108) : header.with(Int64(576), at: 168)
        let voxels = (0..<size.count).map { UInt8($0 % 251) }
        let comment = [32, 0, 0, 0, 6, 0, 0, 0] + name + [UInt8](repeating: 0x41, count: 16)
        let file = folder.write("named.nii", header + comment + voxels + name)
        let labels = folder.file("named-labels.nii")
        var values = LabelVolume(geometry: place)
        (values.values[3], values.values[size.count - 1]) = (7, 300)
        try values.write(to: labels)
        cases[1] = VolumePair(name: "b", first: file, second: labels)
        if version == 2 {
            expectError(.badData, "NIfTI-2 among NIfTI-1", about: file) {
                try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false).write(to: folder.file("mixed"))
            }
            cases[0] = VolumePair(name: "a", first: file, second: labels)
        }
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false).write(to: folder.file("set"))
        let path = folder.file("set/imagesTr/b_0000.nii.gz")
        let plain = try start(of: path, 1 << 20)
        #expect(plain.firstRange(of: name) == nil && !plain.dropLast(size.count).contains(0x41))
        let (image, source) = (try Volume(contentsOf: path), try Volume(contentsOf: file))
        #expect(image.values == source.values && image.geometry.affine == source.geometry.affine)
        #expect(plain.suffix(size.count) == voxels[...])
        try NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false, keepsHeader: true).write(
            to: folder.file("all"))
        #expect(
            try start(of: folder.file("all/imagesTr/b_0000.nii.gz"), 1 << 20)
                == start(of: file, 1 << 20))
    }

    // MARK: What nobody drew

    /// A case of two organs, each a rod along k on some slices of 12.
    private func addRods(_ name: String, spleen: Range<Int>, liver: Range<Int>) throws -> VolumePair {
        let long = Geometry.plain(i: 4, j: 3, k: 12)
        var labels = LabelVolume(geometry: long)
        for k in spleen { labels[VoxelIndex(i: 1, j: 1, k: k)] = 7 }
        for k in liver { labels[VoxelIndex(i: 3, j: 2, k: k)] = 300 }
        let item = VolumePair(
            name: name, first: folder.file("\(name).nii.gz"), second: folder.file("\(name)-labels.nii.gz"))
        try LabelVolume(geometry: long).write(to: item.first)
        try labels.write(to: item.second)
        return item
    }

    @Test func unfinishedCases() throws {
        let cases = [
            try addRods("absent", spleen: 2..<9, liver: 0..<0), try addRods("half", spleen: 1..<6, liver: 2..<6),
            try addRods("whole", spleen: 2..<9, liver: 1..<11), try addRods("whole2", spleen: 3..<12, liver: 2..<12),
        ]
        func dataset(_ unfinished: NNUNetDataset.Unfinished, ignoresGaps: Bool = false) -> NNUNetDataset {
            NNUNetDataset(cases: cases, organs: organs, ignoresGaps: ignoresGaps, unfinished: unfinished)
        }
        let refused = #expect(throws: FileErrors.self) { try dataset(.refused).write(to: folder.file("set")) }
        #expect(refused?.kind == .badData)
        #expect(refused?.errors.map(\.file) == [cases[0].second, cases[1].second])
        #expect(
            refused?.errors.map(\.found) == [
                "no liver", "nothing on slices 6–11, before which work seems to have stopped",
            ])
        #expect(!FileManager.default.fileExists(atPath: folder.file("set")))

        var warnings: [String] = []
        let left = try dataset(.leftOut).write(to: folder.file("left"), warn: { warnings += $0.map(\.what) })
        #expect(left == ["whole", "whole2"])
        #expect(warnings.count { $0.hasPrefix("unfinished, left out: ") } == 2)
        #expect(!FileManager.default.fileExists(atPath: folder.file("left/labelsTr/half.nii.gz")))

        let all = try dataset(.written).write(to: folder.file("all"), warn: { warnings += $0.map(\.what) })
        #expect(
            all.count == 4
                && warnings.last == "unfinished: nothing on slices 6–11, before which work seems to have stopped")

        // 12 voxels a slice, all background but one or two.
        try dataset(.refused, ignoresGaps: true).write(to: folder.file("ignored"))
        func ignored(_ name: String) throws -> [Int] {
            let labels = try LabelVolume(contentsOf: folder.file("ignored/labelsTr/\(name).nii.gz"))
            return (0..<12).map { k in labels.values[12 * k..<12 * (k + 1)].count { $0 == 3 } }
        }
        #expect(try ignored("absent") == [12, 12, 11, 11, 11, 11, 11, 11, 11, 12, 12, 12])
        #expect(try ignored("half") == [0, 0, 0, 0, 0, 0, 12, 12, 12, 12, 12, 12])
        #expect(try ignored("whole") == [Int](repeating: 0, count: 12))
    }

    @Test func aFailureLeavesNothing() throws {
        let cases = try ["a", "b"].map { try addCase($0) }
        let dataset = NNUNetDataset(cases: cases, organs: organs, ignoresGaps: false)
        for name in ["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", "dataset.json", "splits_final.json"] {
            let place = folder.file("set-\(name.prefix(5))")
            folder.write("set-\(name.prefix(5))/\(name)", "")
            expectError(.cannotCreate, "already holds a dataset", about: place) { try dataset.write(to: place) }
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
