// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Foundation
import SafeFiles
import Tensors
import TestSupport
import Testing

@testable import SegmentAnything

/// Every way in which a model's weights may come, and what is said about those that are no model's.
@Suite struct WeightsTests {
    // MARK: - Other names

    /// `KEYS_TO_MODIFY_MAPPING` of `convert_sam_to_hf.py` (transformers 4.40), applied in order; for ViT-B, L and H its
    /// names are those of `SamModel` in transformers 5.24.
    static let huggingFaceParts = [
        ("iou_prediction_head.layers.0", "iou_prediction_head.proj_in"),
        ("iou_prediction_head.layers.1", "iou_prediction_head.layers.0"),
        ("iou_prediction_head.layers.2", "iou_prediction_head.proj_out"),
        ("mask_decoder.output_upscaling.0", "mask_decoder.upscale_conv1"),
        ("mask_decoder.output_upscaling.1", "mask_decoder.upscale_layer_norm"),
        ("mask_decoder.output_upscaling.3", "mask_decoder.upscale_conv2"), ("mask_downscaling.0", "mask_embed.conv1"),
        ("mask_downscaling.1", "mask_embed.layer_norm1"), ("mask_downscaling.3", "mask_embed.conv2"),
        ("mask_downscaling.4", "mask_embed.layer_norm2"), ("mask_downscaling.6", "mask_embed.conv3"),
        ("point_embeddings", "point_embed"),
        ("pe_layer.positional_encoding_gaussian_matrix", "shared_embedding.positional_embedding"),
        ("image_encoder", "vision_encoder"), ("neck.0", "neck.conv1"), ("neck.1", "neck.layer_norm1"),
        ("neck.2", "neck.conv2"), ("neck.3", "neck.layer_norm2"), ("patch_embed.proj", "patch_embed.projection"),
        (".norm", ".layer_norm"), ("blocks", "layers"),
    ]
    static let tied = [
        "prompt_encoder.shared_embedding.positional_embedding", "shared_image_embedding.positional_embedding",
    ]

    /// Its `replace_keys`.
    static func huggingFaceName(_ official: String) -> String {
        var name = official
        for (part, other) in huggingFaceParts { name = name.replacingOccurrences(of: part, with: other) }
        guard name.contains("output_hypernetworks_mlps") else { return name }
        for (layer, other) in [("layers.0", "proj_in"), ("layers.1", "layers.0"), ("layers.2", "proj_out")]
        where name.contains("." + layer) {
            return name.replacingOccurrences(of: layer, with: other)
        }
        return name
    }

    /// A fixture's tensors by Hugging Face's names, the two tied ones included.
    private func huggingFaceTensors() throws -> [String: TensorContents] {
        let official = try tensors("small")
        var renamed = Dictionary(uniqueKeysWithValues: official.map { (Self.huggingFaceName($0.key), $0.value) })
        renamed[Self.tied[1]] = renamed[Self.tied[0]]
        #expect(renamed.count == official.count + 1)
        return renamed
    }

    @Test(arguments: [nil, tied[0], tied[1]])
    func huggingFaceNamesGiveTheSameMasks(without missing: String?) throws {
        let folder = Folder()
        var tensors = try huggingFaceTensors()
        if let missing { #expect(tensors.removeValue(forKey: missing) != nil) }
        let sam = try Sam(path: folder.write(tensors))
        #expect(try logits(sam, "small") == logits(Sam(path: Fixture.weights("small")), "small"))
    }

    @Test func tiedEmbeddingsMustAgree() throws {
        let folder = Folder()
        var tensors = try huggingFaceTensors()
        let shape = tensors[Self.tied[0]]!.tensor.shape
        tensors[Self.tied[0]] = .tensor(changed(tensors[Self.tied[0]]!.tensor, to: 3), .float32)
        let other = folder.write(tensors)
        expectError(.badData, "differs from \(Self.tied[0])", about: other) { _ = try Sam(path: other) }
        tensors[Self.tied[0]] = .tensor(Tensor(repeating: 1, shape: shape + [1]), .float32)
        let reshaped = folder.write(tensors)
        expectError(.badData, "differs from \(Self.tied[0])", about: reshaped) { _ = try Sam(path: reshaped) }
        tensors[Self.tied[0]] = nil
        tensors[Self.tied[1]] = nil
        let neither = folder.write(tensors)
        expectError(.badData, "missing: prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", about: neither) {
            _ = try Sam(path: neither)
        }
    }

    // MARK: - Other types

    /// What a file in half precision gives is what float32 of the same values gives, to the bit.
    @Test(arguments: [DataType.float16, .bfloat16])
    func halfPrecisionGivesTheMasksOfItsValues(_ type: DataType) throws {
        let folder = Folder()
        func rounded(_ value: Float) -> Float {
            if type == .float16 { return Float(Float16(value)) }
            // To the nearest float whose lower half is zero; of two, the one whose last bit is zero.
            let (upper, lower) = (value.bitPattern >> 16, value.bitPattern & 0xFFFF)
            let roundsUp = lower > 0x8000 || (lower == 0x8000 && upper % 2 == 1)
            return Float(bitPattern: (roundsUp ? upper + 1 : upper) << 16)
        }
        let tensors = try tensors("small")
        let half = try Sam(path: folder.write(tensors.mapValues { .tensor($0.tensor, type) }))
        let full = try Sam(
            path: folder.write(
                tensors.mapValues { .tensor(Tensor($0.tensor.values.map(rounded), shape: $0.shape), .float32) }))
        let results = try logits(half, "small")
        #expect(try results == logits(full, "small"))
        #expect(try results != logits(Sam(path: Fixture.weights("small")), "small"))
    }

    /// `tools/oracle/export_checkpoints.py` wrote it, with PyTorch's own rounding.
    @Test func stateDictOfPyTorchGivesTheMasksOfItsValues() throws {
        let folder = Folder()
        let rounded = try tensors("global").mapValues { contents in
            TensorContents.tensor(
                Tensor(contents.tensor.values.map { Float(Float16($0)) }, shape: contents.shape), .float32)
        }
        let sam = try Sam(path: Fixture.path("global.float16.pth"))
        #expect(try logits(sam, "global") == logits(Sam(path: folder.write(rounded)), "global"))
    }

    // MARK: - What is no model

    @Test func everythingThatDoesNotFitIsInOneError() throws {
        let folder = Folder()
        var tensors = try tensors("small")
        tensors["mask_decoder.iou_token.weight"] = nil
        tensors["image_encoder.blocks.1.norm2.bias"] = nil
        tensors["optimizer.step"] = .tensor(Tensor([1], shape: [1]), .float32)
        tensors["image_encoder.blocks.0.mlp.lin2.bias"] = .tensor(Tensor([1, 2], shape: [2]), .float32)
        tensors["prompt_encoder.no_mask_embed.weight"] = .bytes(
            [UInt8](repeating: 0, count: 8 * 32), .int64, shape: [1, 32])
        let path = folder.write(tensors)
        let error = #expect(throws: FileError.self) { try Sam(path: path) }
        #expect(error?.kind == .badData)
        #expect(
            error?.advice?.split(separator: "\n") == [
                "missing: image_encoder.blocks.1.norm2.bias", "missing: mask_decoder.iou_token.weight",
                "unexpected: optimizer.step",
                "wrong shape: image_encoder.blocks.0.mlp.lin2.bias: expected [48], found [2]",
                "wrong type: prompt_encoder.no_mask_embed.weight: expected F64, F32, F16 or BF16, found I64",
            ])
    }

    @Test func aFileOfSomethingElseSaysWhatIsMissing() {
        let folder = Folder()
        let path = folder.write(["layer.weight": .tensor(Tensor([1], shape: [1]), .float32)])
        expectError(.badData, "image_encoder.patch_embed.proj.weight: missing", about: path) { _ = try Sam(path: path) }
    }

    // MARK: - Values that are not finite

    /// Each tensor of the encoder in turn: the embedding shows it, and the error names it. Its windows are of 16 tokens,
    /// so that scores are done by vectors alone; a vector's exponential once made NaN finite.
    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func anEncoderThatIsNotFiniteIsNamed(_ value: Float) throws {
        let folder = Folder()
        let (fixture, tensors) = (DesignTests.small, try tensors("small"))
        let names = tensors.keys.filter { $0.hasPrefix("image_encoder.") }
        #expect(names.count == 51)
        for name in names {
            var damaged = tensors
            damaged[name] = .tensor(changed(tensors[name]!.tensor, to: value), .float32)
            let path = folder.write(damaged)
            let sam = try Sam(path: path)
            expectError(.badData, "\(name): the image's embedding is not finite", about: path) {
                _ = try sam.encode(fixture.image, name: "image.png")
            }
        }
    }

    /// The other tensors are read as a whole on opening.
    @Test func aDecoderThatIsNotFiniteIsNamed() throws {
        let folder = Folder()
        let tensors = try tensors("global")
        for name in tensors.keys where !name.hasPrefix("image_encoder.") {
            var damaged = tensors
            damaged[name] = .tensor(changed(tensors[name]!.tensor, to: .nan), .float32)
            let path = folder.write(damaged)
            expectError(.badData, "\(name): not finite", about: path) { _ = try Sam(path: path) }
        }
    }

    @Test func theFirstOfSeveralIsNamedAndNoneWhereWeightsAreFinite() throws {
        let folder = Folder()
        let (fixture, original) = (Fixture(name: "global.high-point"), try tensors("global"))
        var damaged = original
        for name in ["image_encoder.neck.1.bias", "image_encoder.blocks.1.norm1.weight", "image_encoder.pos_embed"] {
            damaged[name] = .tensor(changed(original[name]!.tensor, to: .nan), .float32)
        }
        let path = folder.write(damaged)
        expectError(.badData, "image_encoder.blocks.1.norm1.weight: the image's", about: path) {
            _ = try Sam(path: path).encode(fixture.image, name: "image.png")
        }
        let name = "image_encoder.neck.0.weight"
        damaged = original
        damaged[name] = .tensor(
            Tensor(original[name]!.tensor.values.map { $0 * 3e38 }, shape: original[name]!.shape), .float32)
        let overflowing = folder.write(damaged)
        let error = #expect(throws: FileError.self) {
            try Sam(path: overflowing).encode(fixture.image, name: "image.png")
        }
        #expect(error?.kind == .badData)
        #expect(error?.place == nil)
    }
}

// MARK: - Making weights

extension Folder {
    /// Writes a new safetensors file, and returns its path.
    func write(_ tensors: [String: TensorContents]) -> String {
        let path = file("\(UUID()).safetensors")
        try! writeSafetensors(path, names: tensors.keys) { tensors[$0]! }
        return path
    }
}

extension TensorContents {
    /// The tensor, which it must be.
    var tensor: Tensor {
        guard case .tensor(let tensor, _) = self else { preconditionFailure("no tensor") }
        return tensor
    }

    fileprivate var shape: [Int] { tensor.shape }
}

/// All tensors of a fixture's weights, in float32.
func tensors(_ model: String) throws -> [String: TensorContents] {
    let checkpoint = try Checkpoint(path: Fixture.weights(model))
    return Dictionary(
        uniqueKeysWithValues: checkpoint.entries.keys.map { ($0, .tensor(checkpoint.tensor($0), .float32)) })
}

/// The tensor with its middle element replaced.
private func changed(_ tensor: Tensor, to value: Float) -> Tensor {
    var values = tensor.values
    values[values.count / 2] = value
    return Tensor(values, shape: tensor.shape)
}

/// The masks' logits for a fixture of a model, as bits.
func logits(_ sam: Sam, _ model: String) throws -> [UInt32] {
    let fixture = Fixture.all.first { $0.model == model }!
    let encoded = try sam.encode(fixture.image, name: fixture.name)
    return try sam.predict(fixture.prompts, on: encoded).flatMap { $0.flatMap { $0.logits.values.map(\.bitPattern) } }
}
