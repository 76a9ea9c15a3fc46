import ArgumentParser
import Foundation
import SafeFiles
import SegmentAnything
import Tensors

struct Bench: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seconds and memory of each stage, on a seeded random image of the model's size.",
        discussion: """
            Example: swift-sam bench --model sam_vit_b.safetensors --runs 5 --json

            The share of the bound compares with OpenBLAS's own large product on as many threads, measured in the same \
            run (twice that in bfloat16).
            """)

    @OptionGroup var options: ModelOptions

    @Option(parsing: .unconditional, help: "How often each stage runs.")
    var runs = 3

    @Option(help: ArgumentHelp("Write the image's embedding as safetensors.", valueName: "file"))
    var saveEmbedding: String?

    @Flag(help: "Time single layers instead, with the model's real shapes.")
    var layers = false

    @Flag(
        help: "Time everything instead: 1,024 points on the image's embedding, of whose masks 100%, 30% and 5% survive."
    )
    var everything = false

    @Flag(help: "Print as JSON.")
    var json = false

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard !everything || !(layers || saveEmbedding != nil) else {
            throw ValidationError("--everything goes without --layers and --save-embedding.")
        }
        guard !layers || saveEmbedding == nil else {
            throw ValidationError("--layers encodes no image: leave --save-embedding out.")
        }
        try requireEnding(".safetensors", "--save-embedding", saveEmbedding)
        if runs < 1 { throw ValidationError("--runs must be at least 1, not \(runs).") }
    }

    func run() throws {
        try requireOutputs([saveEmbedding].compactMap { $0 }, besides: options.reads())
        let (sam, load) = try timed { try options.open() }
        if layers { return try benchLayers(of: sam) }
        if everything { return try benchEverything(of: sam) }
        let progress = Progress("bench: runs", total: runs)
        let (report, encoded) = try sam.benchmark(runs: runs, load: load, progress: progress.update)
        if let saveEmbedding { try encoded.write(to: saveEmbedding) }
        if json {
            try printJSON(report)
        } else {
            report.printTable()
            let rate = blasRate() * (sam.precision == .bfloat16 ? 2 : 1)
            let (flop, best) = (
                sam.configuration.image.flop(outputs: sam.configuration.decoder.width), report.seconds.encode.min() ?? 0
            )
            // Of a small model thousandths of a TFLOP.
            let (unit, divisor) = flop < 1e11 ? ("GFLOP", 1e9) : ("TFLOP", 1e12)
            print(
                String(
                    format: "encode: %.2f \(unit) at %.0f GFLOP/s, %.0f%% of the bound of %.2f s (%.0f GFLOP/s)",
                    flop / divisor,
                    flop / best / 1e9, 100 * flop / rate / best, flop / rate, rate / 1e9))
        }
    }

    private func benchEverything(of sam: Sam) throws {
        let shares = [1, 0.3, 0.05]
        let progress = Progress("bench: everything", total: runs * shares.count)
        let report = try sam.benchmarkEverything(runs: runs, shares: shares, progress: progress.update)
        if json { return try printJSON(report) }
        print(
            "\(report.model), \(report.precision.rawValue), \(report.threads) threads, \(report.cpu), \(report.kernels)"
        )
        printTable(
            [["survive", "masks", "best (s)", "median (s)", "memory (MB)"]]
                + report.rows.map { row in
                    let (best, median) = bestAndMedian(row.seconds)
                    return [
                        String(format: "%.0f%%", 100 * row.survivors), "\(row.masks)",
                        String(format: "%.2f", best), String(format: "%.2f", median),
                        String(format: "%.0f", Double(row.memoryBytes) / 1e6),
                    ]
                })
    }

    /// The best of the runs of each layer, after one to warm up.
    private func benchLayers(of sam: Sam) throws {
        let layers = sam.layerBenchmarks()
        let progress = Progress("bench: layers", total: layers.count)
        let report = sam.benchmark(layers, runs: runs, progress: progress.update)
        if json { return try printJSON(report) }
        print("\(report.precision.rawValue), \(report.threads) threads, \(report.cpu), \(report.kernels)")
        print("    ms  GFLOP/s  of bound  layer")
        for timing in report.layers {
            print(
                String(
                    format: "%6.1f  %7.0f  %7.0f%%  ", 1e3 * timing.seconds, timing.flop / timing.seconds / 1e9,
                    100 * timing.share) + "\(timing.name), \(timing.sizes)")
        }
    }
}

/// The least, and the middle one or the mean of the two in the middle.
///
/// - Precondition: there is one.
private func bestAndMedian(_ seconds: [Double]) -> (best: Double, median: Double) {
    let sorted = seconds.sorted()
    return (sorted[0], (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2)
}

extension BenchmarkReport {
    fileprivate func printTable() {
        print("\(model), \(precision.rawValue), \(threads) threads, \(cpu), \(kernels)")
        print("stage       best (s)  median (s)  all runs (s)")
        for (stage, runs) in [
            ("load", [seconds.load]), ("encode", seconds.encode), ("1 box", seconds.prompt),
            ("32 boxes", seconds.prompts32),
        ] {
            let (best, median) = bestAndMedian(runs)
            let all = runs.map { String(format: "%.3f", $0) }.joined(separator: " ")
            print(
                leftAligned(stage, 10)
                    + String(format: "%10.3f  %10.3f  ", best, median) + all)
        }
        print(String(format: "peak memory %.2f GiB", Double(peakMemoryBytes) / Double(1 << 30)))
    }
}
