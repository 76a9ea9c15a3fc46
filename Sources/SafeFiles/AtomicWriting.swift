import Foundation

/// Has `body` write a temporary file beside `path`, flushes it to the disk and renames it to `path`.
///
/// So `path` either keeps what it held or holds all of the new contents, never a part. An output that exists
/// is replaced; where it is a symbolic link, the file that it leads to. The temporary file's name ends in the same
/// extensions as `path`, since some libraries choose a format by them; it is removed when anything fails.
///
/// - Parameter body: receives the temporary path, at which nothing stands yet.
/// - Throws: what `body` throws, and ``FileError`` `cannotCreate` or `inputOutput`.
public func writeAtomically(_ path: String, body: (_ temporaryPath: String) throws -> Void) throws {
    try writeAtomically([path]) { temporary in try body(temporary[0]) }
}

/// The same for several files that belong together: all are written whole and flushed before the first is renamed.
///
/// - Parameter body: receives the temporary paths, in the order of `paths`.
public func writeAtomically(_ paths: [String], body: (_ temporaryPaths: [String]) throws -> Void) throws {
    let targets = paths.map(destination)
    for path in paths { try requireWritable(path) }
    // Not to be guessed, so that in a folder which others can write in nothing waits at this path.
    let temporary = targets.map { target in
        target.deletingLastPathComponent().appending(
            path: ".\(UUID().uuidString.prefix(8))-\(target.lastPathComponent)"
        )
        .path(percentEncoded: false)
    }
    do {
        try body(temporary)
        for (temporary, path) in zip(temporary, paths) { try flush(temporary, for: path) }
        for ((temporary, target), path) in zip(zip(temporary, targets), paths) {
            guard rename(temporary, target.path(percentEncoded: false)) == 0 else {
                throw FileError(.cannotCreate, file: path, systemMessage(errno))
            }
        }
    } catch {
        for temporary in temporary { unlink(temporary) }
        throw error
    }
    // The rename itself is on the disk only once the folder is; a file system that cannot flush one still
    // leaves a whole file, so a failure here is no reason to report one.
    for (target, path) in zip(targets, paths) {
        try? flush(target.deletingLastPathComponent().path(percentEncoded: false), for: path)
    }
}

/// Writes `data` to `path`, whole or not at all; see the overload with a body.
public func writeAtomically(_ path: String, _ data: Data) throws {
    try writeAtomically(path) { temporary in try write(data, to: temporary, for: path) }
}

/// Makes the file `temporary`, of which errors speak as `path`.
///
/// - Throws: ``FileError`` `cannotCreate` or `inputOutput`.
public func write(_ data: Data, to temporary: String, for path: String) throws(FileError) {
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o666)
    guard descriptor >= 0 else { throw FileError(.cannotCreate, file: path, systemMessage(errno)) }
    defer { close(descriptor) }
    // Not by Foundation, which does not tell why it fails.
    var rest = data[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
            throw FileError(
                .inputOutput, file: path, "cannot be written", found: systemMessage(errno),
                advice: "Make room on the disk, or choose another place.")
        }
        rest = rest.dropFirst(count)
    }
}

/// Throws `cannotCreate` unless a file can be made at `path`, or replaced there.
///
/// Long work calls this before it begins, so that nobody finds out at the end.
public func requireWritable(_ path: String) throws(FileError) {
    let folder = destination(of: path).deletingLastPathComponent().path(percentEncoded: false)
    guard access(folder, W_OK | X_OK) == 0 else {
        throw FileError(
            .cannotCreate, file: path, "cannot write in the folder \(folder)", found: systemMessage(errno),
            advice: "Make the folder, or choose another place.")
    }
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
        let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe"
        throw FileError(.cannotCreate, file: path, "\(found) stands there", advice: "Name a file.")
    }
}

/// Where writing to a path puts the file: links are followed, also one to a file that is not there yet.
func destination(of path: String) -> URL {
    var place = URL(filePath: path).resolvingSymlinksInPath()
    // As many links as Linux follows.
    for _ in 0..<40 {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: place.path(percentEncoded: false))
        guard let link else { break }
        place = URL(filePath: link, relativeTo: place.deletingLastPathComponent()).absoluteURL.resolvingSymlinksInPath()
    }
    return place
}

/// The folder that a file is in.
public func folder(of path: String) -> String {
    URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
}

/// Makes a folder, and those that it stands in, where they are missing.
///
/// - Throws: ``FileError`` `cannotCreate`.
public func makeFolder(_ path: String) throws(FileError) {
    do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
        throw FileError(.cannotCreate, file: path, "cannot make the folder", found: error.localizedDescription)
    }
}

private func flush(_ file: String, for path: String) throws(FileError) {
    let descriptor = open(file, O_RDONLY)
    guard descriptor >= 0 else { throw FileError(.cannotCreate, file: path, systemMessage(errno)) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileError(.inputOutput, file: path, systemMessage(errno)) }
}
