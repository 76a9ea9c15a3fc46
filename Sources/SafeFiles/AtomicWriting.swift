import Foundation

/// Has `body` write a temporary file beside `path`, flushes it to the disk and renames it to `path`.
///
/// So `path` either keeps what it held or holds all of the new contents, never a part. An output that exists is replaced,
/// and who may read it stays as it was; where it is a symbolic link, the file that it leads to is replaced. The temporary
/// file's name ends in the same extensions as `path`, since some libraries choose a format by them; it is removed when
/// anything fails, and by `endWriting`.
///
/// - Parameter body: receives the path of the temporary file, which is empty.
/// - Throws: what `body` throws, and ``FileError`` `cannotCreate` or `inputOutput`.
public func writeAtomically(_ path: String, body: (_ temporaryPath: String) throws -> Void) throws {
    try writeAtomically([path]) { temporary in try body(temporary[0]) }
}

/// The same for several files that belong together: all are written whole and flushed before the first is renamed, and no
/// other process renames its own between them. Where the system refuses a rename, those before it stand.
///
/// Each keeps a file open until then, and a process may have about a thousand: see ``writeFiles(_:)`` for more.
///
/// - Parameter body: receives the temporary paths, in the order of `paths`.
public func writeAtomically(_ paths: [String], body: (_ temporaryPaths: [String]) throws -> Void) throws {
    var targets: [String] = []
    for path in paths {
        try requireWritable(path)
        targets.append(try destination(of: path))
    }
    var temporary: [String] = []
    defer { for temporary in temporary { Temporaries.remove(temporary) } }
    for (target, path) in zip(targets, paths) { temporary.append(try makeTemporary(beside: target, for: path)) }
    try body(temporary)
    for (temporary, path) in zip(temporary, paths) { try flush(temporary, for: path) }
    let folders = Set(targets.map(folder(of:)))
    try withLocked(paths.count > 1 ? folders : [], for: paths.first ?? "") {
        for ((temporary, target), path) in zip(zip(temporary, targets), paths) {
            guard rename(temporary, target) == 0 else {
                throw FileError(.cannotCreate, file: path, systemMessage(errno))
            }
        }
    }
    // The rename itself is on the disk only once the folder is; a file system that cannot flush one still
    // leaves a whole file, so a failure here is no reason to report one.
    for folder in folders { try? flush(folder, for: folder) }
}

/// Writes `data` to `path`, whole or not at all; see the overload with a body.
public func writeAtomically(_ path: String, _ data: Data) throws {
    try writeAtomically(path) { temporary in try write(data, to: temporary, for: path) }
}

/// Writes files, however many: each whole or not at all, and some at a time together, so that where one fails those before it may
/// stand.
///
/// - Throws: ``FileError`` `cannotCreate` or `inputOutput`.
public func writeFiles(_ files: [(path: String, data: Data)]) throws {
    let most = 128
    for start in stride(from: 0, to: files.count, by: most) {
        let some = files[start..<min(start + most, files.count)]
        try writeAtomically(some.map(\.path)) { temporary in
            for (temporary, (path, data)) in zip(temporary, some) { try write(data, to: temporary, for: path) }
        }
    }
}

/// Writes `data` to the file `temporary`, of which errors speak as `path`.
///
/// - Throws: ``FileError`` `cannotCreate` or `inputOutput`.
public func write(_ data: Data, to temporary: String, for path: String) throws(FileError) {
    let descriptor = try openTemporary(temporary, for: path)
    defer { close(descriptor) }
    try append(data, to: descriptor, for: path)
}

/// Writes `data` where a descriptor of ``openTemporary(_:for:)`` is in its file, of which errors speak as `path`.
///
/// - Throws: ``FileError`` `inputOutput`.
public func append(_ data: Data, to descriptor: Int32, for path: String) throws(FileError) {
    try write(data, to: descriptor, for: path, advice: "Make room on the disk, or choose another place.")
}

/// Writes `data` to standard output.
///
/// - Throws: ``FileError`` `inputOutput`.
public func writeStandardOutput(_ data: Data) throws(FileError) {
    try write(data, to: STDOUT_FILENO, for: "standard output")
}

private func write(
    _ data: Data, to descriptor: Int32, for path: String, advice: String? = nil
) throws(FileError) {
    // Not by Foundation, which does not report why it fails.
    var rest = data[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
            throw FileError(
                .inputOutput, file: path, "cannot be written", found: systemMessage(errno), advice: advice)
        }
        rest = rest.dropFirst(count)
    }
}

/// A descriptor that writes to the file `temporary`, of which errors speak as `path`; to be closed.
///
/// - Throws: ``FileError`` `cannotCreate`.
public func openTemporary(_ temporary: String, for path: String) throws(FileError) -> Int32 {
    let descriptor = open(temporary, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw FileError(.cannotCreate, file: path, systemMessage(errno)) }
    return descriptor
}

/// Throws `cannotCreate` unless a file can be made at `path`, or replaced there.
///
/// Long work calls this before it begins, so that nobody finds out at the end.
public func requireWritable(_ path: String) throws(FileError) {
    let target = try destination(of: path)
    let folder = folder(of: target)
    guard access(folder, W_OK | X_OK) == 0 else {
        throw FileError(
            .cannotCreate, file: path, "cannot write in the folder \(folder)", found: systemMessage(errno),
            advice: "Make the folder, or choose another place.")
    }
    var status = stat()
    guard stat(target, &status) == 0 else {
        if errno == ENOENT { return }
        throw FileError(.cannotCreate, file: path, systemMessage(errno), advice: "Choose another place.")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
        let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe"
        throw FileError(.cannotCreate, file: path, "\(found) has this name", advice: "Name a file.")
    }
    for (descriptor, name) in [(STDOUT_FILENO, "standard output"), (STDERR_FILENO, "standard error")] {
        var stream = stat()
        // Replaced, it would be gone for what is still printed.
        guard fstat(descriptor, &stream) != 0 || (stream.st_dev, stream.st_ino) != (status.st_dev, status.st_ino) else {
            throw FileError(.cannotCreate, file: path, "\(name) goes there", advice: "Name another file.")
        }
    }
}

/// The folder that a file is in.
public func folder(of path: String) -> String {
    URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
}

/// The path of a file in a folder, whether or not the folder's ends in a slash.
public func path(of name: String, in folder: String) -> String {
    folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
}

/// Makes a folder and its missing parents.
///
/// - Throws: ``FileError`` `cannotCreate`.
public func makeFolder(_ path: String) throws(FileError) {
    do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
        let cause = (error as? CocoaError)?.underlying as? POSIXError
        throw FileError(
            .cannotCreate, file: path, "cannot make the folder",
            found: isOtherThanFolder(path) || cause?.code == .EEXIST
                ? "a file" : cause.map { systemMessage($0.code.rawValue) } ?? error.localizedDescription,
            advice: "Choose another place.")
    }
}

/// Makes an empty file in the folder of `target` which may be read by whoever may read `target`, and by nobody else.
private func makeTemporary(beside target: String, for path: String) throws(FileError) -> String {
    // Not to be guessed, so that in a folder which others can write in nothing waits at this path.
    let temporary = "\(folder(of: target)).\(UUID().uuidString.prefix(8))\(temporaryEnding(of: target))"
    var standing = stat()
    let isStanding = stat(target, &standing) == 0
    Temporaries.add(temporary)
    let descriptor = open(
        temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, isStanding ? 0o600 : 0o666)
    guard descriptor >= 0 else {
        let code = errno
        Temporaries.forget(temporary)
        throw FileError(.cannotCreate, file: path, systemMessage(code))
    }
    guard Temporaries.lock(temporary, descriptor) else {
        Temporaries.remove(temporary)
        return try makeTemporary(beside: target, for: path)
    }
    guard isStanding else { return temporary }
    var mode = standing.st_mode & 0o777
    // The owner can be kept by root alone, and a group only by its members: another one must not gain by it.
    _ = fchown(descriptor, standing.st_uid, gid_t.max)
    if fchown(descriptor, uid_t.max, standing.st_gid) != 0 { mode &= ~0o070 }
    guard fchmod(descriptor, mode) == 0 else {
        let code = errno
        Temporaries.remove(temporary)
        throw FileError(.cannotCreate, file: path, systemMessage(code))
    }
    return temporary
}

private func flush(_ file: String, for path: String) throws(FileError) {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(.cannotCreate, file: path, systemMessage(errno)) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileError(.inputOutput, file: path, systemMessage(errno)) }
}
