import Foundation
import SafeFiles
import Synchronization
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
                #expect(try fileSize(temporary) == 0)
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

    @Test("a name as long as names may be")
    func longestName() throws {
        for name in [String(repeating: "x", count: 248) + ".nii.gz", String(repeating: "ü", count: 124) + ".nii.gz"] {
            try requireWritable("\(folder.path)/\(name)")
            try writeAtomically("\(folder.path)/\(name)") { temporary in
                #expect(temporary.hasSuffix(".nii.gz"))
                try write(Data("x".utf8), to: temporary, for: name)
            }
            #expect(folder.names.contains(name))
        }
        let long = "\(folder.path)/\(String(repeating: "x", count: 256))"
        expectError(.cannotCreate, "File name too long", about: long) { try requireWritable(long) }
        #expect(folder.names.count == 2)
    }

    @Test("who may read a file stays as it was", arguments: [0o600, 0o640, 0o664, 0o444] as [mode_t])
    func permissions(mode: mode_t) throws {
        let path = folder.write("out", "old")
        #expect(chmod(path, mode) == 0)
        try writeAtomically(path) { temporary in
            // Also while it is written.
            #expect(permissions(of: temporary) == mode)
            chmod(temporary, 0o600)
            try write(Data("new".utf8), to: temporary, for: path)
            chmod(temporary, mode)
        }
        #expect(permissions(of: path) == mode)
        #expect(try contents(path) == "new")
    }

    private func permissions(of path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test("another user's link in a folder that all can write in is not followed", .enabled(if: getuid() == 0))
    func linksOfOthers() throws {
        let shared = folder.path + "/shared"
        folder.write("shared/real/out", "")
        chmod(shared, 0o1777)
        let victim = folder.write("victim", "precious")
        for (name, target) in [("theirs", victim), ("folder", folder.path), ("ours", victim)] {
            try FileManager.default.createSymbolicLink(atPath: "\(shared)/\(name)", withDestinationPath: target)
            if name != "ours" { #expect(lchown("\(shared)/\(name)", 65534, 65534) == 0) }
        }
        for path in ["theirs", "folder/victim", "folder/new", "real/../theirs"] {
            expectError(.cannotCreate, "another user's link", about: "\(shared)/\(path)") {
                try writeAtomically("\(shared)/\(path)", Data("new".utf8))
            }
        }
        #expect(try contents(victim) == "precious")
        // Where nobody can put a name in another's place, links are followed.
        chmod(shared, 0o755)
        try writeAtomically(shared + "/theirs", Data("new".utf8))
        #expect(try contents(victim) == "new")
        chmod(shared, 0o1777)
        try writeAtomically(shared + "/ours", Data("newer".utf8))
        #expect(try contents(victim) == "newer")
    }

    @Test("links that lead in a circle")
    func circle() throws {
        for (name, target) in [("a", "b"), ("b", "a")] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/\(name)", withDestinationPath: target)
        }
        let error = expectCannotCreate(folder.path + "/a")
        #expect(error?.what == "Too many levels of symbolic links")
    }

    @Test("files that belong together appear while no other process renames its own between them")
    func together() throws {
        let (one, two) = (folder.path + "/labels", folder.path + "/manifest")
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        #expect(flock(descriptor, LOCK_EX) == 0)
        let isWritten = Mutex(false)
        let writer = Thread {
            try? writeAtomically([one, two]) { for path in $0 { try write(Data("x".utf8), to: path, for: path) } }
            isWritten.withLock { $0 = true }
        }
        writer.start()
        usleep(300_000)
        #expect(!isWritten.withLock { $0 } && !FileManager.default.fileExists(atPath: one))
        #expect(flock(descriptor, LOCK_UN) == 0)
        for _ in 0..<1000 where !isWritten.withLock({ $0 }) { usleep(10_000) }
        #expect(folder.names == ["labels", "manifest"])
    }

    @Test("a folder of a process that lives stays, that of one that was killed goes")
    func temporaryFolders() throws {
        let path = folder.file("set/.0A1B2C3D-export")
        try makeTemporaryFolder(path)
        folder.write("set/.11111111-export/x", "left")
        try removeAbandonedFolders(in: folder.file("set"), ending: "-export")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("set")) == [".0A1B2C3D-export"])
        try writeAtomically(path + "/x", Data("x".utf8))
        removeTemporaryFolder(path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("set")).isEmpty)
    }

    @Test("the disk's clock, without a trace")
    func clock() {
        for place in [folder.path, folder.file("nowhere")] { #expect(abs(diskTime(in: place) - time(nil)) <= 2) }
        #expect(folder.names.isEmpty)
    }

    #if compiler(>=6.2)
        @Test("more files than a process may have open")
        func many() async {
            await #expect(processExitsWith: .success) {
                try writeManyFiles()
            }
        }
    #endif

    @Test("the check before long work agrees with the writing after it")
    func early() throws {
        try requireWritable(folder.path + "/out")
        let error = #expect(throws: FileError.self) { try requireWritable(folder.path + "/none/out") }
        #expect(error?.kind == .cannotCreate)
        #expect(error?.file == folder.path + "/none/out")
        #expect(folder.names.isEmpty)
    }
}

// In a function of its own: Swift 6.3 crashes on it as a closure.
private func writeManyFiles() throws {
    let folder = Folder()
    try limitOpenFiles(to: 200)
    let files = (0..<300).map { (path: folder.file("\($0)"), data: Data("\($0)".utf8)) }
    try writeFiles(files)
    #expect(folder.names.count == 300)
    for (path, data) in files { #expect(try readFile(path, limit: .text) == data) }
}
