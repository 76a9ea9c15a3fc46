// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import SafeFiles
import Tensors
import TestSupport
import Testing

@testable import Checkpoints
@testable import SegmentAnything

/// Sizes read off shapes: the official models', which `tools/oracle/export_shapes.py` took from the official package.
@Suite struct ConfigurationTests {
    /// By variant and name of the tensor.
    static let shapes = try! JSONDecoder().decode(
        [String: [String: [Int]]].self, from: Data(contentsOf: Fixture.folder.appending(path: "shapes.json")))

    struct Official: Sendable {
        var key: String
        var variant: String
        var width, depth, heads: Int
        var globalBlocks: [Int]
        var millions: Double
    }

    /// `build_sam.py:14`; the numbers of parameters as PyTorch counts them.
    static let official = [
        Official(
            key: "vit_b", variant: "ViT-B", width: 768, depth: 12, heads: 12, globalBlocks: [2, 5, 8, 11],
            millions: 93.7),
        Official(
            key: "vit_l", variant: "ViT-L", width: 1024, depth: 24, heads: 16, globalBlocks: [5, 11, 17, 23],
            millions: 312.3),
        Official(
            key: "vit_h", variant: "ViT-H", width: 1280, depth: 32, heads: 16, globalBlocks: [7, 15, 23, 31],
            millions: 641.1),
    ]

    @Test(arguments: official)
    func officialModelsAreRecognisedByShapes(_ model: Official) throws {
        let shapes = try #require(Self.shapes[model.key])
        let configuration = try Configuration(shapes: shapes, file: "sam")
        guard case .vit(let encoder) = configuration.image else { return }
        #expect(configuration.variant == model.variant)
        #expect(encoder.width == model.width)
        #expect(encoder.depth == model.depth)
        #expect(encoder.heads == model.heads)
        #expect(encoder.globalBlocks == model.globalBlocks)
        #expect(encoder.window == 14)
        #expect(encoder.patchSize == 16)
        #expect(encoder.mlpWidth == 4 * model.width)
        #expect(configuration.imageSize == 1024)
        #expect(configuration.maskSize == 256)
        #expect(configuration.decoder.width == 256)
        #expect(configuration.decoder.depth == 2)
        #expect(configuration.decoder.mlpWidth == 2048)
        #expect(configuration.decoder.crossAttentionWidth == 128)
        #expect(configuration.decoder.maskChannels == 16)
        #expect(configuration.decoder.iouWidth == 256)
        #expect(configuration.decoder.iouDepth == 3)
        // The layers ask for every tensor of the official model, in its shape, and for no other.
        let file = try FileBytes(OpenFile(Fixture.weights("small")))
        let entries = shapes.mapValues {
            Checkpoint.Entry(dataType: .float32, layout: Layout(shape: $0), file: file, bytes: 0..<0)
        }
        let reader = TensorReader(entries, names: Dictionary(uniqueKeysWithValues: shapes.keys.map { ($0, $0) }))
        _ = SamLayers(Weights(reader), configuration)
        #expect(reader.problems.isEmpty)
        #expect(reader.shapes == shapes)
        let parameters = reader.shapes.values.reduce(0) { $0 + $1.reduce(1, *) }
        #expect((Double(parameters) / 1e5).rounded() / 10 == model.millions)
    }

    /// A name and a shape for it in ViT-B that no model has, and what the error says.
    static let contradictions: [(name: String, shape: [Int]?, phrase: String)] = [
        ("image_encoder.pos_embed", nil, "missing"), ("image_encoder.pos_embed", [64, 64, 768], "expected 4 axes"),
        ("image_encoder.pos_embed", [1, 0, 0, 768], "axes of 1 to 8192"),
        ("image_encoder.pos_embed", [1, 1 << 23, 1 << 23, 768], "axes of 1 to 8192"),
        ("image_encoder.pos_embed", [1, 513, 513, 768], "beyond any SAM"),
        ("image_encoder.neck.0.weight", [2064, 768, 1, 1], "at most 2048 channels"),
        ("image_encoder.patch_embed.proj.weight", [768, 3, 1 << 40, 16], "wrong shape"),
        ("image_encoder.blocks.3.attn.rel_pos_h", [28, 64], "2·window − 1"),
        ("image_encoder.blocks.3.attn.rel_pos_h", [27, 32], "one in all blocks"),
        ("image_encoder.blocks.0.attn.rel_pos_h", [27, 65], "a divisor of 768"),
        ("image_encoder.blocks.3.attn.rel_pos_h", [25, 64], "windows of several sizes"),
        ("image_encoder.blocks.3.attn.rel_pos_h", [2047, 64], "windows of at most 4 grids"),
        ("image_encoder.blocks.0.mlp.lin1.weight", nil, "missing"),
        ("image_encoder.neck.0.weight", [257, 768, 1, 1], "a multiple of 16"),
        ("prompt_encoder.mask_downscaling.3.weight", [18, 4, 2, 2], "a multiple of 4"),
        ("mask_decoder.transformer.final_attn_token_to_image.q_proj.weight", [100, 256], "a multiple of 8"),
        ("mask_decoder.transformer.layers.0.mlp.lin1.weight", [2048], "expected 2 axes"),
        ("mask_decoder.iou_prediction_head.layers.0.weight", nil, "missing"),
    ]

    @Test(arguments: contradictions)
    func shapesThatContradictEachOtherAreBadData(_ name: String, _ shape: [Int]?, _ phrase: String) throws {
        var shapes = try #require(Self.shapes["vit_b"])
        shapes[name] = shape
        let error = #expect(throws: FileError.self) { try Configuration(shapes: shapes, file: "sam.pth") }
        #expect(error?.kind == .badData)
        #expect(error?.file == "sam.pth")
        #expect(error?.description.contains(phrase) == true, "\(error?.description ?? "")")
    }

    /// A grid of 130 needs 4 · 130⁴ bytes for the scores of a head.
    @Test func boundsAreRaised() async throws {
        var shapes = try #require(Self.shapes["vit_b"])
        shapes["image_encoder.pos_embed"] = [1, 130, 130, 768]
        for block in [2, 5, 8, 11] {
            for side in ["h", "w"] { shapes["image_encoder.blocks.\(block).attn.rel_pos_\(side)"] = [259, 64] }
        }
        expectError(.badData, "at most 4096 pixels and 128 patches") {
            _ = try Configuration(shapes: shapes, file: "sam")
        }
        let needed = 4 * 130 * 130 * 130 * 130
        _ = await Limit.raising(to: needed - 1) {
            expectError(.badData, Limit.advice) { _ = try Configuration(shapes: shapes, file: "sam") }
        }
        let raised = try await Limit.raising(to: needed) { [shapes] in try Configuration(shapes: shapes, file: "sam") }
        #expect(raised.grid == 130)
    }

    /// The depth is that of the last block, so that a block which is missing is what the error names.
    @Test func aMissingBlockIsNamed() throws {
        var shapes = try #require(Self.shapes["vit_b"])
        shapes = shapes.filter { !$0.key.hasPrefix("image_encoder.blocks.1.") }
        let error = #expect(throws: FileError.self) { try Configuration(shapes: shapes, file: "sam") }
        #expect(error?.place?.hasPrefix("image_encoder.blocks.1.") == true)
        #expect(error?.what == "missing")
        // A place that no file of this many tensors can have.
        shapes = try #require(Self.shapes["vit_b"])
        shapes["image_encoder.blocks.4611686018427387904.norm1.bias"] = [768]
        guard case .vit(let encoder) = try Configuration(shapes: shapes, file: "sam").image else { return }
        #expect(encoder.depth == 12)
    }

    /// Every official name through Hugging Face's and back, for all blocks that the three models have.
    @Test(arguments: official.map(\.key))
    func huggingFaceNamesComeBack(_ key: String) throws {
        for name in try #require(Self.shapes[key]).keys {
            #expect(officialName(huggingFace: WeightsTests.huggingFaceName(name)) == name)
        }
        #expect(officialName(huggingFace: WeightsTests.tied[1]) == officialName(huggingFace: WeightsTests.tied[0]))
        #expect(officialName(huggingFace: "other.shared_embedding.positional_embedding").hasPrefix("other."))
    }
}
