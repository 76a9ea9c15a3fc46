import Synchronization
import Testing

@testable import Tensors

/// How work is split, and that results do not depend on it. One test at a time, since the number of threads is global.
@Suite(.serialized) struct ThreadsTests {
    static let counts = [1, 2, 3, 5, 9]

    private func with<Result>(threads: Int, _ body: () throws -> Result) rethrows -> Result {
        let before = Threads.count
        Threads.count = threads
        defer { Threads.count = before }
        return try body()
    }

    @Test(arguments: counts + [64], [-1, 0, 1, 2, 3, 7, 1000])
    func parallelForRunsEachTaskOnce(_ threads: Int, _ count: Int) {
        let runs = Mutex([Int: Int]())
        with(threads: threads) {
            parallelFor(count) { task in runs.withLock { $0[task, default: 0] += 1 } }
        }
        #expect(runs.withLock { $0 } == Dictionary(uniqueKeysWithValues: (0..<max(count, 0)).map { ($0, 1) }))
    }

    @Test func parallelForInsideParallelFor() {
        let runs = Mutex([[Int]: Int]())
        with(threads: 3) {
            parallelFor(5) { outer in
                parallelFor(7) { inner in runs.withLock { $0[[outer, inner], default: 0] += 1 } }
            }
        }
        #expect(runs.withLock { $0 } == Dictionary(uniqueKeysWithValues: indices(of: [5, 7]).map { ($0, 1) }))
    }

    /// Each spans several tasks.
    static let computations: [(name: String, run: @Sendable () -> Tensor)] = [
        (
            "linear",
            {
                linear(
                    uniform([1100, 70], seed: 1), weight: uniform([1300, 70], seed: 2), bias: uniform([1300], seed: 3),
                    activation: .gelu)
            }
        ),
        (
            "linear, by our own tiles",
            {
                linear(
                    uniform([1100, 700], seed: 1), weight: uniform([1328, 700], seed: 2),
                    bias: uniform([1328], seed: 3), activation: .gelu)
            }
        ),
        ("gelu", { gelu(uniform([5, 10_001], in: -4...4, seed: 4)) }),
        (
            "layerNorm",
            {
                layerNorm(
                    uniform([333, 77], seed: 5), weight: uniform([77], seed: 6), bias: uniform([77], seed: 7),
                    epsilon: 1e-6)
            }
        ),
        (
            "attention",
            {
                multiHeadAttention(
                    queries: uniform([2, 700, 24], seed: 8), keys: uniform([2, 90, 24], seed: 9),
                    values: uniform([2, 90, 24], seed: 10), heads: 3)
            }
        ),
        ("sum", { uniform([3, 70_000], seed: 11) + uniform([70_000], seed: 12) }),
    ]

    @Test(arguments: computations.map(\.name))
    func resultsAreTheSameToTheBit(_ name: String) throws {
        let run = try #require(Self.computations.first { $0.name == name }).run
        let results = Self.counts.map { threads in with(threads: threads) { run().values.map(\.bitPattern) } }
        for result in results { #expect(result == results[0]) }
        #expect(Set(results[0]).count > 1000)
    }
}
