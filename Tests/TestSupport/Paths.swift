import Foundation
import SafeFiles
import Testing

/// Expects the right error of whatever reads a file, at each path where nothing can be read. A root user may read
/// everything, so a file without permissions is tried by others only.
package func expectErrorsOfUnreadablePaths(
    in folder: Folder, sourceLocation: SourceLocation = #_sourceLocation, _ read: (String) throws -> Void
) {
    var paths = [
        (folder.file("none"), "No such file or directory"), (folder.file("none/none"), "No such file or directory"),
        ("", "No such file or directory"), (folder.path, "found a folder"), (folder.path + "/", "found a folder"),
        ("/dev/zero", "found a device or pipe"),
    ]
    if geteuid() != 0 {
        paths.append((folder.write("secret", "1"), "Permission denied"))
        chmod(folder.file("secret"), 0)
    }
    for (path, phrase) in paths {
        expectError(.missingInput, phrase, about: path, sourceLocation: sourceLocation) { try read(path) }
    }
}

/// Expects the right error of whatever writes a file, at each path where nothing can be written, and that nothing is left
/// there; and that a file which can be replaced is.
package func expectErrorsOfUnwritablePaths(
    in folder: Folder, sourceLocation: SourceLocation = #_sourceLocation, _ write: (String) throws -> Void
) throws {
    try FileManager.default.createDirectory(atPath: folder.file("folder.png"), withIntermediateDirectories: true)
    folder.write("file", [1])
    for (path, phrase) in [
        (folder.file("no/output.nii.gz"), "No such file or directory"),
        (folder.file("file/output.nii.gz"), "Not a directory"), (folder.file("folder.png"), "a folder has this name"),
        (folder.file(String(repeating: "n", count: 300)), "File name too long"),
    ] {
        expectError(.cannotCreate, phrase, about: path, sourceLocation: sourceLocation) { try write(path) }
    }
    if geteuid() != 0 {
        chmod(folder.path, 0o500)
        defer { chmod(folder.path, 0o700) }
        expectError(.cannotCreate, "Permission denied", sourceLocation: sourceLocation) {
            try write(folder.file("output"))
        }
    }
    let path = folder.write("output", [UInt8](repeating: 7, count: 100_000))
    try write(path)
    #expect(try fileSize(path) < 1000, sourceLocation: sourceLocation)
    #expect(folder.names == ["folder.png", "file", "output"], sourceLocation: sourceLocation)
}
