import COpenBLAS
import Foundation

/// What running computations hold of the process: memory to use again, and OpenBLAS on one thread.
///
/// A forward pass runs in a scope. Scopes nest, and those of several tasks overlap; when the last one ends, also by an error,
/// the memory is free again and OpenBLAS has the number of threads that the host process had chosen.
package enum Computation {
    private static let lock = NSLock()
    /// The scopes that have begun and not ended.
    nonisolated(unsafe) private static var scopes = 0
    /// OpenBLAS's threads before the first of them.
    nonisolated(unsafe) private static var hostThreads: Int32 = 1

    /// Runs `body` in a scope.
    package static func scope<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        begin()
        defer { end() }
        return try body()
    }

    private static func begin() {
        lock.withLock {
            scopes += 1
            guard scopes == 1 else { return }
            hostThreads = openblas_get_num_threads()
            openblas_set_num_threads(1)
            SpareMemory.keep()
        }
    }

    private static func end() {
        lock.withLock {
            scopes -= 1
            guard scopes == 0 else { return }
            SpareMemory.release()
            openblas_set_num_threads(hostThreads)
        }
    }
}
