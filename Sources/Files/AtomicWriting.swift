import Foundation

/// Has `body` write a temporary file beside `path`, flushes it to the disk and renames it to `path`.
///
/// So `path` either keeps what it held or holds all of the new contents, never a part. An output that exists
/// is replaced. The temporary file's name ends in the same extensions as `path`, since some libraries choose
/// a format by them; it is removed when anything fails.
///
/// - Parameter body: receives the temporary path, at which nothing stands yet.
/// - Throws: what `body` throws, and ``FileError`` `cannotCreate` or `inputOutput`.
public func writeAtomically(_ path: String, body: (_ temporaryPath: String) throws -> Void) throws {
    let url = URL(filePath: path)
    let folder = url.deletingLastPathComponent().path(percentEncoded: false)
    try requireWritable(folder: folder, for: path)
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
        let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe"
        throw FileError(.cannotCreate, file: path, "\(found) stands there", advice: "Name a file.")
    }
    // Not to be guessed, so that in a folder which others can write in nothing waits at this path.
    let temporary = URL(filePath: folder).appending(path: ".\(UUID().uuidString.prefix(8))-\(url.lastPathComponent)")
        .path(percentEncoded: false)
    do {
        try body(temporary)
        try flush(temporary, for: path)
        guard rename(temporary, path) == 0 else {
            throw FileError(.cannotCreate, file: path, systemMessage(errno))
        }
    } catch {
        unlink(temporary)
        throw error
    }
    // The rename itself is on the disk only once the folder is; a file system that cannot flush one still
    // leaves a whole file, so a failure here is no reason to report one.
    try? flush(folder, for: path)
}

/// Writes `data` to `path`, whole or not at all; see ``writeAtomically(_:body:)``.
public func writeAtomically(_ path: String, _ data: Data) throws {
    try writeAtomically(path) { temporary in
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o666)
        guard descriptor >= 0 else { throw FileError(.cannotCreate, file: path, systemMessage(errno)) }
        defer { close(descriptor) }
        // Not by Foundation, which does not tell why it fails.
        var rest = data[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw FileError(.inputOutput, file: path, "cannot be written", found: systemMessage(errno))
            }
            rest = rest.dropFirst(count)
        }
    }
}

/// Throws `cannotCreate` unless files can be made in `folder`; `path` is the output that the error names.
///
/// Long work calls this before it begins, so that nobody finds out at the end.
public func requireWritable(folder: String, for path: String) throws(FileError) {
    guard access(folder, W_OK | X_OK) == 0 else {
        throw FileError(
            .cannotCreate, file: path, "cannot write in the folder \(folder)", found: systemMessage(errno),
            advice: "Make the folder, or choose another place with -o.")
    }
}

/// The same for the folder that `path` stands in.
public func requireWritable(_ path: String) throws(FileError) {
    let folder = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
    try requireWritable(folder: folder, for: path)
}

private func flush(_ file: String, for path: String) throws(FileError) {
    let descriptor = open(file, O_RDONLY)
    guard descriptor >= 0 else { throw FileError(.cannotCreate, file: path, systemMessage(errno)) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileError(.inputOutput, file: path, systemMessage(errno)) }
}
