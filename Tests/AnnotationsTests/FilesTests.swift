import Foundation
import SafeFiles
import TestSupport
import Testing

@Suite("Errors about files")
struct FileErrorsTests {
    @Test("what, where, expected, found, and what to do")
    func description() {
        let error = FileError(
            .badData, file: "a.txt", line: 3, place: "object 2", "not a box", expected: "4", found: "5", advice: "Try.")
        #expect(error.description == "a.txt:3: object 2: not a box: expected 4, found 5\nTry.")
        #expect(FileError(.badData, file: "a", "b", expected: "c").description == "a: b: expected c")
        #expect(FileError(.badData, file: "a", "b", found: "c").description == "a: b: found c")
        #expect(FileError(.badData, file: "a", place: "p", "b").description == "a: p: b")
    }

    @Test("the exit codes are those of sysexits")
    func codes() {
        let kinds: [FileError.Kind] = [.badData, .missingInput, .cannotCreate, .inputOutput]
        #expect(kinds.map(\.rawValue) == [65, 66, 73, 74])
    }

    @Test("up to 20 errors are told in full, each advice once")
    func twenty() {
        let errors = (1...20).map {
            FileError(.badData, file: "f", line: $0, "w", advice: $0.isMultiple(of: 2) ? "Even." : "Odd.")
        }
        let expected = (1...20).map { "f:\($0): w" } + ["Odd.", "Even."]
        #expect(FileErrors(errors).description == expected.joined(separator: "\n"))
        #expect(FileErrors([errors[0]]).description == "f:1: w\nOdd.")
    }

    @Test("of more, the first 20 and how many others")
    func more() {
        let errors = (1...1023).map {
            FileError(
                $0 == 1 ? .missingInput : .badData, file: "f", line: $0, "w", advice: $0 < 1000 ? "Do." : "Don't.")
        }
        let all = FileErrors(errors)
        #expect(
            all.description == ((1...20).map { "f:\($0): w" } + ["and 1003 more", "Do."]).joined(separator: "\n"))
        #expect(all.kind == .missingInput)
        #expect(all.errors.count == 1023)
    }
}

@Suite("Reading files")
struct ReadingTests {
    let folder = Folder()

    @Test("a file as long as the limit is read, a longer one is not")
    func limit() throws {
        let path = folder.write("a", "12345")
        #expect(try readFile(path, limit: 5) == Data("12345".utf8))
        #expect(try fileSize(path) == 5)
        let error = #expect(throws: FileError.self) { try readFile(path, limit: 4) }
        #expect(error?.kind == .badData)
        #expect(error?.expected == "at most 4 bytes")
        #expect(error?.found == "5 bytes")
        #expect(try readFile(folder.write("empty", ""), limit: 0).isEmpty)
    }

    @Test("an enormous file is refused by its size, unread")
    func sparse() throws {
        let path = folder.write("sparse", "")
        #expect(truncate(path, 1 << 40) == 0)
        #expect(throws: FileError.self) { try readFile(path, limit: 1 << 24) }
    }

    @Test("what is not there or is no file")
    func notFiles() throws {
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for path in [folder.path + "/none", folder.path, "/dev/zero", pipe, "", folder.path + "/none/below"] {
            let error = #expect(throws: FileError.self) { try readFile(path, limit: 10) }
            #expect(error?.kind == .missingInput, "\(path)")
        }
    }

    // Root may read everything.
    @Test("a file that may not be read", .enabled(if: getuid() != 0, "root may read everything"))
    func forbidden() {
        let path = folder.write("secret", "1")
        chmod(path, 0)
        let error = #expect(throws: FileError.self) { try readFile(path, limit: 10) }
        #expect(error?.kind == .missingInput)
        #expect(error?.advice == "Check its permissions.")
    }
}
