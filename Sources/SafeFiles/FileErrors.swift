/// Several things wrong with what came from outside, found in one go and told at once.
public struct FileErrors: Error, Equatable, Sendable, CustomStringConvertible {
    public let errors: [FileError]

    /// - Precondition: there is at least one error; those that are the same are one.
    public init(_ errors: [FileError]) {
        precondition(!errors.isEmpty, "no errors")
        var known: Set<FileError> = []
        self.errors = errors.filter { known.insert($0).inserted }
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
