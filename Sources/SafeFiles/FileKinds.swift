import Foundation

/// What the names of pictures end with, in small letters.
package let pictureEndings = [".png", ".jpg", ".jpeg"]

/// Whether a path leads to a folder, links followed.
public func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// Whether a path leads to something that is no folder, links followed.
public func isOtherThanFolder(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path) && !isFolder(path)
}
