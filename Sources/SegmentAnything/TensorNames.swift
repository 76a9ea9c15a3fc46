import Checkpoints
import SafeFiles

/// Which of a checkpoint's tensors are a SAM's, and what each is called there.
///
/// Training code wraps models and saves much besides: the weights then lie in a dictionary (`model/`, `state_dict/`), and
/// their names begin with what they were wrapped in (`module.`, `_orig_mod.`, `sam.`, `model.`). Whatever precedes the
/// patch embedding's name is that prefix, and only what begins with it is read.
struct TensorNames {
    /// What precedes each official name in the file.
    let prefix: String
    /// The name in the file of each official name.
    let byOfficialName: [String: String]
    /// Prefixes of other models in the same file.
    let otherPrefixes: [String]
    /// How many tensors have another prefix.
    let skippedCount: Int

    private static let anchors = [
        "image_encoder.patch_embed.proj.weight", "vision_encoder.patch_embed.projection.weight",
    ]

    /// What people call the weights proper, where a file holds several models.
    private static let usualPrefixes = [
        "", "model", "state_dict", "model_state_dict", "model_state", "module", "net", "sam",
    ]

    /// - Throws: ``FileError`` `badData` where no SAM is in the file, which says what is; where two names of one tensor, as
    ///   Hugging Face ties them, hold different numbers; and where a tensor of the model cannot be read.
    init(_ checkpoint: Checkpoint) throws(FileError) {
        let names = checkpoint.entries.keys.sorted()
        let prefixes = names.compactMap { name -> String? in
            let (prefix, rest) = Self.split(name)
            return Self.anchors.contains(rest) ? prefix : nil
        }.sorted { Self.rank($0) < Self.rank($1) }
        guard let prefix = prefixes.first else { throw notSAM(checkpoint) }

        var found: [String: String] = [:]
        let isHuggingFace = areHuggingFaceNames(
            names.lazy.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) })
        func official(_ name: String) -> String? {
            guard name.hasPrefix(prefix) else { return nil }
            let rest = Self.unwrapped(name.dropFirst(prefix.count))
            // Another dictionary within the model's own is none of its modules.
            if rest.contains("/") { return nil }
            return isHuggingFace ? officialName(huggingFace: rest) : rest
        }
        for name in names {
            guard let official = official(name), !isPixelStatistic(official, checkpoint.tensor(name).values) else {
                continue
            }
            if let twin = found[official] {
                guard checkpoint.entries[twin]?.shape == checkpoint.entries[name]?.shape,
                    checkpoint.tensor(twin).values == checkpoint.tensor(name).values
                else {
                    throw FileError(
                        .badData, file: checkpoint.path, place: name, "differs from \(twin), to which it is tied")
                }
            }
            found[official] = name
        }
        for (name, error) in checkpoint.refused.sorted(by: { $0.key < $1.key }) {
            guard let official = official(name), found[official] == nil else { continue }
            if ["image_encoder.", "prompt_encoder.", "mask_decoder."].contains(where: official.hasPrefix) {
                throw error
            }
        }
        self.prefix = prefix
        byOfficialName = found
        otherPrefixes = prefixes.filter { $0 != prefix }
        skippedCount = names.count { !$0.hasPrefix(prefix) || $0.dropFirst(prefix.count).contains("/") }
    }

    /// A name as what precedes the encoder's module and what follows, without what wraps inner modules.
    private static func split(_ name: String) -> (prefix: String, rest: String) {
        for root in ["image_encoder.", "vision_encoder."] {
            guard let start = name.range(of: root)?.lowerBound else { continue }
            let prefix = name[..<start]
            if prefix.isEmpty || prefix.hasSuffix(".") || prefix.hasSuffix("/") {
                return (String(prefix), unwrapped(name[start...]))
            }
        }
        return ("", name)
    }

    /// Names as they were before modules were wrapped one by one, for parallel training or by `torch.compile`.
    private static func unwrapped(_ name: Substring) -> String {
        guard name.contains("module.") || name.contains("_orig_mod.") else { return String(name) }
        return name.split(separator: ".").filter { $0 != "module" && $0 != "_orig_mod" }.joined(separator: ".")
    }

    /// The usual ones first, then the shortest.
    private static func rank(_ prefix: String) -> (Int, Int, String) {
        let first = prefix.prefix { $0 != "." && $0 != "/" }
        return (usualPrefixes.firstIndex(of: String(first)) ?? usualPrefixes.count, prefix.count, prefix)
    }
}

/// Whether a tensor only repeats the mean or the deviation of pixels, which some code saves with the model.
private func isPixelStatistic(_ official: String, _ values: @autoclosure () -> [Float]) -> Bool {
    switch official {
    case "pixel_mean": values() == Configuration.pixelMean
    case "pixel_std": values() == Configuration.pixelDeviation
    default: false
    }
}
