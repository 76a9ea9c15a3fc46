import ImageFrames
import PlainSam
import SegmentAnything
import Tensors

/// What the plain model is run on. A deviation may change each of the three.
struct PlainRun {
    var model: PlainModel
    var picture: PlainModel.Picture
    var prompts: [PlainModel.Prompt]

    init(_ file: ModelFile, _ image: RGBImage, _ prompts: [Prompt]) {
        model = PlainModel(file)
        picture = (width: image.size.width, height: image.size.height, pixels: image.pixels)
        self.prompts = prompts.map { prompt in
            (
                points: prompt.points.map { (x: $0.position.x, y: $0.position.y, isForeground: $0.isForeground) },
                box: prompt.box.map { (x0: $0.x0, y0: $0.y0, x1: $0.x1, y1: $0.y1) },
                mask: prompt.mask.map { split($0.values.map(Double.init), $0.shape[1]) }
            )
        }
    }
}

/// An activation in the official memory order, in double precision.
struct Activation {
    let shape: [Int]
    let values: [Double]

    /// `[…, channels]` as rows.
    var rows: Rows { split(values, shape.last ?? 1) }

    /// An item of the first axis: of prompts, each its own; where one is all prompts', that.
    func item(_ index: Int) -> Activation {
        let count = values.count / max(shape[0], 1)
        let place = shape[0] == 1 ? 0 : index
        return Activation(shape: Array(shape.dropFirst()), values: Array(values[place * count..<(place + 1) * count]))
    }

    /// `[1, channels, height, width]` or `[channels, height, width]` as tokens of channels.
    var tokens: Rows { split(values, shape.suffix(2).reduce(1, *)).transposed }
}

extension PlainRun {
    /// A stage by itself: the activation of a name from those that ``ModelStage/inputs`` names, in the official memory order.
    /// Nil where the plain model has no such stage.
    func stage(_ name: String, masks: Range<Int>, _ inputs: [Activation]) -> [Double]? {
        if let match = name.firstMatch(of: /^image_encoder\.blocks\.\d+/) {
            return block(String(match.output), String(name.dropFirst(match.output.count)), inputs)
        }
        if let match = name.firstMatch(of: /^mask_decoder\.transformer\.layers\.\d+/) {
            return layer(String(match.output), String(name.dropFirst(match.output.count)), inputs)
        }
        if name.hasPrefix("image_encoder.neck.") {
            let index = Int(name.dropFirst("image_encoder.neck.".count)) ?? 0
            let x = index == 0 ? inputs[0].rows : inputs[0].tokens
            return
                (index % 2 == 0
                ? model.conv2d(x, name, kernel: 1 + index)
                : model.layerNorm(x, name, model.facts.layerNorm2dEpsilon)).transposed.flatMap { $0 }
        }
        let transformer = "mask_decoder.transformer"
        switch name {
        case "input": return model.preprocess(picture).transposed.flatMap { $0 }
        case "image_encoder.patch_embed":
            let patch = model.imageSize / model.grid
            return model.conv2d(inputs[0].tokens, "\(name).proj", kernel: patch, stride: patch).flatMap { $0 }
        case "image_encoder.pos_embed": return placed(inputs[0].rows).flatMap { $0 }
        case "image_encoder", "\(transformer).keys": return inputs[0].values
        case "prompt_encoder.sparse":
            return prompts.flatMap { model.embedPoints($0, on: picture).flatMap { $0 } }
        case "prompt_encoder.dense":
            return prompts.flatMap { model.embedMask($0.mask).transposed.flatMap { $0 } }
        case "prompt_encoder.pe_layer": return model.densePositions().transposed.flatMap { $0 }
        case "\(transformer).queries", "\(transformer).final_attn_token_to_image":
            return prompts.indices.flatMap { prompt -> [Double] in
                let (queries, keys) = (inputs[1].item(prompt).rows, inputs[2].item(prompt).rows)
                let seen = model.crossAttention(
                    queries, tokens(inputs[0], prompt), keys, model.densePositions(),
                    "\(transformer).final_attn_token_to_image")
                if name.hasSuffix("image") { return seen.flatMap { $0 } }
                return model.layerNorm(
                    sum(queries, seen), "\(transformer).norm_final_attn", model.facts.twoWayEpsilon
                ).flatMap { $0 }
            }
        case "mask_decoder.output_upscaling":
            return prompts.indices.flatMap {
                model.outputUpscaling(inputs[0].item($0).rows).transposed.flatMap { $0 }
            }
        case "mask_decoder.low_res_logits", "mask_decoder.masks":
            let wanted = name.hasSuffix("logits") ? (masks.count == 1 ? masks : model.facts.multimask) : 0..<4
            return prompts.indices.flatMap { prompt -> [Double] in
                let (queries, upscaled) = (inputs[0].item(prompt).rows, inputs[1].item(prompt).tokens.transposed)
                return wanted.flatMap { mask in
                    (head(queries[1 + mask], "output_hypernetworks_mlps.\(mask)") * upscaled).flatMap { $0 }
                }
            }
        case "mask_decoder.iou_predictions", "mask_decoder.iou_prediction_head":
            let wanted = name.hasSuffix("predictions") ? (masks.count == 1 ? masks : model.facts.multimask) : 0..<4
            return prompts.indices.flatMap { prompt in
                head(inputs[0].item(prompt).rows[0], "iou_prediction_head")[0][wanted].map(model.facts.scoreActivation)
            }
        case "mask_logits":
            return prompts.indices.flatMap { prompt -> [Double] in
                masks.indices.flatMap { mask -> [Double] in
                    let logits = inputs[0].item(prompt).item(mask - masks.lowerBound)
                    return model.postprocessMask(logits.rows, for: picture).flatMap { $0 }
                }
            }
        default: return nil
        }
    }

    private func head(_ token: [Double], _ name: String) -> Rows {
        model.mlp([token], model.modules("mask_decoder.\(name).layers"), model.facts.headActivation)
    }

    /// The decoder's own tokens, then a prompt's.
    private func tokens(_ sparse: Activation, _ prompt: Int) -> Rows {
        let prompts = sparse.item(prompt)
        return model.weight("mask_decoder.iou_token.weight") + model.weight("mask_decoder.mask_tokens.weight")
            + (prompts.values.isEmpty ? [] : prompts.rows)
    }

    private func placed(_ patches: Rows) -> Rows {
        sum(patches, split(model.weight("image_encoder.pos_embed")[0], patches[0].count))
    }

    /// A part of an image encoder's block; an empty one is the block's output.
    private func block(_ path: String, _ part: String, _ inputs: [Activation]) -> [Double]? {
        func before(_ x: Activation) -> Rows { path.hasSuffix("blocks.0") ? placed(x.rows) : x.rows }
        let facts = model.facts
        switch part {
        case ".norm1":
            return model.layerNorm(before(inputs[0]), path + part, facts.encoderEpsilon).flatMap { $0 }
        case ".attn":
            var result: [Double] = []
            var watched = model
            watched.visit = { if $0 == path + ".attn" { result = $2 } }
            _ = watched.windowAttention(path, inputs[0].rows)
            return result
        case ".norm2":
            let x = sum(before(inputs[0]), whole(inputs[1], path))
            return model.layerNorm(x, path + part, facts.encoderEpsilon).flatMap { $0 }
        case ".mlp":
            return model.mlp(inputs[0].rows, ["\(path).mlp.lin1", "\(path).mlp.lin2"], facts.encoderActivation)
                .flatMap { $0 }
        case ".mlp.act":
            return model.linear(inputs[0].rows, "\(path).mlp.lin1").each(facts.encoderActivation).flatMap { $0 }
        case ".mlp.lin1": return model.linear(inputs[0].rows, path + part).flatMap { $0 }
        case "": return sum(sum(before(inputs[0]), whole(inputs[1], path)), inputs[2].rows).flatMap { $0 }
        default: return nil
        }
    }

    /// `[windows, window, window, channels]` as tokens of the grid.
    private func whole(_ x: Activation, _ path: String) -> Rows {
        let (grid, window, rows) = (model.grid, x.shape[1], x.rows)
        let across = (grid + window - 1) / window
        return (0..<grid * grid).map { place in
            let (y, x) = (place / grid, place % grid)
            return rows[((y / window * across + x / window) * window + y % window) * window + x % window]
        }
    }

    /// A part of a two-way block.
    private func layer(_ path: String, _ part: String, _ inputs: [Activation]) -> [Double]? {
        let (facts, isFirst) = (model.facts, path.hasSuffix(".0"))
        let positions = model.densePositions()
        func each(_ body: (_ prompt: Int) -> Rows) -> [Double] { prompts.indices.flatMap { body($0).flatMap { $0 } } }
        func queries(_ prompt: Int) -> Rows { isFirst ? tokens(inputs[0], prompt) : inputs[1].item(prompt).rows }
        func keys(_ prompt: Int) -> Rows {
            isFirst
                ? sum(inputs[1].tokens, inputs[2].item(prompt).tokens) : inputs[2].item(prompt).rows
        }
        func fromImage(_ prompt: Int) -> Rows {
            model.crossAttention(
                keys(prompt), positions, inputs[3].item(prompt).rows, tokens(inputs[0], prompt),
                "\(path).cross_attn_image_to_token")
        }
        func norm(_ name: String, _ x: Rows) -> Rows { model.layerNorm(x, path + name, facts.twoWayEpsilon) }
        switch part {
        case ".queries":
            return each {
                model.twoWayAttentionBlock(path, queries($0), keys($0), tokens(inputs[0], $0), positions).queries
            }
        case ".keys": return each { norm(".norm4", sum(keys($0), fromImage($0))) }
        case ".cross_attn_image_to_token": return each(fromImage)
        case ".norm4": return each { norm(part, sum(keys($0), inputs[3].item($0).rows)) }
        case ".self_attn":
            return each { prompt in
                let x = queries(prompt)
                let placed = !isFirst || facts.firstBlockAddsPositions ? sum(x, tokens(inputs[0], prompt)) : x
                return model.attention(placed, placed, x, path + part)
            }
        case ".norm1":
            return each { prompt in
                let own = inputs[3].item(prompt).rows
                return norm(part, !isFirst || facts.firstBlockHasResidual ? sum(queries(prompt), own) : own)
            }
        case ".cross_attn_token_to_image":
            return each {
                model.crossAttention(inputs[3].item($0).rows, tokens(inputs[0], $0), keys($0), positions, path + part)
            }
        case ".norm2", ".norm3": return each { norm(part, sum(inputs[0].item($0).rows, inputs[1].item($0).rows)) }
        case ".mlp":
            return each {
                model.mlp(inputs[0].item($0).rows, ["\(path).mlp.lin1", "\(path).mlp.lin2"], facts.twoWayActivation)
            }
        default: return nil
        }
    }
}
