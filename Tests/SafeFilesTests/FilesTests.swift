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
        #expect(FileErrors([errors[1], errors[0], errors[1]]).errors == [errors[1], errors[0]])
    }
}

@Suite("Texts from files, as they are shown")
struct PrintableTests {
    @Test("what a terminal obeys, and what reorders text, becomes U+FFFD")
    func controls() {
        #expect(printable("a\u{1B}[31mü 漢\u{9B}1m\u{7F}") == "a\u{FFFD}[31mü 漢\u{FFFD}1m\u{FFFD}")
        for scalar in "\n\r\t\u{0}\u{85}\u{2028}\u{2029}\u{202E}\u{2066}\u{200F}\u{061C}".unicodeScalars {
            #expect(printable("x\(scalar)y") == "x\u{FFFD}y", "\(scalar.value)")
        }
        #expect(printable("e\u{301}\u{200D}👩‍👧") == "e\u{301}\u{200D}👩‍👧")
        #expect(printableLines("a\nb\r\n\n") == "a\nb\u{FFFD}\u{FFFD}\n")
    }

    @Test("the limit counts bytes, of which one character can have thousands")
    func limit() {
        #expect(printable("12345", limit: 5) == "12345")
        #expect(printable("123456", limit: 5) == "12345…")
        #expect(printable("漢漢", limit: 5) == "漢…")
        let character = "e" + String(repeating: "\u{301}", count: 100_000)
        #expect(character.count == 1 && printable(character, limit: 7).utf8.count == 7 + 3)
    }

    @Test("the first of many names, and how many more")
    func lists() {
        #expect(listed([]) == "" && listed(["a", "b"]) == "a, b")
        #expect(listed(["a", "b", "c", "d", "e"]) == "a, b, c, d, e")
        #expect(listed(["a", "b", "c", "d", "e", "f", "g"]) == "a, b, c, d, e and 2 more")
        #expect(listed(["a", "b"], most: 1) == "a and 1 more")
    }

    @Test("errors and warnings show all their parts so, and keep them as they are")
    func errors() {
        let escape = "\u{1B}]0;x\u{7}"
        let error = FileError(
            .badData, file: escape, place: escape, escape, expected: escape, found: escape, advice: "a\n\(escape)")
        let shown = "\u{FFFD}]0;x\u{FFFD}"
        #expect(error.found == escape)
        #expect(error.description == "\(shown): \(shown): \(shown): expected \(shown), found \(shown)\na\n\(shown)")
        #expect(FileErrors([error, error]).description.contains(shown))
        #expect(!FileErrors([error, error]).description.unicodeScalars.contains("\u{1B}"))
        #expect(Warning(file: escape, escape).description == "\(shown): \(shown)")
        let long = FileError(.badData, file: "f", "w", found: String(repeating: "x", count: 1 << 20))
        #expect(long.description == "f: w: found " + String(repeating: "x", count: 500) + "…")
    }

    @Test("JSON has them escaped, and is the same value")
    func json() throws {
        let texts = ["\u{1B}[31m", "a\u{9B}b\u{202E}", "ü漢👩‍👧\u{7F}\u{2028}", "\n"]
        let data = try encodedJSON(texts)
        #expect(try JSONDecoder().decode([String].self, from: data) == texts)
        let text = String(decoding: data, as: UTF8.self)
        #expect(text.contains("ü漢👩‍👧") && text.contains("\\u009b"))
        #expect(text.split(separator: "\n").allSatisfy { printable($0) == $0 })
    }

    @Test(
        "a key that stands twice in an object",
        arguments: [
            (#"{"a": 1, "b": {"a": 2, "a": 3}, "c": ["a", "a"]}"#, nil), (#"{"a": 1, "b": 2, "a": 3}"#, "a"),
            (#"{"a": "b", "b": "a"}"#, nil), (#"{"a\\": "\"a\\\":", "\u0061\\" : 0}"#, #"a\"#), ("{}", nil),
            (#"[{"a": 1, "a": 2}]"#, nil), (#""a""#, nil), ("{\"a\" \t:1,\n\"a\"\n: 2}", "a"),
        ] as [(String, String?)])
    func repeatedKeys(_ json: String, _ expected: String?) {
        #expect(repeatedKey(inJSON: Data(json.utf8)) == expected)
    }
}

@Suite("Reading files")
struct ReadingTests {
    let folder = Folder()

    @Test("a file as long as the limit is read, a longer one is not")
    func limit() throws {
        #expect(try readFile(folder.write("a", "12345"), limit: .text) == Data("12345".utf8))
        #expect(try readFile(folder.write("empty", ""), limit: .text).isEmpty)
        let path = folder.write("a", "")
        #expect(truncate(path, 1 << 24) == 0)
        #expect(try readFile(path, limit: .text).count == 1 << 24)
        #expect(truncate(path, 1 << 24 + 1) == 0)
        #expect(try fileSize(path) == 1 << 24 + 1)
        let error = #expect(throws: FileError.self) { try readFile(path, limit: .text) }
        #expect(error?.kind == .badData)
        #expect(error?.expected == "at most 16777216 bytes")
        #expect(error?.found == "16777217 bytes")
        #expect(error?.advice?.contains("--limit") == true)
    }

    @Test("a bound is raised for a task and those that it starts, never lowered")
    func raised() async throws {
        let path = folder.write("a", "")
        #expect(truncate(path, 1 << 24 + 1) == 0)
        try await Limit.raising(to: 1 << 25) {
            #expect(try readFile(path, limit: .text).count == 1 << 24 + 1)
            let ofTask = try await Task { try readFile(path, limit: .text).count }.value
            #expect(ofTask == 1 << 24 + 1)
            await Limit.raising(to: 1) {
                #expect(Limit.text.bytes == 1 << 25 && Limit.table.bytes == Limit.table.standard)
            }
        }
        #expect(Limit.allCases.allSatisfy { $0.bytes == $0.standard })
        #expect(throws: FileError.self) { try readFile(path, limit: .text) }
        // Of a file that justifies more, more is taken.
        try Limit.text.check(1 << 25, of: path, factor: 2, fileSize: 1 << 24)
        expectError(.badData, "expected at most 16777216 bytes, found 33554432 bytes") {
            try Limit.text.check(1 << 25, of: path, factor: 2, fileSize: 1 << 22)
        }
        try Limit.text.check(1 << 25, of: path, factor: .max, fileSize: .max)
    }

    @Test("an enormous file is refused by its size, unread")
    func sparse() throws {
        let path = folder.write("sparse", "")
        #expect(truncate(path, 1 << 40) == 0)
        #expect(throws: FileError.self) { try readFile(path, limit: .text) }
    }

    @Test("what is not there or is no file")
    func notFiles() throws {
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for path in [folder.path + "/none", folder.path, "/dev/zero", pipe, "", folder.path + "/none/below"] {
            let error = #expect(throws: FileError.self) { try readFile(path, limit: .text) }
            #expect(error?.kind == .missingInput, "\(path)")
        }
    }

    // Root may read everything.
    @Test("a file that may not be read", .enabled(if: getuid() != 0, "root may read everything"))
    func forbidden() {
        let path = folder.write("secret", "1")
        chmod(path, 0)
        let error = #expect(throws: FileError.self) { try readFile(path, limit: .text) }
        #expect(error?.kind == .missingInput)
        #expect(error?.advice == "Check its permissions.")
    }
}

@Suite("Inputs and outputs")
struct DistinctTests {
    let folder = Folder()

    private func makeLink(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/\(name)", withDestinationPath: target)
    }

    private func isRefused(reads: [String] = [], writes: [String]) -> Bool {
        do throws(FileError) {
            try requireDistinct(
                reads: reads.map { "\(folder.path)/\($0)" }, writes: writes.map { "\(folder.path)/\($0)" })
            return false
        } catch {
            #expect(error.kind == .usage)
            return true
        }
    }

    @Test("an output that is an input, under any of its names")
    func inputs() throws {
        folder.write("sub/in", "1")
        folder.write("other", "1")
        try makeLink("soft", to: "sub/in")
        try makeLink("folder", to: "sub")
        #expect(link("\(folder.path)/sub/in", "\(folder.path)/hard") == 0)
        for name in ["sub/in", "./sub/in", "sub/../sub/in", "soft", "folder/in", "hard"] {
            #expect(isRefused(reads: ["other", "sub/in"], writes: ["new", name]), "\(name)")
        }
        #expect(!isRefused(reads: ["sub/in", "other", "none"], writes: ["new", "sub/new", "sub"]))
        let error = #expect(throws: FileError.self) {
            try requireDistinct(reads: ["/proc/self/exe"], writes: ["/proc/self/exe"])
        }
        #expect(
            error?.description
                == "/proc/self/exe: would replace an input: found /proc/self/exe\nChoose another place.")
    }

    @Test("two outputs that are one file, there or not yet")
    func outputs() throws {
        folder.write("sub/in", "1")
        try makeLink("folder", to: "sub")
        try makeLink("lost", to: "sub/new")
        try makeLink("lost too", to: "lost")
        for names in [
            ["new", "new"], ["new", "./new"], ["sub/new", "folder/new"], ["sub/new", "lost"], ["lost", "folder/new"],
            ["lost too", "lost"],
            ["none/a/x", "none/b/../a/x"], ["sub/in", "folder/in"],
        ] {
            #expect(isRefused(writes: names), "\(names)")
        }
        // This file system tells names of another case apart: tried out in the folder, which stays as it was.
        #expect(!isRefused(writes: ["new", "NEW", "nëw", "ne\u{308}w"]))
        #expect(folder.names == ["folder", "lost", "lost too", "sub"])
        for names in [["new", "sub/new"], ["none/a", "a"], ["none/a/x", "none/b/x"], ["none/x", "x"]] {
            #expect(!isRefused(writes: names), "\(names)")
        }
    }
}
