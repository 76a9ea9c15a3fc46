import SafeFiles

/// The sizes of a ViT image encoder (`image_encoder.py:17`).
public struct ViTConfiguration: Hashable, Sendable, Encodable {
    /// Pixels along the side of the input.
    public var imageSize: Int
    /// Pixels along a patch's side: 16 in the official models.
    public var patchSize: Int
    /// Channels: 768, 1024 or 1280 for ViT-B, L and H.
    public var width: Int
    /// Blocks: 12, 24 or 32.
    public var depth: Int
    /// Channels of a head: 64, 64 or 80.
    public var headDim: Int
    /// Hidden channels of the MLPs.
    public var mlpWidth: Int
    /// Tokens along a side of each block's window; ``grid`` in a global block.
    public var windows: [Int]

    /// Patches along a side of the image.
    public var grid: Int { imageSize / patchSize }
    /// Heads of the attention: 12, 16 or 16.
    public var heads: Int { width / headDim }
    /// The blocks that attend to the whole grid.
    public var globalBlocks: [Int] { windows.indices.filter { windows[$0] == grid } }
    /// The window of the other blocks, nil where there are none.
    public var window: Int? { windows.first { $0 != grid } }

    /// What the sizes are called: "ViT-B", "ViT-L", "ViT-H", else "ViT" with width and depth.
    public var variant: String {
        switch (width, depth) {
        case (768, 12): "ViT-B"
        case (1024, 24): "ViT-L"
        case (1280, 32): "ViT-H"
        default: "ViT \(width)×\(depth)"
        }
    }

    enum CodingKeys: String, CodingKey {
        case width, depth, heads, window
        case imageSize = "image_size"
        case patchSize = "patch_size"
        case globalBlocks = "global_blocks"
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(imageSize, forKey: .imageSize)
        try container.encode(patchSize, forKey: .patchSize)
        try container.encode(width, forKey: .width)
        try container.encode(depth, forKey: .depth)
        try container.encode(heads, forKey: .heads)
        try container.encodeIfPresent(window, forKey: .window)
        try container.encode(globalBlocks, forKey: .globalBlocks)
    }
}

extension ViTConfiguration: CustomStringConvertible {
    /// Blocks, channels, heads and windows, in words.
    public var description: String {
        let reach = window.map { "windows of \($0)×\($0) tokens, global in blocks \(globalBlocks)" } ?? "global"
        return "\(depth) blocks, \(width) channels, \(heads) heads, \(reach)"
    }

    /// Reads the sizes off the shapes of a file's tensors.
    ///
    /// - Throws: ``FileError`` `badData` where one is missing or of the wrong rank, or where sizes contradict each other.
    init(_ shapes: TensorShapes) throws(FileError) {
        let path = "image_encoder"
        let patch = try shapes.of("\(path).patch_embed.proj.weight", rank: 4)
        let grid = try shapes.of("\(path).pos_embed", rank: 4)[1]
        (width, patchSize, imageSize) = (patch[0], patch[2], grid * patch[2])
        depth = shapes.modules("\(path).blocks")
        windows = []
        headDim = 0
        for block in 0..<depth {
            let name = "\(path).blocks.\(block).attn.rel_pos_h"
            let relative = try shapes.of(name, rank: 2)
            guard relative[0] % 2 == 1, block == 0 || relative[1] == headDim, width % relative[1] == 0 else {
                throw shapes.bad(
                    name, "wrong shape", expected: "[2·window − 1, a divisor of \(width)], one in all blocks",
                    found: "\(relative)")
            }
            headDim = relative[1]
            windows.append((relative[0] + 1) / 2)
        }
        let largestImage = Int((Double(Limit.modelInput.bytes) / 12).squareRoot())
        let largestGrid = Int((Double(Limit.attention.bytes) / 4).squareRoot().squareRoot())
        guard imageSize <= largestImage, grid <= largestGrid, windows.allSatisfy({ $0 <= 4 * grid }) else {
            throw shapes.bad(
                "\(path).pos_embed", "beyond any SAM",
                expected:
                    "an image of at most \(largestImage) pixels and \(largestGrid) patches along a side, and windows "
                    + "of at most 4 grids",
                found: "\(imageSize) pixels, \(grid) patches, windows \(windows)", advice: Limit.advice)
        }
        guard Set(windows).subtracting([grid]).count <= 1 else {
            throw shapes.bad(
                "\(path).blocks", "windows of several sizes", expected: "one, and the grid's \(grid)",
                found: "\(windows)")
        }
        mlpWidth = try shapes.of("\(path).blocks.0.mlp.lin1.weight", rank: 2)[0]
    }
}

// MARK: - Arithmetic

extension ViTConfiguration {
    /// Twice the multiply-adds of the encoder's products on one image.
    ///
    /// Linear layers count the image's tokens; attention also those that pad its windows, as the reference computes it, though
    /// what they attend to is never used and ``Attention`` leaves it out.
    func flop(outputs: Int) -> Double {
        let tokens = grid * grid
        let linear = depth * tokens * width * (4 * width + 2 * mlpWidth)
        let attention = windows.reduce(0) { $0 + attentionFlop(window: $1) }
        let patches = tokens * 3 * patchSize * patchSize * width
        let neck = tokens * (width + 9 * outputs) * outputs
        return 2 * Double(linear + patches + neck) + attention
    }

    /// Those of one block's attention: queries with keys, weights with values, and queries with positions both ways.
    package func attentionFlop(window side: Int) -> Double {
        let across = (grid + side - 1) / side
        return 4 * Double(across * across * side * side * (side * side + side) * width)
    }
}
