import Foundation
import SafeFiles

/// How a manifest names files: from its own folder, so that a study can be moved as a whole, or by absolute paths.
public enum FileNaming: Sendable {
    case relative
    case absolute

    /// What a manifest calls a file.
    ///
    /// Links in the folders' paths are followed, since what `..` means depends on them; a link that is the file itself is
    /// not.
    ///
    /// - Parameter manifest: the path of the manifest.
    func name(of path: String, in manifest: String) -> String {
        func parts(_ path: String) -> [String] { withoutLinkedFolders(path).split(separator: "/").map(String.init) }
        let file = parts(path)
        guard self == .relative else { return "/" + file.joined(separator: "/") }
        let folder = parts(manifest).dropLast()
        let common = zip(file.dropLast(), folder).prefix { $0 == $1 }.count
        return (folder.dropFirst(common).map { _ in ".." } + file.dropFirst(common)).joined(separator: "/")
    }

    /// The file that a manifest calls by a name; see ``name(of:in:)``.
    static func path(named name: String, in manifest: String) -> String {
        name.hasPrefix("/") ? name : folder(of: manifest) + name
    }
}

extension Manifest {
    /// The same with the names that a manifest at a path gives its files.
    func named(_ naming: FileNaming, in manifest: String, badBoxes: [FileError]) -> Manifest {
        func name(_ path: String) -> String { naming.name(of: path, in: manifest) }
        var result = self
        result.input.path = name(input.path)
        result.boxFiles.path = name(boxFiles.path)
        result.record?.path = name(record?.path ?? "")
        result.classes?.path = name(classes?.path ?? "")
        result.weights.path = name(weights.path)
        result.reading?.tasks?.path = name(reading?.tasks?.path ?? "")
        for index in boxes.indices { result.boxes[index].file = name(boxes[index].file) }
        result.badBoxes = badBoxes.map { error in
            var error = error
            error.file = name(error.file)
            return error.description
        }
        return result
    }
}
