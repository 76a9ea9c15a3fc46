// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import Imaging
import SafeFiles
import SegmentAnything
import TestSupport
import Testing

@testable import Segmentation

/// What is done is not done again, and what changed is: held to the bytes of a run that knows nothing of the one before.
@Suite(.serialized) struct VolumePlanTests {
    let folder = Folder()
    let sam: Sam
    var path: String { folder.file("ct.nii") }
    var labels: String { folder.file("labels.nii.gz") }

    init() throws {
        sam = try Sam(path: randomWeights)
        try Phantom().write(to: folder.file("ct.nii"))
        try Phantom().writeBoxes(to: folder.file("boxes"))
        // Slice 5 has a class that no label map here has; an empty file is no evidence of anything.
        folder.write("boxes/ct-slice005.txt", "")
    }

    private func settings(_ labels: String = "0=3,1=300", singleMask: Bool = false) throws -> SegmentationSettings {
        SegmentationSettings(
            sam: sam, labels: try .init(labels, classes: nil), singleMask: singleMask, slicing: Slicing(view: .array),
            version: "1")
    }

    private func plan(
        _ settings: SegmentationSettings, _ mode: VolumePlan.Mode = .changes, slices: ClosedRange<Int>? = nil,
        labels: String? = nil
    ) async throws -> VolumePlan {
        let volumes = try AnnotatedVolumes(
            folder.file("boxes"), on: VolumeFiles(path).files, slicing: Slicing(view: .array), slices: slices)
        return try await VolumePlan(volumes.volumes[0], settings, labels: labels ?? self.labels, mode: mode)
    }

    /// Runs a plan; gives how many slices were encoded.
    @discardableResult
    private func run(_ plan: VolumePlan, _ settings: SegmentationSettings, to labels: String? = nil) async throws -> Int
    {
        var encoded = 0
        let run = try SegmentationRun(plan.annotated, settings, from: plan.earlier)
        #expect(run.sliceCount == plan.sliceCount)
        try await run { encoded = $0 }.write(to: labels ?? self.labels)
        return encoded
    }

    /// That the labels and all of their manifest but the seconds are those of a run from nothing.
    private func expectAsFromNothing(_ settings: SegmentationSettings) async throws {
        let fresh = folder.file("fresh.nii.gz")
        try? FileManager.default.removeItem(atPath: fresh)
        let plan = try await plan(settings, labels: fresh)
        #expect(plan.reasons == ["no labels yet"])
        try await run(plan, settings, to: fresh)
        #expect(folder.data("labels.nii.gz") == folder.data("fresh.nii.gz"))
        func manifest(_ path: String) throws -> Data {
            var manifest = try #require(try Manifest(besideLabels: path))
            manifest.seconds = .init(load: 0, segment: 0)
            manifest.output?.path = ""
            return try encodedJSON(manifest)
        }
        #expect(try manifest(labels) == manifest(fresh))
    }

    @Test func nothingIsDoneTwice() async throws {
        let settings = try settings()
        let first = try await plan(settings)
        #expect(first.reasons == ["no labels yet"] && !first.hasLabels && first.sliceCount == 4)
        #expect(try await run(first, settings) == 4)
        let second = try await plan(settings)
        #expect(second.isDone && second.hasLabels && second.sliceCount == 0 && second.manifest != nil)
        let all = try await plan(settings, .all)
        #expect(!all.isDone && all.sliceCount == 4 && all.earlier == nil)
        let picture = try await VolumePlan(
            second.annotated, settings, labels: labels, outputs: [folder.file("p.png")])
        #expect(picture.reasons == ["\(folder.file("p.png")) is missing"] && picture.sliceCount == 0)
    }

    @Test func changedSlicesAlone() async throws {
        let settings = try settings()
        try await run(try await plan(settings), settings)
        // A box moves on slice 2, one is added on slice 1, another removed on slice 3.
        let lines = (1...3).map { folder.text("boxes/ct-slice00\($0).txt").split(separator: "\n") }
        folder.write("boxes/ct-slice002.txt", "\(lines[1][0])\n1 0.6 0.4 0.3 0.3\n")
        folder.write("boxes/ct-slice001.txt", "\(lines[0][0])\n1 0.6 0.4 0.3 0.3\n")
        folder.write("boxes/ct-slice003.txt", "\(lines[2][0])\n")
        let changed = try await plan(settings)
        #expect(changed.reasons == ["the boxes changed", "the boxes on some slices differ"] && changed.sliceCount == 3)
        #expect(try await run(changed, settings) == 3)
        try await expectAsFromNothing(settings)
        // Spaces are other bytes and no other boxes.
        folder.write("boxes/ct-slice003.txt", "  \(lines[2][0])\n\n")
        let spaced = try await plan(settings)
        #expect(!spaced.isDone && spaced.sliceCount == 0)
        #expect(try await run(spaced, settings) == 0)
        try await expectAsFromNothing(settings)
    }

    /// The seconds of a call are those of the slices that it computed, and not of all that the labels have.
    @Test func theTimeThatIsLeftIsByWhatWasComputed() async throws {
        let settings = try settings()
        try await run(try await plan(settings), settings)
        let line = folder.text("boxes/ct-slice002.txt").split(separator: "\n")[0]
        folder.write("boxes/ct-slice002.txt", "\(line)\n1 0.6 0.4 0.3 0.3\n")
        try await run(try await plan(settings), settings)
        let manifest = try #require(try Manifest(besideLabels: labels))
        #expect(manifest.seconds.computed == 1 && manifest.ownSlices.count == 4)
        let other = try await plan(settings, labels: folder.file("other.nii.gz"))
        func secondsLeft() async throws -> Double? {
            let done = try await plan(settings)
            var status = StudyStatus()
            status.add(done.annotated, .success(done), failure: nil, labels: labels)
            status.add(other.annotated, .success(other), failure: nil, labels: folder.file("other.nii.gz"))
            #expect(status.count(.done) == 1 && status.count(.missing) == 1)
            return status.secondsLeft
        }
        #expect(try await secondsLeft() == manifest.seconds.segment * 4)
        // Other bytes and no other boxes: all is taken over, which says nothing of computing.
        folder.write("boxes/ct-slice002.txt", "\(line)\n\n1 0.6 0.4 0.3 0.3\n")
        try await run(try await plan(settings), settings)
        #expect(try Manifest(besideLabels: labels)?.seconds.computed == 0)
        #expect(try await secondsLeft() == nil)
    }

    @Test func aClassWithAnotherLabelIsComputedWhereItHasBoxes() async throws {
        try await run(try await plan(settings()), settings())
        let other = try settings("0=3,1=4")
        let changed = try await plan(other)
        #expect(changed.sliceCount == 3, "slices 2 to 4")
        #expect(try await run(changed, other) == 3)
        try await expectAsFromNothing(other)
    }

    @Test func whatEverySliceDependsOnChangesAll() async throws {
        let settings = try settings()
        try await run(try await plan(settings), settings)
        let single = try await plan(self.settings(singleMask: true))
        #expect(single.reasons == ["the single mask was false, is true"] && single.sliceCount == 4)
        var version = settings
        version.version = "2"
        #expect(try await plan(version).isDone, "the digests are the same")
        version.singleMask = true
        #expect(try await plan(version).sliceCount == 4)
        var bytes = folder.data("ct.nii")!
        bytes[352 + 2 * 400] ^= 1
        folder.write("ct.nii", bytes)
        let volume = try await plan(settings)
        #expect(volume.reasons == ["the volume changed"] && volume.sliceCount == 4)
    }

    @Test func slicesWithoutBoxesAreNotLost() async throws {
        let settings = try settings()
        try await run(try await plan(settings), settings)
        let before = try LabelVolume(contentsOf: labels)
        let lines = folder.text("boxes/ct-slice002.txt")
        folder.write("boxes/ct-slice002.txt", "0 0.5 0.5 0.3 0.3\n")
        for (mode, slices) in [(VolumePlan.Mode.changes, 2...2), (.changes, 0...3)] {
            let error = await #expect(throws: FileError.self) { try await plan(settings, mode, slices: slices) }
            #expect(error?.kind == .cannotCreate && error?.advice?.contains("--update") == true)
        }
        let update = try await plan(settings, .update, slices: 2...2)
        #expect(update.sliceCount == 1)
        #expect(try await run(update, settings) == 1)
        let manifest = try #require(try Manifest(besideLabels: labels))
        #expect(manifest.kept?.map(\.slices) == [[1, 3, 4]] && manifest.boxFiles.files == 1)
        #expect(manifest.kept?.first?.boxFiles.files == 5)
        #expect(manifest.boxes.map(\.slice) == [1, 2, 3, 3, 4, 4] && manifest.ownSlices == [2])
        #expect(manifest.boxes.allSatisfy { $0.file == "boxes/ct-slice00\($0.slice).txt" })
        let after = try LabelVolume(contentsOf: labels)
        let plane = 23 * 17
        for slice in 0..<6 {
            let range = slice * plane..<(slice + 1) * plane
            #expect((after.values[range] == before.values[range]) == (slice != 2), "slice \(slice)")
        }
        #expect(try await plan(settings, .update, slices: 2...2).isDone)
        // All boxes again: what was kept is what would be computed.
        let whole = try await plan(settings)
        #expect(whole.reasons == ["the boxes changed"] && whole.sliceCount == 0)
        try await run(whole, settings)
        try await expectAsFromNothing(settings)
        // An empty file is no evidence that nothing is there.
        folder.write("boxes/ct-slice002.txt", "")
        await #expect(throws: FileError.self) { try await plan(settings) }
        #expect(try await plan(settings, .all).sliceCount == 3)
        // Of another volume nothing can be kept.
        folder.write("boxes/ct-slice002.txt", lines)
        let single = await #expect(throws: FileError.self) {
            try await plan(self.settings(singleMask: true), .update, slices: 2...2)
        }
        #expect(single?.advice?.contains("the single mask was false, is true") == true)
    }

    /// What stands in the place of the record is no record: nothing is computed that could not be written.
    @Test func anotherProgramsFileStopsTheRunFirst() async throws {
        let settings = try settings()
        folder.write("labels.json", #"{"Modality": "CT"}"#)
        let error = await #expect(throws: FileError.self) { try await plan(settings) }
        #expect(error?.kind == .cannotCreate && error?.file == folder.file("labels.json"))
        await #expect(throws: FileError.self) { try await plan(settings, .all) }
        #expect(folder.text("labels.json") == #"{"Modality": "CT"}"#)
    }

    /// A process that was killed between the two renames, and one that was killed before them.
    @Test func whatAKilledProcessLeftIsUsedOrGoes() async throws {
        let settings = try settings()
        try await run(try await plan(settings), settings)
        let (json, old) = (folder.text("labels.json"), folder.text("labels.json").replacing("sha256", with: "digest"))
        folder.write(".0A1B2C3D-labels.json", json)
        folder.write("labels.json", old)
        for name in [".11111111-labels.nii.gz", ".22222222-labels.json"] { folder.write(name, "half") }
        for name in [".3333333-labels.json", "44444444-labels.json", ".55555555-other.json"] { folder.write(name, "") }
        recoverInterrupted(labels: labels, outputs: [])
        #expect(try await plan(settings).isDone)
        #expect(folder.text("labels.json") == json)
        #expect(
            folder.names == [
                "ct.nii", "boxes", "labels.nii.gz", "labels.json", ".3333333-labels.json", "44444444-labels.json",
                ".55555555-other.json",
            ])
        // Of a process that lives nothing is taken.
        try writeAtomically(labels) { temporary in
            try Data("new".utf8).write(to: URL(filePath: temporary))
            #expect(abandonedTemporaries(of: labels).isEmpty && folder.names.count == 8)
        }
    }

    @Test func aManifestThatSomebodyEditedTrapsNothing() async throws {
        let settings = try settings()
        try await run(try await plan(settings), settings)
        let json = folder.text("labels.json")
        folder.write("labels.json", json.replacing(#""slice" : 4"#, with: #""slice" : 4000"#))
        await #expect(throws: FileError.self) { try await plan(settings) }
        await #expect(throws: FileError.self) { try await plan(settings, .update) }
        #expect(try await plan(settings, .all).sliceCount == 4)
        folder.write("labels.json", json.replacing(#""slice" : 4"#, with: #""slice" : -1"#))
        await #expect(throws: FileError.self) { try await plan(settings, .update) }
        // Which slices have labels is not known then.
        folder.write("labels.json", json.replacing(#""version""#, with: #""edition""#))
        for mode in [VolumePlan.Mode.changes, .update] {
            let error = await #expect(throws: FileError.self) { try await plan(settings, mode, slices: 2...2) }
            #expect(error?.what == "a record of labels that this version cannot read")
        }
        #expect(try await plan(settings, .all).sliceCount == 4)
        folder.write("labels.json", "{")
        let error = await #expect(throws: FileError.self) { try await plan(settings) }
        #expect(error?.what == "not known to be written by swift-sam")
        folder.write("labels.json", String(json.prefix(2000)))
        let half = await #expect(throws: FileError.self) { try await plan(settings) }
        #expect(
            half?.what == "the record of labels is damaged"
                && half?.advice?.contains("--force --replace-edited") == true)
    }
}

extension Folder {
    fileprivate func data(_ name: String) -> Data? { FileManager.default.contents(atPath: file(name)) }
    fileprivate func text(_ name: String) -> String { String(decoding: data(name) ?? Data(), as: UTF8.self) }
}
