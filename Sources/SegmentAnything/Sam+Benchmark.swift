import ImageFrames
import SafeFiles
import Tensors

/// Seconds and memory of each stage. `bench --json` prints it.
public struct BenchmarkReport: Encodable, Sendable {
    public struct Seconds: Encodable, Sendable {
        public var load: Double
        /// Of each run.
        public var encode: [Double] = []
        /// One box, of each run.
        public var prompt: [Double] = []
        /// 32 boxes, of each run.
        public var prompts32: [Double] = []
    }

    public let model: String
    public let precision: Precision
    public let threads: Int
    public let cpu: String
    public let kernels: String
    public internal(set) var seconds: Seconds
    public internal(set) var peakMemoryBytes = 0

    enum CodingKeys: String, CodingKey {
        case model, precision, threads, cpu, kernels, seconds
        case peakMemoryBytes = "peak_memory_bytes"
    }
}

/// The times of single layers, and where they were measured. `bench --layers --json` prints it.
public struct LayerReport: Encodable, Sendable {
    public let model: String
    public let precision: Precision
    public let threads: Int
    public let cpu: String
    public let kernels: String
    public let layers: [LayerTiming]
}

/// The best time of a layer, with the model's real shapes.
public struct LayerTiming: Encodable, Sendable {
    public let name: String
    public let sizes: String
    public let seconds: Double
    public let flop: Double
    /// Of the rate of OpenBLAS's own large product, twice that in bfloat16.
    public let share: Double
}

extension Sam {
    /// Times encoding, one box and 32 boxes on a seeded random image of the model's size, masks at the image's size
    /// included, as the official predictor returns them.
    ///
    /// - Parameters:
    ///   - runs: how often each is timed.
    ///   - load: the seconds that opening the model took.
    ///   - progress: called after each run with the number of runs done.
    /// - Returns: the report, and the embedding of the image.
    /// - Throws: ``FileError`` `badData` where the weights give an embedding that is not finite.
    public func benchmark(
        runs: Int, load: Double, progress: (_ done: Int) -> Void = { _ in }
    ) throws -> (report: BenchmarkReport, encoded: EncodedImage) {
        precondition(runs > 0, "no runs")
        let (side, image) = (configuration.imageSize, benchmarkImage)
        let boxes = (0..<32).map { index in
            let start = Double(index * side) / 64
            return Prompt(
                box: PixelBox(x0: start, y0: start, x1: start + Double(side) / 2, y1: start + Double(side) / 3))
        }
        var report = BenchmarkReport(
            model: "\(configuration.variant) (\(path))", precision: precision, threads: Threads.count,
            cpu: Machine.processor, kernels: Machine.kernels, seconds: .init(load: load))
        let clock = ContinuousClock()
        func masks(_ prompts: [Prompt], on encoded: EncodedImage) throws -> Double {
            let start = clock.now
            _ = try predict(prompts, on: encoded).flatMap { $0.map(\.mask) }
            return (clock.now - start) / .seconds(1)
        }
        func run() throws -> EncodedImage {
            let start = clock.now
            let encoded = try encode(image, name: "random image")
            report.seconds.encode.append((clock.now - start) / .seconds(1))
            report.seconds.prompt.append(try masks([boxes[0]], on: encoded))
            report.seconds.prompts32.append(try masks(boxes, on: encoded))
            progress(report.seconds.encode.count)
            return encoded
        }
        var encoded = try run()
        for _ in 1..<runs { encoded = try run() }
        report.peakMemoryBytes = Machine.peakMemory
        return (report, encoded)
    }

    /// Seeded random pixels, of the model's size.
    var benchmarkImage: RGBImage {
        let side = configuration.imageSize
        var generator = SplitMix64(seed: 1)
        return RGBImage(
            size: PixelSize(width: side, height: side),
            pixels: (0..<3 * side * side).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 56) })
    }

    /// Times each of ``layerBenchmarks()``: the best of the runs, after one to warm up.
    package func benchmark(
        _ layers: [LayerBenchmark], runs: Int, progress: (_ done: Int) -> Void = { _ in }
    ) -> LayerReport {
        let (rate, clock) = (blasRate(), ContinuousClock())
        let timings = layers.enumerated().map { index, layer in
            layer.run()
            let best = (0..<runs).map { _ in clock.measure(layer.run) / .seconds(1) }.min() ?? 0
            let bound = rate * (precision == .bfloat16 && layer.followsPrecision ? 2 : 1)
            progress(index + 1)
            return LayerTiming(
                name: layer.name, sizes: layer.sizes, seconds: best, flop: layer.flop, share: layer.flop / best / bound)
        }
        return LayerReport(
            model: "\(configuration.variant) (\(path))", precision: precision, threads: Threads.count,
            cpu: Machine.processor, kernels: Machine.kernels, layers: timings)
    }
}
