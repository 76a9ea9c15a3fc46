import Foundation

/// The JSON of a safetensors header, as written: `{"__metadata__": {TEXT: TEXT}, NAME: {"dtype", "shape",
/// "data_offsets"}, …}` and nothing else.
///
/// Foundation's parsers keep one of two equal keys without a word, and build a tree of whatever the file holds;
/// this one knows the few forms that the format allows, so hostile headers fail at their first wrong byte.
struct SafetensorsHeader {
    struct Tensor {
        var name: String
        var dataType: String
        var shape: [Int]
        var range: (begin: Int, end: Int)
    }

    /// What the header breaks, and at which of its bytes.
    struct SyntaxError: Error {
        var what: String
        var offset: Int
    }

    private(set) var tensors: [Tensor] = []
    private(set) var metadata: [String: String] = [:]

    init(parsing bytes: [UInt8]) throws(SyntaxError) {
        var parser = Parser(bytes: bytes)
        guard bytes.first == UInt8(ascii: "{") else { throw parser.error("expected {") }
        var names: Set<String> = []
        while let name = try parser.nextKey(first: names.isEmpty) {
            guard names.insert(name).inserted else { throw parser.error("duplicate key \"\(name)\"") }
            if name == "__metadata__" {
                metadata = try parser.metadata()
            } else {
                tensors.append(try parser.tensor(name))
            }
        }
        try parser.end()
    }
}

private struct Parser {
    typealias SyntaxError = SafetensorsHeader.SyntaxError

    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    func error(_ what: String) -> SyntaxError { SyntaxError(what: what, offset: position) }

    // MARK: The format's forms

    mutating func metadata() throws(SyntaxError) -> [String: String] {
        var result: [String: String] = [:]
        while let key = try nextKey(first: result.isEmpty) {
            guard result.updateValue(try string(), forKey: key) == nil else {
                throw error("duplicate key \"\(key)\" in __metadata__")
            }
        }
        return result
    }

    mutating func tensor(_ name: String) throws(SyntaxError) -> SafetensorsHeader.Tensor {
        var (dataType, shape, offsets): (String?, [Int]?, [Int]?)
        var first = true
        while let key = try nextKey(first: first) {
            first = false
            switch key {
            case "dtype" where dataType == nil: dataType = try string()
            case "shape" where shape == nil: shape = try integers()
            case "data_offsets" where offsets == nil: offsets = try integers()
            default: throw error("unexpected or duplicate key \"\(key)\" in \"\(name)\"")
            }
        }
        guard let dataType, let shape, let offsets, offsets.count == 2 else {
            throw error("\"\(name)\" lacks a dtype, a shape or two data_offsets")
        }
        return .init(name: name, dataType: dataType, shape: shape, range: (offsets[0], offsets[1]))
    }

    // MARK: JSON

    /// The next key of an object with its colon, or nil after the closing brace.
    mutating func nextKey(first: Bool) throws(SyntaxError) -> String? {
        if first { try expect("{") }
        if try accept("}") { return nil }
        if !first { try expect(",") }
        let key = try string()
        try expect(":")
        return key
    }

    mutating func integers() throws(SyntaxError) -> [Int] {
        var result: [Int] = []
        try expect("[")
        while try !accept("]") {
            if !result.isEmpty { try expect(",") }
            result.append(try integer())
            guard result.count <= 16 else { throw error("more than 16 numbers in a list") }
        }
        return result
    }

    mutating func integer() throws(SyntaxError) -> Int {
        skipSpace()
        let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let value = Int(String(decoding: digits.prefix(20), as: UTF8.self)),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { throw error("expected a whole number from 0 to \(Int.max)") }
        position = digits.endIndex
        return value
    }

    mutating func string() throws(SyntaxError) -> String {
        try expect("\"")
        let start = position
        var escaped = false
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            guard bytes[position] >= 0x20 else { throw error("control character in a text") }
            let isEscape = bytes[position] == UInt8(ascii: "\\")
            escaped = escaped || isEscape
            position += isEscape ? 2 : 1
        }
        guard position < bytes.count else { throw error("a text without its end") }
        position += 1
        let text =
            escaped
            ? try? JSONDecoder().decode(String.self, from: Data(bytes[start - 1..<position]))
            : String(validating: bytes[start..<position - 1], as: UTF8.self)
        guard let text else { throw error("a text that is not valid JSON or UTF-8") }
        return text
    }

    mutating func end() throws(SyntaxError) {
        skipSpace()
        guard position == bytes.count else { throw error("something after the header's end") }
    }

    private mutating func accept(_ character: Unicode.Scalar) throws(SyntaxError) -> Bool {
        skipSpace()
        guard position < bytes.count else { throw error("the header ends early") }
        guard bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SyntaxError) {
        guard try accept(character) else { throw error("expected \(character)") }
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }
}
