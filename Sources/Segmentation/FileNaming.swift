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
        let file = Self.canonical(path)
        guard self == .relative else { return "/" + file.joined(separator: "/") }
        let folder = Self.canonical(manifest).dropLast()
        let common = zip(file.dropLast(), folder).prefix { $0 == $1 }.count
        return (folder.dropFirst(common).map { _ in ".." } + file.dropFirst(common)).joined(separator: "/")
    }

    /// The parts of an absolute path without links in its folders.
    private static func canonical(_ path: String) -> [String] {
        let url = URL(filePath: path).absoluteURL.standardizedFileURL
        // Of folders that are not there yet, those above them may be links.
        var (folder, missing) = (url.deletingLastPathComponent(), [url.lastPathComponent])
        while folder.pathComponents.count > 1 {
            if let real = realpath(folder.path(percentEncoded: false), nil) {
                defer { free(real) }
                return String(cString: real).split(separator: "/").map(String.init) + missing.reversed()
            }
            missing.append(folder.lastPathComponent)
            folder.deleteLastPathComponent()
        }
        return missing.reversed()
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
