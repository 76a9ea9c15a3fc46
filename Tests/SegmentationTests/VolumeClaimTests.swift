import Foundation
import SafeFiles
import TestSupport
import Testing

@testable import Segmentation

/// Who works on a volume, and who is gone.
@Suite struct VolumeClaimTests {
    let folder = Folder()
    var labels: String { folder.file("labels.nii.gz") }
    var path: String { folder.file("labels.claim") }

    private func age(seconds: Int) {
        var times = [timespec](repeating: timespec(tv_sec: time(nil) - seconds, tv_nsec: 0), count: 2)
        utimensat(AT_FDCWD, path, &times, 0)
    }

    /// Changes what the claim says.
    private func edit(_ change: (inout [String: Any]) -> Void) throws {
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
        var fields = try #require(object as? [String: Any])
        change(&fields)
        folder.write("labels.claim", try JSONSerialization.data(withJSONObject: fields))
    }

    @Test func oneProcessHasIt() throws {
        let claim = try #require(try VolumeClaim.take(labels: labels))
        #expect(claim.process == getpid() && VolumeClaim.holder(labels: labels) == claim)
        #expect(try VolumeClaim.take(labels: labels) == nil)
        age(seconds: 100_000)
        #expect(try VolumeClaim.take(labels: labels) == nil, "its process is there, whatever the clock says")
        claim.release(labels: labels)
        #expect(folder.names.isEmpty)
        #expect(try VolumeClaim.take(labels: labels) != nil)
    }

    @Test func ofAProcessThatIsGoneItIsTakenOver() throws {
        let first = try #require(try VolumeClaim.take(labels: labels))
        // The process's number was given to another since.
        try edit { $0["began"] = "1" }
        #expect(VolumeClaim.holder(labels: labels) == nil)
        let second = try #require(try VolumeClaim.take(labels: labels))
        try edit { $0["process"] = 4_194_305 }
        #expect(try VolumeClaim.take(labels: labels) != nil, "no process has such a number")
        // Who lost it does not take it from the one who has it.
        try edit { $0["since"] = "later" }
        for claim in [first, second] { claim.release(labels: labels) }
        #expect(folder.names == ["labels.claim"])
    }

    @Test func ofAnotherMachineItHoldsWhileItIsRenewed() throws {
        let claim = try #require(try VolumeClaim.take(labels: labels))
        try edit { ($0["machine"], $0["host"], $0["began"]) = ("other", "node7", "1") }
        #expect(VolumeClaim.holder(labels: labels)?.host == "node7")
        age(seconds: VolumeClaim.patience - 60)
        #expect(try VolumeClaim.take(labels: labels) == nil)
        // A clock that was set back: of the future, so not old.
        age(seconds: -100_000)
        #expect(try VolumeClaim.take(labels: labels) == nil)
        age(seconds: VolumeClaim.patience + 60)
        claim.renew(labels: labels)
        #expect(try VolumeClaim.take(labels: labels) == nil)
        age(seconds: VolumeClaim.patience + 60)
        #expect(try VolumeClaim.take(labels: labels)?.process == getpid())
        #expect(folder.names == ["labels.claim"])
    }

    /// Its process was killed before it wrote what it is.
    @Test func aClaimWithoutContentsIsSoonStale() throws {
        folder.write("labels.claim", "")
        #expect(try VolumeClaim.take(labels: labels) == nil)
        age(seconds: 120)
        #expect(try VolumeClaim.take(labels: labels) != nil)
    }

    @Test func aFolderThatIsNotThereIsAnError() {
        let error = #expect(throws: FileError.self) { try VolumeClaim.take(labels: "/nowhere/labels.nii") }
        #expect(error?.kind == .cannotCreate)
    }

    @Test func linesOfALogAreWholeAndTheLastCounts() throws {
        let log = RunLog(folder.file("runs.jsonl"))
        let error = FileError(.badData, file: "ct.nii", "damaged")
        #expect(log.add(.failed, of: "a", slices: 3, since: .init(), error: error).isEmpty)
        #expect(log.add(.failed, of: "b", slices: 3, since: .init(), error: error).isEmpty)
        folder.write("other", "")
        let text = try String(contentsOfFile: folder.file("runs.jsonl"), encoding: .utf8)
        folder.write("runs.jsonl", text + "{\"case\": \"a\", \"outc\n")
        #expect(log.add(.done, of: "a", slices: 3, since: .init()).isEmpty)
        let last = log.last
        #expect(last["a"]?.outcome == .done && last["a"]?.failure == nil && last["a"]?.slices == 3)
        #expect(last["b"]?.failure == "ct.nii: damaged" && last.count == 2)
        #expect((last["a"]?.seconds ?? -1) >= 0 && (last["a"]?.peakMemoryBytes ?? 0) > 1 << 20)
        #expect(RunLog("/nowhere/runs.jsonl").add(.done, of: "a", slices: 0, since: .init()).count == 1)
    }
}
