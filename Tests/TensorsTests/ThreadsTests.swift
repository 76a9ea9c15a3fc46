import Synchronization
import Testing

@testable import Tensors

/// How work is split, and that results do not depend on it.
@Suite struct ThreadsTests {
    static let counts = [1, 2, 3, 5, 9]

    @Test(arguments: counts + [64], [-1, 0, 1, 2, 3, 7, 1000])
    func parallelForRunsEachTaskOnce(_ threads: Int, _ count: Int) {
        let runs = Mutex([Int: Int]())
        Threads.with(threads) {
            parallelFor(count) { task in runs.withLock { $0[task, default: 0] += 1 } }
        }
        #expect(runs.withLock { $0 } == Dictionary(uniqueKeysWithValues: (0..<max(count, 0)).map { ($0, 1) }))
    }

    /// A task's number is its own: tasks beside it keep theirs.
    @Test func numberBelongsToTheTask() async {
        let before = Threads.count
        await withTaskGroup(of: Bool.self) { group in
            for count in 1...50 {
                group.addTask {
                    await Threads.with(count) {
                        await Task.yield()
                        return Threads.count == count
                    }
                }
            }
            for await isOwn in group { #expect(isOwn) }
        }
        #expect(Threads.count == before)
    }

    /// Jobs of several threads side by side, each larger than the pool, all of which must end.
    @Test func parallelForsSideBySide() async {
        let total = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let total = Atomic(0)
                    Threads.with(7) {
                        for _ in 0..<200 { parallelFor(20) { _ in total.wrappingAdd(1, ordering: .relaxed) } }
                    }
                    return total.load(ordering: .relaxed)
                }
            }
            return await group.reduce(0, +)
        }
        #expect(total == 8 * 200 * 20)
    }

    @Test func parallelForInsideParallelFor() {
        let runs = Mutex([[Int]: Int]())
        Threads.with(3) {
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
        (
            "linear, by our own tiles in bfloat16",
            {
                linear(
                    uniform([1100, 70], seed: 1),
                    weight: LinearWeight(uniform([1328, 70], seed: 2), precision: .bfloat16),
                    bias: uniform([1328], seed: 3))
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
        let results = Self.counts.map { threads in Threads.with(threads) { run().values.map(\.bitPattern) } }
        for result in results { #expect(result == results[0]) }
        #expect(Set(results[0]).count > 1000)
    }
}
