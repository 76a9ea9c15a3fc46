// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Foundation
import SafeFiles
import Tensors
import TestSupport
import Testing

@testable import SegmentAnything

/// Weights among what training and hubs put around them.
@Suite struct TensorNamesTests {
    let folder = Folder()

    private func contents(_ value: Float) -> TensorContents { .tensor(Tensor([value], shape: [1]), .float32) }

    /// A fixture's tensors under other names.
    private func renamed(_ name: (String) -> String) throws -> [String: TensorContents] {
        Dictionary(uniqueKeysWithValues: try tensors("global").map { (name($0.key), $0.value) })
    }

    private func expectMasksOfTheFixture(_ path: String) throws {
        #expect(try logits(Sam(path: path), "global") == logits(Sam(path: Fixture.weights("global")), "global"))
    }

    /// Prefixes of `DataParallel`, `torch.compile`, micro-sam, Lightning and MedSAM, alone and joined.
    @Test(arguments: [
        "module.", "_orig_mod.", "sam.", "model.", "model/", "model/module.", "state_dict/model.", "model_state/sam.",
        "module._orig_mod.", "model_state_dict/module.model.sam.",
    ])
    func prefixesAreFoundAndNamed(_ prefix: String) throws {
        var all = try renamed { prefix + $0 }
        let path = folder.write(all)
        try expectMasksOfTheFixture(path)
        let file = try ModelFile(path: path)
        #expect(file.prefix == prefix)
        #expect(file.warnings.map(\.what) == ["the weights under \(prefix) are taken"])
        // What is saved beside them.
        all["optimizer/state/0/exp_avg"] = contents(1)
        all["loss.weight"] = contents(2)
        all["\(prefix)decoder_state/out.weight"] = contents(3)
        let beside = try ModelFile(path: folder.write(all))
        #expect(beside.warnings.map(\.what) == ["the weights under \(prefix) are taken; 3 other tensors are not read"])
    }

    /// `torch.compile` and parallel training of single modules.
    @Test func wrappersWithinTheModelAreLeftOut() throws {
        let path = folder.write(
            try renamed {
                $0.replacing("image_encoder.", with: "image_encoder._orig_mod.")
                    .replacing("mask_decoder.", with: "mask_decoder.module.")
            })
        try expectMasksOfTheFixture(path)
        #expect(try ModelFile(path: path).warnings.isEmpty)
    }

    /// micro-sam's files have SAM's names and a second decoder in a dictionary of its own.
    @Test func dictionariesBesideTheWeightsAreSkipped() throws {
        var all = try renamed { $0 }
        all["decoder_state/out.weight"] = contents(1)
        let path = folder.write(all)
        try expectMasksOfTheFixture(path)
        #expect(try ModelFile(path: path).warnings.map(\.what) == ["1 tensors in other dictionaries are not read"])
    }

    /// Of two models the one with the usual name, whatever the order of the letters; the other is named.
    @Test func theOtherModelIsNamed() throws {
        var all = try renamed { "model/" + $0 }
        for (name, contents) in try renamed({ "ema/" + $0 }) {
            all[name] = .tensor(Tensor(zeros: contents.tensor.shape), .float32)
        }
        let path = folder.write(all)
        try expectMasksOfTheFixture(path)
        let what = try ModelFile(path: path).warnings.first?.what
        #expect(what?.hasPrefix("the weights under model/ are taken, and not those under ema/; ") == true)
    }

    /// SAM's own mean and deviation may stand among the weights, others may not.
    @Test func pixelStatistics() throws {
        var all = try renamed { $0 }
        all["pixel_mean"] = .tensor(Tensor(Configuration.pixelMean, shape: [3, 1, 1]), .float32)
        all["pixel_std"] = .tensor(Tensor(Configuration.pixelDeviation, shape: [3, 1, 1]), .float32)
        try expectMasksOfTheFixture(folder.write(all))
        all["pixel_mean"] = .tensor(Tensor([1, 2, 3], shape: [3, 1, 1]), .float32)
        let path = folder.write(all)
        expectError(.badData, "unexpected: pixel_mean", about: path) { _ = try Sam(path: path) }
    }

    /// Rounded to the nearest float, with a note.
    @Test func float64IsRounded() throws {
        let all = try tensors("global").mapValues { contents in
            let values = contents.tensor.values.map { Double($0).nextUp }
            return TensorContents.bytes(values.withUnsafeBytes(Array.init), .float64, shape: contents.tensor.shape)
        }
        let path = folder.write(all)
        try expectMasksOfTheFixture(path)
        #expect(try ModelFile(path: path).warnings.map(\.what) == ["float64 weights are rounded to float32"])
    }

    // MARK: Metadata

    /// Weights that say from which predicted IoU on their masks are useful have those below it named; others say nothing.
    @Test func masksThatAreHardlyUsefulAreNamed() throws {
        let all = try tensors("global")
        let path = folder.file("small.safetensors")
        try writeSafetensors(
            path, names: all.keys, metadata: ["name": "a small one", "useful_score": "0.5"]
        ) { all[$0]! }
        let sam = try Sam(path: path)
        let warning = try #require(sam.warnings(aboutScores: [0.49, 0.5, 0.1], of: "photo.jpg").first)
        #expect(warning.file == "photo.jpg" && warning.what.hasPrefix("probably not what was meant: 2 of 3 masks"))
        #expect(warning.what.contains("below 0.5. The model is a small one;"))
        let placed = sam.warnings(aboutScores: [0.4, 0.9, 0.1, 0.2, 0.3], of: "ct", places: ["a", "b", "c", "d", "e"])
        #expect(placed.first?.what.contains("below 0.5 (the lowest: c, d, e). The") == true)
        #expect(sam.warnings(aboutScores: [0.5, 0.9], of: "photo.jpg").isEmpty)
        #expect(sam.warnings(aboutScores: [], of: "photo.jpg").isEmpty)
        #expect(try Sam(path: Fixture.weights("global")).warnings(aboutScores: [0.1], of: "photo.jpg").isEmpty)
    }

    // MARK: Shards

    /// As `save_pretrained` writes them: an index and files with a part each; by the folder or by the index.
    @Test func shards() throws {
        let all = try tensors("global").sorted { $0.key < $1.key }
        var map: [String: String] = [:]
        for shard in 0..<3 {
            let part = Dictionary(
                uniqueKeysWithValues: all.enumerated().filter { $0.offset % 3 == shard }.map(\.element))
            let name = "model-0000\(shard + 1)-of-00003.safetensors"
            try writeSafetensors(folder.file(name), names: part.keys, metadata: ["format": "pt"]) { part[$0]! }
            for key in part.keys { map[key] = name }
        }
        func writeIndex(_ map: [String: String]) throws {
            let index = try JSONSerialization.data(withJSONObject: ["metadata": ["total_size": 1], "weight_map": map])
            folder.write("model.safetensors.index.json", index)
        }
        try writeIndex(map)
        let index = folder.file("model.safetensors.index.json")
        for path in [folder.path, index] {
            try expectMasksOfTheFixture(path)
            #expect(try checkpointFiles(path).count == 4)
        }
        // What is wrong with an index.
        try writeIndex(map.merging(["more": "model-00001-of-00003.safetensors"]) { $1 })
        expectError(.badData, "more: the tensor is in none of the shards", about: index) { _ = try Sam(path: index) }
        try writeIndex(map.merging(["more": "../model.safetensors"]) { $1 })
        expectError(.badData, "a shard in another folder", about: index) { _ = try Sam(path: index) }
        try writeIndex(map.merging(["more": "none.safetensors"]) { $1 })
        expectError(.missingInput, "No such file", about: folder.file("none.safetensors")) { _ = try Sam(path: index) }
        folder.write("model.safetensors.index.json", "{}")
        expectError(.badData, "no index of shards", about: index) { _ = try Sam(path: index) }
    }

    /// One whole file goes before shards.
    @Test func aFolderWithOneFile() throws {
        let bytes = try Data(contentsOf: URL(filePath: Fixture.weights("global")))
        folder.write("hub/model.safetensors", bytes)
        folder.write("hub/config.json", "{}")
        try expectMasksOfTheFixture(folder.file("hub"))
        folder.write("bin/pytorch_model.bin", try Data(contentsOf: URL(filePath: Fixture.path("global.float16.pth"))))
        #expect(try Sam(path: folder.file("bin")).path == folder.file("bin"))
    }

    // MARK: Other models

    /// A name of each family's own checkpoints.
    @Test(arguments: [
        ("image_encoder.trunk.patch_embed.proj.weight", "SAM 2"), ("model/memory_attention.norm.weight", "SAM 2"),
        ("image_encoder.patch_embed.seq.0.c.weight", "MobileSAM"),
        ("image_encoder.backbone.input_stem.op_list.0.conv.weight", "EfficientViT-SAM"),
        ("model.0.conv.weight", "FastSAM"), ("vision_encoder.backbone.blocks.0.attn.proj.weight", "SAM 2"),
    ])
    func otherModelsAreNamed(_ name: String, _ model: String) {
        let path = folder.write([name: contents(1)])
        expectError(.badData, "not SAM but \(model)", about: path) { _ = try Sam(path: path) }
    }

    /// Those that have all of SAM's tensors and more.
    @Test(arguments: [
        ("mask_decoder.hf_token.weight", "SAM-HQ"),
        ("image_encoder.blocks.0.MLP_Adapter.D_fc1.weight", "SAM with adapters"),
        ("image_encoder.blocks.0.Adapter.channel.0.weight", "SAM-Med2D"),
        ("image_encoder.blocks.0.attn.qkv.linear_a_q.weight", "SAM with LoRA"),
    ])
    func modelsThatGoOnFromSAMAreNamed(_ name: String, _ model: String) throws {
        var all = try renamed { $0 }
        all[name] = contents(1)
        let path = folder.write(all)
        expectError(.badData, "not SAM but \(model)", about: path) { _ = try Sam(path: path) }
        expectError(.badData, "unexpected: \(name)", about: path) { _ = try Sam(path: path) }
    }

    // MARK: Official files

    /// A digest is computed only where the size is a known file's.
    @Test func officialFilesAreRecognisedBySizeAndDigest() {
        let known = [
            KnownWeights(name: "a", kind: "SAM", size: 3, sha256: "x", licence: ""),
            KnownWeights(name: "b", kind: "MedSAM", size: 3, sha256: "y", licence: ""),
        ]
        var digests = 0
        func recognised(_ size: Int, _ digest: String) -> String? {
            KnownWeights.recognised(among: known, size: size) {
                digests += 1
                return digest
            }?.name
        }
        #expect(recognised(3, "y") == "b" && recognised(3, "z") == nil && digests == 2)
        #expect(recognised(4, "y") == nil && digests == 2)
        #expect(Set(KnownWeights.all.map(\.size)).count == 4)
    }
}
