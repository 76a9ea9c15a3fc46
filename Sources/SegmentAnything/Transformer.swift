import Tensors

/// The decoder's transformer (`transformer.py:16`): queries (output tokens and prompts) and keys (the image) attend to
/// themselves and to each other, both ways.
struct TwoWayTransformer: Sendable {
    let path: String
    let layers: [TwoWayBlock]
    let finalAttention: TokenToImage
    let finalNorm: LayerNorm

    init(_ weights: Weights, _ sizes: DecoderConfiguration) {
        path = weights.path
        layers = (0..<sizes.depth).map { TwoWayBlock(weights / "layers" / "\($0)", sizes, isFirst: $0 == 0) }
        finalAttention = TokenToImage(weights / "final_attn_token_to_image", sizes)
        finalNorm = LayerNorm(weights / "norm_final_attn", channels: sizes.width, epsilon: 1e-5)
    }

    /// - Parameters:
    ///   - image: each prompt's image tokens, or once those that all prompts share, `[prompts or 1, imageTokens, channels]`.
    ///   - positions: the image tokens', `[imageTokens, channels]`.
    ///   - tokens: `[prompts, tokens, channels]`; they are their own positions.
    /// - Returns: queries as `tokens`, and keys `[prompts, imageTokens, channels]`.
    func callAsFunction(
        image: Tensor, positions: Tensor, tokens: Tensor, recorder: Recorder? = nil
    ) -> (queries: Tensor, keys: Tensor) {
        precondition(image.shape.count == 3 && tokens.shape.count == 3, "\(image.shape), \(tokens.shape)")
        var (queries, keys) = (tokens, ImageTokens(image, positions: positions))
        for layer in layers {
            (queries, keys) = layer(
                queries: queries, keys: keys, queryPositions: tokens, recorder: recorder)
        }
        let seen = finalAttention(queries: queries + tokens, image: keys)
        finalAttention.recordParts(
            "\(path).final_attn_token_to_image", queries: queries + tokens, image: keys, recorder)
        recorder?.recordPart("\(path).final_attn_token_to_image", seen)
        queries = finalNorm(queries + seen)
        recorder?.record("\(path).queries", queries)
        recorder?.record("\(path).keys", keys.tokens)
        return (queries, keys.tokens)
    }
}

/// The image's tokens, and their positions, which are added a block at a time where they are needed: stored, the sums would
/// double the decoder's memory.
struct ImageTokens {
    /// Each prompt's, or once those that all prompts share: `[prompts or 1, imageTokens, channels]`.
    let tokens: Tensor
    /// `[imageTokens, channels]`.
    let positions: Tensor

    init(_ tokens: Tensor, positions: Tensor) {
        (self.tokens, self.positions) = (tokens.contiguous(), positions.contiguous())
    }

    /// Some of a prompt's tokens.
    func rows(_ range: Range<Int>, prompt: Int) -> ConstMatrix {
        let (imageTokens, channels) = (tokens.shape[1], tokens.shape[2])
        let image = tokens.shape[0] == 1 ? 0 : prompt
        return ConstMatrix(
            tokens.base + (image * imageTokens + range.lowerBound) * channels, rows: range.count, columns: channels,
            stride: channels)
    }

    /// Lends some of a prompt's tokens with their positions added.
    func withPositions(_ range: Range<Int>, prompt: Int, _ body: (ConstMatrix) -> Void) {
        let rows = rows(range, prompt: prompt)
        let count = rows.rows * rows.columns
        let positions = positions.base + range.lowerBound * rows.columns
        withScratch(count) { sums in
            for index in 0..<count { sums[index] = rows.base[index] + positions[index] }
            body(ConstMatrix(sums, rows: rows.rows, columns: rows.columns, stride: rows.columns))
        }
    }
}

/// Self-attention of the queries, queries to image, an MLP on the queries, image to queries (`transformer.py:109`).
struct TwoWayBlock: Sendable {
    let path: String
    let selfAttention: DecoderAttention
    let norm1: LayerNorm
    let tokenToImage: TokenToImage
    let norm2: LayerNorm
    let mlp: MLPBlock
    let norm3: LayerNorm
    let imageToToken: ImageToToken
    /// The first block's self-attention adds no position, and its result replaces the queries: no residual.
    let isFirst: Bool

    init(_ weights: Weights, _ sizes: DecoderConfiguration, isFirst: Bool) {
        func norm(_ name: String) -> LayerNorm { LayerNorm(weights / name, channels: sizes.width, epsilon: 1e-5) }
        path = weights.path
        selfAttention = DecoderAttention(weights / "self_attn", channels: sizes.width, inner: sizes.width)
        norm1 = norm("norm1")
        tokenToImage = TokenToImage(weights / "cross_attn_token_to_image", sizes)
        norm2 = norm("norm2")
        mlp = MLPBlock(weights / "mlp", channels: sizes.width, hidden: sizes.mlpWidth, activation: .relu)
        norm3 = norm("norm3")
        imageToToken = ImageToToken(weights / "cross_attn_image_to_token", sizes, norm: norm("norm4"))
        self.isFirst = isFirst
    }

    func callAsFunction(
        queries: Tensor, keys: ImageTokens, queryPositions: Tensor, recorder: Recorder? = nil
    ) -> (queries: Tensor, keys: ImageTokens) {
        let placed = isFirst ? queries : queries + queryPositions
        selfAttention.recordParts("\(path).self_attn", queries: placed, keys: placed, values: queries, recorder)
        let attended = selfAttention(queries: placed, keys: placed, values: queries)
        recorder?.recordPart("\(path).self_attn", attended)
        var queries = norm1(isFirst ? attended : queries + attended)
        recorder?.recordPart("\(path).norm1", queries)

        let seen = tokenToImage(queries: queries + queryPositions, image: keys)
        tokenToImage.recordParts(
            "\(path).cross_attn_token_to_image", queries: queries + queryPositions, image: keys, recorder)
        recorder?.recordPart("\(path).cross_attn_token_to_image", seen)
        queries = norm2(queries + seen)
        recorder?.recordPart("\(path).norm2", queries)

        mlp.recordParts(queries, path: "\(path).mlp", recorder)
        let mapped = mlp(queries)
        recorder?.recordPart("\(path).mlp", mapped)
        queries = norm3(queries + mapped)
        recorder?.recordPart("\(path).norm3", queries)
        recorder?.record("\(path).queries", queries)

        imageToToken.recordParts(
            "\(path).cross_attn_image_to_token", image: keys, keys: queries + queryPositions, values: queries, recorder)
        let keys = imageToToken(image: keys, keys: queries + queryPositions, values: queries)
        recorder?.recordPart("\(path).norm4", keys.tokens)
        recorder?.record("\(path).keys", keys.tokens)
        return (queries, keys)
    }
}

/// Multi-head attention after projections to fewer channels (`transformer.py:185`): softmax(q·kᵀ/√headDim)·v.
struct DecoderAttention: Sendable {
    let queryProjection: Projection
    let keyProjection: Projection
    let valueProjection: Projection
    let outProjection: Projection

    /// - Parameter inner: channels of the queries, keys and values.
    init(_ weights: Weights, channels: Int, inner: Int) {
        queryProjection = Projection(weights / "q_proj", inputs: channels, outputs: inner)
        keyProjection = Projection(weights / "k_proj", inputs: channels, outputs: inner)
        valueProjection = Projection(weights / "v_proj", inputs: channels, outputs: inner)
        outProjection = Projection(weights / "out_proj", inputs: inner, outputs: channels)
    }

    /// `[prompts, queries, channels]` and `[prompts, keys, channels]` to `[prompts, queries, channels]`.
    func callAsFunction(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor {
        outProjection(
            multiHeadAttention(
                queries: queryProjection(queries), keys: keyProjection(keys), values: valueProjection(values),
                heads: DecoderConfiguration.heads))
    }
}

/// A linear layer in single precision whose weight is used by itself too (`torch.nn.Linear`).
struct Projection: Sendable {
    /// `[outputs, inputs]`.
    let weight: Tensor
    /// `[outputs]`.
    let bias: Tensor

    init(_ weights: Weights, inputs: Int, outputs: Int) {
        weight = weights.tensor("weight", [outputs, inputs])
        bias = weights.tensor("bias", [outputs])
    }

    func callAsFunction(_ x: Tensor) -> Tensor { linear(x, weight: weight, bias: bias) }
}
