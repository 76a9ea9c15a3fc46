import ImageFrames
import SafeFiles
import SegmentAnything
import Tensors

/// A part of the model, or of the prompt, that a second run leaves out, to see what it causes.
///
/// A head, an attention, an MLP or a block adds nothing to what passes by it; a learned embedding is zero; a part of the
/// prompt is not given. The model's code is the same: the weights that bring the part in are zeros.
public struct Ablation: Sendable {
    /// What of a tensor is zero.
    private enum Extent {
        case all
        case columns(Range<Int>)
        case row(Int)
    }

    private enum PromptPart {
        case box
        case points
        /// From 0.
        case point(Int)
        case mask
    }

    /// As it was asked for, such as `image_encoder.blocks.7.attn.head.3`.
    public let part: String
    /// By official name.
    private var zeros: [String: Extent] = [:]
    private var promptPart: PromptPart?

    /// - Parameter part: a block (`image_encoder.blocks.7`), an attention or its head (`….attn.head.3`,
    ///   `mask_decoder.transformer.layers.0.self_attn`), an `….mlp`; a learned token or embedding by the name of its module
    ///   (`mask_decoder.mask_tokens.2`, `prompt_encoder.point_embeddings.2`, `image_encoder.pos_embed`); `prompt.box`,
    ///   `prompt.points`, `prompt.point.N` from 1, `prompt.mask`.
    /// - Throws: ``FileError`` `usage` where the model has no such part.
    public init(_ part: String, of file: ModelFile) throws(FileError) {
        self.part = part
        promptPart = Self.promptPart(part)
        if promptPart == nil { zeros = Self.zeros(for: part, file) }
        guard promptPart != nil || !zeros.isEmpty else {
            throw FileError(
                .usage, file: file.path, "no such part of the model",
                expected:
                    "a block, its .attn or .mlp, an attention's .head.N, a token such as mask_decoder.mask_tokens.2, an "
                    + "embedding such as image_encoder.pos_embed, prompt.box, prompt.points, prompt.point.1 or prompt.mask",
                found: part, advice: "swift-sam inspect lists a model's modules.")
        }
    }

    private static func promptPart(_ part: String) -> PromptPart? {
        switch part {
        case "prompt.box": .box
        case "prompt.points": .points
        case "prompt.mask": .mask
        default:
            numbered(part, after: "prompt.point.")
                .flatMap { $0.before.isEmpty && $0.number > 0 ? .point($0.number - 1) : nil }
        }
    }

    /// Which weights are zero for a part to be missing; none where the model has no such part.
    private static func zeros(for part: String, _ file: ModelFile) -> [String: Extent] {
        func has(_ name: String) -> Bool { file.shapes[name] != nil }
        /// What brings a module's result to the tokens: the last linear layer of an attention or an MLP.
        func last(of module: String) -> String? {
            let layers = module.hasSuffix(".mlp") ? ["lin2"] : module.contains("attn") ? ["proj", "out_proj"] : []
            return layers.map { "\(module).\($0)" }.first { has("\($0).bias") }
        }
        func silent(_ layer: String) -> [String: Extent] { ["\(layer).weight": .all, "\(layer).bias": .all] }

        if let (attention, head) = numbered(part, after: ".head.") {
            guard let layer = last(of: attention), !attention.hasSuffix(".mlp"),
                let channels = file.shapes["\(layer).weight"]?[1]
            else { return [:] }
            let headDim = file.shapes["\(attention).rel_pos_h"]?[1] ?? channels / DecoderConfiguration.heads
            return head < channels / headDim
                ? ["\(layer).weight": .columns(head * headDim..<(head + 1) * headDim)] : [:]
        }
        if let layer = last(of: part) { return silent(layer) }
        if has("\(part).attn.proj.bias") {
            return silent("\(part).attn.proj").merging(silent("\(part).mlp.lin2")) { $1 }
        }
        if let (before, row) = numbered(part, after: "mask_decoder.mask_tokens."), before.isEmpty,
            row < DecoderConfiguration.maskCount
        {
            return ["mask_decoder.mask_tokens.weight": .row(row)]
        }
        let isEmbedding =
            ["embed", "_token", "_tokens"].contains(where: part.hasSuffix) || part.contains("point_embed")
        return [part, "\(part).weight"].first { isEmbedding && has($0) }.map { [$0: .all] } ?? [:]
    }

    /// What precedes a separator and a number at the end of a path, and the number, without a sign or leading zeros.
    private static func numbered(_ path: String, after separator: String) -> (before: String, number: Int)? {
        guard let range = path.firstRange(of: separator) else { return nil }
        let digits = path[range.upperBound...]
        guard let number = Int(digits), number >= 0, "\(number)" == digits else { return nil }
        return (String(path[..<range.lowerBound]), number)
    }
}

// MARK: - Running without it

extension Ablation {
    /// The masks of one prompt with and without the part, those of one index side by side.
    public typealias Answer = [(before: PredictedMask, after: PredictedMask)]

    /// Predicts again without the part, and encodes again where it is the image encoder's.
    ///
    /// - Parameters:
    ///   - encoded: the image as the whole model encodes it.
    ///   - scaling: as it was encoded.
    ///   - answers: what the whole model predicts of the prompts.
    /// - Returns: one answer a prompt.
    /// - Throws: ``FileError`` `usage` where no prompt has the part, or one would ask for nothing without it; and as
    ///   `Sam.encode` and `Sam.predict`.
    public func run(
        _ sam: Sam, _ image: RGBImage, _ encoded: EncodedImage, scaling: Scaling = .longestSide, _ prompts: [Prompt],
        _ answers: [[PredictedMask]], multimask: Bool = true
    ) throws -> [Answer] {
        let changed = prompts.map(without)
        guard promptPart == nil || zip(prompts, changed).contains(where: { $0.partCount > $1.partCount }),
            changed.allSatisfy({ $0.partCount > 0 })
        else {
            throw FileError(
                .usage, file: encoded.name, "cannot be asked without \(part)",
                expected: "a prompt that has it, and more than that")
        }
        let other = applied(to: sam)
        let isEncoders = zeros.keys.contains { $0.hasPrefix("image_encoder.") }
        let encoding = isEncoders ? try other.encode(image, name: encoded.name, scaling: scaling) : encoded
        let after = try other.predict(changed, on: encoding, multimask: multimask)
        return zip(answers, after).map { Array(zip($0, $1)) }
    }

    /// The model without the part.
    func applied(to sam: Sam) -> Sam {
        if zeros.isEmpty { return sam }
        return Sam(sam) { name in
            let tensor = sam.file.tensor(name)
            return zeros[name].map { zeroed(tensor, $0) } ?? tensor
        }
    }

    private func without(_ prompt: Prompt) -> Prompt {
        var prompt = prompt
        switch promptPart {
        case .box: prompt.box = nil
        case .points: prompt.points = []
        case .point(let index): if index < prompt.points.count { prompt.points.remove(at: index) }
        case .mask: prompt.mask = nil
        case nil: break
        }
        return prompt
    }

    private func zeroed(_ tensor: Tensor, _ extent: Extent) -> Tensor {
        let isZero: (Int) -> Bool
        switch extent {
        case .all: return Tensor(repeating: 0, shape: tensor.shape)
        case .columns(let columns): isZero = { columns.contains($0 % tensor.shape[1]) }
        case .row(let row): isZero = { $0 / tensor.shape[1] == row }
        }
        return Tensor(tensor.values.enumerated().map { isZero($0.offset) ? 0 : $0.element }, shape: tensor.shape)
    }
}

extension Prompt {
    /// Of how many things it is made: points, a box, a mask.
    fileprivate var partCount: Int { points.count + (box == nil ? 0 : 1) + (mask == nil ? 0 : 1) }
}
