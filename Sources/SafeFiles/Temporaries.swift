import Foundation
import Synchronization

/// The temporary files of outputs that are being written, and folders of such.
///
/// Each is locked (`flock(2)`) by a descriptor that its process holds until the file has its name: so another process can
/// see whether it was left by one that was killed.
enum Temporaries {
    /// The lock of each; −1 where it has none yet.
    private static let paths = Mutex<[String: Int32]>([:])

    static func add(_ path: String) { paths.withLock { $0[path] = -1 } }

    /// Locks a file that was made, until it is forgotten; false where another process took it for an abandoned one.
    ///
    /// - Parameter descriptor: of the file; is closed with the lock.
    static func lock(_ path: String, _ descriptor: Int32) -> Bool {
        paths.withLock { $0[path] = descriptor }
        // Where files cannot be locked, no process takes one for abandoned.
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return false }
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_nlink > 0
    }

    static func forget(_ path: String) {
        if let lock = paths.withLock({ $0.removeValue(forKey: path) }), lock >= 0 { close(lock) }
    }

    /// Removes a file unless it has been renamed, or a folder with all that is in it.
    static func remove(_ path: String) {
        if unlink(path) != 0, errno == EISDIR { try? FileManager.default.removeItem(atPath: path) }
        forget(path)
    }

    fileprivate static func removeAll(andThen end: () -> Never) -> Never {
        paths.withLock { paths in
            let folders = paths.keys.filter { unlink($0) != 0 && errno == EISDIR }
            // Last, when nothing more gets a name in them.
            for folder in folders { try? FileManager.default.removeItem(atPath: folder) }
            // Still locked: whoever would make another one waits for ever.
            end()
        }
    }
}

/// Removes the temporary files of all outputs that are being written, then ends the process.
///
/// - Parameter end: ends it. No further output is begun meanwhile.
public func endWriting(andThen end: () -> Never) -> Never { Temporaries.removeAll(andThen: end) }

/// The temporary files of an output whose process was killed before it gave them their name: whole or not.
///
/// - Parameter path: of the output.
public func abandonedTemporaries(of path: String) -> [String] {
    guard let target = try? destination(of: path) else { return [] }
    let (folder, ending) = (folder(of: target), temporaryEnding(of: target))
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { isTemporary($0, ending: ending) }.map { folder + $0 }.filter { file in
        let descriptor = open(file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        defer { if descriptor >= 0 { close(descriptor) } }
        return descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }
}

/// Makes a folder for outputs that are to get their place together, beside where that is. It is locked until
/// ``removeTemporaryFolder(_:)``, and `endWriting` removes it.
///
/// - Parameter path: of the folder, whose name is a dot, eight digits and an ending.
/// - Throws: ``FileError`` `cannotCreate`.
public func makeTemporaryFolder(_ path: String) throws {
    let above = folder(of: path)
    try makeFolder(above)
    // Not while another process removes those that nobody has locked.
    try withLocked([above], for: path) {
        Temporaries.add(path)
        try makeFolder(path)
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, Temporaries.lock(path, descriptor) else {
            throw FileError(.cannotCreate, file: path, systemMessage(errno))
        }
    }
}

/// Removes a folder of ``makeTemporaryFolder(_:)`` with all that is in it.
public func removeTemporaryFolder(_ path: String) { Temporaries.remove(path) }

/// Removes the folders of ``makeTemporaryFolder(_:)`` whose processes were killed.
///
/// - Parameters:
///   - folder: where they are.
///   - ending: of their names.
/// - Throws: ``FileError`` as ``withLocked(_:for:_:)``.
public func removeAbandonedFolders(in folder: String, ending: String) throws {
    try withLocked([folder], for: folder) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where isTemporary(name, ending: ending) {
            let abandoned = path(of: name, in: folder)
            let descriptor = open(abandoned, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { try? FileManager.default.removeItem(atPath: abandoned) }
        }
    }
}

/// The seconds since 1970 by the clock of the disk that has a folder, which may be another machine's: times of files are by it.
/// Where nothing can be made in the folder, by this machine's.
public func diskTime(in folder: String) -> Int {
    let file = path(of: ".\(UUID().uuidString.prefix(8))-time", in: folder)
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return time(nil) }
    defer {
        close(descriptor)
        unlink(file)
    }
    var status = stat()
    return fstat(descriptor, &status) == 0 ? status.st_mtim.tv_sec : time(nil)
}

/// Whether a name is a dot, eight digits and an ending.
private func isTemporary(_ name: String, ending: String) -> Bool {
    name.hasPrefix(".") && name.hasSuffix(ending) && name.utf8.count == 9 + ending.utf8.count
        && name.dropFirst().prefix(8).allSatisfy { $0.isHexDigit && !$0.isLowercase }
}

/// How the names of an output's temporary files end, after a dot and eight digits.
func temporaryEnding(of target: String) -> String {
    // Names of outputs may be as long as the file system takes; this one must not be longer.
    "-" + String(decoding: URL(filePath: target).lastPathComponent.utf8.suffix(64), as: UTF8.self)
}
