// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import SafeFiles
import Testing

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
        #expect(configuration.variant == model.variant)
        #expect(configuration.width == model.width)
        #expect(configuration.depth == model.depth)
        #expect(configuration.heads == model.heads)
        #expect(configuration.globalBlocks == model.globalBlocks)
        #expect(configuration.window == 14)
        #expect(configuration.imageSize == 1024)
        #expect(configuration.patchSize == 16)
        #expect(configuration.maskSize == 256)
        #expect(configuration.mlpWidth == 4 * model.width)
        #expect(configuration.decoderWidth == 256)
        #expect(configuration.decoderDepth == 2)
        #expect(configuration.decoderMLPWidth == 2048)
        #expect(configuration.crossAttentionWidth == 128)
        #expect(configuration.maskChannels == 16)
        #expect(configuration.iouWidth == 256)
        #expect(configuration.iouDepth == 3)
        // Every tensor of the official model is expected, and no other.
        #expect(configuration.tensors == shapes)
        #expect(configuration.parameterCount == shapes.values.reduce(0) { $0 + $1.reduce(1, *) })
        #expect((Double(configuration.parameterCount) / 1e5).rounded() / 10 == model.millions)
    }

    /// A name and a shape for it in ViT-B that no model has, and what the error says.
    static let contradictions: [(name: String, shape: [Int]?, phrase: String)] = [
        ("image_encoder.pos_embed", nil, "missing"), ("image_encoder.pos_embed", [64, 64, 768], "expected 4 axes"),
        ("image_encoder.pos_embed", [1, 0, 0, 768], "none of them 0"),
        ("image_encoder.pos_embed", [1, 1 << 23, 1 << 23, 768], "beyond any SAM"),
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

    /// As the design lists them.
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
        #expect(try Configuration(shapes: shapes, file: "sam").depth == 12)
    }

    @Test func officialFilesAreKnownByTheirSHA256() {
        let names = KnownWeights.bySHA256.mapValues(\.name)
        #expect(names.count == 4)
        for (digest, file) in [
            ("a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e", "sam_vit_h_4b8939.pth"),
            ("3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622", "sam_vit_l_0b3195.pth"),
            ("ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912", "sam_vit_b_01ec64.pth"),
            ("34b34b78c1d18cb8c6bf84cf9c00e135d6d6c965699f3c0e31ef1bc9dcb5be74", "medsam_vit_b.pth"),
        ] {
            #expect(names[digest]?.contains(file) == true)
        }
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
