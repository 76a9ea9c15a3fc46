import Checkpoints
import Foundation
import Tensors

/// The whole of SAM, from pixels to masks, in double precision: the definition that the fast model is held to.
///
/// Read it from top to bottom: functions follow the data and have the official modules' names. An image is tokens of
/// channels, `[grid², channels]`, row by row. `Layers.swift` has the layers, ``Facts`` what is easily got wrong. Files
/// and lines are those of `segment-anything` 1.0.
public struct PlainModel {
    /// Red, green and blue of each pixel, 8 bits each, row by row.
    public typealias Picture = (width: Int, height: Int, pixels: [UInt8])
    /// A place of the object or of its background, in the picture's pixels.
    public typealias Point = (x: Double, y: Double, isForeground: Bool)
    /// A box's top left and bottom right corner, in the picture's pixels.
    public typealias Box = (x0: Double, y0: Double, x1: Double, y1: Double)
    /// What is asked; a mask is the logits of an earlier prediction, `[4·grid, 4·grid]`.
    public typealias Prompt = (points: [Point], box: Box?, mask: Rows?)
    /// Logits `[height, width]` at the picture's size, their predicted IoU and their stability.
    public typealias Mask = (index: Int, score: Double, logits: Rows, stability: Double)

    /// What no tensor's shape says.
    public var facts: Facts
    /// A tensor by its official name, `[first axis, other axes]`. To exchange or permute weights, wrap it.
    public var weight: (_ name: String) -> Rows
    /// Sees each activation by its official name, in the official layout and order, one prompt at a time.
    public var visit: (_ name: String, _ shape: [Int], _ values: [Double]) -> Void = { _, _, _ in }
    /// Patches along a side of the image: 64 in the published models.
    public let grid: Int
    /// Pixels along a side of the image: 1024 in the published models.
    public internal(set) var imageSize: Int
    let names: Set<String>

    /// - Precondition: the file holds a SAM model under official names.
    public init(_ checkpoint: Checkpoint, facts: Facts = Facts()) {
        self.init(names: checkpoint.entries.keys, facts: facts, tensor: checkpoint.tensor)
    }

    /// - Parameter tensor: a tensor by its official name, one of `names`.
    public init(names: some Sequence<String>, facts: Facts = Facts(), tensor: @escaping (_ name: String) -> Tensor) {
        (self.facts, self.names) = (facts, Set(names))
        grid = tensor("image_encoder.pos_embed").shape[1]
        imageSize = grid * tensor("image_encoder.patch_embed.proj.weight").shape[2]
        weight = { name in
            let tensor = tensor(name)
            return split(tensor.values.map(Double.init), tensor.count / tensor.shape[0])
        }
    }

    /// The embedding of a picture, `[grid², channels]` (`predictor.py:34`).
    public func encode(_ picture: Picture) -> Rows { imageEncoder(preprocess(picture)) }

    /// The masks that answer a prompt: three with `multimask`, else one (`predictor.py:169`).
    public func predict(_ prompt: Prompt, on picture: Picture, _ embedding: Rows, multimask: Bool = true) -> [Mask] {
        let (sparse, dense) = (embedPoints(prompt, on: picture), embedMask(prompt.mask))
        let (small, scores) = maskDecoder(embedding, sparse: sparse, dense: dense, multimask: multimask)
        let logits = small.map { postprocessMask($0, for: picture) }
        visit("mask_logits", [1, logits.count, picture.height, picture.width], logits.flatMap { $0.flatMap { $0 } })
        return logits.indices.map {
            let stability = stabilityScore(facts.stabilityAtFullSize ? logits[$0] : small[$0])
            return (multimask ? facts.multimask.lowerBound + $0 : 0, scores[$0], logits[$0], stability)
        }
    }

    // MARK: - Pixels

    /// The picture's size after scaling: the long side becomes the image's (`transforms.py:94`).
    public func preprocessShape(_ picture: Picture) -> (width: Int, height: Int) {
        let scale = Double(imageSize) / Double(max(picture.width, picture.height))
        return (Int(facts.rounding(Double(picture.width) * scale)), Int(facts.rounding(Double(picture.height) * scale)))
    }

    /// One channel `[height, width]` resized as by Pillow: in one direction, then in the other, by weights that are
    /// multiples of 2⁻²², rounding after each (Pillow's `Resample.c`).
    public func resize(_ x: Rows, _ width: Int, _ height: Int) -> Rows {
        func rows(_ x: Rows, _ count: Int) -> Rows {
            let exact = interpolationWeights(facts.resize, from: x.count, to: count)
            let weights = exact.each { ($0 * 0x1p22 + 0.5).rounded(.down) }
            return count == x.count ? x : (weights * x).each { min(max(($0 * 0x1p-22 + 0.5).rounded(.down), 0), 255) }
        }
        func columns(_ x: Rows) -> Rows { rows(x.transposed, width).transposed }
        let isTall = x.count - height > max(0, 2 * (x[0].count - width))
        return facts.resizesTallFirst && isTall ? columns(rows(x, height)) : rows(columns(x), height)
    }

    /// The model's input `[imageSize², 3]`: (pixel − mean)/deviation, then zeros to the right and below (`sam.py:164`).
    public func preprocess(_ picture: Picture) -> Rows {
        let (width, height) = preprocessShape(picture)
        precondition(width > 0 && height > 0, "a picture of \(picture.width)×\(picture.height) is too thin")
        let pixels = split(picture.pixels.map(Double.init), 3)
        let scaled = (0..<3).map { channel in resize(split(pixels.map { $0[channel] }, picture.width), width, height) }
        func normalised(_ pixel: [Double]) -> [Double] {
            (0..<3).map { (pixel[$0] - facts.pixelMean[$0]) / facts.pixelDeviation[$0] }
        }
        let padding = facts.padsAfterNormalising ? [0, 0, 0] : normalised([0, 0, 0])
        var input = Rows(repeating: padding, count: imageSize * imageSize)
        for y in 0..<height { for x in 0..<width { input[y * imageSize + x] = normalised(scaled.map { $0[y][x] }) } }
        return visited("input", input, .image)
    }

    // MARK: - Image encoder

    /// Patches and their positions, `[grid², channels]`, through the blocks and the neck (`image_encoder.py:106`).
    public func imageEncoder(_ input: Rows) -> Rows {
        let (path, patch) = ("image_encoder", imageSize / grid)
        let patches = conv2d(input, "\(path).patch_embed.proj", kernel: patch, stride: patch)
        let positions = split(weight("\(path).pos_embed")[0], patches[0].count)
        let placed = sum(visited("\(path).patch_embed", patches), positions)
        return visited(path, neck(modules("\(path).blocks").reduce(placed) { block($1, $0) }), .image)
    }

    /// x + attention(norm(x)), then x + MLP(norm(x)) (`image_encoder.py:166`).
    public func block(_ path: String, _ x: Rows) -> Rows {
        let norm1 = visited("\(path).norm1", layerNorm(x, "\(path).norm1", facts.encoderEpsilon))
        let attended = sum(x, windowAttention(path, norm1))
        let norm2 = visited("\(path).norm2", layerNorm(attended, "\(path).norm2", facts.encoderEpsilon))
        let hidden = mlp(norm2, ["\(path).mlp.lin1", "\(path).mlp.lin2"], facts.encoderActivation)
        return visited(path, sum(attended, visited("\(path).mlp", hidden)))
    }

    /// For each window the places of its tokens, row by row; nil beyond the grid (`image_encoder.py:243`).
    func windowPartition(_ window: Int) -> [[Int?]] {
        let across = (grid + window - 1) / window
        return (0..<across * across).map { index in
            (0..<window * window).map { token in
                let (y, x) = (index / across * window + token / window, index % across * window + token % window)
                return y < grid && x < grid ? y * grid + x : nil
            }
        }
    }

    /// Attention inside each window, zeros where it reaches beyond the grid. A global block's window is the grid.
    public func windowAttention(_ path: String, _ x: Rows) -> Rows {
        let window = (weight("\(path).attn.rel_pos_h").count + 1) / 2
        let windows = windowPartition(window)
        let padding = facts.windowPadding == .beforeNorm ? vector("\(path).norm1.bias") : x[0].map { _ in 0 }
        let attended = windows.map { places in
            attention(places.map { $0.map { x[$0] } ?? padding }, isPadding: places.map { $0 == nil }, "\(path).attn")
        }
        visit("\(path).attn", [windows.count, window, window, x[0].count], attended.flatMap { $0.flatMap { $0 } })
        var result = x
        for (place, token) in zip(windows.joined(), attended.joined()) { if let place { result[place] = token } }
        return result
    }

    /// softmax(q·kᵀ/√headDim + relative positions)·v for each head (`image_encoder.py:224`).
    public func attention(_ x: Rows, isPadding: [Bool], _ path: String) -> Rows {
        let projected = zip(linear(x, "\(path).qkv"), isPadding)
        let qkv = projected.map { facts.windowPadding == .zero && $1 ? $0.map { _ in 0 } : $0 }
        let parts = (0..<3).map { part($0, of: qkv, size: x[0].count) }
        let headDim = weight("\(path).rel_pos_h")[0].count
        let attended = multiHead(parts[0], parts[1], parts[2], headDim: headDim) { q, k in
            let scaled = q.each { $0 / Double(headDim).squareRoot() }
            let scores = sum(scaled * k.transposed, relativePositions(facts.scalesRelativeQuery ? scaled : q, path))
            guard facts.windowPadding == .masked else { return scores }
            return scores.map { zip($0, isPadding).map { $1 ? -.infinity : $0 } }
        }
        return linear(attended, "\(path).proj")
    }

    /// q·Rhᵀ + q·Rwᵀ of each query and key, by how far the query is below and right of the key (`image_encoder.py:325`).
    public func relativePositions(_ q: Rows, _ path: String) -> Rows {
        let below = q * weight("\(path).rel_pos_h").transposed
        let right = q * weight("\(path).rel_pos_w").transposed
        let window = (below[0].count + 1) / 2
        return q.indices.map { query in
            q.indices.map { key in
                let (y, x) = (query / window - key / window, query % window - key % window)
                return below[query][y + window - 1] + right[query][x + window - 1]
            }
        }
    }

    /// Convolutions of 1×1 and 3×3, a norm after each (`image_encoder.py:88`).
    public func neck(_ x: Rows) -> Rows {
        (0..<4).reduce(x) { x, index in
            let path = "image_encoder.neck.\(index)"
            let y = index % 2 == 0 ? conv2d(x, path, kernel: 1 + index) : layerNorm(x, path, facts.layerNorm2dEpsilon)
            return visited(path, y, .image)
        }
    }

    // MARK: - Prompt encoder

    /// sin and cos of 2π(2p − 1)G for places p from 0 to 1, `[places, 2]` (`prompt_encoder.py:185`).
    public func positions(_ places: Rows) -> Rows {
        let rounded = { (x: Rows) in facts.positionsInFloat32 ? x.each { Double(Float($0)) } : x }
        let frequencies = weight("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix")
        let angles = rounded(rounded(rounded(places.each { 2 * $0 - 1 }) * frequencies).each { 2 * .pi * $0 })
        return rounded(joined([angles.each(sin), angles.each(cos)]))
    }

    /// The positions of the patches' centres, `[grid², channels]` (`prompt_encoder.py:62`).
    public func densePositions() -> Rows {
        let centres = (0..<grid * grid).map { [Double($0 % grid) + 0.5, Double($0 / grid) + 0.5] }
        return positions(centres.each { $0 / Double(grid) })
    }

    /// A place of the picture as a share of the model's square (`transforms.py:33`, `prompt_encoder.py:80`).
    func place(_ x: Double, _ y: Double, on picture: Picture) -> [Double] {
        let (width, height) = preprocessShape(picture)
        let scale = Double(imageSize) / Double(max(picture.width, picture.height))
        let scales = [Double(width) / Double(picture.width), Double(height) / Double(picture.height)]
        return zip([x, y], facts.scalesSidesApart ? scales : [scale, scale]).map {
            ($0 * $1 + facts.pointShift * (facts.shiftsBeforeScaling ? $1 : 1)) / Double(imageSize)
        }
    }

    /// Points and a box's corners, as position plus kind, `[tokens, channels]` (`prompt_encoder.py:73`, `:93`).
    public func embedPoints(_ prompt: Prompt, on picture: Picture) -> Rows {
        func token(_ x: Double, _ y: Double, _ kind: Int) -> Rows {
            sum(positions([place(x, y, on: picture)]), weight("prompt_encoder.point_embeddings.\(kind).weight"))
        }
        var points = prompt.points.flatMap { token($0.x, $0.y, $0.isForeground ? 1 : 0) }
        let corners = prompt.box.map { token($0.x0, $0.y0, 2) + token($0.x1, $0.y1, 3) } ?? []
        let notAPoint = weight("prompt_encoder.not_a_point_embed.weight")
        if !points.isEmpty && (corners.isEmpty || facts.paddingPoint == .always) {
            switch facts.paddingPoint {
            case .last, .always: points += notAPoint
            case .first: points = notAPoint + points
            case .positioned: points += sum(notAPoint, positions([[0, 0]]))
            case .none: break
            }
        }
        let sparse = facts.pointsPrecedeCorners ? points + corners : corners + points
        visit("prompt_encoder.sparse", [1, sparse.count, notAPoint[0].count], sparse.flatMap { $0 })
        return sparse
    }

    /// A mask after three convolutions, for none one vector everywhere: `[grid², channels]` (`prompt_encoder.py:51`).
    public func embedMask(_ mask: Rows?) -> Rows {
        let path = "prompt_encoder.mask_downscaling"
        var x = (0..<grid * grid).flatMap { _ in weight("prompt_encoder.no_mask_embed.weight") }
        if let mask {
            x = mask.flatMap { $0.map { [$0] } }
            for (convolution, norm) in [(0, 1), (3, 4)] {
                x = conv2d(x, "\(path).\(convolution)", kernel: 2, stride: 2)
                x = layerNorm(x, "\(path).\(norm)", facts.layerNorm2dEpsilon).each(facts.maskActivation)
            }
            x = conv2d(x, "\(path).6")
        }
        return visited("prompt_encoder.dense", x, .image)
    }

    // MARK: - Mask decoder

    /// Logits `[4·grid, 4·grid]` and predicted IoU of each mask. A hypernetwork turns the mask's token into weights, by
    /// which the up-scaled image's channels are summed (`mask_decoder.py:112`).
    public func maskDecoder(
        _ embedding: Rows, sparse: Rows, dense: Rows, multimask: Bool
    ) -> (logits: [Rows], scores: [Double]) {
        let tokens = weight("mask_decoder.iou_token.weight") + weight("mask_decoder.mask_tokens.weight") + sparse
        let (queries, keys) = twoWayTransformer(sum(embedding, dense), densePositions(), tokens)
        let upscaled = outputUpscaling(keys).transposed
        let masks = multimask ? facts.multimask : 0..<1
        func head(_ token: Int, _ name: String) -> Rows {
            mlp([queries[token]], modules("mask_decoder.\(name).layers"), facts.headActivation)
        }
        let logits = masks.flatMap { head(1 + $0, "output_hypernetworks_mlps.\($0)") * upscaled }
        let scores = head(0, "iou_prediction_head")[0][masks].map(facts.scoreActivation)
        visit("mask_decoder.low_res_logits", [1, masks.count, 4 * grid, 4 * grid], logits.flatMap { $0 })
        visit("mask_decoder.iou_predictions", [1, masks.count], scores)
        return (logits.map { split($0, 4 * grid) }, scores)
    }

    /// In each block tokens and image attend to each other; at the end the tokens to the image (`transformer.py:62`).
    /// - Returns: the tokens' queries `[tokens, channels]` and the image's keys `[grid², channels]`.
    public func twoWayTransformer(_ image: Rows, _ positions: Rows, _ tokens: Rows) -> (queries: Rows, keys: Rows) {
        let path = "mask_decoder.transformer"
        let (queries, keys) = modules("\(path).layers").reduce((queries: tokens, keys: image)) {
            twoWayAttentionBlock($1, $0.queries, $0.keys, tokens, positions)
        }
        let seen = crossAttention(queries, tokens, keys, positions, "\(path).final_attn_token_to_image")
        let final = layerNorm(sum(queries, seen), "\(path).norm_final_attn", facts.twoWayEpsilon)
        return (visited("\(path).queries", final, .tokens), visited("\(path).keys", keys, .tokens))
    }

    /// Tokens to tokens, tokens to image, MLP, image to tokens: each is added, then normalised (`transformer.py:151`).
    public func twoWayAttentionBlock(
        _ path: String, _ queries: Rows, _ keys: Rows, _ queryPositions: Rows, _ keyPositions: Rows
    ) -> (queries: Rows, keys: Rows) {
        let isFirst = path.hasSuffix(".0")
        func norm(_ index: Int, _ x: Rows) -> Rows { layerNorm(x, "\(path).norm\(index)", facts.twoWayEpsilon) }
        let placed = !isFirst || facts.firstBlockAddsPositions ? sum(queries, queryPositions) : queries
        let own = attention(placed, placed, queries, "\(path).self_attn")
        var q = norm(1, !isFirst || facts.firstBlockHasResidual ? sum(queries, own) : own)
        q = norm(2, sum(q, crossAttention(q, queryPositions, keys, keyPositions, "\(path).cross_attn_token_to_image")))
        q = norm(3, sum(q, mlp(q, ["\(path).mlp.lin1", "\(path).mlp.lin2"], facts.twoWayActivation)))
        let seen = crossAttention(keys, keyPositions, q, queryPositions, "\(path).cross_attn_image_to_token")
        return (visited("\(path).queries", q, .tokens), visited("\(path).keys", norm(4, sum(keys, seen)), .tokens))
    }

    /// Attention from x to y: queries and keys have positions, values have none (`transformer.py:164`).
    public func crossAttention(_ x: Rows, _ xPlaces: Rows, _ y: Rows, _ yPlaces: Rows, _ path: String) -> Rows {
        let placed = sum(y, yPlaces)
        let (keys, values) = (facts.keysHavePositions ? placed : y, facts.valuesHavePositions ? placed : y)
        return attention(sum(x, xPlaces), keys, values, path)
    }

    /// softmax(q·kᵀ/√headDim)·v for each head (`transformer.py:218`).
    public func attention(_ q: Rows, _ k: Rows, _ v: Rows, _ path: String) -> Rows {
        let (q, k, v) = (linear(q, "\(path).q_proj"), linear(k, "\(path).k_proj"), linear(v, "\(path).v_proj"))
        let headDim = q[0].count / facts.decoderHeads
        let divided = { (x: Rows) in x.each { $0 / Double(headDim).squareRoot() } }
        let attended = multiHead(q, k, v, headDim: headDim) { q, k in
            facts.dividesAfterProduct ? divided(q * k.transposed) : divided(q) * k.transposed
        }
        return linear(attended, "\(path).out_proj")
    }

    /// Two transposed convolutions, `[grid², channels]` to `[(4·grid)², channels/8]` (`mask_decoder.py:53`).
    public func outputUpscaling(_ x: Rows) -> Rows {
        let path = "mask_decoder.output_upscaling"
        let doubled = layerNorm(convTranspose2d(x, "\(path).0"), "\(path).1", facts.layerNorm2dEpsilon)
        let again = convTranspose2d(doubled.each(facts.upscalingActivation), "\(path).3")
        return visited(path, again.each(facts.upscalingActivation), .image)
    }

    // MARK: - Masks

    /// Logits at the image's size, cut to the picture's part of it, then at the picture's size (`sam.py:133`).
    public func postprocessMask(_ logits: Rows, for picture: Picture) -> Rows {
        let (width, height) = preprocessShape(picture)
        let x = facts.crop == .beforeOneInterpolation ? logits : interpolate(logits, imageSize, imageSize)
        let cropped = x.prefix(x.count * height / imageSize).map { Array($0.prefix(x.count * width / imageSize)) }
        return interpolate(facts.crop == .never ? x : cropped, picture.width, picture.height)
    }

    /// An interpolation of rows, then of columns.
    public func interpolate(_ x: Rows, _ width: Int, _ height: Int) -> Rows {
        let down = interpolationWeights(facts.interpolation, from: x.count, to: height) * x
        return (interpolationWeights(facts.interpolation, from: x[0].count, to: width) * down.transposed).transposed
    }

    /// Which pixels are the object's (`sam.py:123`).
    public func threshold(_ logits: Rows) -> [Bool] {
        logits.flatMap { $0.map { facts.thresholdIsStrict ? $0 > 0 : $0 >= 0 } }
    }

    /// The IoU of the masks at thresholds +1 and −1, 0 where both are empty (`amg.py:156`).
    public func stabilityScore(_ logits: Rows) -> Double {
        let (inner, outer) = (logits.joined().count { $0 > 1 }, logits.joined().count { $0 > -1 })
        return outer == 0 ? 0 : Double(inner) / Double(outer)
    }

    /// The mask with the highest predicted IoU.
    public func best(_ masks: [Mask]) -> Mask? {
        masks.max { facts.tiesGoToFirst ? $0.score < $1.score : $0.score <= $1.score }
    }
}
