import Foundation

/// A value as one JSON object, its keys in order, with a line feed at the end: the same value gives the same bytes.
///
/// What no terminal should get as it is (see ``printable(_:limit:)``) is escaped, as `\u009b`.
///
/// - Parameter isLine: whether all of it is one line.
public func encodedJSON(_ value: some Encodable, isLine: Bool = false) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if !isLine { encoder.outputFormatting.insert(.prettyPrinted) }
    let data = try encoder.encode(value)
    var text = ""
    for scalar in String(decoding: data, as: UTF8.self).unicodeScalars {
        if scalar == "\n" || isPrintable(scalar) {
            text.unicodeScalars.append(scalar)
        } else {
            text += String(format: "\\u%04x", scalar.value)
        }
    }
    return Data((text + "\n").utf8)
}

/// The first key that stands twice in an object: of two, Foundation's parser takes one without a word.
///
/// - Parameter json: valid JSON. Objects within the outermost are not looked at.
public func repeatedKey(inJSON json: Data) -> String? {
    let (bytes, quote, backslash) = ([UInt8](json), UInt8(ascii: "\""), UInt8(ascii: "\\"))
    var (position, depth) = (0, 0)
    var keys: Set<String> = []
    while position < bytes.count {
        switch bytes[position] {
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
        case quote:
            let start = position
            position += 1
            while position < bytes.count, bytes[position] != quote { position += bytes[position] == backslash ? 2 : 1 }
            // A key is a text that a colon follows.
            let next = bytes.dropFirst(position + 1).first { !isJSONSpace($0) }
            guard depth == 1, next == UInt8(ascii: ":"),
                let key = try? JSONDecoder().decode(String.self, from: Data(bytes[start...position]))
            else { break }
            if !keys.insert(key).inserted { return key }
        default: break
        }
        position += 1
    }
    return nil
}

/// Whether a byte is one of those that JSON has between its values.
public func isJSONSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

/// A value that JSON has as null where there is none, and does not leave out.
public struct OrNull<Value: Encodable>: Encodable {
    public var value: Value?

    public init(_ value: Value?) { self.value = value }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let value { try container.encode(value) } else { try container.encodeNil() }
    }
}

extension OrNull: Sendable where Value: Sendable {}

/// What a decoder found, in words.
package func explanation(of error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _):
        return "no \"\(key.stringValue)\""
    case DecodingError.dataCorrupted(let context), DecodingError.typeMismatch(_, let context),
        DecodingError.valueNotFound(_, let context):
        let place = context.codingPath.map { "\"\($0.stringValue)\": " }.joined()
        return place + context.debugDescription
    default:
        return error.localizedDescription
    }
}
