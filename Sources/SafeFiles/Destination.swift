import Foundation

/// Where writing to a path puts the file: links are followed, also one to a file that is not there yet.
///
/// In a folder where everybody can write but remove only what is their own (`/tmp`), links of other people are not
/// followed, as the Linux kernel has it (`fs.protected_symlinks`): whoever made one could choose which file is replaced.
///
/// - Throws: ``FileError`` `cannotCreate` for such a link, and where links lead in a circle.
package func destination(of path: String) throws(FileError) -> String {
    guard !path.isEmpty else { throw FileError(.cannotCreate, file: path, systemMessage(ENOENT)) }
    return try resolved(path, isWritten: true)
}

/// The absolute path of a file without links among its folders, and so without `..`, which means what the links before it say;
/// a link that is the file itself stays. Where links lead in a circle, the path itself.
package func withoutLinkedFolders(_ path: String) -> String {
    (try? resolved(path, isWritten: false)) ?? path
}

/// - Parameter isWritten: whether a link that is the file itself is followed too, and links of other people are refused.
private func resolved(_ path: String, isWritten: Bool) throws(FileError) -> String {
    var rest = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    // What of the path is resolved, without a slash at its end.
    var place = ""
    // As many links as Linux follows.
    var links = 40
    while let (name, after) = firstName(rest) {
        rest = after
        if name == "." { continue }
        if name == ".." {
            place = String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)])
            continue
        }
        let next = place + "/" + name
        var (status, folder) = (stat(), stat())
        guard lstat(next, &status) == 0, status.st_mode & S_IFMT == S_IFLNK, isWritten || firstName(rest) != nil else {
            place = next
            continue
        }
        let isShared =
            isWritten && stat(place + "/", &folder) == 0 && folder.st_mode & (S_ISVTX | S_IWOTH) == S_ISVTX | S_IWOTH
        guard !isShared || status.st_uid == geteuid() || status.st_uid == folder.st_uid else {
            throw FileError(
                .cannotCreate, file: path, "another user's link has this name, in a folder that all can write in",
                found: next, advice: "Choose another place.")
        }
        links -= 1
        guard links > 0, let target = linkTarget(next) else {
            throw FileError(.cannotCreate, file: path, systemMessage(links > 0 ? errno : ELOOP))
        }
        if target.hasPrefix("/") { place = "" }
        rest = target + "/" + rest
    }
    return place.isEmpty ? "/" : place
}

/// The first name of a path and what follows it; nil where no name is left.
private func firstName(_ path: String) -> (name: String, rest: String)? {
    let start = path.drop { $0 == "/" }
    guard !start.isEmpty else { return nil }
    let name = start.prefix { $0 != "/" }
    return (String(name), String(start[name.endIndex...]))
}

/// What a link says; nil where it cannot be read.
private func linkTarget(_ path: String) -> String? {
    var characters = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &characters, characters.count)
    return count > 0 ? String(decoding: characters[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
}
