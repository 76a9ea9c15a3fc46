import Foundation
import Synchronization

/// How many threads a computation uses; results do not depend on it.
public enum Threads {
    private static let ofProcess = Atomic<Int>(AvailableProcessors.count)
    @TaskLocal private static var ofTask: Int?

    /// The number for the current task: what ``with(_:_:)`` set for it, else the process's own, at first as many as it may use.
    public static var count: Int { ofTask ?? ofProcess.load(ordering: .relaxed) }

    /// Sets the process's own number, for all tasks that ``with(_:_:)`` sets none for: what a command does once, and no library.
    public static func setProcessCount(_ count: Int) {
        precondition(count > 0, "\(count) threads")
        ofProcess.store(count, ordering: .relaxed)
    }

    /// Runs `body` with a number of threads of its own, and no other task.
    public static func with<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
        precondition(count > 0, "\(count) threads")
        return try $ofTask.withValue(count, operation: body)
    }

    /// ``with(_:_:)`` for asynchronous work.
    public static func with<Result>(
        _ count: Int, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async rethrows -> Result {
        precondition(count > 0, "\(count) threads")
        // Not as what `withValue` returns: with large structs Swift 6.3 frees the task's memory in the wrong order there
        // ("freed pointer was not the last allocation").
        var result: Result?
        try await $ofTask.withValue(count, operation: { result = try await body() }, isolation: isolation)
        guard let result else { preconditionFailure("a body that returned gave no result") }
        return result
    }
}

/// Runs `body(0)`, …, `body(count - 1)`, each once, on up to ``Threads/count`` threads, and returns when all are done.
///
/// This is the one place where work is split among threads: the caller's and those of ``Workers``. In which order a
/// result's terms are added depends on the problem's shape alone, never on the number of threads, so that results are the
/// same to the bit on every machine size.
package func parallelFor(_ count: Int, _ body: (Int) -> Void) {
    let threads = min(Threads.count, count)
    guard threads > 1 else {
        for task in 0..<max(count, 0) { body(task) }
        return
    }
    // The compiler cannot know that the job ends before this function does, and that tasks write apart.
    nonisolated(unsafe) let body = body
    withoutActuallyEscaping(body) { body in
        nonisolated(unsafe) let body = body
        let job = Job(count: count, seats: threads - 1) { body($0) }
        Workers.post(job)
        job.runTasks()
        Workers.finish(job)
    }
}

/// `body` of each element, in their order, computed side by side by ``parallelFor(_:_:)``.
package func parallelMap<Element, Result>(_ elements: [Element], _ body: (Element) -> Result) -> [Result] {
    [Result](unsafeUninitializedCapacity: elements.count) { buffer, count in
        nonisolated(unsafe) let results = buffer
        parallelFor(elements.count) { results.initializeElement(at: $0, to: body(elements[$0])) }
        count = elements.count
    }
}

/// Tasks of one ``parallelFor(_:_:)``.
private final class Job: Sendable {
    /// Nil once the caller has returned: a worker may hold the job for longer, but not what belongs to the caller.
    nonisolated(unsafe) private var body: (@Sendable (Int) -> Void)?
    private let count: Int
    private let next = Atomic<Int>(0)
    private let left = NSCondition()
    /// How many workers may still join; only ``Workers`` touches it, and holds its lock.
    nonisolated(unsafe) var seats: Int
    /// How many workers have joined; likewise.
    nonisolated(unsafe) var joined = 0
    private let done = Atomic<Int>(0)

    init(count: Int, seats: Int, body: @escaping @Sendable (Int) -> Void) {
        self.count = count
        self.seats = seats
        self.body = body
    }

    func runTasks() {
        guard let body else { return }
        while true {
            let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard task < count else { return }
            body(task)
        }
    }

    /// A worker has no task left.
    func leave() {
        left.lock()
        done.wrappingAdd(1, ordering: .releasing)
        left.signal()
        left.unlock()
    }

    /// Waits for the workers that have joined, after which there will be no others.
    func end(joined: Int) {
        if !spin(until: { done.load(ordering: .acquiring) == joined }) {
            left.lock()
            while done.load(ordering: .acquiring) < joined { left.wait() }
            left.unlock()
        }
        body = nil
    }
}

/// Threads that wait for jobs.
///
/// The pool is its own: on Dispatch's, a computation would take the threads on which the host's tasks run.
private enum Workers {
    private static let posted = NSCondition()
    /// Jobs with free seats, the oldest first.
    nonisolated(unsafe) private static var jobs: [Job] = []
    nonisolated(unsafe) private static var threads = 0
    nonisolated(unsafe) private static var idle = 0
    /// The jobs posted so far.
    private static let posts = Atomic<Int>(0)

    static func post(_ job: Job) {
        posted.lock()
        defer { posted.unlock() }
        jobs.append(job)
        posts.wrappingAdd(1, ordering: .releasing)
        let missing = jobs.reduce(0) { $0 + $1.seats } - idle
        let most = max(ProcessInfo.processInfo.activeProcessorCount, job.seats)
        for _ in 0..<max(min(missing, most - threads), 0) { start() }
        for _ in 0..<job.seats { posted.signal() }
    }

    /// Lets no more workers join, and waits for those that have.
    static func finish(_ job: Job) {
        posted.lock()
        jobs.removeAll { $0 === job }
        let joined = job.joined
        posted.unlock()
        job.end(joined: joined)
    }

    private static func start() {
        threads += 1
        let thread = Thread { work() }
        thread.name = "swift-sam"
        thread.stackSize = 1 << 21
        thread.start()
    }

    private static func work() {
        while true {
            let job = nextJob()
            job.runTasks()
            job.leave()
        }
    }

    private static func nextJob() -> Job {
        posted.lock()
        defer { posted.unlock() }
        idle += 1
        if jobs.isEmpty {
            let seen = posts.load(ordering: .relaxed)
            posted.unlock()
            _ = spin(until: { posts.load(ordering: .acquiring) != seen })
            posted.lock()
        }
        while jobs.isEmpty { posted.wait() }
        idle -= 1
        let job = jobs[0]
        job.joined += 1
        job.seats -= 1
        if job.seats == 0 { jobs.removeFirst() }
        return job
    }
}

/// Looks for some hundred microseconds whether a condition holds: the next of many short jobs comes sooner than a
/// thread that sleeps wakes up. False where it does not.
private func spin(until isMet: () -> Bool) -> Bool {
    for _ in 0..<100_000 where isMet() { return true }
    return false
}
