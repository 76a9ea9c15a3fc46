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

    /// An activation of tokens, its principal components as colours.
    struct Colours: Encodable {
        let name: String
        let title: String
        /// `[rows, columns, 3]` of the patches of the picture.
        let colours: Data
        let shares: [Double]
    }

    struct Seconds: Encodable {
        let stage: String
        let seconds: Double
    }

    let model: Model
    private(set) var picture: Picture
    /// Patches along a side; of them, those that the picture has.
    let grid: Int
    let rows: Int
    let columns: Int
    /// Where the reader starts.
    let patch: Patch
    /// The patches whose attention the page holds; empty where it holds all.
    let patches: [Patch]
    private(set) var colours: [Colours] = []
    private(set) var blocks: [BlockView] = []
    private(set) var prompts: [PromptView] = []
    private(set) var ablations: [AblationView] = []
    private(set) var seconds: [Seconds] = []

    /// Runs a model on a picture twice: once as fast as it can, for the seconds, and once with a recorder.
    ///
    /// - Parameters:
    ///   - name: what the picture is called.
    ///   - prompts: each is shown by itself.
    ///   - queries: places of the picture whose attention is wanted, beside the prompts' and an 8×8 grid of patches, where the
    ///     model is too large for the attention from all.
    ///   - ablations: what is run again without.
    ///   - keyLimit: how many numbers the queries and keys of all blocks may be for the page to hold them.
    /// - Throws: ``FileError`` as `Sam.encode`, `Sam.predict` and ``Ablation``.
    public init(
        _ sam: Sam, _ image: RGBImage, name: String, scaling: Scaling = .longestSide, _ prompts: [Prompt],
        queries: [PixelPoint] = [], without ablations: [Ablation] = [], version: String, keyLimit: Int = 3 << 20,
        progress: (_ stage: String) -> Void = { _ in }
    ) throws {
        progress("seconds")
        var clock = Stopwatch()
        let encoded = try sam.encode(image, name: name, scaling: scaling, recorder: nil) { done, _ in
            clock.lap(done == 1 ? "resize, patches and block 0" : "block \(done - 1)")
        }
        clock.lap("neck")
        let answers = try sam.predict(prompts, on: encoded)
        clock.lap(prompts.count == 1 ? "prompt and decoder" : "\(prompts.count) prompts and decoder")
        for mask in answers.joined() { _ = mask.thresholded() }
        clock.lap("masks at the picture's size")
        seconds = clock.laps

        let (scaled, side) = (encoded.scaledSize, sam.configuration.imageSize)
        grid = sam.configuration.grid
        let size = side / grid
        (rows, columns) = ((scaled.height + size - 1) / size, (scaled.width + size - 1) / size)
        let area = PatchArea(rows: rows, columns: columns, encoded)
        patch = area.patch(at: queries.first ?? prompts.first?.middle ?? area.middle)
        let encoder =
            switch sam.configuration.image {
            case .vit(let vit): vit
            }
        let holdsAll = 2 * encoder.depth * grid * grid * encoder.width <= keyLimit
        let chosen = area.patches + queries.map(area.patch) + prompts.compactMap(\.middle).map(area.patch)
        patches = holdsAll ? [] : Array(Set(chosen)).sorted { ($0.row, $0.column) < ($1.row, $1.column) }
        model = Model(
            name: sam.file.checkpoint.metadata["name"].map { printable($0, limit: 80) }
                ?? printable(URL(filePath: sam.path).lastPathComponent),
            variant: sam.configuration.variant, description: encoder.description, parameters: sam.file.parameterCount,
            precision: sam.precision, version: version, patchSize: size)
        picture = Picture(
            name: printable(URL(filePath: name).lastPathComponent), original: image.size, scaled: scaled, side: side,
            shown: scaled, pixels: Data(), mean: Configuration.pixelMean, deviation: Configuration.pixelDeviation)
        try recordEncoder(sam, image, name: name, scaling: scaling, area, progress: progress)
        for (number, (prompt, masks)) in zip(prompts, answers).enumerated() {
            progress("prompt \(number + 1)")
            self.prompts.append(try PromptView(sam, encoded, prompt, masks, number: number + 1, area: area))
        }
        for ablation in ablations {
            progress("without \(ablation.part)")
            let pairs = try ablation.run(sam, image, encoded, scaling: scaling, prompts, answers)
            self.ablations.append(AblationView(ablation.part, pairs))
        }
    }

    /// Runs the encoder again and keeps what the page shows of it, a block at a time.
    private mutating func recordEncoder(
        _ sam: Sam, _ image: RGBImage, name: String, scaling: Scaling, _ area: PatchArea,
        progress: (_ stage: String) -> Void
    ) throws {
        var (shown, colours, blocks) = (Optional<(PixelSize, Data)>.none, [Colours](), [BlockView]())
        var queries: Tensor?
        let patches = patches
        let recorder = Recorder(parts: true) { name, activation in
            if name == "input.scaled" { shown = shrunkPicture(activation()) }
            if let title = Self.title(of: name) {
                let tokens = area.tokens(
                    activation(), isChannelsFirst: !name.contains("_embed") && !name.contains("block"))
                let components = PrincipalComponents(of: tokens)
                colours.append(
                    Colours(
                        name: name, title: title, colours: Data(components.colours), shares: components.shares))
            }
            if name.hasSuffix(".attn.q") { queries = activation() }
            if name.hasSuffix(".attn.k"), let asked = queries {
                let attention = EncoderAttention(
                    block: blocks.count, queries: asked, keys: activation(), of: sam.file)
                blocks.append(BlockView(attention, from: patches))
                queries = nil
            }
        }
        _ = try sam.encode(image, name: name, scaling: scaling, recorder: recorder) { done, total in
            progress("block \(done) of \(total)")
        }
        (self.colours, self.blocks) = (colours, blocks)
        if let shown {
            picture = Picture(
                name: picture.name, original: picture.original, scaled: picture.scaled, side: picture.side,
                shown: shown.0, pixels: shown.1, mean: picture.mean, deviation: picture.deviation)
        }
    }

    /// What an activation whose tokens are shown as colours is called; nil where they are not.
    private static func title(of name: String) -> String? {
        switch name {
        case "image_encoder.patch_embed": "patches"
        case "image_encoder.pos_embed": "with positions"
        case "image_encoder.neck.0": "neck, 1×1"
        case "image_encoder": "embedding"
        default: name.wholeMatch(of: /image_encoder\.blocks\.(\d+)/).map { "block \($0.1)" }
        }
    }
}

extension Prompt {
    /// A place inside of it: the box's centre, or the first point of the object.
    fileprivate var middle: PixelPoint? {
        box.map { PixelPoint(x: ($0.x0 + $0.x1) / 2, y: ($0.y0 + $0.y1) / 2) }
            ?? (points.first { $0.isForeground } ?? points.first)?.position
    }
}

/// The patches that a picture has, at the top left of the grid.
struct PatchArea {
    let rows: Int
    let columns: Int
    private let size: PixelSize

    init(rows: Int, columns: Int, _ image: EncodedImage) {
        (self.rows, self.columns, size) = (rows, columns, image.size)
    }

    var middle: PixelPoint { PixelPoint(x: Double(size.width) / 2, y: Double(size.height) / 2) }

    /// Eight by eight of them, evenly spread.
    var patches: [Patch] {
        (0..<64).map { Patch(row: (2 * ($0 / 8) + 1) * rows / 16, column: (2 * ($0 % 8) + 1) * columns / 16) }
    }

    /// The patch at a place of the picture, or the nearest one.
    func patch(at point: PixelPoint) -> Patch {
        func place(_ part: Double, _ count: Int) -> Int { min(max(Int(part * Double(count)), 0), count - 1) }
        return Patch(
            row: place(point.y / Double(size.height), rows), column: place(point.x / Double(size.width), columns))
    }

    /// The tokens of the picture, `[rows · columns, channels]`, of `[1, grid, grid, channels]` or of
    /// `[1, channels, grid, grid]`.
    func tokens(_ x: Tensor, isChannelsFirst: Bool) -> Tensor {
        let x = x.selecting(axis: 0, 0)
        let last = isChannelsFirst ? x.permuted(1, 2, 0) : x
        return last.sliced(axis: 0, 0..<rows).sliced(axis: 1, 0..<columns).reshaped([rows * columns, last.shape[2]])
    }
}

/// A scaled picture `[height, width, 3]`, or where it is large the mean of so many pixels that it has 512 at most.
private func shrunkPicture(_ picture: Tensor) -> (PixelSize, Data) {
    let (height, width, values) = (picture.shape[0], picture.shape[1], picture.values)
    let step = (max(height, width) + 511) / 512
    let size = PixelSize(width: max(width / step, 1), height: max(height / step, 1))
    var pixels = Data(capacity: 3 * size.area)
    for y in 0..<size.height {
        for x in 0..<size.width {
            for channel in 0..<3 {
                var sum: Float = 0
                for part in 0..<step * step {
                    let (row, column) = (
                        min(y * step + part / step, height - 1), min(x * step + part % step, width - 1)
                    )
                    sum += values[(row * width + column) * 3 + channel]
                }
                pixels.append(UInt8(min(max((sum / Float(step * step)).rounded(), 0), 255)))
            }
        }
    }
    return (size, pixels)
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
