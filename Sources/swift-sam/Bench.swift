import ArgumentParser
import Checkpoints
import Files
import Foundation
import Frames
import SegmentAnything
import Tensors

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seconds and memory of each stage, on a seeded random image of the model's size.",
        discussion: "Example: swift-sam bench --model sam_vit_b.safetensors --runs 5 --json")

    @OptionGroup var options: ModelOptions

    @Option(help: "How often each stage runs.")
    var runs = 3

    @Option(help: ArgumentHelp("Write the image's embedding as safetensors.", valueName: "file"))
    var saveEmbedding: String?

    @Flag(help: "Print as JSON.")
    var json = false

    mutating func validate() throws {
        if runs < 1 { throw ValidationError("--runs must be at least 1, not \(runs).") }
    }

    func run() throws {
        if let saveEmbedding { try requireWritable(saveEmbedding) }
        let (sam, load) = try timed { try options.open() }
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
            model: "\(sam.configuration.variant) (\(sam.path))", threads: Threads.count, cpu: processorName(),
            kernels: "OpenBLAS \(blasCore())", seconds: .init(load: load))
        let progress = Progress("bench: runs", total: runs, isQuiet: options.quiet)
        for run in 1...runs {
            let (encoded, encode) = try timed { try sam.encode(image, name: "random image") }
            report.seconds.encode.append(encode)
            report.seconds.prompt.append(try timed { try sam.masks([boxes[0]], on: encoded) }.seconds)
            report.seconds.prompts32.append(try timed { try sam.masks(boxes, on: encoded) }.seconds)
            progress.update(run)
            if let saveEmbedding, run == runs {
                try writeSafetensors(saveEmbedding, names: ["image_encoder"]) { _ in
                    .tensor(encoded.embedding.permuted(2, 0, 1), .float32)
                }
            }
        }
        report.peakMemoryBytes = peakMemory()
        if json {
            try printJSON(report)
        } else {
            report.printTable()
        }
    }
}

extension Sam {
    /// All masks at the image's size, as the official predictor has them when it returns.
    fileprivate func masks(_ prompts: [Prompt], on image: EncodedImage) throws(FileError) -> [Mask] {
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
    var precision = "float32"
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
        print("\(model), \(precision), \(threads) threads, \(cpu), \(kernels)")
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
