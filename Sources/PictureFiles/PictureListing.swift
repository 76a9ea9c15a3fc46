import Foundation
import SafeFiles

/// The pictures that a path names: the file, or in a folder all PNGs and JPEGs by name, hidden ones left out.
///
/// - Throws: ``FileError`` `missingInput` where there is none, and `badData` where two of a folder differ in their ending
///   alone: what is made of them would have one name.
public func pictureFiles(_ path: String) throws(FileError) -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw FileError(.missingInput, file: path, "not there")
    }
    guard isFolder.boolValue else { return [path] }
    let pictures = try FolderNames(of: path).names.filter { name in
        !name.hasPrefix(".") && [".png", ".jpg", ".jpeg"].contains { name.lowercased().hasSuffix($0) }
    }
    guard !pictures.isEmpty else {
        throw FileError(
            .missingInput, file: path, "holds no pictures", expected: "files that end in .png, .jpg or .jpeg")
    }
    let stems = Dictionary(grouping: pictures) { URL(filePath: $0).deletingPathExtension().lastPathComponent }
    if let twice = stems.values.filter({ $0.count > 1 }).min(by: { $0[0] < $1[0] }) {
        throw FileError(
            .badData, file: path, "two pictures differ in their ending alone", found: twice.joined(separator: ", "))
    }
    return pictures.map { SafeFiles.path(of: $0, in: path) }
}
