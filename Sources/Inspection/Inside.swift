import Foundation
import ImageFrames
import SafeFiles
import SegmentAnything
import Tensors

/// What happens inside of a model on one picture, from pixels to masks: the data of one page; see ``html``.
public struct Inside: Encodable, Sendable {
    struct Model: Encodable {
        let name: String
        let variant: String
        let description: String
        let parameters: Int
        let precision: Precision
        let version: String
        let patchSize: Int
    }

    struct Picture: Encodable {
        let name: String
        /// As opened, and scaled for the model; then the side of the model's square.
        let original: PixelSize
        let scaled: PixelSize
        let side: Int
        /// What is shown: the scaled picture, or that with several pixels in one, `[height, width, 3]`.
        let shown: PixelSize
        let pixels: Data
        let mean: [Float]
        let deviation: [Float]
    }

    struct Seconds: Encodable {
        let stage: String
        let seconds: Double
    }

    let model: Model
    let picture: Picture
    /// Patches along a side; of them, those that the picture has.
    let grid: Int
    let rows: Int
    let columns: Int
    /// Where the reader starts.
    let patch: Patch
    /// The patches whose attention the page holds; empty where it holds all.
    let patches: [Patch]
    let colours: [EncoderView.Colours]
    let blocks: [BlockView]
    let prompts: [PromptView]
    let ablations: [AblationView]
    let seconds: [Seconds]

    /// Runs a model on a picture twice: once as fast as it can, for the seconds, and once with a recorder.
    ///
    /// - Parameters:
    ///   - name: what the picture is called.
    ///   - scaling: how the picture is scaled for the model: SAM's way, or MedSAM's.
    ///   - multimask: whether the best of masks 1…3 is chosen, or mask 0, as by MedSAM's inference.
    ///   - prompts: each is shown by itself.
    ///   - queries: places of the picture whose attention is wanted, beside the prompts' and an 8×8 grid of patches, where the
    ///     model is too large for the attention from all.
    ///   - ablations: what is run again without.
    ///   - version: the caller's, which the page names.
    ///   - keyLimit: how many numbers the queries and keys of all blocks may be for the page to hold them.
    ///   - progress: called with the name of each stage that begins.
    /// - Throws: ``FileError`` as `Sam.encode`, `Sam.predict` and ``Ablation``.
    public init(
        _ sam: Sam, _ image: RGBImage, name: String, scaling: Scaling = .longestSide, multimask: Bool = true,
        _ prompts: [Prompt], queries: [PixelPoint] = [], without ablations: [Ablation] = [], version: String,
        keyLimit: Int = 3 << 20, progress: (_ stage: String) -> Void = { _ in }
    ) throws {
        progress("seconds")
        var clock = Stopwatch()
        let encoded = try sam.encode(image, name: name, scaling: scaling, recorder: nil) { done, _ in
            clock.lap(done == 1 ? "resize, patches and block 0" : "block \(done - 1)")
        }
        clock.lap("neck")
        let answers = try sam.predict(prompts, on: encoded, multimask: multimask)
        clock.lap(prompts.count == 1 ? "prompt and decoder" : "\(prompts.count) prompts and decoder")
        for mask in answers.joined() { _ = mask.thresholded() }
        clock.lap("masks at the picture's size")
        seconds = clock.laps

        let (side, area) = (sam.configuration.imageSize, PatchArea(encoded))
        (grid, rows, columns) = (sam.configuration.grid, area.rows, area.columns)
        let start = queries.first ?? prompts.lazy.compactMap(\.middle).first
        patch = start.map(area.patch) ?? Patch(row: rows / 2, column: columns / 2)
        let encoder =
            switch sam.configuration.image {
            case .vit(let vit): vit
            }
        let holdsAll = 2 * encoder.depth * grid * grid * encoder.width <= keyLimit
        let chosen = [patch] + area.patches + (queries + prompts.compactMap(\.middle)).map(area.patch)
        patches = holdsAll ? [] : Array(Set(chosen)).sorted { ($0.row, $0.column) < ($1.row, $1.column) }
        model = Model(
            name: sam.file.checkpoint.metadata["name"].map { printable($0, limit: 80) }
                ?? printable(URL(filePath: sam.path).lastPathComponent),
            variant: sam.configuration.variant, description: encoder.description, parameters: sam.file.parameterCount,
            precision: sam.precision, version: version, patchSize: side / grid)
        let view = try EncoderView(
            sam, image, name: name, scaling: scaling, area, attentionFrom: patches, progress: progress)
        (colours, blocks) = (view.colours, view.blocks)
        picture = Picture(
            name: printable(URL(filePath: name).lastPathComponent), original: image.size, scaled: encoded.scaledSize,
            side: side, shown: view.shown, pixels: view.pixels, mean: Configuration.pixelMean,
            deviation: Configuration.pixelDeviation)
        self.prompts = try zip(prompts, answers).enumerated().map { number, asked in
            progress("prompt \(number + 1)")
            return try PromptView(
                sam, encoded, asked.0, asked.1, multimask: multimask, number: number + 1, area: area)
        }
        self.ablations = try ablations.map { ablation in
            progress("without \(ablation.part)")
            let pairs = try ablation.run(
                sam, image, encoded, scaling: scaling, prompts, answers, multimask: multimask)
            return AblationView(ablation.part, pairs)
        }
    }
}

/// Seconds from one lap to the next.
private struct Stopwatch {
    private(set) var laps: [Inside.Seconds] = []
    private var start = ContinuousClock.now

    mutating func lap(_ stage: String) {
        let now = ContinuousClock.now
        laps.append(.init(stage: stage, seconds: (now - start) / .seconds(1)))
        start = now
    }
}
