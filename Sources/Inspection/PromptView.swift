import Foundation
import ImageFrames
import SegmentAnything
import Tensors

/// What the page holds of one prompt's way through the decoder.
struct PromptView: Encodable {
    struct Token: Encodable {
        let name: String
        /// How much its position is like that of each place, from −1 to 1, `[grid, grid]`; nil for one without position.
        let places: EightBits?
    }

    /// One of the decoder's attentions.
    struct Layer: Encodable {
        let title: String
        /// From tokens to image, `[heads · tokens, cells²]`.
        let toImage: EightBits
        /// From tokens to tokens, `[heads · tokens, tokens]`; none in the final one.
        let toTokens: EightBits?
        /// From the image to tokens, the mean over heads, `[tokens, cells²]`; none in the final one.
        let fromImage: EightBits?
        /// Of each token's attention to the image, what falls inside the prompt: the mean over heads.
        let inside: [Double]
    }

    struct Point: Encodable {
        let position: PixelPoint
        let isForeground: Bool
    }

    struct MaskRow: Encodable {
        let index: Int
        let score: Float
        let stability: Double
        let area: Int
        let chosen: Bool
        /// The hypernetwork's, of each channel.
        let weights: [Float]
        /// The channels that change the logits most, first.
        let order: [Int]
        /// `[4·grid, 4·grid]`.
        let logits: SixteenBits
    }

    let title: String
    let box: PixelBox?
    let points: [Point]
    let tokens: [Token]
    private(set) var layers: [Layer] = []
    /// What "inside the prompt" is: its box, or without one the mask that it chose; and the share of all places there.
    let region: String
    let regionShare: Double
    let heads = DecoderConfiguration.heads
    /// Places along a side of a cell of the attentions: 1, or more of a large model.
    let cell: Int
    /// The up-scaled image, a row a channel, `[channels, side, side]`.
    let channels: EightBits
    let channelSide: Int
    let maskSide: Int
    private(set) var masks: [MaskRow] = []
    /// The image's tokens after the decoder, as colours.
    let imageColours: Data

    /// Runs the decoder again with a recorder, and once more for the masks that were not asked for.
    ///
    /// - Parameters:
    ///   - answer: the masks that the prompt has without a recorder; the best of them is the chosen one.
    ///   - multimask: whether these are masks 1…3, and not mask 0.
    init(
        _ sam: Sam, _ encoded: EncodedImage, _ prompt: Prompt, _ answer: [PredictedMask], multimask: Bool,
        number: Int, area: PatchArea
    ) throws {
        var found: [String: Tensor] = [:]
        let wanted = Self.wanted(sam)
        let recorder = Recorder(parts: true) { name, activation in
            if wanted.contains(name) { found[name] = activation() }
        }
        _ = try sam.predict([prompt], on: encoded, recorder: recorder)
        let others = try sam.predict([prompt], on: encoded, multimask: !multimask)[0]
        func recorded(_ name: String) -> Tensor {
            guard let tensor = found[name] else { preconditionFailure("\(name) was not recorded") }
            return tensor
        }

        title = Self.title(prompt, number: number)
        box = prompt.box
        points = prompt.points.map { Point(position: $0.position, isForeground: $0.isForeground) }
        tokens = Self.tokens(
            prompt, sparse: recorded("prompt_encoder.sparse"), places: recorded("prompt_encoder.pe_layer"), sam.file)
        let region: GridRegion
        if let box = prompt.box {
            (self.region, region) = ("the box", GridRegion(box, of: encoded))
        } else {
            (self.region, region) = ("the chosen mask", GridRegion(answer.best?.mask ?? others[0].mask, of: encoded))
        }
        regionShare = region.share

        let (path, grid) = ("mask_decoder.transformer", encoded.embedding.shape[0])
        let cell = cellSide(grid)
        self.cell = cell
        func cells(_ rows: [[Double]]) -> some Sequence<[Double]> {
            rows.lazy.map { pooled($0, side: grid, by: cell) }
        }
        for layer in 0..<sam.configuration.decoder.depth {
            let name = "\(path).layers.\(layer)"
            let toImage = TokenAttention(weights: recorded("\(name).cross_attn_token_to_image.weights"))
            layers.append(
                Layer(
                    title: "layer \(layer)", toImage: EightBits(shares: cells(toImage.rows)),
                    toTokens: EightBits(shares: TokenAttention(weights: recorded("\(name).self_attn.weights")).rows),
                    fromImage: EightBits(
                        shares: cells(
                            TokenAttention(weights: recorded("\(name).cross_attn_image_to_token.weights")).byKey
                        ).map { $0.map { $0 / Double(cell * cell) } }),
                    inside: toImage.shares(of: region)))
        }
        let final = TokenAttention(weights: recorded("\(path).final_attn_token_to_image.weights"))
        layers.append(
            Layer(
                title: "final", toImage: EightBits(shares: cells(final.rows)), toTokens: nil, fromImage: nil,
                inside: final.shares(of: region)))

        let upscaled = recorded("mask_decoder.output_upscaling")
        maskSide = upscaled.shape[2]
        // As fine as the bundled model's: of a larger one, the mean of several places.
        let step = maskSide > 128 && maskSide % 128 == 0 ? maskSide / 128 : 1
        channelSide = maskSide / step
        let side = maskSide
        channels = EightBits(
            signed: (0..<upscaled.shape[1]).lazy.map { channel in
                let values = upscaled.selecting(axis: 0, 0).selecting(axis: 0, channel).values.map(Double.init)
                return pooled(values, side: side, by: step).map { $0 / Double(step * step) }
            })
        let best = answer.best?.index
        for mask in (answer + others).sorted(by: { $0.index < $1.index }) {
            let parts = MaskChannels(
                weights: recorded("mask_decoder.output_hypernetworks_mlps.\(mask.index)"), channels: upscaled)
            let (pixels, stability) = mask.thresholded()
            masks.append(
                MaskRow(
                    index: mask.index, score: mask.score, stability: stability, area: pixels.area,
                    chosen: mask.index == best, weights: parts.weights, order: parts.order,
                    logits: SixteenBits(mask.lowResLogits.values)))
        }
        let keys = recorded("\(path).keys")
        imageColours = Data(
            PrincipalComponents(
                of: area.tokens(keys.reshaped([1, grid, grid, keys.shape[2]]), isChannelsFirst: false)
            ).colours)
    }

    /// The activations that are shown.
    private static func wanted(_ sam: Sam) -> Set<String> {
        let path = "mask_decoder.transformer"
        let layers = (0..<sam.configuration.decoder.depth).flatMap { layer in
            ["self_attn", "cross_attn_token_to_image", "cross_attn_image_to_token"].map {
                "\(path).layers.\(layer).\($0).weights"
            }
        }
        let masks = (0..<DecoderConfiguration.maskCount).map { "mask_decoder.output_hypernetworks_mlps.\($0)" }
        return Set(
            layers + masks + [
                "prompt_encoder.sparse", "prompt_encoder.pe_layer", "\(path).final_attn_token_to_image.weights",
                "\(path).keys", "mask_decoder.output_upscaling",
            ])
    }

    private static func title(_ prompt: Prompt, number: Int) -> String {
        let parts = [
            prompt.box.map { String(format: "box %g,%g,%g,%g", $0.x0, $0.y0, $0.x1, $0.y1) },
            prompt.points.isEmpty ? nil : prompt.points.count == 1 ? "a point" : "\(prompt.points.count) points",
            prompt.mask.map { _ in "a mask" },
        ]
        return "\(number): " + parts.compactMap { $0 }.joined(separator: ", ")
    }

    /// The decoder's own tokens, then the prompt's: points, then corners or what pads points (`prompt_encoder.py:128`).
    private static func tokens(_ prompt: Prompt, sparse: Tensor, places: Tensor, _ file: ModelFile) -> [Token] {
        let own = ["IoU"] + (0..<DecoderConfiguration.maskCount).map { "mask \($0)" }
        var kinds: [(name: String, embedding: Int?)] = prompt.points.enumerated().map { index, point in
            ("point \(index + 1) (\(point.isForeground ? "in" : "out"))", point.isForeground ? 1 : 0)
        }
        if prompt.box != nil {
            kinds += [("top left", 2), ("bottom right", 3)]
        } else if !prompt.points.isEmpty {
            kinds.append(("padding", nil))
        }
        precondition(sparse.shape[1] == kinds.count, "\(sparse.shape[1]) tokens of a prompt, \(kinds.count) expected")
        return own.map { Token(name: $0, places: nil) }
            + kinds.enumerated().map { index, kind in
                guard let embedding = kind.embedding else { return Token(name: kind.name, places: nil) }
                let learned = file.tensor("prompt_encoder.point_embeddings.\(embedding).weight").values
                let token = sparse.selecting(axis: 0, 0).selecting(axis: 0, index).values
                let position = zip(token, learned).map { Double($0 - $1) }
                return Token(name: kind.name, places: EightBits(signed: [similarity(position, to: places)]))
            }
    }
}

/// The cosine of a position with that of each place: positions are sines and cosines, `channels / 2` long when squared.
///
/// - Parameter places: `[channels, grid, grid]`.
func similarity(_ position: [Double], to places: Tensor) -> [Double] {
    let count = places.shape[1] * places.shape[2]
    return places.withUnsafeBufferPointer { places in
        var sums = [Double](repeating: 0, count: count)
        for (channel, value) in position.enumerated() {
            for place in 0..<count { sums[place] += value * Double(places[channel * count + place]) }
        }
        return sums.map { $0 / (Double(position.count) / 2) }
    }
}

/// What a second run did without, and what came of it.
struct AblationView: Encodable {
    struct Change: Encodable {
        let index: Int
        let before: Float
        let after: Float
        let intersectionOverUnion: Double
        let areaBefore: Int
        let areaAfter: Int
        let chosenBefore: Bool
        let chosenAfter: Bool
        /// `[4·grid, 4·grid]`.
        let logits: SixteenBits
    }

    let part: String
    /// Of each prompt.
    let prompts: [[Change]]

    init(_ part: String, _ answers: [Ablation.Answer]) {
        self.part = printable(part)
        prompts = answers.map { pairs in
            let best = (pairs.map(\.before).best?.index, pairs.map(\.after).best?.index)
            return pairs.map { before, after in
                let masks = (before.mask, after.mask)
                return Change(
                    index: before.index, before: before.score, after: after.score,
                    intersectionOverUnion: masks.0.intersectionOverUnion(with: masks.1), areaBefore: masks.0.area,
                    areaAfter: masks.1.area, chosenBefore: best.0 == before.index, chosenAfter: best.1 == after.index,
                    logits: SixteenBits(after.lowResLogits.values))
            }
        }
    }
}
