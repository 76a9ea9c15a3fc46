import Foundation
import SafeFiles
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

/// The rules of the safetensors format, one by one, on files made here byte by byte.
@Suite struct SafetensorsTests {
    /// A header, what follows it, and what the error says.
    struct Rule: CustomTestStringConvertible, Sendable {
        var name: String
        var header: String
        var data = 0
        var length: UInt64?
        var phrase: String
        var testDescription: String { name }
    }

    private static func entry(_ shape: String, _ begin: Int, _ end: Int, _ type: String = "F32") -> String {
        #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(begin),\#(end)]}"#
    }

    static let rules: [Rule] = [
        // MARK: Length
        Rule(name: "header over 100,000,000 bytes", header: "{}", length: 100_000_001, phrase: "at most 100000000"),
        Rule(name: "header of 2⁶³ bytes", header: "{}", length: 1 << 63, phrase: "at most 100000000"),
        Rule(name: "header longer than the file", header: "{}", length: 3, phrase: "expected 11 bytes, found 10"),
        // 1F 8B 08 0: as a length it is 559,903.
        Rule(
            name: "gzip", header: "{}", length: 0x08_8B1F,
            phrase: "not a file of tensors: expected safetensors, or .pth"),
        Rule(name: "header of no bytes", header: "", phrase: "expected {"),

        // MARK: JSON
        Rule(name: "not JSON", header: "hello", phrase: "expected {"),
        Rule(name: "not an object", header: "[]", phrase: "expected {"),
        Rule(name: "space before the object", header: " {}", phrase: "expected { at byte 8"),
        Rule(name: "object without end", header: "{", phrase: "ends early"),
        Rule(name: "something after the object", header: "{}{}", phrase: "after the header's end"),
        Rule(name: "comma without entry", header: #"{"a":\#(entry("[]", 0, 4)),}"#, data: 4, phrase: "expected \""),
        Rule(
            name: "no comma", header: #"{"a":\#(entry("[0]", 0, 0))"b":\#(entry("[0]", 0, 0))}"#, phrase: "expected ,"),
        Rule(name: "text without end", header: #"{"a"#, phrase: "without its end"),
        Rule(name: "text that ends in a backslash", header: #"{"a\"#, phrase: "without its end"),
        Rule(name: "control character", header: "{\"a\n\":1}", phrase: "control character"),
        Rule(name: "wrong escape", header: #"{"\x":1}"#, phrase: "not valid JSON"),
        Rule(name: "half a surrogate pair", header: #"{"\ud800":1}"#, phrase: "not valid JSON"),
        Rule(name: "entry that is no object", header: #"{"a":1}"#, phrase: "expected {"),

        // MARK: Keys
        Rule(
            name: "duplicate tensor", header: #"{"a":\#(entry("[0]", 0, 0)),"a":\#(entry("[0]", 0, 0))}"#,
            phrase: "duplicate key \"a\""),
        Rule(
            name: "duplicate tensor, one escaped",
            header: #"{"a":\#(entry("[0]", 0, 0)),"\u0061":\#(entry("[0]", 0, 0))}"#, phrase: "duplicate key \"a\""),
        Rule(
            name: "duplicate metadata", header: #"{"__metadata__":{},"__metadata__":{}}"#,
            phrase: "duplicate key \"__metadata__\""),
        Rule(
            name: "duplicate key in the metadata", header: #"{"__metadata__":{"x":"1","x":"2"}}"#,
            phrase: "duplicate key \"x\""),
        Rule(
            name: "duplicate key in an entry",
            header: #"{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}"#, data: 4,
            phrase: "duplicate key \"dtype\""),
        Rule(
            name: "unknown key in an entry",
            header: #"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}"#, data: 4, phrase: "key \"x\""),
        Rule(name: "no type", header: #"{"a":{"shape":[],"data_offsets":[0,4]}}"#, data: 4, phrase: "lacks"),
        Rule(name: "no shape", header: #"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, data: 4, phrase: "lacks"),
        Rule(name: "no offsets", header: #"{"a":{"dtype":"F32","shape":[]}}"#, data: 4, phrase: "lacks"),
        Rule(
            name: "three offsets", header: #"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4,4]}}"#, data: 4,
            phrase: "lacks"),
        Rule(name: "metadata that is no text", header: #"{"__metadata__":{"x":1}}"#, phrase: "expected \""),
        Rule(name: "metadata of objects", header: #"{"__metadata__":{"x":{}}}"#, phrase: "expected \""),
        Rule(name: "metadata that is no object", header: #"{"__metadata__":"x"}"#, phrase: "expected {"),

        // MARK: Numbers
        Rule(
            name: "unknown type", header: #"{"a":\#(entry("[1]", 0, 1, "F8_E4M3"))}"#, data: 1,
            phrase: "type not supported"),
        Rule(name: "type that is no text", header: #"{"a":{"dtype":1}}"#, phrase: "expected \""),
        Rule(name: "negative size", header: #"{"a":\#(entry("[-1]", 0, 4))}"#, data: 4, phrase: "whole number"),
        Rule(name: "broken size", header: #"{"a":\#(entry("[1.0]", 0, 4))}"#, data: 4, phrase: "expected ,"),
        Rule(name: "size with an exponent", header: #"{"a":\#(entry("[1e0]", 0, 4))}"#, data: 4, phrase: "expected ,"),
        Rule(
            name: "size beyond 2⁶³", header: #"{"a":\#(entry("[9223372036854775808]", 0, 4))}"#, data: 4,
            phrase: "whole number"),
        Rule(
            name: "size of many digits", header: #"{"a":\#(entry("[\(String(repeating: "1", count: 99))]", 0, 4))}"#,
            data: 4, phrase: "whole number"),
        Rule(
            name: "size with a leading zero", header: #"{"a":\#(entry("[01]", 0, 4))}"#, data: 4, phrase: "whole number"
        ),
        Rule(name: "negative offset", header: #"{"a":\#(entry("[1]", -4, 0))}"#, data: 4, phrase: "whole number"),
        Rule(
            name: "shape of 17 axes",
            header: #"{"a":\#(entry("[\(Array(repeating: "1", count: 17).joined(separator: ","))]", 0, 4))}"#,
            data: 4, phrase: "more than 16"),
        Rule(
            name: "shape that overflows", header: #"{"a":\#(entry("[4294967296,4294967296]", 0, 0))}"#,
            phrase: "shape overflows"),
        Rule(
            name: "size in bytes that overflows", header: #"{"a":\#(entry("[4611686018427387904]", 0, 0))}"#,
            phrase: "shape overflows"),
        Rule(
            name: "empty shape whose strides overflow",
            header: #"{"a":\#(entry("[0,4611686018427387904,4611686018427387904]", 0, 0))}"#, phrase: "shape overflows"),

        // MARK: Ranges
        Rule(
            name: "fewer bytes than its shape", header: #"{"a":\#(entry("[2]", 0, 4))}"#, data: 4,
            phrase: "expected 8 bytes, found 4"),
        Rule(
            name: "more bytes than its shape", header: #"{"a":\#(entry("[1]", 0, 8))}"#, data: 8,
            phrase: "expected 4 bytes, found 8"),
        Rule(name: "beyond the file", header: #"{"a":\#(entry("[2]", 0, 8))}"#, data: 7, phrase: "outside the file"),
        Rule(
            name: "begins after its end", header: #"{"a":\#(entry("[0]", 4, 0))}"#, data: 4, phrase: "outside the file"),
        Rule(
            name: "begins at the largest number", header: #"{"a":\#(entry("[0]", Int.max, Int.max))}"#,
            phrase: "outside the file"),
        Rule(
            name: "overlap", header: #"{"a":\#(entry("[2]", 0, 8)),"b":\#(entry("[2]", 4, 12))}"#, data: 12,
            phrase: "overlaps"),
        Rule(
            name: "the same range twice", header: #"{"a":\#(entry("[1]", 0, 4)),"b":\#(entry("[1]", 0, 4))}"#, data: 4,
            phrase: "overlaps"),
        Rule(
            name: "hole", header: #"{"a":\#(entry("[1]", 0, 4)),"b":\#(entry("[1]", 8, 12))}"#, data: 12,
            phrase: "a hole before it"),
        Rule(name: "hole at the start", header: #"{"a":\#(entry("[1]", 4, 8))}"#, data: 8, phrase: "a hole before it"),
        Rule(
            name: "bytes after the last", header: #"{"a":\#(entry("[1]", 0, 4))}"#, data: 5,
            phrase: "after the last tensor"),
        Rule(name: "bytes without tensors", header: "{}", data: 1, phrase: "after the last tensor"),
    ]

    static func file(_ header: String, _ data: [UInt8], length: UInt64? = nil) -> [UInt8] {
        withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian, Array.init) + Array(header.utf8) + data
    }

    @Test(arguments: rules)
    func refuses(_ rule: Rule) {
        let folder = Folder()
        let bytes = Self.file(rule.header, [UInt8](repeating: 0, count: rule.data), length: rule.length)
        let path = folder.write("file.safetensors", bytes)
        expectError(.badData, rule.phrase, about: path) { _ = try Checkpoint(path: path) }
    }

    /// With a bound that was raised as far as can be, the longest length: eight more are no `Int`.
    @Test func refusesTheLongestHeaderWithoutABound() async {
        let folder = Folder()
        let path = folder.write("file.safetensors", Self.file("{}", [], length: UInt64(Int.max)))
        await Limit.raising(to: .max) {
            _ = expectError(.badData, "cut short: expected 9223372036854775815 bytes, found 10", about: path) {
                _ = try Checkpoint(path: path)
            }
        }
    }

    @Test(arguments: 1..<8)
    func refusesFewerThanEightBytes(_ count: Int) {
        let folder = Folder()
        let path = folder.write("file.safetensors", [UInt8](repeating: 0, count: count))
        expectError(.badData, "at least 8 bytes", about: path) { _ = try Checkpoint(path: path) }
    }

    @Test func refusesWhatIsNotUTF8() {
        let folder = Folder()
        let path = folder.write("file.safetensors", [5, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22, 0xFF, 0x22, 0x7D])
        expectError(.badData, "UTF-8", about: path) { _ = try Checkpoint(path: path) }
    }

    @Test func missingAndEmptyFiles() {
        let folder = Folder()
        let missing = #expect(throws: FileError.self) { try Checkpoint(path: folder.file("none")) }
        #expect(missing?.kind == .missingInput)
        let isFolder = #expect(throws: FileError.self) { try Checkpoint(path: folder.path) }
        #expect(isFolder?.kind == .missingInput)
        let empty = folder.write("empty", [])
        expectError(.badData, "empty", about: empty) { _ = try Checkpoint(path: empty) }
    }

    // MARK: What is accepted

    @Test func acceptsSpaceEscapesAndAnyOrderOfKeys() throws {
        let folder = Folder()
        let header =
            "{\n \"b \\\"\\u00e9\" : { \"data_offsets\":[ 4 , 12 ] , \"shape\" : [2], \"dtype\":\"F32\" }\t,\r"
            + #""a":{"shape":[],"dtype":"F32","data_offsets":[0,4]}, "__metadata__" : {"k":"v","k2":""} }   "#
        let values: [Float] = [1, -2, 0.5]
        let path = folder.write("file", Self.file(header, values.withUnsafeBytes(Array.init)))
        let checkpoint = try Checkpoint(path: path)
        #expect(checkpoint.metadata == ["k": "v", "k2": ""])
        #expect(Set(checkpoint.entries.keys) == ["a", "b \"é"])
        #expect(checkpoint.tensor("a").shape == [])
        #expect(checkpoint.tensor("a").values == [1])
        #expect(checkpoint.tensor("b \"é").values == [-2, 0.5])
    }

    @Test func acceptsEmptyTensorsAnywhere() throws {
        let folder = Folder()
        let header =
            #"{"x":\#(Self.entry("[0]", 0, 0)),"y":\#(Self.entry("[1]", 0, 4)),"z":\#(Self.entry("[3,0,2]", 4, 4))}"#
        let checkpoint = try Checkpoint(path: folder.write("file", Self.file(header, [0, 0, 128, 63])))
        #expect(checkpoint.tensor("x").values == [])
        #expect(checkpoint.tensor("y").values == [1])
        #expect(checkpoint.tensor("z").shape == [3, 0, 2])
        #expect(checkpoint.bytes("z") == [])
        #expect(try Checkpoint(path: folder.write("none", Self.file("{}", []))).entries.isEmpty)
    }

    /// Float32 that begins at each of the four places within a word: only the aligned one is not copied.
    @Test(arguments: 0..<4)
    func tensorsThatAreNotAlignedAreCopied(_ shift: Int) throws {
        let folder = Folder()
        let values: [Float] = [1.5, -3e38, .leastNonzeroMagnitude, 7]
        var header =
            #"{"pad":\#(Self.entry("[\(shift)]", 0, shift, "U8")),"a":\#(Self.entry("[2,2]", shift, shift + 16))}"#
        while header.utf8.count % 8 != 0 { header += " " }
        let bytes = [UInt8](repeating: 9, count: shift) + values.withUnsafeBytes(Array.init)
        let checkpoint = try Checkpoint(path: folder.write("file", Self.file(header, bytes)))
        let tensor = checkpoint.tensor("a")
        #expect(tensor.values == values)
        #expect(tensor.shape == [2, 2])
        let isMapped = checkpoint.tensor("a").storage.base == tensor.storage.base
        #expect(isMapped == (shift == 0))
        #expect(checkpoint.bytes("a") == values.withUnsafeBytes(Array.init))
    }
}
