import Foundation

/// What stands in a folder, each kind in order.
public struct FolderNames: Sendable {
    public private(set) var names: [String] = []
    /// Names that are not UTF-8, with U+FFFD for what is not. Nothing can be opened by them, so they are for messages.
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
                unreadable.append(String(decoding: bytes, as: UTF8.self))
            }
        }
        names.sort()
        unreadable.sort()
    }
}
