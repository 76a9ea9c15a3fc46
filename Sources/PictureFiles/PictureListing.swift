import Foundation
import SafeFiles

private let otherPictureEndings = [".tif", ".tiff", ".webp", ".gif", ".bmp", ".heic", ".avif", ".ppm", ".pgm"]

/// The pictures that paths name: files as they come, and of folders all PNGs and JPEGs by name, hidden ones left out.
public struct PictureListing: Sendable {
    public private(set) var files: [String] = []
    /// Of pictures whose names are not UTF-8: nothing can open them, so they are skipped.
    public private(set) var errors: [FileError] = []
    /// What the person should know: files of folders that are pictures of other formats.
    public private(set) var warnings: [Warning] = []
    /// Whether what is made of them belongs into a folder: there are several paths, or one of a folder.
    public private(set) var isSeveral: Bool

    /// - Throws: ``FileError`` `missingInput` where there is none.
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
    }

    private mutating func add(folder: String) throws(FileError) {
        func isPicture(_ name: String) -> Bool {
            !name.hasPrefix(".") && pictureEndings.contains { name.lowercased().hasSuffix($0) }
        }
        let entries = try FolderNames(of: folder)
        let (names, unreadable) = (entries.names.filter(isPicture), entries.unreadable.filter(isPicture))
        guard !names.isEmpty else {
            throw FileError(
                .missingInput, file: folder, "holds no pictures", expected: "files that end in .png, .jpg or .jpeg",
                found: unreadable.first.map { "a name that is not UTF-8: \($0)" })
        }
        let others = entries.names.filter { name in
            !name.hasPrefix(".") && otherPictureEndings.contains { name.lowercased().hasSuffix($0) }
        }
        if let first = others.first {
            let what =
                "pictures that are neither PNG nor JPEG, left out: \(others.count), the first \(printable(first))"
            warnings.append(Warning(file: folder, what))
        }
        files += names.map { SafeFiles.path(of: $0, in: folder) }
        errors += unreadable.map { FolderNames.error(of: $0, in: folder) }
    }
}

/// Checks that what is made of each picture has a file of its own.
///
/// - Parameter written: the file of a picture; nil where none is written.
/// - Throws: ``FileError`` `usage` where a picture is named twice, or two would be written to one file.
public func requireDistinctFiles(
    of pictures: [String], _ written: (_ picture: String) -> String?
) throws(FileError) {
    guard let clash = PictureClash(of: pictures, written) else { return }
    let (first, second) = (pictures[clash.first], pictures[clash.second])
    if clash.isOnePicture {
        throw FileError(.usage, file: second, "named twice", found: "also \(first)", advice: "Name each picture once.")
    }
    throw FileError(
        .usage, file: second, "would be written to \(clash.file), as another picture", found: first,
        advice: "Run once for each, with another -o.")
}

/// Two pictures of which one file would be written, as those of two folders by one name.
public struct PictureClash: Sendable {
    /// The places of both among all.
    public let first: Int
    public let second: Int
    public let file: String
    /// Whether they are one picture indeed.
    public let isOnePicture: Bool

    /// The first two that clash, or nil where none do.
    ///
    /// - Parameter written: the file of a picture; nil where none is written.
    public init?(of pictures: [String], _ written: (_ picture: String) -> String?) {
        // By bytes: Swift takes texts for the same whose accents are composed in another way.
        var known: [[UInt8]: Int] = [:]
        for (place, picture) in pictures.enumerated() {
            guard let file = written(picture), let other = known.updateValue(place, forKey: Array(file.utf8)) else {
                continue
            }
            (first, second, self.file) = (other, place, file)
            isOnePicture = isOneFile(pictures[other], picture)
            return
        }
        return nil
    }
}

private func isOneFile(_ path: String, _ other: String) -> Bool {
    var (one, two) = (stat(), stat())
    return stat(path, &one) == 0 && stat(other, &two) == 0 && one.st_dev == two.st_dev && one.st_ino == two.st_ino
}

/// What that which is made of a picture is called: its file's name without the ending.
public func pictureName(_ path: String) -> String {
    URL(filePath: path).deletingPathExtension().lastPathComponent
}
