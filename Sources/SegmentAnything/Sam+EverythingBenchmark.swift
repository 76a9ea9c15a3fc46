import ImageFrames
import SafeFiles
import Tensors

/// Seconds of everything-mode on an embedding, by how many masks survive the predicted IoU.
/// `bench --everything --json` prints it.
public struct EverythingReport: Encodable, Sendable {
    public struct Row: Encodable, Sendable {
        /// The share of masks whose predicted IoU is above the threshold.
        public let survivors: Double
        /// What is left of them without duplicates.
        public internal(set) var masks = 0
        /// Of each run.
        public internal(set) var seconds: [Double] = []
        /// The most memory that the process held more than before, with model and embedding, in bytes.
        public internal(set) var memoryBytes = 0

        enum CodingKeys: String, CodingKey {
            case survivors, masks, seconds
            case memoryBytes = "memory_bytes"
        }
    }

    public let model: String
    public let precision: Precision
    public let threads: Int
    public let cpu: String
    public let kernels: String
    public let points: Int
    public internal(set) var rows: [Row] = []
}

extension Sam {
    /// Times ``everything(on:_:progress:)`` on a seeded random image of the model's size, with the official grid of 32 × 32
    /// points.
    ///
    /// What it takes depends on how many masks the predicted IoU rejects, which are never upscaled; so the threshold is put
    /// where a given share of them is above, as a shift of the IoU head's bias would. No mask is rejected for its stability:
    /// all that survive are upscaled whole, become runs, and are compared for duplicates.
    ///
    /// - Parameters:
    ///   - runs: of each share, in turn.
    ///   - shares: of masks that survive.
    ///   - progress: called after each run with the number of runs done.
    /// - Throws: ``FileError`` `badData` where the weights give an embedding that is not finite.
    public func benchmarkEverything(
        runs: Int, shares: [Double], progress: (_ done: Int) -> Void = { _ in }
    ) throws -> EverythingReport {
        precondition(runs > 0, "no runs")
        let encoded = try encode(benchmarkImage, name: "random image")
        var options = EverythingOptions()
        options.stability = 0
        var scores: [Float] = []
        _ = try everything(
            on: encoded, options,
            where: { score in
                scores.append(score)
                return false
            })
        scores.sort(by: >)
        var report = EverythingReport(
            model: "\(configuration.variant) (\(path))", precision: precision, threads: Threads.count,
            cpu: Machine.processor, kernels: Machine.kernels, points: options.pointsPerSide * options.pointsPerSide)
        report.rows = shares.map { .init(survivors: $0) }
        for run in 0..<runs {
            for (place, share) in shares.enumerated() {
                let count = Int((share * Double(scores.count)).rounded())
                let least = count < scores.count ? scores[count] : -.infinity
                let (before, start) = (Machine.restartPeakMemory(), ContinuousClock.now)
                let masks = try everything(on: encoded, options, where: { $0 > least })
                report.rows[place].seconds.append((ContinuousClock.now - start) / .seconds(1))
                report.rows[place].memoryBytes = max(
                    report.rows[place].memoryBytes, Machine.peakMemory - before)
                report.rows[place].masks = masks.count
                progress(run * shares.count + place + 1)
            }
        }
        return report
    }
}
