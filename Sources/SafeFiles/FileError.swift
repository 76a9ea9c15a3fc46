/// What is wrong with something that came from outside: a file, its contents, or where one is to be written.
///
/// An error of this kind is never our own mistake (those trap): it says what to do about a file.
/// It reads `FILE[:LINE][: PLACE]: WHAT: expected EXPECTED, found FOUND`, with the advice on a line of its own.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which of the command's exit codes (`sysexits.h`) the error belongs to.
    public enum Kind: Int32, Sendable {
        /// Files are named that do not go together (`EX_USAGE`).
        case usage = 64
        /// The file is there and readable, and what it says cannot be used (`EX_DATAERR`).
        case badData = 65
        /// The file is not there, or may not be read (`EX_NOINPUT`).
        case missingInput = 66
        /// The output cannot be created (`EX_CANTCREAT`).
        case cannotCreate = 73
        /// Reading or writing failed midway (`EX_IOERR`).
        case inputOutput = 74
    }

    public var kind: Kind
    /// The path as the person gave it.
    public var file: String
    /// The line, from 1, in a text file.
    public var line: Int?
    /// Where inside the file: a tensor, a header field, a column.
    public var place: String?
    public var what: String
    public var expected: String?
    public var found: String?
    /// What to do about it, as a sentence.
    public var advice: String?

    public init(
        _ kind: Kind, file: String, line: Int? = nil, place: String? = nil, _ what: String,
        expected: String? = nil, found: String? = nil, advice: String? = nil
    ) {
        self.kind = kind
        self.file = file
        self.line = line
        self.place = place
        self.what = what
        self.expected = expected
        self.found = found
        self.advice = advice
    }

    /// All parts ``printable(_:limit:)``, and each of what was found in a file cut after 500 bytes.
    public var description: String {
        func part(_ text: String) -> String { printable(text, limit: 500) }
        var text = printable(file)
        if let line { text += ":\(line)" }
        if let place { text += ": \(part(place))" }
        text += ": \(part(what))"
        switch (expected.map(part), found.map(part)) {
        case (let expected?, let found?): text += ": expected \(expected), found \(found)"
        case (let expected?, nil): text += ": expected \(expected)"
        case (nil, let found?): text += ": found \(found)"
        case (nil, nil): break
        }
        if let shownAdvice { text += "\n\(shownAdvice)" }
        return text
    }

    var shownAdvice: String? { advice.map { printableLines($0, limit: 500) } }
}

/// Something that is no reason to stop, but that the person should know.
public struct Warning: Hashable, Sendable, CustomStringConvertible {
    public var file: String
    public var what: String

    public init(file: String, _ what: String) {
        self.file = file
        self.what = what
    }

    /// Both parts ``printable(_:limit:)``.
    public var description: String { "\(printable(file)): \(printable(what, limit: 500))" }
}
