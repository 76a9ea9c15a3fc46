// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Imaging
@testable import PictureFiles

/// Paths at which nothing can be read or written, and that an output is whole or not there.
@Suite struct PathTests {
    let folder = Folder()
    let grey = [UInt8](repeating: 9, count: 6)
    let size = PixelSize(width: 3, height: 2)

    /// Everything that reads a file.
    private func readings(_ path: String) -> [() throws -> Void] {
        [
            { _ = try readImage(path) }, { _ = try Volume(contentsOf: path) },
            { _ = try LabelVolume(contentsOf: path) },
            { _ = try SlicesRecord(contentsOf: path) }, { _ = try fileSize(path) },
            { _ = try readFile(path, limit: 9) },
        ]
    }

    /// Everything that writes a file.
    private func writings(_ path: String) -> [() throws -> Void] {
        let geometry = Geometry.plain(i: 2, j: 3, k: 4)
        let record = SlicesRecord(
            volumes: ["a": VolumeSize(i: 1, j: 2, k: 3)], axis: .k, view: .array, intensity: .lung)
        return [
            { try writePNG(path, size: size, grey: grey) }, { try LabelVolume(geometry: geometry).write(to: path) },
            { try record.write(to: path) }, { try writeAtomically(path, Data([1])) },
        ]
    }

    // MARK: Reading

    @Test func missingFile() {
        for path in [folder.file("no.png"), folder.file("no/no.png"), ""] {
            for reading in readings(path) {
                let error = expectError(.missingInput, "No such file or directory", reading)
                #expect(error?.file == path)
            }
        }
    }

    @Test func folderInsteadOfAFile() {
        for path in [folder.path, folder.path + "/"] {
            for reading in readings(path) { expectError(.missingInput, "found a folder", reading) }
        }
    }

    @Test func deviceInsteadOfAFile() {
        for reading in readings("/dev/zero") { expectError(.missingInput, "found a device or pipe", reading) }
    }

    @Test(.enabled(if: geteuid() != 0, "root may read every file"))
    func unreadableFile() {
        let path = folder.write("secret.nii", VolumeFixture.named("i2-little-1.nii").file)
        chmod(path, 0)
        for reading in readings(path) { expectError(.missingInput, "Permission denied", reading) }
    }

    @Test func fileBeyondTheLimit() throws {
        let path = folder.write("ten", 0..<10)
        expectError(.badData, "expected at most 9 bytes, found 10 bytes") { _ = try readFile(path, limit: 9) }
        #expect(try readFile(path, limit: 10) == Data(0..<10))
    }

    // MARK: Writing

    @Test func missingFolder() {
        for writing in writings(folder.file("no/output.nii.gz")) {
            let error = expectError(.cannotCreate, "No such file or directory", writing)
            #expect(error?.file == folder.file("no/output.nii.gz"))
        }
    }

    @Test func fileInsteadOfAFolder() {
        let path = folder.write("file", [1]) + "/output.png"
        for writing in writings(path) { expectError(.cannotCreate, "Not a directory", writing) }
    }

    @Test func folderInsteadOfAnOutput() throws {
        try FileManager.default.createDirectory(atPath: folder.file("taken.png"), withIntermediateDirectories: false)
        for writing in writings(folder.file("taken.png")) {
            expectError(.cannotCreate, "a folder stands there", writing)
        }
        #expect(folder.names == ["taken.png"])
    }

    /// A name longer than file systems take.
    @Test func nameThatIsTooLong() {
        let path = folder.file(String(repeating: "n", count: 300))
        for writing in writings(path) { expectError(.cannotCreate, "File name too long", writing) }
        #expect(folder.names == [])
    }

    @Test(.enabled(if: geteuid() != 0, "root may write in every folder"))
    func unwritableFolder() throws {
        let writings = writings(folder.file("output.png"))
        chmod(folder.path, 0o500)
        defer { chmod(folder.path, 0o700) }
        for writing in writings { expectError(.cannotCreate, "Permission denied", writing) }
    }

    @Test func outputIsReplaced() throws {
        let path = folder.write("output", Array(repeating: 7, count: 100_000))
        for writing in writings(path) {
            try writing()
            #expect(try fileSize(path) < 1000)
        }
        #expect(folder.names == ["output"])
    }

    /// Where writing fails midway, what stood there stays and nothing stands beside it.
    @Test func failureLeavesNothing() throws {
        struct Failure: Error {}
        let path = folder.write("output.nii.gz", [1, 2, 3])
        #expect(throws: Failure.self) {
            try writeAtomically(path) { temporary in
                #expect(temporary.hasSuffix("output.nii.gz"))
                try Data([9]).write(to: URL(filePath: temporary))
                throw Failure()
            }
        }
        #expect(folder.names == ["output.nii.gz"])
        #expect(try readFile(path, limit: 9) == Data([1, 2, 3]))
    }

    // MARK: Errors

    /// What, where, expected, found, what to do.
    @Test func errorsRead() {
        let error = FileError(
            .badData, file: "a.txt", line: 3, place: "x0", "not a number", expected: "0 to 1", found: "red",
            advice: "Draw it again.")
        #expect(error.description == "a.txt:3: x0: not a number: expected 0 to 1, found red\nDraw it again.")
        #expect(FileError(.badData, file: "a", "bad", expected: "b").description == "a: bad: expected b")
        #expect(FileError(.badData, file: "a", "bad", found: "c").description == "a: bad: found c")
        #expect(Warning(file: "a.png", "it is odd").description == "a.png: it is odd")
    }

    @Test func manyErrorsReadAsAList() {
        let errors = FileErrors(
            (1...23).map { FileError(.badData, file: "a.txt", line: $0, "bad", advice: "Mend it.") })
        let lines = errors.description.split(separator: "\n")
        #expect(lines.count == 22)
        #expect(lines.prefix(2) == ["a.txt:1: bad", "a.txt:2: bad"])
        #expect(lines.suffix(2) == ["and 3 more", "Mend it."])
        #expect(errors.kind == .badData)
    }

    /// `sysexits.h`.
    @Test func exitCodes() {
        let kinds: [FileError.Kind] = [.badData, .missingInput, .cannotCreate, .inputOutput]
        #expect(kinds.map(\.rawValue) == [65, 66, 73, 74])
    }
}
