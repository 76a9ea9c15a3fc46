import Foundation

/// The names in a folder, each kind in order.
public struct FolderNames: Sendable {
    public private(set) var names: [String] = []
    /// Names that are not UTF-8, with U+FFFD for what is not, and a slash after those of folders. Nothing can be opened by them,
    /// so they are for messages.
    public private(set) var unreadable: [String] = []

    /// - Throws: ``FileError`` `missingInput` where the folder cannot be read.
    public init(of folder: String) throws(FileError) {
        guard let stream = opendir(folder) else {
            throw FileError(
                .missingInput, file: folder, "the folder cannot be read", found: systemMessage(errno),
                advice: "Check the path.")
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if let name = String(validating: bytes, as: UTF8.self) {
                if name != ".", name != ".." { names.append(name) }
            } else {
                var status = stat()
                let name = (bytes + [0]).map(CChar.init(bitPattern:))
                let isFolder =
                    fstatat(dirfd(stream), name, &status, 0) == 0 && status.st_mode & S_IFMT == S_IFDIR
                unreadable.append(String(decoding: bytes, as: UTF8.self) + (isFolder ? "/" : ""))
            }
        }
        names.sort()
        unreadable.sort()
    }

    /// What is wrong with a file or folder of a name that is not UTF-8.
    public static func error(of unreadable: String, in folder: String) -> FileError {
        FileError(
            .badData, file: folder, "a name that is not UTF-8, skipped", found: unreadable,
            advice: "Rename it; ls -b shows its bytes.")
    }
}
