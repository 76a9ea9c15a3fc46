/// Several errors of outside data, found in one pass and reported together.
public struct FileErrors: Error, Equatable, Sendable, CustomStringConvertible {
    public let errors: [FileError]

    /// - Precondition: there is at least one error; those that are the same are one.
    public init(_ errors: [FileError]) {
        precondition(!errors.isEmpty, "no errors")
        var known: Set<FileError> = []
        self.errors = errors.filter { known.insert($0).inserted }
    }

    /// The same errors, the first that is meant and has no advice with one.
    public func advising(_ advice: String, where isMeant: (FileError) -> Bool) -> FileErrors {
        var errors = errors
        if let index = errors.firstIndex(where: { isMeant($0) && $0.advice == nil }) { errors[index].advice = advice }
        return FileErrors(errors)
    }

    /// The kind of the first error.
    public var kind: FileError.Kind { errors[0].kind }

    /// The most errors that the description spells out.
    private static let longestList = 20

    /// A line for each of the first 20 errors, the number of the others, then each advice of the 20 once.
    public var description: String {
        let listed = errors.prefix(Self.longestList)
        var lines = listed.map { error in
            var withoutAdvice = error
            withoutAdvice.advice = nil
            return withoutAdvice.description
        }
        if errors.count > listed.count { lines.append("and \(errors.count - listed.count) more") }
        for advice in listed.compactMap(\.shownAdvice) where !lines.contains(advice) { lines.append(advice) }
        return lines.joined(separator: "\n")
    }
}

extension [FileError] {
    /// The most that are kept of one annotator's boxes on a volume, or of one table: more than a person mends in one go.
    package static let longest = 10_000

    /// Adds what is wrong with a line that is left out.
    ///
    /// - Throws: an error of the whole file where too many have been added: it is no such file.
    package mutating func add(_ error: FileError) throws(FileError) {
        guard count < Self.longest else {
            throw FileError(
                .badData, file: error.file, line: error.line, "more than \(Self.longest) malformed lines; given up",
                advice: "Check that this is the file that is meant.")
        }
        append(error)
    }
}
