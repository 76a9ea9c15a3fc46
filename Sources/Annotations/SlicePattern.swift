import Foundation
import ImageFrames

/// How the files of slices are named: `{case}-slice{slice}`, or another text around the two.
///
/// `{case}` is the name of the volume that a slice is of, and `{slice}` its index in three digits or more, from 000.
public struct SlicePattern: Hashable, Sendable, LosslessStringConvertible {
    private let beforeCase: String
    private let beforeSlice: String
    private let afterSlice: String

    /// `{case}-slice{slice}`.
    public static let standard = SlicePattern(beforeCase: "", beforeSlice: "-slice", afterSlice: "")

    private init(beforeCase: String, beforeSlice: String, afterSlice: String) {
        self.beforeCase = beforeCase
        self.beforeSlice = beforeSlice
        self.afterSlice = afterSlice
    }

    /// Nil where the text has not `{case}` once, then something, then `{slice}` once.
    public init?(_ text: String) {
        let parts = text.split(separator: "{case}", omittingEmptySubsequences: false)
        guard parts.count == 2, !text.contains("/") else { return nil }
        let rest = parts[1].split(separator: "{slice}", omittingEmptySubsequences: false)
        guard rest.count == 2, !rest[0].isEmpty, !parts[0].contains("{slice}") else { return nil }
        self.init(beforeCase: String(parts[0]), beforeSlice: String(rest[0]), afterSlice: String(rest[1]))
    }

    public var description: String { "\(beforeCase){case}\(beforeSlice){slice}\(afterSlice)" }

    /// The name of a slice's files without their ending.
    public func name(ofSlice slice: Int, case name: String) -> String {
        beforeCase + name + beforeSlice + sliceDigits(slice) + afterSlice
    }

    /// What the names of a case's slices begin with, before the slice.
    func stem(ofCase name: String) -> String { beforeCase + name }

    /// The case and the slice of a file's name without its ending; nil where it is none of these
    /// names. The slice need not be a number.
    package func parts(of name: Substring) -> (case: Substring, slice: Substring)? {
        guard name.hasPrefix(beforeCase), name.hasSuffix(afterSlice) else { return nil }
        var (middle, between) = (name.dropFirst(beforeCase.count).dropLast(afterSlice.count), beforeSlice)
        // macOS decomposes letters with accents, which makes them other bytes.
        if !between.utf8.allSatisfy({ $0 < 0x80 }) {
            (middle, between) = (
                middle.precomposedStringWithCanonicalMapping[...], between.precomposedStringWithCanonicalMapping
            )
        }
        guard let mark = lastRange(of: between, in: middle), mark.lowerBound > middle.startIndex else { return nil }
        return (middle[..<mark.lowerBound], middle[mark.upperBound...])
    }
}

/// The last place of a text in another, byte by byte: in a folder of 100,000 files Foundation's search takes seconds.
private func lastRange(of text: String, in whole: Substring) -> Range<Substring.Index>? {
    let (bytes, wanted) = (whole.utf8, Array(text.utf8))
    var start = bytes.endIndex
    while start > bytes.startIndex {
        start = bytes.index(before: start)
        if bytes[start] == wanted[0], bytes[start...].starts(with: wanted) {
            return start..<bytes.index(start, offsetBy: wanted.count)
        }
    }
    return nil
}

/// A slice's number, of three digits or more; nil where the text is none.
package func sliceNumber(_ digits: Substring) -> Int? {
    digits.utf8.count >= 3 && digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        ? Int(digits) : nil
}
