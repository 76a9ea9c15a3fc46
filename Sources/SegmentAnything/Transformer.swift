import Tensors

/// The decoder's transformer (`transformer.py:15`): queries (output tokens and prompts) and keys (the image) attend to
/// themselves and to each other, both ways.
struct TwoWayTransformer: Sendable {
    let path: String
    let layers: [TwoWayBlock]
    let finalAttention: DecoderAttention
    let finalNorm: LayerNorm

    init(_ weights: Weights, _ configuration: Configuration) {
        path = weights.path
        layers = (0..<configuration.decoderDepth).map { TwoWayBlock(weights / "layers" / "\($0)", isFirst: $0 == 0) }
        finalAttention = DecoderAttention(weights / "final_attn_token_to_image")
        finalNorm = LayerNorm(weights / "norm_final_attn", epsilon: 1e-5)
    }

    /// - Parameters:
    ///   - image: `[prompts, imageTokens, channels]`.
    ///   - positions: the image tokens', `[imageTokens, channels]`.
    ///   - tokens: `[prompts, tokens, channels]`; they are their own positions.
    /// - Returns: queries as `tokens` and keys as `image`.
    func callAsFunction(
        image: Tensor, positions: Tensor, tokens: Tensor, recorder: Recorder? = nil
    ) -> (queries: Tensor, keys: Tensor) {
        precondition(image.shape.count == 3 && tokens.shape.count == 3, "\(image.shape), \(tokens.shape)")
        var (queries, keys) = (tokens, image)
        for layer in layers {
            (queries, keys) = layer(
                queries: queries, keys: keys, queryPositions: tokens, keyPositions: positions, recorder: recorder)
        }
        let attended = finalAttention(queries: queries + tokens, keys: keys + positions, values: keys)
        queries = finalNorm(queries + attended)
        recorder?.record("\(path).queries", queries)
        recorder?.record("\(path).keys", keys)
        return (queries, keys)
    }
}

/// Self-attention of the queries, queries to image, an MLP on the queries, image to queries (`transformer.py:109`).
struct TwoWayBlock: Sendable {
    let path: String
    let selfAttention: DecoderAttention
    let norm1: LayerNorm
    let tokenToImage: DecoderAttention
    let norm2: LayerNorm
    let mlp: MLPBlock
    let norm3: LayerNorm
    let imageToToken: DecoderAttention
    let norm4: LayerNorm
    /// The first block's self-attention adds no position, and its result replaces the queries: no residual.
    let isFirst: Bool

    init(_ weights: Weights, isFirst: Bool) {
        path = weights.path
        selfAttention = DecoderAttention(weights / "self_attn")
        norm1 = LayerNorm(weights / "norm1", epsilon: 1e-5)
        tokenToImage = DecoderAttention(weights / "cross_attn_token_to_image")
        norm2 = LayerNorm(weights / "norm2", epsilon: 1e-5)
        mlp = MLPBlock(weights / "mlp", activation: .relu)
        norm3 = LayerNorm(weights / "norm3", epsilon: 1e-5)
        imageToToken = DecoderAttention(weights / "cross_attn_image_to_token")
        norm4 = LayerNorm(weights / "norm4", epsilon: 1e-5)
        self.isFirst = isFirst
    }

    func callAsFunction(
        queries: Tensor, keys: Tensor, queryPositions: Tensor, keyPositions: Tensor, recorder: Recorder? = nil
    ) -> (queries: Tensor, keys: Tensor) {
        var (queries, keys) = (queries, keys)
        if isFirst {
            queries = selfAttention(queries: queries, keys: queries, values: queries)
        } else {
            let placed = queries + queryPositions
            queries = queries + selfAttention(queries: placed, keys: placed, values: queries)
        }
        queries = norm1(queries)

        let placedKeys = keys + keyPositions
        let seen = tokenToImage(queries: queries + queryPositions, keys: placedKeys, values: keys)
        queries = norm2(queries + seen)
        queries = norm3(queries + mlp(queries))

        let told = imageToToken(queries: placedKeys, keys: queries + queryPositions, values: queries)
        keys = norm4(keys + told)
        recorder?.record("\(path).queries", queries)
        recorder?.record("\(path).keys", keys)
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
