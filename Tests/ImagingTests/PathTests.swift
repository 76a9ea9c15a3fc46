import ImageFrames
import TestSupport
import Testing

@testable import Imaging

/// Paths at which nothing can be read or written, and that an output is whole or not there.
@Suite struct PathTests {
    let folder = Folder()

    @Test func whatCannotBeRead() {
        expectErrorsOfUnreadablePaths(in: folder) { _ = try Volume(contentsOf: $0) }
        expectErrorsOfUnreadablePaths(in: folder) { _ = try LabelVolume(contentsOf: $0) }
        expectErrorsOfUnreadablePaths(in: folder) { _ = try SlicesRecord(contentsOf: $0) }
    }

    @Test func labelsThatCannotBeWritten() throws {
        let labels = LabelVolume(geometry: .plain(i: 2, j: 3, k: 4))
        try expectErrorsOfUnwritablePaths(in: folder) { try labels.write(to: $0) }
    }

    @Test func recordsThatCannotBeWritten() throws {
        let record = SlicesRecord(
            volumes: ["a": VolumeSize(i: 1, j: 2, k: 3)], axis: .k, view: .array, intensity: .lung)
        try expectErrorsOfUnwritablePaths(in: folder) { try record.write(to: $0) }
    }
}
