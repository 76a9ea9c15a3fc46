import ImageFrames
import SegmentAnything
import Tensors

/// Places of the encoder's grid that belong to something, such as a box.
public struct GridRegion: Sendable {
    /// `[grid, grid]`, row by row.
    public let isInside: [Bool]

    /// The places whose centre lies in a box of original pixels.
    public init(_ box: PixelBox, of image: EncodedImage) {
        isInside = GridRegion.centres(of: image).map {
            box.x0 <= $0.x && $0.x < box.x1 && box.y0 <= $0.y && $0.y < box.y1
        }
    }

    /// The places whose centre lies in a mask of original pixels.
    public init(_ mask: Mask, of image: EncodedImage) {
        let size = mask.size
        isInside = GridRegion.centres(of: image).map {
            $0.x < Double(size.width) && $0.y < Double(size.height) && mask.values[Int($0.y) * size.width + Int($0.x)]
        }
    }

    /// The share of all places.
    public var share: Double { Double(isInside.count { $0 }) / Double(max(isInside.count, 1)) }

    /// The centres of all places, in original pixels.
    private static func centres(of image: EncodedImage) -> [PixelPoint] {
        let (area, grid) = (PatchArea(image), image.embedding.shape[0])
        return (0..<grid * grid).map { area.centre(of: Patch(row: $0 / grid, column: $0 % grid)) }
    }
}

/// What the tokens of the decoder attend to in one of its attentions (`transformer.py:218`).
public struct TokenAttention: Sendable {
    /// Softmax weights of one prompt, `[heads, tokens, keys]`.
    public let weights: Tensor

    /// - Parameter weights: the activation of a module's `weights`, `[prompts, heads, tokens, keys]`, such as
    ///   `mask_decoder.transformer.layers.0.cross_attn_token_to_image.weights`.
    public init(weights: Tensor, prompt: Int = 0) {
        precondition(weights.shape.count == 4, "weights of \(weights.shape)")
        self.weights = weights.selecting(axis: 0, prompt).contiguous()
    }

    /// What each token attends to in each head, `[heads · tokens][keys]`.
    var rows: [[Double]] {
        let (values, keys) = (weights.values, weights.shape[2])
        return stride(from: 0, to: values.count, by: keys).map { values[$0..<$0 + keys].map(Double.init) }
    }

    /// What attends to each key, the mean over heads, `[keys][tokens]`.
    var byKey: [[Double]] {
        let (heads, tokens, keys) = (weights.shape[0], weights.shape[1], weights.shape[2])
        let values = weights.values
        return (0..<keys).map { key in
            (0..<tokens).map { token in
                (0..<heads).reduce(0.0) { $0 + Double(values[($1 * tokens + token) * keys + key]) } / Double(heads)
            }
        }
    }

    /// The share of each token's attention that falls on some keys, the mean over heads, `[tokens]`.
    public func shares(of region: GridRegion) -> [Double] {
        let (heads, tokens, keys) = (weights.shape[0], weights.shape[1], weights.shape[2])
        precondition(region.isInside.count == keys, "a region of \(region.isInside.count) places for \(keys) keys")
        return weights.withUnsafeBufferPointer { weights in
            (0..<tokens).map { token in
                let sum = (0..<heads).reduce(0.0) { sum, head in
                    let row = weights[(head * tokens + token) * keys..<(head * tokens + token + 1) * keys]
                    return zip(row, region.isInside).reduce(sum) { $1.1 ? $0 + Double($1.0) : $0 }
                }
                return sum / Double(heads)
            }
        }
    }
}

/// How one of the decoder's masks is made: its hypernetwork turns the mask's token into a weight for each channel of the
/// up-scaled image, and their weighted sum is the logits (`mask_decoder.py:144`).
public struct MaskChannels: Sendable {
    /// `[channels]`.
    public let weights: [Float]
    /// `[channels, 4·grid, 4·grid]`.
    public let channels: Tensor

    /// - Parameters:
    ///   - weights: the activation `mask_decoder.output_hypernetworks_mlps.M`, `[prompts, channels]`.
    ///   - channels: the activation `mask_decoder.output_upscaling`, `[prompts, channels, 4·grid, 4·grid]`.
    public init(weights: Tensor, channels: Tensor, prompt: Int = 0) {
        precondition(
            weights.shape.count == 2 && channels.shape.count == 4 && weights.shape[1] == channels.shape[1],
            "weights \(weights.shape) of channels \(channels.shape)")
        self.weights = weights.selecting(axis: 0, prompt).values
        self.channels = channels.selecting(axis: 0, prompt).contiguous()
    }

    /// The channels, those first that change the logits most: by |weight| · deviation of the channel over the image.
    public var order: [Int] {
        let strengths = weights.indices.map { channel in
            let deviation = TensorStatistics(channels.selecting(axis: 0, channel)).deviation.value ?? 0
            return abs(Double(weights[channel])) * deviation
        }
        return weights.indices.sorted { (strengths[$1], $0) < (strengths[$0], $1) }
    }
}
