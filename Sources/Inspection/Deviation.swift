import Foundation
import PlainSam

/// A mistake that ports of SAM make, and the stages in which it shows.
struct Deviation: Sendable {
    /// What the reference does, as the end of a sentence that begins with the stage's name.
    let text: String
    /// Shell patterns of the stages' names.
    let stages: [String]
    let apply: @Sendable (inout PlainRun) -> Void

    init(_ text: String, _ stages: String..., apply: @escaping @Sendable (inout PlainRun) -> Void) {
        (self.text, self.stages, self.apply) = (text, stages, apply)
    }

    func concerns(_ stage: String) -> Bool { stages.contains { fnmatch($0, stage, 0) == 0 } }

    /// All of them.
    static let all = pixels + encoder + attention + prompts + decoder + masks
}

extension PlainRun {
    /// Changes what a weight's name stands for, where the name contains a part.
    fileprivate mutating func change(_ part: String, _ body: @escaping (_ name: String, _ rows: Rows) -> Rows) {
        let weight = model.weight
        model.weight = { $0.contains(part) ? body($0, weight($0)) : weight($0) }
    }

    /// Has one weight stand for another.
    fileprivate mutating func exchange(_ first: String, _ second: String) {
        let weight = model.weight
        model.weight = { name in
            if name.contains(first) { return weight(name.replacing(first, with: second)) }
            return weight(name.contains(second) ? name.replacing(second, with: first) : name)
        }
    }
}

/// The square rows `[side, side]` of a channel, transposed.
private func exchangedSides(_ values: [Double]) -> [Double] {
    let side = Int(Double(values.count).squareRoot())
    return values.indices.map { values[$0 % side * side + $0 / side] }
}

// MARK: - Pixels and patches

extension Deviation {
    private static let pixels: [Deviation] = [
        Deviation("resizes without antialiasing", "input") { $0.model.facts.resize = .bilinear },
        Deviation("resizes to the nearest pixel", "input") { $0.model.facts.resize = .nearest },
        Deviation("truncates the scaled size", "input", "mask_logits", "prompt_encoder.sparse") {
            $0.model.facts.rounding = { $0.rounded(.down) }
        },
        Deviation("takes blue, green and red for red, green and blue", "input") { run in
            let pixels = run.picture.pixels
            run.picture.pixels = pixels.indices.map { pixels[$0 / 3 * 3 + 2 - $0 % 3] }
        },
        Deviation("leaves out the mean", "input") { $0.model.facts.pixelMean = [0, 0, 0] },
        Deviation("leaves out the deviation", "input") { $0.model.facts.pixelDeviation = [1, 1, 1] },
        Deviation("exchanges mean and deviation", "input") { run in
            (run.model.facts.pixelMean, run.model.facts.pixelDeviation) =
                (run.model.facts.pixelDeviation, run.model.facts.pixelMean)
        },
        Deviation("scales pixels to 0…1 without mean and deviation", "input") {
            ($0.model.facts.pixelMean, $0.model.facts.pixelDeviation) = ([0, 0, 0], [255, 255, 255])
        },
        Deviation("pads before it normalises", "input") { $0.model.facts.padsAfterNormalising = false },
        Deviation("resizes in the order of Pillow before 13", "input") { $0.model.facts.resizesTallFirst = false },
        Deviation("exchanges height and width of the patches' kernel", "image_encoder.patch_embed") {
            $0.change("patch_embed.proj.weight") { _, rows in
                rows.map { row in split(row, row.count / 3).flatMap(exchangedSides) }
            }
        },
        Deviation("takes the patches' kernel for blue, green and red", "image_encoder.patch_embed") {
            $0.change("patch_embed.proj.weight") { _, rows in
                rows.map { row in split(row, row.count / 3).reversed().flatMap { $0 } }
            }
        },
    ]
}

// MARK: - The image encoder

extension Deviation {
    private static let firstBlock = ["image_encoder.pos_embed", "image_encoder.blocks.0.norm1"]

    private static let encoder: [Deviation] =
        [
            Deviation("exchanges height and width of pos_embed", firstBlock[0], firstBlock[1]) { run in
                let side = run.model.grid
                run.change("image_encoder.pos_embed") { _, rows in
                    let tokens = split(rows[0], rows[0].count / (side * side))
                    return [tokens.indices.flatMap { tokens[$0 % side * side + $0 / side] }]
                }
            },
            Deviation("leaves out pos_embed", firstBlock[0], firstBlock[1]) {
                $0.change("image_encoder.pos_embed") { _, rows in rows.each { _ in 0 } }
            },
            Deviation(
                "takes GELU by tanh for GELU by erf", "image_encoder.blocks.*.mlp", "image_encoder.blocks.*.mlp.act"
            ) {
                $0.model.facts.encoderActivation = tanhGELU
            },
            Deviation("takes ReLU for GELU", "image_encoder.blocks.*.mlp", "image_encoder.blocks.*.mlp.act") {
                $0.model.facts.encoderActivation = relu
            },
        ]
        + [1e-5, 1e-12, 0].flatMap { epsilon in
            [
                Deviation("has the epsilon \(epsilon) in place of 1e-06", "image_encoder.blocks.*.norm?") {
                    $0.model.facts.encoderEpsilon = epsilon
                },
                Deviation(
                    "has the epsilon \(epsilon) in place of 1e-06", "image_encoder.neck.?",
                    "mask_decoder.output_upscaling",
                    "prompt_encoder.dense"
                ) { $0.model.facts.layerNorm2dEpsilon = epsilon },
            ]
        }

    private static let attention: [Deviation] =
        [
            relative("exchanges height and width of the relative positions") {
                $0.exchange(".rel_pos_h", ".rel_pos_w")
            },
            relative("counts relative positions from the key to the query") {
                $0.change(".rel_pos_") { _, rows in rows.reversed() }
            },
            relative("leaves out the relative positions") {
                $0.change(".rel_pos_") { _, rows in rows.each { _ in 0 } }
            },
            relative("takes the relative positions of the scaled query") { $0.model.facts.scalesRelativeQuery = true },
            relative("masks the tokens that pad windows") { $0.model.facts.windowPadding = .masked },
            relative("has zeros in queries, keys and values of the tokens that pad windows") {
                $0.model.facts.windowPadding = .zero
            },
            relative("pads windows before norm1") { $0.model.facts.windowPadding = .beforeNorm },
            qkv("takes channels of heads for heads of channels") { rows, headDim in
                rows.indices.map { rows[reordered($0, heads: rows.count / 3 / headDim, headDim: headDim)] }
            },
            Deviation("takes the heads' results for channels of heads", "image_encoder.blocks.*.attn") { run in
                let headDim = { (name: String, weight: (String) -> Rows) in
                    weight(name.replacing(".proj.weight", with: ".rel_pos_h"))[0].count
                }
                let weight = run.model.weight
                run.model.weight = { name in
                    guard name.hasSuffix(".attn.proj.weight") else { return weight(name) }
                    let (rows, headDim) = (weight(name), headDim(name, weight))
                    let heads = rows[0].count / headDim
                    return rows.map { row in row.indices.map { row[$0 % headDim * heads + $0 / headDim] } }
                }
            },
        ]
        + [
            ("q, v, k", [0, 2, 1]), ("k, q, v", [1, 0, 2]), ("k, v, q", [1, 2, 0]), ("v, q, k", [2, 0, 1]),
            ("v, k, q", [2, 1, 0]),
        ].map { text, order in
            Deviation(
                "has the order \(text) in place of q, k, v", "image_encoder.blocks.*.attn"
            ) {
                $0.change(".attn.qkv.") { _, rows in
                    let parts = thirds(of: rows)
                    return order.flatMap { parts[$0] }
                }
            }
        }

    /// The rows of queries, keys and values; a bias, whose elements are rows of one, too.
    private static func thirds(of rows: Rows) -> [Rows] {
        let count = rows.count / 3
        return (0..<3).map { Array(rows[$0 * count..<($0 + 1) * count]) }
    }

    /// Row part·channels + head·headDim + channel is taken for part·channels + channel·heads + head.
    private static func reordered(_ row: Int, heads: Int, headDim: Int) -> Int {
        let (part, rest) = row.quotientAndRemainder(dividingBy: heads * headDim)
        return part * heads * headDim + rest % headDim * heads + rest / headDim
    }

    private static func relative(_ text: String, _ apply: @escaping @Sendable (inout PlainRun) -> Void) -> Deviation {
        Deviation(text, "image_encoder.blocks.*.attn", apply: apply)
    }

    /// - Parameter body: changes the rows of `qkv`; the second parameter is the channels of a head.
    private static func qkv(_ text: String, _ body: @escaping @Sendable (Rows, Int) -> Rows) -> Deviation {
        Deviation(text, "image_encoder.blocks.*.attn") { run in
            let weight = run.model.weight
            run.model.weight = { name in
                guard let range = name.firstRange(of: ".attn.qkv.") else { return weight(name) }
                return body(weight(name), weight(name[..<range.lowerBound] + ".attn.rel_pos_h")[0].count)
            }
        }
    }
}

// MARK: - The prompt encoder

extension Deviation {
    private static let prompts: [Deviation] = [
        sparse("does not move points to the pixel's centre (+0.5)") { $0.model.facts.pointShift = 0 },
        sparse("moves points before it scales them") { $0.model.facts.shiftsBeforeScaling = true },
        sparse("scales x and y by one scale") { $0.model.facts.scalesSidesApart = false },
        sparse("has a box's corners before the points") { $0.model.facts.pointsPrecedeCorners = false },
        sparse("has no padding point") { $0.model.facts.paddingPoint = .none },
        sparse("has the padding point first") { $0.model.facts.paddingPoint = .first },
        sparse("adds a position to the padding point") { $0.model.facts.paddingPoint = .positioned },
        sparse("pads points with a box too") { $0.model.facts.paddingPoint = .always },
        sparse("exchanges x and y") { run in
            run.picture = (run.picture.height, run.picture.width, run.picture.pixels)
            run.prompts = run.prompts.map { prompt in
                (
                    points: prompt.points.map { ($0.y, $0.x, $0.isForeground) },
                    box: prompt.box.map { ($0.y0, $0.x0, $0.y1, $0.x1) }, mask: prompt.mask
                )
            }
        },
        sparse("exchanges the object's points and the background's") {
            $0.exchange("point_embeddings.0.", "point_embeddings.1.")
        },
        sparse("exchanges a box's corners") { $0.exchange("point_embeddings.2.", "point_embeddings.3.") },
        Deviation(
            "computes positions in float32", "prompt_encoder.sparse", "prompt_encoder.pe_layer", "*.layers.?.*",
            "*.transformer.queries"
        ) { $0.model.facts.positionsInFloat32 = true },
        Deviation("takes GELU by tanh for GELU by erf", "prompt_encoder.dense") {
            $0.model.facts.maskActivation = tanhGELU
        },
        Deviation("takes ReLU for GELU", "prompt_encoder.dense") { $0.model.facts.maskActivation = relu },
        Deviation("exchanges height and width of the mask input", "prompt_encoder.dense") { run in
            run.prompts = run.prompts.map { (points: $0.points, box: $0.box, mask: $0.mask?.transposed) }
        },
        Deviation("leaves out the mask input", "prompt_encoder.dense") { run in
            run.prompts = run.prompts.map { (points: $0.points, box: $0.box, mask: nil) }
        },
        Deviation("takes the sigmoid of the mask input's logits", "prompt_encoder.dense") { run in
            run.prompts = run.prompts.map {
                (points: $0.points, box: $0.box, mask: $0.mask?.each { 1 / (1 + exp(-$0)) })
            }
        },
    ]

    private static func sparse(_ text: String, _ apply: @escaping @Sendable (inout PlainRun) -> Void) -> Deviation {
        Deviation(text, "prompt_encoder.sparse", apply: apply)
    }
}

// MARK: - The mask decoder

extension Deviation {
    private static let block = "mask_decoder.transformer.layers.*"

    private static let decoder: [Deviation] =
        [1e-6, 1e-12, 0].map { epsilon in
            Deviation("has the epsilon \(epsilon) in place of 1e-05", block, "mask_decoder.transformer.queries") {
                $0.model.facts.twoWayEpsilon = epsilon
            }
        } + [
            Deviation("takes GELU for ReLU", block) { $0.model.facts.twoWayActivation = gelu },
            Deviation("adds the first block's self-attention to its queries", "*.layers.0.*") {
                $0.model.facts.firstBlockHasResidual = true
            },
            Deviation("adds positions in the first block's self-attention", "*.layers.0.*") {
                $0.model.facts.firstBlockAddsPositions = true
            },
            Deviation(
                "adds no positions to the keys of cross attention", block, "*.final_attn_token_to_image",
                "*.transformer.queries"
            ) { $0.model.facts.keysHavePositions = false },
            Deviation(
                "adds positions to the values of cross attention", block, "*.final_attn_token_to_image",
                "*.transformer.queries"
            ) { $0.model.facts.valuesHavePositions = true },
            Deviation(
                "exchanges height and width of the dense positional encoding", block, "prompt_encoder.pe_layer",
                "*.final_attn_token_to_image", "*.transformer.queries"
            ) {
                $0.change("positional_encoding_gaussian_matrix") { _, rows in rows.reversed() }
            },
        ]
        + [1, 4, 16].map { heads in
            Deviation(
                "has \(heads) heads in place of 8", block, "*.final_attn_token_to_image", "*.transformer.queries"
            ) { $0.model.facts.decoderHeads = heads }
        } + [
            Deviation("exchanges keys and values", block, "*.final_attn_token_to_image", "*.transformer.queries") {
                $0.exchange(".k_proj.", ".v_proj.")
            },
            Deviation("exchanges queries and keys", block, "*.final_attn_token_to_image", "*.transformer.queries") {
                $0.exchange(".q_proj.", ".k_proj.")
            },
            Deviation("takes GELU by tanh for GELU by erf", "mask_decoder.output_upscaling") {
                $0.model.facts.upscalingActivation = tanhGELU
            },
            Deviation("takes ReLU for GELU", "mask_decoder.output_upscaling") {
                $0.model.facts.upscalingActivation = relu
            },
            Deviation("exchanges height and width of the up-scaling's kernels", "mask_decoder.output_upscaling") {
                $0.change("output_upscaling") { name, rows in
                    name.hasSuffix(".weight") && rows[0].count > 1
                        ? rows.map { row in split(row, 4).flatMap(exchangedSides) } : rows
                }
            },
            heads("takes GELU for ReLU") { $0.model.facts.headActivation = gelu },
            Deviation("takes the sigmoid of the predicted IoU", "mask_decoder.iou_predictions", "*.iou_prediction_head")
            {
                $0.model.facts.scoreActivation = { 1 / (1 + exp(-$0)) }
            },
            heads("gives masks 0 to 2 in place of 1 to 3") { $0.model.facts.multimask = 0..<3 },
        ]
        + [(0, 1), (1, 2), (2, 3), (1, 3)].map { first, second in
            Deviation(
                "exchanges masks \(first) and \(second)", "mask_decoder.low_res_logits", "mask_decoder.masks"
            ) {
                $0.exchange(
                    "output_hypernetworks_mlps.\(first).", "output_hypernetworks_mlps.\(second).")
            }
        }

    private static func heads(_ text: String, _ apply: @escaping @Sendable (inout PlainRun) -> Void) -> Deviation {
        Deviation(
            text, "mask_decoder.low_res_logits", "mask_decoder.iou_predictions", "*.masks", "*.iou_prediction_head",
            apply: apply)
    }

    private static let masks: [Deviation] = [
        logits("interpolates masks with aligned corners") { $0.model.facts.interpolation = .alignedCorners },
        logits("interpolates masks to the nearest pixel") { $0.model.facts.interpolation = .nearest },
        logits("interpolates masks with antialiasing") { $0.model.facts.interpolation = .antialiased },
        logits("cuts the padding off before it interpolates once") {
            $0.model.facts.crop = .beforeOneInterpolation
        },
        logits("does not cut the padding off") { $0.model.facts.crop = .never },
    ]

    private static func logits(_ text: String, _ apply: @escaping @Sendable (inout PlainRun) -> Void) -> Deviation {
        Deviation(text, "mask_logits", apply: apply)
    }
}
