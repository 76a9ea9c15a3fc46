import Foundation
import SafeFiles
import TestSupport
import Testing

@Suite("Writing files")
struct AtomicWritingTests {
    private struct Failure: Error {}

    let folder = Folder()

    private func contents(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    @Test(
        "a new file, an empty one, one that replaces another", arguments: ["labels.nii.gz", "a b%20c", "ü", ".hidden"])
    func writes(name: String) throws {
        let path = "\(folder.path)/\(name)"
        try writeAtomically(path, Data("one".utf8))
        #expect(try contents(path) == "one")
        try writeAtomically(path, Data("another".utf8))
        #expect(try contents(path) == "another")
        try writeAtomically(path, Data())
        #expect(try contents(path).isEmpty)
        #expect(folder.names == [name])
    }

    @Test("a link is followed, also one to a file that is not there yet")
    func links() throws {
        folder.write("sub/readme", "")
        for name in ["link", "link of a link"] {
            let target = name == "link" ? "sub/out" : "link"
            try FileManager.default.createSymbolicLink(
                atPath: folder.path + "/" + name, withDestinationPath: target)
            try writeAtomically(folder.path + "/" + name, Data(name.utf8))
            #expect(try contents(folder.path + "/sub/out") == name)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/" + name) == target)
        }
    }

    @Test("the temporary file stands beside, ends as the output does, and is new")
    func temporary() throws {
        let path = folder.path + "/labels.nii.gz"
        var seen: [String] = []
        for _ in 0..<2 {
            try writeAtomically(path) { temporary in
                seen.append(temporary)
                #expect(!FileManager.default.fileExists(atPath: temporary))
                try Data("x".utf8).write(to: URL(filePath: temporary))
                #expect(folder.names.count == seen.count)
            }
        }
        #expect(seen.allSatisfy { $0.hasPrefix(folder.path + "/.") && $0.hasSuffix("-labels.nii.gz") })
        #expect(Set(seen).count == 2)
        #expect(folder.names == ["labels.nii.gz"])
    }

    @Test("where the body fails, what stood there stays and nothing is left beside it")
    func failure() throws {
        let path = folder.write("out", "old")
        #expect(throws: Failure.self) {
            try writeAtomically(path) { temporary in
                try Data("half".utf8).write(to: URL(filePath: temporary))
                throw Failure()
            }
        }
        #expect(folder.names == ["out"])
        #expect(try contents(path) == "old")
    }

    @Test("a body that writes nothing is an error")
    func nothing() {
        let error = #expect(throws: FileError.self) { try writeAtomically(folder.path + "/out") { _ in } }
        #expect(error?.kind == .cannotCreate)
        #expect(folder.names.isEmpty)
    }

    @Test("a folder that is not there, or is a file")
    func missingFolder() {
        folder.write("file", "1")
        for path in ["none/out", "file/out"] {
            let error = expectCannotCreate("\(folder.path)/\(path)")
            #expect(error?.advice == "Make the folder, or choose another place.")
        }
        #expect(folder.names == ["file"])
    }

    @Test("a folder, a pipe and a device are not replaced")
    func notFiles() throws {
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        folder.write("sub/inside", "1")
        for path in [folder.path, "\(folder.path)/sub", "\(folder.path)/sub/", pipe, "/dev/null", ""] {
            expectCannotCreate(path)
        }
        #expect(folder.names == ["pipe", "sub"])
        var status = stat()
        #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
    }

    @discardableResult
    private func expectCannotCreate(_ path: String) -> FileError? {
        let error = #expect(throws: FileError.self, "\(path)") { try writeAtomically(path, Data("x".utf8)) }
        #expect(error?.kind == .cannotCreate, "\(path)")
        #expect(error?.file == path)
        return error
    }

    // As root every folder is writable but for those of a read-only mount, which takes more than a test should do.
    @Test("a folder that may not be written in", .enabled(if: getuid() != 0, "root may write everywhere"))
    func readOnlyFolder() {
        chmod(folder.path, 0o555)
        defer { chmod(folder.path, 0o755) }
        expectCannotCreate(folder.path + "/out")
        let early = #expect(throws: FileError.self) { try requireWritable(folder.path + "/out") }
        #expect(early?.kind == .cannotCreate)
    }

    // Nobody can make a file there, though root passes the check of the folder.
    @Test("a file that the system refuses to make")
    func refused() {
        expectCannotCreate("/proc/swift-sam-test")
    }

    @Test("a name longer than names may be")
    func longName() {
        expectCannotCreate(folder.path + "/" + String(repeating: "x", count: 300))
        #expect(folder.names.isEmpty)
    }

    @Test("the check before long work agrees with the writing after it")
    func early() throws {
        try requireWritable(folder.path + "/out")
        let error = #expect(throws: FileError.self) { try requireWritable(folder.path + "/none/out") }
        #expect(error?.kind == .cannotCreate)
        #expect(error?.file == folder.path + "/none/out")
        #expect(folder.names.isEmpty)
    }
}
