import Foundation
import SafeFiles

/// The names of the classes that boxes are drawn for; a class's id is its place, from 0.
public struct ClassList: Hashable, Sendable {
    /// The file that lists them.
    public let path: String
    public let names: [String]
    private let ids: [String: Int]
    /// The first names, for errors.
    let listing: String
    /// The letters of the first names, by which a name that is none of them is compared with them.
    private let plainNames: [String]

    /// - Precondition: no name occurs twice.
    init(names: [String], path: String) {
        self.names = names
        self.path = path
        ids = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        plainNames = names.prefix(100).map(Self.plain)
        listing = listed(names, most: 20)
    }

    /// Reads OpenLabeling's `class_list.txt`: a name on each line; lines without one do not count.
    ///
    /// - Throws: ``FileError`` `missingInput` where there is no such file, `badData` where it is not text, holds
    ///   no name, more than 65535, or one twice.
    public init(contentsOf path: String) throws(FileError) {
        var names: [String] = []
        var known: Set<String> = []
        for (index, line) in try lines(of: path).enumerated() {
            let name = line.trimmingCharacters(in: .whitespaces)
            if name.isEmpty { continue }
            guard known.insert(name).inserted else {
                throw FileError(
                    .badData, file: path, line: index + 1, "a second class of this name", found: name)
            }
            guard names.count <= highestClassID else {
                throw FileError(
                    .badData, file: path, line: index + 1, "too many classes",
                    expected: "at most \(highestClassID + 1)")
            }
            names.append(name)
        }
        guard !names.isEmpty else {
            throw FileError(.badData, file: path, "no classes", expected: "a name on each line")
        }
        self.init(names: names, path: path)
    }

    /// The id of the class of this name.
    public func id(of name: String) -> Int? { ids[name] }

    /// What errors say is expected where a name is none of the classes: first the one that begins as it does, if only letters
    /// and digits count.
    public func listing(besides name: String) -> String {
        let wanted = Self.plain(name)
        let nearest = plainNames.map { $0.commonPrefix(with: wanted).count }.enumerated()
            .max { ($0.element, $1.offset) < ($1.element, $0.offset) }
        guard let nearest, nearest.element >= 3 else { return listing }
        return "\(names[nearest.offset])? (of \(listing))"
    }

    /// The letters and digits of a name, of a long one the first.
    private static func plain(_ name: String) -> String {
        String(name.prefix(64).lowercased().filter { $0.isLetter || $0.isNumber })
    }

    /// The id of the class that goes by this name or this number; nil where there is none.
    ///
    /// - Throws: ``FileError`` `badData` where the number is the id of one class and the name of another.
    public func id(ofNameOrNumber text: String) throws(FileError) -> Int? {
        let named = ids[text]
        guard let number = Int(text), names.indices.contains(number) else { return named }
        if let named, named != number {
            throw FileError(
                .badData, file: path,
                "\"\(text)\" is both the id of the class \"\(names[number])\" and the name of the class with the id \(named)",
                advice: "Give the class a name that is no number.")
        }
        return number
    }
}

extension ClassList? {
    /// What people read for a class: its name, without a list such as "class 3".
    public func name(ofClass classID: Int) -> String { self?.names[classID] ?? "class \(classID)" }

    /// What errors say is expected where a text is neither a class's name nor its number.
    func expected(besides name: String) -> String {
        self?.listing(besides: name) ?? "a number, or a name with --classes"
    }

    /// The id of the class that goes by a name or a number; without a list, by a number.
    func id(ofNameOrNumber text: String) throws(FileError) -> Int? {
        if let self { return try self.id(ofNameOrNumber: text) }
        return Int(text).flatMap { (0...highestClassID).contains($0) ? $0 : nil }
    }
}
