import ArgumentParser
import Foundation
import ImageFrames
import SafeFiles
import SegmentAnything
import Tensors

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seconds and memory of each stage, on a seeded random image of the model's size.",
        discussion: """
            Example: swift-sam bench --model sam_vit_b.safetensors --runs 5 --json

            The share of the bound compares with OpenBLAS's own large product on as many threads, measured in the same
            run (twice that in bfloat16).
            """)

    @OptionGroup var options: ModelOptions

    @Option(help: "How often each stage runs.")
    var runs = 3

    @Option(help: ArgumentHelp("Write the image's embedding as safetensors.", valueName: "file"))
    var saveEmbedding: String?

    @Flag(help: "Time single layers instead, with the model's real shapes.")
    var layers = false

    @Flag(help: "Print as JSON.")
    var json = false

    mutating func validate() throws {
        if runs < 1 { throw ValidationError("--runs must be at least 1, not \(runs).") }
    }

    func run() throws {
        try requireOutputs([saveEmbedding].compactMap { $0 }, besides: options.reads())
        let (sam, load) = try timed { try options.open() }
        if layers { return try benchLayers(of: sam) }
        let side = sam.configuration.imageSize
        var generator = SplitMix64(state: 1)
        let image = RGBImage(
            size: PixelSize(width: side, height: side),
            pixels: (0..<3 * side * side).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 56) })
        let boxes = (0..<32).map { index in
            let start = Double(index * side) / 64
            return Prompt(
                box: PixelBox(x0: start, y0: start, x1: start + Double(side) / 2, y1: start + Double(side) / 3))
        }

        var report = Report(
            model: "\(sam.configuration.variant) (\(sam.path))", precision: sam.precision, threads: Threads.count,
            cpu: processorName(), kernels: kernelNames(), seconds: .init(load: load))
        let progress = Progress("bench: runs", total: runs, isQuiet: options.quiet)
        for run in 1...runs {
            let (encoded, encode) = try timed { try sam.encode(image, name: "random image") }
            report.seconds.encode.append(encode)
            report.seconds.prompt.append(try timed { try sam.masks([boxes[0]], on: encoded) }.seconds)
            report.seconds.prompts32.append(try timed { try sam.masks(boxes, on: encoded) }.seconds)
            progress.update(run)
            if let saveEmbedding, run == runs {
                try encoded.write(to: saveEmbedding)
            }
        }
        report.peakMemoryBytes = peakMemory()
        if json {
            try printJSON(report)
        } else {
            report.printTable()
            let rate = blasRate() * (sam.precision == .bfloat16 ? 2 : 1)
            let (flop, best) = (
                sam.configuration.image.flop(outputs: sam.configuration.decoder.width), report.seconds.encode.min() ?? 0
            )
            print(
                String(
                    format: "encode: %.2f TFLOP at %.0f GFLOP/s, %.0f%% of the bound of %.2f s (%.0f GFLOP/s)",
                    flop / 1e12,
                    flop / best / 1e9, 100 * flop / rate / best, flop / rate, rate / 1e9))
        }
    }

    /// The best of the runs of each layer, after one to warm up.
    private func benchLayers(of sam: Sam) throws {
        let rate = blasRate()
        var timings: [LayerTiming] = []
        let layers = sam.layerBenchmarks()
        let progress = Progress("bench: layers", total: layers.count, isQuiet: options.quiet)
        for layer in layers {
            layer.run()
            let best = (0..<runs).map { _ in timed { layer.run() }.seconds }.min() ?? 0
            let bound = rate * (sam.precision == .bfloat16 && layer.followsPrecision ? 2 : 1)
            timings.append(
                .init(
                    name: layer.name, sizes: layer.sizes, seconds: best, flop: layer.flop,
                    share: layer.flop / best / bound))
            progress.update(timings.count)
        }
        if json { return try printJSON(timings) }
        print("\(sam.precision.rawValue), \(Threads.count) threads, \(processorName()), \(kernelNames())")
        print("    ms  GFLOP/s  of bound  layer")
        for timing in timings {
            print(
                String(
                    format: "%6.1f  %7.0f  %7.0f%%  ", 1e3 * timing.seconds, timing.flop / timing.seconds / 1e9,
                    100 * timing.share) + "\(timing.name), \(timing.sizes)")
        }
    }
}

/// What `bench --layers` prints of one.
private struct LayerTiming: Encodable {
    var name: String
    var sizes: String
    var seconds: Double
    var flop: Double
    /// Of the rate of OpenBLAS's own product.
    var share: Double
}

/// The instruction set of our own kernels, and OpenBLAS's.
private func kernelNames() -> String {
    "\(InstructionSet.current.rawValue), OpenBLAS \(blasCore())"
}

extension Sam {
    /// All masks at the image's size, as the official predictor has them when it returns.
    fileprivate func masks(_ prompts: [Prompt], on image: EncodedImage) throws -> [Mask] {
        try predict(prompts, on: image).flatMap { $0.map(\.mask) }
    }
}

/// What `bench` prints.
private struct Report: Encodable {
    struct Seconds: Encodable {
        var load: Double
        var encode: [Double] = []
        var prompt: [Double] = []
        var prompts32: [Double] = []
    }
    var model: String
    var precision: Precision
    var threads: Int
    var cpu: String
    var kernels: String
    var seconds: Seconds
    var peakMemoryBytes = 0

    enum CodingKeys: String, CodingKey {
        case model, precision, threads, cpu, kernels, seconds
        case peakMemoryBytes = "peak_memory_bytes"
    }

    func printTable() {
        print("\(model), \(precision.rawValue), \(threads) threads, \(cpu), \(kernels)")
        print("stage       best (s)  median (s)  all runs (s)")
        for (stage, runs) in [
            ("load", [seconds.load]), ("encode", seconds.encode), ("1 box", seconds.prompt),
            ("32 boxes", seconds.prompts32),
        ] {
            let (sorted, all) = (runs.sorted(), runs.map { String(format: "%.3f", $0) }.joined(separator: " "))
            let median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
            print(
                stage.padding(toLength: 10, withPad: " ", startingAt: 0)
                    + String(format: "%10.3f  %10.3f  ", sorted[0], median) + all)
        }
        print(String(format: "peak memory %.2f GiB", Double(peakMemoryBytes) / Double(1 << 30)))
    }
}

/// A small generator of random bits, the same on every machine (Steele et al. 2014).
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}

/// The processor as the system names it.
private func processorName() -> String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown CPU"
}
