import Tensors

/// The decoder's transformer (`transformer.py:15`): queries (output tokens and prompts) and keys (the image) attend to
/// themselves and to each other, both ways.
struct TwoWayTransformer: Sendable {
    let path: String
    let layers: [TwoWayBlock]
    let finalAttention: TokenToImage
    let finalNorm: LayerNorm

    init(_ weights: Weights, _ configuration: Configuration) {
        path = weights.path
        layers = (0..<configuration.decoderDepth).map { TwoWayBlock(weights / "layers" / "\($0)", isFirst: $0 == 0) }
        finalAttention = TokenToImage(weights / "final_attn_token_to_image")
        finalNorm = LayerNorm(weights / "norm_final_attn", epsilon: 1e-5)
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
                queries: queries, keys: keys, queryPositions: tokens, keyPositions: positions, recorder: recorder)
        }
        queries = finalNorm(queries + finalAttention(queries: queries + tokens, image: keys))
        recorder?.record("\(path).queries", queries)
        recorder?.record("\(path).keys", keys.plain)
        return (queries, keys.plain)
    }
}

/// The image's tokens `[prompts or 1, imageTokens, channels]`, as they are and with their positions added.
struct ImageTokens {
    let plain: Tensor
    let placed: Tensor

    init(plain: Tensor, placed: Tensor) {
        (self.plain, self.placed) = (plain, placed)
    }

    init(_ plain: Tensor, positions: Tensor) {
        self.init(plain: plain.contiguous(), placed: plain + positions)
    }

    /// A prompt's tokens from `first` on.
    func rows(_ tensor: Tensor, prompt: Int, first: Int, count: Int) -> ConstMatrix {
        let (tokens, channels) = (tensor.shape[1], tensor.shape[2])
        let image = tensor.shape[0] == 1 ? 0 : prompt
        return ConstMatrix(
            tensor.base + (image * tokens + first) * channels, rows: count, columns: channels, stride: channels)
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

    init(_ weights: Weights, isFirst: Bool) {
        path = weights.path
        selfAttention = DecoderAttention(weights / "self_attn")
        norm1 = LayerNorm(weights / "norm1", epsilon: 1e-5)
        tokenToImage = TokenToImage(weights / "cross_attn_token_to_image")
        norm2 = LayerNorm(weights / "norm2", epsilon: 1e-5)
        mlp = MLPBlock(weights / "mlp", activation: .relu)
        norm3 = LayerNorm(weights / "norm3", epsilon: 1e-5)
        imageToToken = ImageToToken(
            weights / "cross_attn_image_to_token", norm: LayerNorm(weights / "norm4", epsilon: 1e-5))
        self.isFirst = isFirst
    }

    func callAsFunction(
        queries: Tensor, keys: ImageTokens, queryPositions: Tensor, keyPositions: Tensor, recorder: Recorder? = nil
    ) -> (queries: Tensor, keys: ImageTokens) {
        var queries = queries
        if isFirst {
            queries = selfAttention(queries: queries, keys: queries, values: queries)
        } else {
            let placed = queries + queryPositions
            queries = queries + selfAttention(queries: placed, keys: placed, values: queries)
        }
        queries = norm1(queries)
        queries = norm2(queries + tokenToImage(queries: queries + queryPositions, image: keys))
        queries = norm3(queries + mlp(queries))
        let keys = imageToToken(
            image: keys, keys: queries + queryPositions, values: queries, positions: keyPositions)
        recorder?.record("\(path).queries", queries)
        recorder?.record("\(path).keys", keys.plain)
        return (queries, keys)
    }
}

/// Multi-head attention after projections to fewer channels (`transformer.py:185`): softmax(q·kᵀ/√headDim)·v.
struct DecoderAttention: Sendable {
    let queryProjection: Linear
    let keyProjection: Linear
    let valueProjection: Linear
    let outProjection: Linear

    init(_ weights: Weights) {
        queryProjection = Linear(weights / "q_proj")
        keyProjection = Linear(weights / "k_proj")
        valueProjection = Linear(weights / "v_proj")
        outProjection = Linear(weights / "out_proj")
    }

    /// `[prompts, queries, channels]` and `[prompts, keys, channels]` to `[prompts, queries, channels]`.
    func callAsFunction(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor {
        outProjection(
            multiHeadAttention(
                queries: queryProjection(queries), keys: keyProjection(keys), values: valueProjection(values),
                heads: Configuration.decoderHeads))
    }
}
