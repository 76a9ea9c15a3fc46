import Foundation
import Tensors

/// Points and boxes as tokens, a mask as an embedding (`prompt_encoder.py:16`).
struct PromptEncoder: Sendable {
    let path: String
    let configuration: Configuration
    let positionalEncoding: PositionalEncoding
    /// Added to a background point (0), a foreground point (1), a box's top left (2) and bottom right corner (3).
    let pointEmbeddings: [Tensor]
    /// In place of the token of the point that pads points without a box.
    let notAPoint: Tensor
    /// In every place of the dense embedding where no mask is given, `[channels]`.
    let noMask: Tensor
    let maskDownscaling: MaskDownscaling

    init(_ weights: Weights, _ configuration: Configuration) {
        path = weights.path
        self.configuration = configuration
        let sizes = configuration.decoder
        func embedding(_ weights: Weights) -> Tensor {
            weights.tensor("weight", [1, sizes.width]).selecting(axis: 0, 0)
        }
        positionalEncoding = PositionalEncoding(weights / "pe_layer", channels: sizes.width)
        pointEmbeddings = (0..<4).map { embedding(weights / "point_embeddings" / "\($0)") }
        notAPoint = embedding(weights / "not_a_point_embed")
        noMask = embedding(weights / "no_mask_embed")
        maskDownscaling = MaskDownscaling(weights / "mask_downscaling", sizes)
    }

    /// The positional encoding of the centre of each place of the embedding, `[grid, grid, channels]`
    /// (`prompt_encoder.py:62`).
    func densePositions() -> Tensor { positionalEncoding(grid: configuration.grid) }

    /// The tokens of prompts with equally many points, all with a box or all without: `[prompts, tokens, channels]`.
    ///
    /// Points precede box corners. A padding point labelled −1 follows points without a box. Coordinates are shifted
    /// by half a pixel to pixel centres.
    func sparse(_ prompts: [ModelPrompt], recorder: Recorder? = nil) -> Tensor {
        let tokens = prompts.map { prompt in
            let points = prompt.points.map { point in
                position(point.position) + pointEmbeddings[point.isForeground ? 1 : 0]
            }
            let corners = prompt.corners.map { first, last in
                [position(first) + pointEmbeddings[2], position(last) + pointEmbeddings[3]]
            }
            let padding = points.isEmpty ? [] : [notAPoint]
            let none = Tensor([], shape: [0, configuration.decoder.width])
            return concatenated([none] + (points + (corners ?? padding)).map(\.batched))
        }
        let result = concatenated(tokens.map(\.batched))
        recorder?.record("\(path).sparse", result)
        return result
    }

    /// The dense embedding of a mask input, `[grid, grid, channels]`, or of none, `[1, 1, channels]`.
    func dense(_ mask: Tensor?) -> Tensor {
        mask.map(maskDownscaling.callAsFunction) ?? noMask.reshaped([1, 1, noMask.count])
    }

    private func position(_ point: ModelPoint) -> Tensor {
        let size = Double(configuration.imageSize)
        return positionalEncoding(x: (point.x + 0.5) / size, y: (point.y + 0.5) / size)
    }
}

/// Random Fourier features of a place (`prompt_encoder.py:171`; Tancik et al. 2020): sin and cos of 2π·(2p − 1)·G.
///
/// Computed in double precision: the arguments reach tens, where single precision would lose two digits.
struct PositionalEncoding: Sendable {
    /// G: two rows, for x and y, of `channels / 2`.
    let frequencies: [[Double]]

    init(_ weights: Weights, channels: Int) {
        let matrix = weights.tensor("positional_encoding_gaussian_matrix", [2, channels / 2])
        frequencies = (0..<2).map { matrix.selecting(axis: 0, $0).values.map(Double.init) }
    }

    /// The encoding `[channels]` of a place, both coordinates from 0 to 1 across the padded image.
    func callAsFunction(x: Double, y: Double) -> Tensor {
        let channels = 2 * frequencies[0].count
        return Tensor(shape: [channels]) { write(x: x, y: y, to: $0) }
    }

    /// The encoding of the centre of each of `grid` by `grid` equal parts, `[grid, grid, channels]`.
    func callAsFunction(grid: Int) -> Tensor {
        let channels = 2 * frequencies[0].count
        return Tensor(shape: [grid, grid, channels]) { result in
            parallelFor(grid) { y in
                for x in 0..<grid {
                    write(
                        x: (Double(x) + 0.5) / Double(grid), y: (Double(y) + 0.5) / Double(grid),
                        to: result + (y * grid + x) * channels)
                }
            }
        }
    }

    private func write(x: Double, y: Double, to encoding: UnsafeMutablePointer<Float>) {
        let count = frequencies[0].count
        for (index, (alongX, alongY)) in zip(frequencies[0], frequencies[1]).enumerated() {
            let angle = 2 * .pi * ((2 * x - 1) * alongX + (2 * y - 1) * alongY)
            encoding[index] = Float(sin(angle))
            encoding[count + index] = Float(cos(angle))
        }
    }
}

/// Three convolutions from a mask's logits to the embedding's size (`prompt_encoder.py:51`).
struct MaskDownscaling: Sendable {
    let convolution1: PatchConvolution
    let norm1: LayerNorm
    let convolution2: PatchConvolution
    let norm2: LayerNorm
    let convolution3: PatchConvolution

    init(_ weights: Weights, _ sizes: DecoderConfiguration) {
        let channels = sizes.maskChannels
        convolution1 = PatchConvolution(weights / "0", inputs: 1, outputs: channels / 4, kernel: 2)
        norm1 = LayerNorm(weights / "1", channels: channels / 4, epsilon: 1e-6)
        convolution2 = PatchConvolution(weights / "3", inputs: channels / 4, outputs: channels, kernel: 2)
        norm2 = LayerNorm(weights / "4", channels: channels, epsilon: 1e-6)
        convolution3 = PatchConvolution(weights / "6", inputs: channels, outputs: sizes.width, kernel: 1)
    }

    /// `[4·grid, 4·grid]` to `[grid, grid, channels]`.
    func callAsFunction(_ mask: Tensor) -> Tensor {
        precondition(mask.shape.count == 2, "mask input of \(mask.shape)")
        let halved = gelu(norm1(convolution1(mask.reshaped(mask.shape + [1]))))
        return convolution3(gelu(norm2(convolution2(halved))))
    }
}
