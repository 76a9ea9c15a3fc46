import Foundation
import Testing

/// Expects that work takes at most four times as many steps for each part of an input that is 16 times as long: what
/// compares each part with each takes 16 times as many.
///
/// Steps are counted as the processor's time of this thread, the least of three runs, whoever computes beside.
///
/// - Parameter prepare: makes an input of some size, and gives the work with it.
package func expectLinearGrowth(
    from size: Int, sourceLocation: SourceLocation = #_sourceLocation, _ prepare: (Int) throws -> () throws -> Void
) throws {
    let times = try [size, 16 * size].map { size in
        let work = try prepare(size)
        return try (0..<3).map { _ in try processorTime(of: work) }.min() ?? .nan
    }
    // Below a tenth of a millisecond nothing is measured but what comes before the first step.
    let growth = times[1] / max(times[0], 1e-4)
    #expect(growth < 64, "\(size): \(times[0]) s, \(16 * size): \(times[1]) s", sourceLocation: sourceLocation)
}

private func processorTime(of work: () throws -> Void) rethrows -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    try work()
    return now() - start
}
