import Foundation
import Synchronization

/// The temporary files of outputs that are being written.
enum Temporaries {
    private static let paths = Mutex<Set<String>>([])

    static func add(_ path: String) { _ = paths.withLock { $0.insert(path) } }

    static func forget(_ path: String) { _ = paths.withLock { $0.remove(path) } }

    /// Removes a file unless it has been renamed.
    static func remove(_ path: String) {
        unlink(path)
        forget(path)
    }

    fileprivate static func removeAll(andThen end: () -> Never) -> Never {
        paths.withLock { paths in
            for path in paths { unlink(path) }
            // Still locked: whoever would make another one waits for ever.
            end()
        }
    }
}

/// Removes the temporary files of all outputs that are being written, then ends the process.
///
/// - Parameter end: ends it. No further output is begun meanwhile.
public func endWriting(andThen end: () -> Never) -> Never { Temporaries.removeAll(andThen: end) }
