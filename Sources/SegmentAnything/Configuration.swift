import SafeFiles

/// The sizes of a SAM model: all that the shapes of its tensors determine.
///
/// Two facts are in no file, and fixed: the decoder attends with 8 heads, and pixels are normalised by SAM's mean and
/// deviation.
public struct Configuration: Hashable, Sendable {
    public var image: ImageConfiguration
    public var decoder: DecoderConfiguration

    /// What is subtracted from red, green and blue (`sam.py:27`).
    public static let pixelMean: [Float] = [123.675, 116.28, 103.53]
    /// What they are then divided by.
    public static let pixelDeviation: [Float] = [58.395, 57.12, 57.375]

    /// Pixels along the side of the square that an image is scaled and padded to: 1024 in the official models.
    public var imageSize: Int { image.imageSize }
    /// Places of the embedding along a side: 64 in the official models.
    public var grid: Int { image.grid }
    /// Pixels along the side of a mask as the decoder makes it and a mask input has it: four per place of the embedding.
    public var maskSize: Int { 4 * grid }
    /// What people call the model: "ViT-B", "ViT-L", "ViT-H", else "ViT" with width and depth.
    public var variant: String { image.variant }

    /// Reads the sizes off the shapes of a file's tensors, by official names.
    ///
    /// - Throws: ``FileError`` `badData` where a tensor that a size is read from is missing or of the wrong rank, or
    ///   where sizes contradict each other. Whether all others fit, the layers check as they read them.
    init(shapes: [String: [Int]], file: String) throws(FileError) {
        let shapes = TensorShapes(shapes: shapes, file: file)
        image = .vit(try ViTConfiguration(shapes))
        decoder = try DecoderConfiguration(shapes)
    }
}

/// The sizes of the prompt encoder and the mask decoder. The numbers are those of the official models.
public struct DecoderConfiguration: Hashable, Sendable {
    /// Channels of the embedding and the decoder: 256.
    public var width: Int
    /// Two-way blocks: 2.
    public var depth: Int
    /// Hidden channels of the MLPs: 2048.
    public var mlpWidth: Int
    /// Channels of the cross attention: 128.
    public var crossAttentionWidth: Int
    /// Channels into which a mask input is first mapped: 16.
    public var maskChannels: Int
    /// Hidden channels of the head which predicts IoU: 256.
    public var iouWidth: Int
    /// Layers of the head which predicts IoU: 3.
    public var iouDepth: Int

    /// Heads of the attention.
    public static let heads = 8
    /// Masks that the decoder predicts: the single mask and three for ambiguous prompts.
    public static let maskCount = 4
    /// Eight times those of the official models.
    private static let mostChannels = 2048

    /// Reads the sizes off the shapes of a file's tensors.
    ///
    /// - Throws: as ``Configuration/init(shapes:file:)``.
    init(_ shapes: TensorShapes) throws(FileError) {
        let (tokens, mask) = ("mask_decoder.mask_tokens.weight", "prompt_encoder.mask_downscaling.3.weight")
        let (transformer, iouHead) = ("mask_decoder.transformer", "mask_decoder.iou_prediction_head")
        let query = "\(transformer).final_attn_token_to_image.q_proj.weight"
        width = try shapes.of("image_encoder.neck.0.weight", rank: 4)[0]
        maskChannels = try shapes.of(mask, rank: 4)[0]
        depth = shapes.modules("\(transformer).layers")
        mlpWidth = try shapes.of("\(transformer).layers.0.mlp.lin1.weight", rank: 2)[0]
        crossAttentionWidth = try shapes.of(query, rank: 2)[0]
        iouDepth = shapes.modules("\(iouHead).layers")
        iouWidth = try shapes.of("\(iouHead).layers.0.weight", rank: 2)[0]
        for (name, size) in [(tokens, width), (query, crossAttentionWidth)] where size > Self.mostChannels {
            throw shapes.bad(
                name, "beyond any SAM", expected: "at most \(Self.mostChannels) channels", found: "\(size)")
        }
        for (name, size, divisor) in [
            (tokens, width, 2 * Self.heads), (query, crossAttentionWidth, Self.heads), (mask, maskChannels, 4),
        ] where size % divisor != 0 {
            throw shapes.bad(name, "wrong number of channels", expected: "a multiple of \(divisor)", found: "\(size)")
        }
    }
}

/// The shapes of a file's tensors, by official names.
struct TensorShapes {
    let shapes: [String: [Int]]
    let file: String

    /// The shape of a tensor that a size is read from.
    ///
    /// - Throws: ``FileError`` `badData` where it is missing, of another rank, empty, or larger than in any SAM.
    func of(_ name: String, rank: Int) throws(FileError) -> [Int] {
        guard let shape = shapes[name] else {
            let examples = shapes.keys.sorted().prefix(3).joined(separator: ", ")
            throw bad(
                name, "missing", expected: "a tensor of \(rank) axes",
                found: "\(shapes.count) other tensors" + (examples.isEmpty ? "" : " (\(examples), …)"))
        }
        guard shape.count == rank, shape.allSatisfy({ $0 > 0 && $0 <= Self.longestAxis }) else {
            throw bad(
                name, "wrong shape", expected: "\(rank) axes of 1 to \(Self.longestAxis)", found: "\(shape)")
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

    func bad(
        _ name: String, _ what: String, expected: String, found: String,
        advice: String = "The file must hold a SAM model, by its official or Hugging Face's names."
    ) -> FileError {
        FileError(.badData, file: file, place: name, what, expected: expected, found: found, advice: advice)
    }

    /// The hidden channels of ViT-H's MLPs are 5120.
    private static let longestAxis = 8192
}
