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
