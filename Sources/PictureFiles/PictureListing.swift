import Foundation
import SafeFiles

/// The pictures that paths name: files as they come, and of folders all PNGs and JPEGs by name, hidden ones left out.
public struct PictureListing: Sendable {
    public private(set) var files: [String] = []
    /// Of pictures whose names are not UTF-8: nothing can open them, so they are skipped.
    public private(set) var errors: [FileError] = []
    /// Whether what is made of them belongs into a folder: there are several paths, or one of a folder.
    public private(set) var isSeveral: Bool

    /// - Throws: ``FileError`` `missingInput` where there is none, and `badData` (`usage`, where several paths are given) where
    ///   what is made of two of them would have one name.
    public init(_ paths: [String]) throws(FileError) {
        isSeveral = paths.count > 1
        for path in paths {
            guard FileManager.default.fileExists(atPath: path) else {
                throw FileError(.missingInput, file: path, systemMessage(ENOENT), advice: "Check the path.")
            }
            if isFolder(path) {
                isSeveral = true
                try add(folder: path)
            } else {
                files.append(path)
            }
        }
        if let twice = Dictionary(grouping: files, by: pictureName).values.filter({ $0.count > 1 })
            .min(by: { $0[0] < $1[0] })
        {
            guard twice[0] != twice[1] else {
                throw FileError(.usage, file: twice[0], "named twice", advice: "Name each picture once.")
            }
            throw FileError(
                paths.count > 1 ? .usage : .badData, file: twice[0],
                "another picture has the same name but for its ending",
                found: twice[1], advice: "Move one of them to another folder, and run twice.")
        }
    }

    private mutating func add(folder: String) throws(FileError) {
        func isPicture(_ name: String) -> Bool {
            !name.hasPrefix(".") && [".png", ".jpg", ".jpeg"].contains { name.lowercased().hasSuffix($0) }
        }
        let entries = try FolderNames(of: folder)
        let (names, unreadable) = (entries.names.filter(isPicture), entries.unreadable.filter(isPicture))
        guard !names.isEmpty else {
            throw FileError(
                .missingInput, file: folder, "holds no pictures", expected: "files that end in .png, .jpg or .jpeg",
                found: unreadable.first.map { "a name that is not UTF-8: \($0)" })
        }
        files += names.map { SafeFiles.path(of: $0, in: folder) }
        errors += unreadable.map { FolderNames.error(of: $0, in: folder) }
    }
}

/// What that which is made of a picture is called: its file's name without the ending.
public func pictureName(_ path: String) -> String {
    URL(filePath: path).deletingPathExtension().lastPathComponent
}
