import SafeFiles

/// The sizes of a SAM model: whatever the shapes of its tensors tell.
///
/// Two facts are in no file, and fixed: the decoder attends with 8 heads, and pixels are normalised by SAM's mean and
/// deviation.
public struct Configuration: Hashable, Sendable {
    /// Pixels along the side of the square that an image is scaled and padded to: 1024 in the official models.
    public var imageSize: Int
    /// Pixels along a patch's side: 16 in the official models.
    public var patchSize: Int
    /// Channels of the encoder: 768, 1024 or 1280 for ViT-B, L and H.
    public var width: Int
    /// Blocks of the encoder: 12, 24 or 32.
    public var depth: Int
    /// Channels of a head of the encoder: 64, 64 or 80.
    public var headDim: Int
    /// Hidden channels of the encoder's MLPs.
    public var mlpWidth: Int
    /// Tokens along a side of each block's window; ``grid`` in a global block.
    public var windows: [Int]
    /// Channels of the embedding and the decoder: 256.
    public var decoderWidth: Int
    /// Two-way blocks of the decoder: 2.
    public var decoderDepth: Int
    /// Hidden channels of the decoder's MLPs: 2048.
    public var decoderMLPWidth: Int
    /// Channels of the decoder's cross attention: 128.
    public var crossAttentionWidth: Int
    /// Channels into which a mask input is first mapped: 16.
    public var maskChannels: Int
    /// Hidden channels of the head which predicts IoU: 256.
    public var iouWidth: Int
    /// Layers of the head which predicts IoU: 3.
    public var iouDepth: Int

    /// Heads of the decoder's attention.
    public static let decoderHeads = 8
    /// Masks that the decoder predicts: the single mask and three for ambiguous prompts.
    public static let maskCount = 4
    /// What is subtracted from red, green and blue (`sam.py:29`).
    public static let pixelMean: [Float] = [123.675, 116.28, 103.53]
    /// What they are then divided by.
    public static let pixelDeviation: [Float] = [58.395, 57.12, 57.375]

    /// Patches along a side of the image.
    public var grid: Int { imageSize / patchSize }
    /// Heads of the encoder's attention: 12, 16 or 16.
    public var heads: Int { width / headDim }
    /// Pixels along the side of a mask as the decoder makes it and a mask input has it: four per patch.
    public var maskSize: Int { 4 * grid }
    /// The blocks that attend to the whole grid.
    public var globalBlocks: [Int] { windows.indices.filter { windows[$0] == grid } }
    /// The window of the other blocks, nil where there are none.
    public var window: Int? { windows.first { $0 != grid } }
    /// The number of parameters.
    public var parameterCount: Int { tensors.values.reduce(0) { $0 + $1.reduce(1, *) } }

    /// What the sizes are called: "ViT-B", "ViT-L", "ViT-H", else "ViT" with width and depth.
    public var variant: String {
        switch (width, depth) {
        case (768, 12): "ViT-B"
        case (1024, 24): "ViT-L"
        case (1280, 32): "ViT-H"
        default: "ViT \(width)×\(depth)"
        }
    }
}

// MARK: - From shapes

extension Configuration {
    /// Reads the sizes off the shapes of a file's tensors, by official names.
    ///
    /// - Throws: ``FileError`` `badData` where a tensor that a size is read from is missing or of the wrong rank, or
    ///   where sizes contradict each other. That all others fit is checked against ``tensors``.
    init(shapes: [String: [Int]], file: String) throws(FileError) {
        func bad(_ name: String, _ what: String, expected: String, found: String) -> FileError {
            FileError(
                .badData, file: file, place: name, what, expected: expected, found: found,
                advice: "The file must hold a SAM model, by its official or Hugging Face's names.")
        }
        func shape(_ name: String, rank: Int) throws(FileError) -> [Int] {
            guard let shape = shapes[name] else {
                let examples = shapes.keys.sorted().prefix(3).joined(separator: ", ")
                throw bad(
                    name, "missing", expected: "a tensor of \(rank) axes",
                    found: "\(shapes.count) other tensors" + (examples.isEmpty ? "" : " (\(examples), …)"))
            }
            guard shape.count == rank, shape.allSatisfy({ $0 > 0 && $0 < 1 << 24 }) else {
                throw bad(name, "wrong shape", expected: "\(rank) axes, none of them 0", found: "\(shape)")
            }
            return shape
        }
        /// How many modules `prefix.0`, `prefix.1`, … the file names; where one is missing, up to the last.
        func modules(_ prefix: String) -> Int {
            let places = shapes.keys.filter { $0.hasPrefix("\(prefix).") }.compactMap {
                Int($0.dropFirst(prefix.count + 1).prefix { $0 != "." })
            }
            // A hostile place must not make a loop of any length.
            return places.filter { (0..<shapes.count).contains($0) }.max().map { $0 + 1 } ?? 0
        }

        let patch = try shape("image_encoder.patch_embed.proj.weight", rank: 4)
        let positions = try shape("image_encoder.pos_embed", rank: 4)
        let grid = positions[1]
        (width, patchSize, imageSize) = (patch[0], patch[2], grid * patch[2])
        depth = modules("image_encoder.blocks")
        windows = []
        headDim = 0
        for block in 0..<depth {
            let name = "image_encoder.blocks.\(block).attn.rel_pos_h"
            let relative = try shape(name, rank: 2)
            guard relative[0] % 2 == 1, block == 0 || relative[1] == headDim, width % relative[1] == 0 else {
                throw bad(
                    name, "wrong shape", expected: "[2·window − 1, a divisor of \(width)], one in all blocks",
                    found: "\(relative)")
            }
            headDim = relative[1]
            windows.append((relative[0] + 1) / 2)
        }
        guard imageSize <= 8192, windows.allSatisfy({ $0 <= 4 * grid }) else {
            throw bad(
                "image_encoder.pos_embed", "beyond any SAM",
                expected: "an image of at most 8192 pixels and windows of at most 4 grids",
                found: "\(imageSize) pixels, windows \(windows)")
        }
        guard Set(windows).subtracting([grid]).count <= 1 else {
            throw bad(
                "image_encoder.blocks", "windows of several sizes", expected: "one, and the grid's \(grid)",
                found: "\(windows)")
        }
        mlpWidth = try shape("image_encoder.blocks.0.mlp.lin1.weight", rank: 2)[0]
        decoderWidth = try shape("image_encoder.neck.0.weight", rank: 4)[0]
        maskChannels = try shape("prompt_encoder.mask_downscaling.3.weight", rank: 4)[0]
        let transformer = "mask_decoder.transformer"
        decoderDepth = modules("\(transformer).layers")
        decoderMLPWidth = try shape("\(transformer).layers.0.mlp.lin1.weight", rank: 2)[0]
        crossAttentionWidth = try shape("\(transformer).final_attn_token_to_image.q_proj.weight", rank: 2)[0]
        iouDepth = modules("mask_decoder.iou_prediction_head.layers")
        iouWidth = try shape("mask_decoder.iou_prediction_head.layers.0.weight", rank: 2)[0]
        for (name, size, divisor) in [
            ("mask_decoder.mask_tokens.weight", decoderWidth, 2 * Configuration.decoderHeads),
            ("\(transformer).final_attn_token_to_image.q_proj.weight", crossAttentionWidth, Configuration.decoderHeads),
            ("prompt_encoder.mask_downscaling.3.weight", maskChannels, 4),
        ] where size % divisor != 0 {
            throw bad(name, "wrong number of channels", expected: "a multiple of \(divisor)", found: "\(size)")
        }
    }
}

// MARK: - To shapes

extension Configuration {
    /// The name and shape of every tensor of a model of these sizes, by official names (`build_sam.py:54`).
    public var tensors: [String: [Int]] {
        var tensors: [String: [Int]] = [:]
        func linear(_ path: String, _ inputs: Int, _ outputs: Int) {
            tensors["\(path).weight"] = [outputs, inputs]
            tensors["\(path).bias"] = [outputs]
        }
        func norm(_ path: String, _ channels: Int) {
            tensors["\(path).weight"] = [channels]
            tensors["\(path).bias"] = [channels]
        }
        func convolution(_ path: String, _ shape: [Int], bias: Int?) {
            tensors["\(path).weight"] = shape
            tensors["\(path).bias"] = bias.map { [$0] }
        }
        func mlp(_ path: String, _ sizes: [Int]) {
            for (layer, (inputs, outputs)) in zip(sizes, sizes.dropFirst()).enumerated() {
                linear("\(path).layers.\(layer)", inputs, outputs)
            }
        }

        var path = "image_encoder"
        convolution("\(path).patch_embed.proj", [width, 3, patchSize, patchSize], bias: width)
        tensors["\(path).pos_embed"] = [1, grid, grid, width]
        for (block, window) in windows.enumerated() {
            let path = "\(path).blocks.\(block)"
            norm("\(path).norm1", width)
            linear("\(path).attn.qkv", width, 3 * width)
            linear("\(path).attn.proj", width, width)
            tensors["\(path).attn.rel_pos_h"] = [2 * window - 1, headDim]
            tensors["\(path).attn.rel_pos_w"] = [2 * window - 1, headDim]
            norm("\(path).norm2", width)
            linear("\(path).mlp.lin1", width, mlpWidth)
            linear("\(path).mlp.lin2", mlpWidth, width)
        }
        convolution("\(path).neck.0", [decoderWidth, width, 1, 1], bias: nil)
        norm("\(path).neck.1", decoderWidth)
        convolution("\(path).neck.2", [decoderWidth, decoderWidth, 3, 3], bias: nil)
        norm("\(path).neck.3", decoderWidth)

        path = "prompt_encoder"
        tensors["\(path).pe_layer.positional_encoding_gaussian_matrix"] = [2, decoderWidth / 2]
        for index in 0..<4 { tensors["\(path).point_embeddings.\(index).weight"] = [1, decoderWidth] }
        tensors["\(path).not_a_point_embed.weight"] = [1, decoderWidth]
        tensors["\(path).no_mask_embed.weight"] = [1, decoderWidth]
        convolution("\(path).mask_downscaling.0", [maskChannels / 4, 1, 2, 2], bias: maskChannels / 4)
        norm("\(path).mask_downscaling.1", maskChannels / 4)
        convolution("\(path).mask_downscaling.3", [maskChannels, maskChannels / 4, 2, 2], bias: maskChannels)
        norm("\(path).mask_downscaling.4", maskChannels)
        convolution("\(path).mask_downscaling.6", [decoderWidth, maskChannels, 1, 1], bias: decoderWidth)

        path = "mask_decoder"
        func attention(_ path: String, _ inner: Int) {
            for name in ["q_proj", "k_proj", "v_proj"] { linear("\(path).\(name)", decoderWidth, inner) }
            linear("\(path).out_proj", inner, decoderWidth)
        }
        for layer in 0..<decoderDepth {
            let path = "\(path).transformer.layers.\(layer)"
            attention("\(path).self_attn", decoderWidth)
            attention("\(path).cross_attn_token_to_image", crossAttentionWidth)
            attention("\(path).cross_attn_image_to_token", crossAttentionWidth)
            linear("\(path).mlp.lin1", decoderWidth, decoderMLPWidth)
            linear("\(path).mlp.lin2", decoderMLPWidth, decoderWidth)
            for index in 1...4 { norm("\(path).norm\(index)", decoderWidth) }
        }
        attention("\(path).transformer.final_attn_token_to_image", crossAttentionWidth)
        norm("\(path).transformer.norm_final_attn", decoderWidth)
        tensors["\(path).iou_token.weight"] = [1, decoderWidth]
        tensors["\(path).mask_tokens.weight"] = [Configuration.maskCount, decoderWidth]
        let (quarter, eighth) = (decoderWidth / 4, decoderWidth / 8)
        convolution("\(path).output_upscaling.0", [decoderWidth, quarter, 2, 2], bias: quarter)
        norm("\(path).output_upscaling.1", quarter)
        convolution("\(path).output_upscaling.3", [quarter, eighth, 2, 2], bias: eighth)
        for mask in 0..<Configuration.maskCount {
            mlp("\(path).output_hypernetworks_mlps.\(mask)", [decoderWidth, decoderWidth, decoderWidth, eighth])
        }
        let hidden = [Int](repeating: iouWidth, count: max(iouDepth - 1, 0))
        mlp("\(path).iou_prediction_head", [decoderWidth] + hidden + [Configuration.maskCount])
        return tensors
    }
}
