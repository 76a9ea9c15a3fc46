import Foundation
import ImageFrames
import Imaging
import PictureFiles
import SafeFiles
import SegmentAnything
import Tensors

/// Predictions on one picture after another with one model.
public struct PictureRun: Sendable {
    let sam: Sam
    let outputs: PictureOutputs
    private var folder: MaskFolder?

    public var recipe = Recipe.sam
    /// How the samples of pictures are read.
    public var samples = SampleRange.declared
    public var cache: EmbeddingCache?
    /// Whether the model's one mask is predicted instead of three to choose from.
    public var isSingleMask = false
    /// Masks are where logits are above it.
    public var threshold: Float = 0
    /// The mask input of each prompt, of one picture.
    public var masks: [Tensor]?

    public init(_ sam: Sam, to outputs: PictureOutputs) {
        (self.sam, self.outputs) = (sam, outputs)
        if outputs.isSeveral, outputs.format != .png {
            folder = outputs.masks.map { MaskFolder($0, outputs.format) }
        }
    }

    /// Predicts on a picture, and writes what is wanted of it.
    ///
    /// - Parameter warn: receives what the person should know, as soon as it is known.
    /// - Returns: the report, without the time that opening the model took.
    /// - Throws: ``FileError`` as of reading the picture or the embedding, of encoding, predicting and writing; `badData` for
    ///   prompts outside the picture.
    public mutating func callAsFunction(
        _ request: PictureRequest, warn: ([Warning]) -> Void
    ) throws -> PredictionReport {
        let (name, prompts) = (request.name, request.prompts)
        let opened = try open(request, warn)
        let asked = try prompts.prompts(on: opened.size, name: name, masks: masks)
        warn(prompts.warnings(on: opened.size, name: name))
        var report = PredictionReport(picture: name, image: opened.size)
        let encoded = try timed(&report.seconds.encode) {
            switch opened {
            case .picture(let image): try sam.encode(image, name: name, scaling: recipe.scaling, cache: cache)
            case .encoded(let image): image
            }
        }
        warn(cache?.takeWarnings() ?? [])
        let answers = try timed(&report.seconds.decode) {
            try sam.predict(asked, on: encoded, multimask: !isSingleMask)
        }
        let outputs = outputs.ofPicture(name)
        let drawn = try write(asked, answers, to: outputs, &report)
        if let preview = outputs.preview, case .picture(let image) = opened {
            try writePNG(preview, image.drawing(drawn))
        }
        if let logits = outputs.logits { try writeLogits(logits, answers.compactMap(\.best)) }
        warn(sam.warnings(aboutScores: answers.compactMap { $0.best?.score }, of: name))
        warn(
            report.emptyMasks.map {
                Warning(file: name, "the mask of prompt \($0) is empty: no logit is above \(threshold)")
            })
        report.peakMemoryBytes = Machine.peakMemory
        return report
    }

    /// Writes what is one file for all pictures.
    ///
    /// - Throws: ``FileError`` `cannotCreate`, `inputOutput`.
    public func finish() throws { try folder?.finish() }

    private enum Opened {
        case picture(RGBImage)
        case encoded(EncodedImage)

        var size: PixelSize {
            switch self {
            case .picture(let image): image.size
            case .encoded(let image): image.size
            }
        }
    }

    private func open(_ request: PictureRequest, _ warn: ([Warning]) -> Void) throws(FileError) -> Opened {
        switch request.source {
        case .embedding(let path):
            return .encoded(try EncodedImage(contentsOf: path, scaling: recipe.scaling, for: sam))
        case .picture(let path):
            let (image, warnings) =
                try path == "-"
                ? readImage([UInt8](readStandardInput(limit: .picture)), name: request.name, samples: samples)
                : readImage(path, samples: samples)
            warn(warnings)
            return .picture(image)
        }
    }

    /// Writes the masks, adds them to the report, and gives those to draw.
    private mutating func write(
        _ prompts: [Prompt], _ answers: [[PredictedMask]], to outputs: PictureOutputs, _ report: inout PredictionReport
    ) throws -> [DrawnMask] {
        var (records, drawn): ([MaskRecord], [DrawnMask]) = ([], [])
        for (number, (prompt, masks)) in zip(prompts, answers).enumerated() {
            let best = masks.best?.index
            var answer = PredictionReport.Answer(prompt)
            for mask in masks {
                let (pixels, stability) = timed(&report.seconds.decode) { mask.thresholded(at: threshold) }
                let isChosen = mask.index == best
                var file: String?
                if isChosen || outputs.allMasks, outputs.format == .png {
                    file = outputs.picture(prompt: number + 1, of: prompts.count, mask: mask.index)
                    if let file { try write(try encodedPNG(file, pixels), to: file) }
                } else if isChosen || outputs.allMasks {
                    file = outputs.masks
                    records.append(
                        MaskRecord(mask, pixels, stability: stability, points: prompt.points.map(\.position)))
                }
                answer.masks.append(.init(mask, pixels, stability: stability, chosen: isChosen, file: file))
                if isChosen, outputs.preview != nil { drawn.append(DrawnMask(pixels, of: prompt)) }
            }
            report.prompts.append(answer)
        }
        if let path = outputs.masks, outputs.format != .png {
            try write(records, of: report.picture, size: report.image, to: path)
        }
        return drawn
    }

    private mutating func write(_ masks: [MaskRecord], of picture: String, size: PixelSize, to path: String) throws {
        if var folder {
            defer { self.folder = folder }
            return try folder.write(masks, of: picture, size: size)
        }
        let image = URL(filePath: picture).lastPathComponent
        try write(try outputs.format.contents(masks, image: image, size: size, path: path), to: path)
    }

    private func write(_ contents: Data, to path: String) throws {
        try path == "-" ? writeStandardOutput(contents) : writeAtomically(path, contents)
    }
}

extension PredictionReport {
    /// The prompts, from 1, whose best mask has no pixel.
    fileprivate var emptyMasks: [Int] {
        prompts.indices.filter { prompts[$0].masks.contains { $0.chosen && $0.area == 0 } }.map { $0 + 1 }
    }
}

/// Runs `body`, and adds the seconds that it took.
private func timed<Result>(_ seconds: inout Double, _ body: () throws -> Result) rethrows -> Result {
    let start = ContinuousClock.now
    defer { seconds += (ContinuousClock.now - start) / .seconds(1) }
    return try body()
}

extension DrawnMask {
    fileprivate init(_ mask: Mask, of prompt: Prompt) {
        self.init(mask: mask, box: prompt.box, points: prompt.points.map { ($0.position, $0.isForeground) })
    }
}
