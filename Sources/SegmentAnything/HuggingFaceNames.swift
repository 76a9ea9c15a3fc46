/// Whether names are those of Hugging Face's `SamModel` and not the official ones.
func areHuggingFaceNames(_ names: some Sequence<String>) -> Bool {
    names.contains { $0.hasPrefix("vision_encoder.") }
}

/// The official name of a tensor of Hugging Face's `SamModel`; a name that is not its own comes back unchanged.
///
/// Source: the inverse of `transformers`' `convert_sam_to_hf.py`. Both of its tied positional embeddings get the one
/// official name. (Its two-way blocks have 1e-6 in their layer norms where the official ones have PyTorch's 1e-5; here
/// it is 1e-5 with either's weights.)
func officialName(huggingFace name: String) -> String {
    if tiedEmbeddings.contains(name) { return "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix" }
    var components = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard components.count > 2 else { return name == "vision_encoder.pos_embed" ? "image_encoder.pos_embed" : name }
    switch components[0] {
    case "vision_encoder":
        components[0] = "image_encoder"
        switch components[1] {
        case "layers": components[1] = "blocks"
        case "patch_embed" where components[2] == "projection": components[2] = "proj"
        case "neck": components[2] = necks[components[2]] ?? components[2]
        default: break
        }
    case "prompt_encoder":
        switch components[1] {
        case "point_embed": components[1] = "point_embeddings"
        case "mask_embed":
            components[1] = "mask_downscaling"
            components[2] = maskLayers[components[2]] ?? components[2]
        default: break
        }
    case "mask_decoder":
        if let index = upscalingLayers[components[1]] {
            components.replaceSubrange(1...1, with: ["output_upscaling", index])
        }
        if ["iou_prediction_head", "output_hypernetworks_mlps"].contains(components[1]), components.count > 3 {
            officialHeadLayer(&components)
        }
    default: return name
    }
    let names = components.map { component in
        component.hasPrefix("layer_norm") ? "norm" + component.dropFirst("layer_norm".count) : component
    }
    return names.joined(separator: ".")
}

private let tiedEmbeddings = [
    "shared_image_embedding.positional_embedding", "prompt_encoder.shared_embedding.positional_embedding",
]
private let necks = ["conv1": "0", "layer_norm1": "1", "conv2": "2", "layer_norm2": "3"]
private let maskLayers = ["conv1": "0", "layer_norm1": "1", "conv2": "3", "layer_norm2": "4", "conv3": "6"]
private let upscalingLayers = ["upscale_conv1": "0", "upscale_layer_norm": "1", "upscale_conv2": "3"]

/// `proj_in`, `layers.N` and `proj_out` are layers 0, N + 1 and last of three.
private func officialHeadLayer(_ components: inout [String]) {
    let place = components[1] == "iou_prediction_head" ? 2 : 3
    guard components.indices.contains(place + 1) else { return }
    switch components[place] {
    case "proj_in": components.replaceSubrange(place...place, with: ["layers", "0"])
    case "proj_out": components.replaceSubrange(place...place, with: ["layers", "2"])
    case "layers": components[place + 1] = Int(components[place + 1]).map { "\($0 + 1)" } ?? components[place + 1]
    default: break
    }
}
