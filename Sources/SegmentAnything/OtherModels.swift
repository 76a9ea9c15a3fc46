import Checkpoints
import SafeFiles

/// Models that are taken for SAM's, and parts of names that only they have.
///
/// Sources: the checkpoints and modules of facebookresearch/sam2 and sam3, SysCV/sam-hq, ChaoningZhang/MobileSAM,
/// yformer/EfficientSAM, mit-han-lab/efficientvit, chongzhou96/EdgeSAM, THU-MIG/RepViT, OpenGVLab/SAM-Med2D,
/// SuperMedIntel/Medical-SAM-Adapter, hitachinsk/SAMed, and of transformers' `Sam2Model`, `SamHQModel`, `EdgeTam`.
private let otherModels: [(name: String, marks: [String])] = [
    ("SAM 3", ["detector.backbone.vision_backbone.", "detector_model.vision_encoder.backbone."]),
    (
        "SAM 2",
        [
            "image_encoder.trunk.", "memory_attention.", "sam_mask_decoder.", "vision_encoder.backbone.blocks.",
            "obj_ptr_proj.",
        ]
    ),
    ("SAM-HQ", ["mask_decoder.hf_token.", "mask_decoder.hf_mlp.", "mask_decoder.hq_token.", "compress_vit_feat."]),
    ("MobileSAM", ["image_encoder.patch_embed.seq.", "image_encoder.layers.0.blocks.0.conv1.c."]),
    ("EfficientSAM", ["prompt_encoder.invalid_points.", "mask_decoder.final_output_upscaling_layers."]),
    ("EfficientViT-SAM", ["image_encoder.backbone.input_stem.", "image_encoder.backbone.stages."]),
    ("EdgeSAM or RepViT-SAM", ["image_encoder.features.", "image_encoder.fuse_stage"]),
    ("SAM-Med2D", ["attn.Adapter.", ".Adapter.channel.", ".Adapter.spatial."]),
    ("SAM with adapters (Medical SAM Adapter)", ["MLP_Adapter.", "Space_Adapter.", "Depth_Adapter."]),
    ("SAM with LoRA, not merged", [".lora_A.", ".lora_B.", "linear_a_q.", "w_a_000", "w_b_000"]),
    ("FastSAM or another YOLO", ["model.0.conv.weight", "model/model.0.conv.weight"]),
]

/// The model that some names are of, where it is known and is not SAM itself; with the name that says so.
func otherModel(_ names: some Sequence<String>) -> (model: String, mark: String)? {
    let names = names.sorted()
    for (model, marks) in otherModels {
        if let name = names.first(where: { name in marks.contains { name.contains($0) } }) { return (model, name) }
    }
    return nil
}

private let supported = "swift-sam runs SAM's own architecture, with a ViT encoder."

/// The error for a file without the tensors of a SAM: what it is, as far as it is known.
func notSAM(_ checkpoint: Checkpoint) -> FileError {
    let names = Array(checkpoint.entries.keys)
    if let (model, mark) = otherModel(names) {
        return FileError(
            .badData, file: checkpoint.path, "not SAM but \(model), another architecture", found: mark,
            advice: supported)
    }
    // A whole pickled module is refused under the name of its entry.
    if let object = checkpoint.refused.sorted(by: { $0.key < $1.key }).first(where: { isModel($0.key, $0.value) }) {
        return object.value
    }
    let examples = names.sorted().prefix(3).joined(separator: ", ")
    return FileError(
        .badData, file: checkpoint.path, place: "image_encoder.patch_embed.proj.weight", "missing",
        expected: "the tensors of a SAM model, by its official or Hugging Face's names",
        found: "\(names.count) other tensors" + (examples.isEmpty ? "" : " (\(examples), …)"), advice: supported)
}

private func isModel(_ name: String, _ error: FileError) -> Bool {
    ["model", "module", "net", "ema", "sam"].contains(name) && error.what.contains("nothing is called")
}
