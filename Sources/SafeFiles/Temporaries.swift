import Foundation
import Synchronization

/// The temporary files of outputs that are being written.
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

    /// Removes a file unless it has been renamed.
    static func remove(_ path: String) {
        unlink(path)
        forget(path)
    }

    fileprivate static func removeAll(andThen end: () -> Never) -> Never {
        paths.withLock { paths in
            for path in paths.keys { unlink(path) }
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
    return names.filter { $0.hasPrefix(".") && $0.hasSuffix(ending) && $0.utf8.count == 9 + ending.utf8.count }
        .map { folder + $0 }.filter { file in
            let descriptor = open(file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            defer { if descriptor >= 0 { close(descriptor) } }
            return descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0
        }
}

/// How the names of an output's temporary files end, after a dot and eight digits.
func temporaryEnding(of target: String) -> String {
    // Names of outputs may be as long as the file system takes; this one must not be longer.
    "-" + String(decoding: URL(filePath: target).lastPathComponent.utf8.suffix(64), as: UTF8.self)
}
