import Files
import Foundation

/// The names of the classes that boxes are drawn for; a class's id is its place, from 0.
public struct ClassList: Hashable, Sendable {
    public let names: [String]

    /// Reads OpenLabeling's `class_list.txt`: a name on each line; lines without one do not count.
    ///
    /// - Throws: ``FileError`` `missingInput` where there is no such file, `badData` where it is not text, holds
    ///   no name or holds one twice.
    public init(contentsOf path: String) throws(FileError) {
        var names: [String] = []
        for (index, line) in try lines(of: path).enumerated() {
            let name = line.trimmingCharacters(in: .whitespaces)
            if name.isEmpty { continue }
            guard !names.contains(name) else {
                throw FileError(
                    .badData, file: path, line: index + 1, "a second class of this name", found: name)
            }
            names.append(name)
        }
        guard !names.isEmpty else {
            throw FileError(.badData, file: path, "no classes", expected: "a name on each line")
        }
        self.names = names
    }

    /// The id of the class of this name.
    public func id(of name: String) -> Int? {
        names.firstIndex(of: name)
    }
}

/// The lines of a text file, ended by line feeds with or without carriage returns.
func lines(of path: String) throws(FileError) -> [Substring] {
    try text(of: path).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
}

/// The contents of a text file, without the mark that some editors begin it with.
func text(of path: String) throws(FileError) -> String {
    let data = try readFile(path, limit: 1 << 24)
    guard let text = String(validating: data, as: UTF8.self) else {
        throw FileError(.badData, file: path, "not text", expected: "UTF-8")
    }
    return text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
}
