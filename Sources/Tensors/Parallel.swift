import Dispatch
import Foundation
import Synchronization

/// How many threads ``parallelFor(_:_:)`` uses; results do not depend on it.
public enum Threads {
    private static let chosen = Atomic<Int>(ProcessInfo.processInfo.activeProcessorCount)

    /// The number of threads, at least 1; at first the number of cores.
    public static var count: Int {
        get { chosen.load(ordering: .relaxed) }
        set {
            precondition(newValue > 0, "\(newValue) threads")
            chosen.store(newValue, ordering: .relaxed)
        }
    }
}

/// Runs `body(0)`, …, `body(count - 1)`, each once, on up to ``Threads/count`` threads, and returns when all are done.
///
/// This is the one place where work is split among threads. In which order a result's terms are added depends on the
/// problem's shape alone, never on the number of threads, so that results are the same to the bit on every machine size.
package func parallelFor(_ count: Int, _ body: (Int) -> Void) {
    let workers = min(Threads.count, count)
    guard workers > 1 else {
        for task in 0..<max(count, 0) { body(task) }
        return
    }
    // Dispatch cannot know that the closure ends before this function does, and that tasks write apart.
    nonisolated(unsafe) let body = body
    withoutActuallyEscaping(body) { body in
        nonisolated(unsafe) let body = body
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            while true {
                let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard task < count else { return }
                body(task)
            }
        }
    }
}
