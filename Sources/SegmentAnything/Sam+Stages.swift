import ImageFrames
import SafeFiles
import Tensors

/// One stage of the forward pass by itself: an activation from those before it.
///
/// The list of them, in the order of the forward pass, is the model as a graph: what is computed from what.
package struct ModelStage {
    /// The name of the activation.
    package let name: String
    /// The names of the activations that it is computed from; of none where it is made of the picture or the prompts.
    package let inputs: [String]
    /// Whether it lies inside of another stage: a recorder sees it only where it asks for parts.
    package let isPart: Bool
    /// The activation from ``inputs``, all in the official memory order.
    package let compute: (_ inputs: [Tensor]) -> Tensor

    init(_ name: String, _ inputs: [String], isPart: Bool = false, _ compute: @escaping ([Tensor]) -> Tensor) {
        (self.name, self.inputs, self.isPart, self.compute) = (name, inputs, isPart, compute)
    }
}

extension Sam {
    /// The stages from a picture and prompts, alike in kind and number of points, to masks.
    ///
    /// - Throws: ``FileError`` `badData` for a picture that is too thin.
    package func stages(
        _ image: RGBImage, _ prompts: [Prompt], multimask: Bool, name: String
    ) throws(FileError) -> [ModelStage] {
        let transform = try ImageTransform(image.size, imageSize: configuration.imageSize, file: name)
        let masks = multimask ? 1..<DecoderConfiguration.maskCount : 0..<1
        let encoder =
            switch layers.imageEncoder {
            case .vit(let vit): vit.stages
            }
        let grid = configuration.grid
        let prompt = [
            ModelStage("prompt_encoder.sparse", []) { _ in
                layers.promptEncoder.sparse(prompts.map(transform.prompt))
            },
            ModelStage("prompt_encoder.dense", []) { _ in
                stacked(
                    prompts.map {
                        (Tensor(repeating: 0, shape: [grid, grid, configuration.decoder.width])
                            + layers.promptEncoder.dense($0.mask)).permuted(2, 0, 1)
                    })
            },
            ModelStage("prompt_encoder.pe_layer", [], isPart: true) { _ in densePositions.permuted(2, 0, 1) },
        ]
        let logits = ModelStage("mask_logits", ["mask_decoder.low_res_logits"]) { inputs in
            let (count, masks) = (inputs[0].shape[0], inputs[0].shape[1])
            return stacked(
                (0..<count).map { prompt in
                    stacked(
                        (0..<masks).map { mask in
                            let logits = inputs[0].selecting(axis: 0, prompt).selecting(axis: 0, mask)
                            return PredictedMask(index: mask, score: 0, lowResLogits: logits, transform: transform)
                                .logits
                        })
                })
        }
        return [ModelStage("input", []) { _ in transform.input(image).channelsFirst }] + encoder + prompt
            + layers.maskDecoder.stages(densePositions, masks: masks) + [logits]
    }
}

// MARK: - The image encoder

extension ImageEncoderViT {
    fileprivate var stages: [ModelStage] {
        var stages = [
            ModelStage("\(path).patch_embed", ["input"]) { patchEmbed(channelsLast($0[0])).batched },
            ModelStage("\(path).pos_embed", ["\(path).patch_embed"], isPart: true) {
                (unbatched($0[0]) + positions).batched
            },
        ]
        var before = "\(path).patch_embed"
        for (index, block) in blocks.enumerated() {
            stages += block.stages(after: before, positions: index == 0 ? positions : nil)
            before = block.path
        }
        return stages + neck.stages(after: before) + [ModelStage(path, ["\(path).neck.3"]) { $0[0] }]
    }
}

extension Block {
    /// - Parameter positions: what is still to be added to the output of the stage before.
    fileprivate func stages(after before: String, positions: Tensor?) -> [ModelStage] {
        func placed(_ x: Tensor) -> Tensor { positions.map { unbatched(x) + $0 } ?? unbatched(x) }
        let (first, attention, second) = ("\(path).norm1", "\(path).attn", "\(path).norm2")
        return [ModelStage(first, [before]) { norm1(placed($0[0])).batched }]
            + attn.partStages(path: attention, from: first) + [
                ModelStage(attention, [first]) { attn.recorded(unbatched($0[0]), attended: attn(unbatched($0[0]))) },
                ModelStage(second, [before, attention]) { norm2(placed($0[0]) + attn.whole($0[1])).batched },
                ModelStage("\(path).mlp.lin1", [second], isPart: true) { mlp.lin1($0[0]) },
                ModelStage("\(path).mlp.act", [second], isPart: true) {
                    mlp.lin1($0[0], activation: mlp.activation)
                },
                ModelStage("\(path).mlp", [second]) { mlp($0[0]) },
                ModelStage(path, [before, attention, "\(path).mlp"]) {
                    ((placed($0[0]) + attn.whole($0[1])) + unbatched($0[2])).batched
                },
            ]
    }
}

extension Attention {
    fileprivate func partStages(path: String, from input: String) -> [ModelStage] {
        func part(_ name: String, _ inputs: [String], _ compute: @escaping ([Tensor]) -> Tensor) -> ModelStage {
            ModelStage("\(path).\(name)", inputs.map { $0 == input ? $0 : "\(path).\($0)" }, isPart: true, compute)
        }
        let projected = { (inputs: [Tensor]) in windows(withPadding(qkv(unbatched(inputs[0]))), window) }
        return [part("qkv", [input], projected)]
            + ["q", "k", "v"].enumerated().map { index, name in
                part(name, [input]) { self.part(index, of: projected($0)) }
            } + [
                part("scores", ["q", "k"]) { scaledProducts($0[0], $0[1]) },
                part("rel_h", ["q"]) { relativeTerms($0[0], relPosHeight) { $0 / window } },
                part("rel_w", ["q"]) { relativeTerms($0[0], relPosWidth) { $0 % window } },
                part("weights", ["scores", "rel_h", "rel_w"]) { softmax(withRelativeTerms($0[0], $0[1], $0[2])) },
                part("values", ["weights", "v"]) { joinedHeads(products($0[0], $0[1])) },
            ]
    }
}

extension Neck {
    fileprivate func stages(after before: String) -> [ModelStage] {
        let layers: [(Tensor) -> Tensor] = [
            reduce.callAsFunction, norm1.callAsFunction, smooth.callAsFunction, norm2.callAsFunction,
        ]
        return layers.enumerated().map { index, layer in
            ModelStage("\(path).\(index)", [index == 0 ? before : "\(path).\(index - 1)"]) {
                layer(index == 0 ? unbatched($0[0]) : channelsLast($0[0])).channelsFirst
            }
        }
    }
}

// MARK: - The mask decoder

extension MaskDecoder {
    fileprivate func stages(_ positions: Tensor, masks: Range<Int>) -> [ModelStage] {
        let (grid, channels) = (positions.shape[0], positions.shape[2])
        let places = positions.reshaped([grid * grid, channels])
        let (path, upscaling) = (transformer.path, "\(path).output_upscaling")
        var before = ["image_encoder", "prompt_encoder.dense"]
        var stages: [ModelStage] = []
        for layer in transformer.layers {
            stages += layer.stages(["prompt_encoder.sparse"] + before, places, tokens: tokens)
            before = ["\(layer.path).queries", "\(layer.path).keys"]
        }
        func seen(_ x: [Tensor]) -> Tensor {
            transformer.finalAttention(queries: x[1] + tokens(x[0]), image: ImageTokens(x[2], positions: places))
        }
        let final = ["prompt_encoder.sparse"] + before
        func upscalingPart(_ index: Int, _ input: String, _ body: @escaping (Tensor) -> Tensor) -> ModelStage {
            ModelStage("\(upscaling).\(index)", [input], isPart: true) { body($0[0]).permuted(0, 3, 1, 2) }
        }
        func weights(_ queries: Tensor) -> [Tensor] {
            hypernetworks.indices.map { hypernetworks[$0](queries.selecting(axis: 1, 1 + $0)) }
        }
        func all(_ x: [Tensor]) -> Tensor {
            let (weights, upscaled) = (weights(x[0]), x[1])
            let (side, inner) = (upscaled.shape[2], upscaled.shape[1])
            let left = concatenated(weights.map(\.batched)).permuted(1, 0, 2)
            return products(left, upscaled.reshaped([upscaled.shape[0], inner, side * side]))
                .reshaped([upscaled.shape[0], weights.count, side, side])
        }
        return stages + [
            ModelStage("\(path).final_attn_token_to_image", final, isPart: true, seen),
            ModelStage("\(path).queries", final) { transformer.finalNorm($0[1] + seen($0)) },
            ModelStage("\(path).keys", [before[1]]) { $0[0] },
            upscalingPart(0, "\(path).keys") {
                upscale1($0.reshaped([$0.shape[0], grid, grid, channels]))
            },
            upscalingPart(1, "\(upscaling).0") { upscaleNorm($0.permuted(0, 2, 3, 1)) },
            upscalingPart(2, "\(upscaling).1") { gelu($0.permuted(0, 2, 3, 1)) },
            upscalingPart(3, "\(upscaling).2") { upscale2($0.permuted(0, 2, 3, 1)) },
            ModelStage(upscaling, ["\(path).keys"]) { upscaled($0[0], grid: grid).permuted(0, 3, 1, 2) },
        ]
            + hypernetworks.indices.map { mask in
                ModelStage("\(self.path).output_hypernetworks_mlps.\(mask)", ["\(path).queries"], isPart: true) {
                    weights($0[0])[mask]
                }
            } + [
                ModelStage("\(self.path).masks", ["\(path).queries", upscaling], isPart: true, all),
                ModelStage("\(self.path).iou_prediction_head", ["\(path).queries"], isPart: true) {
                    iouHead($0[0].selecting(axis: 1, 0))
                },
                ModelStage("\(self.path).low_res_logits", ["\(path).queries", upscaling]) {
                    all($0).sliced(axis: 1, masks).contiguous()
                },
                ModelStage("\(self.path).iou_predictions", ["\(path).queries"]) {
                    iouHead($0[0].selecting(axis: 1, 0)).sliced(axis: 1, masks).contiguous()
                },
            ]
    }

    /// The output tokens, then each prompt's: `[prompts, tokens, channels]`.
    private func tokens(_ sparse: Tensor) -> Tensor {
        concatenated(
            (0..<sparse.shape[0]).map { concatenated([outputTokens, sparse.selecting(axis: 0, $0)]).batched })
    }
}

extension TwoWayBlock {
    /// - Parameters:
    ///   - state: the prompts' tokens, then the queries and the keys of the layer before; of the first, the image's embedding
    ///     and the prompts' dense embedding.
    ///   - tokens: makes the decoder's tokens of the prompts'.
    fileprivate func stages(
        _ state: [String], _ positions: Tensor, tokens: @escaping (Tensor) -> Tensor
    ) -> [ModelStage] {
        func queries(_ x: [Tensor]) -> Tensor { isFirst ? tokens(x[0]) : x[1] }
        func keys(_ x: [Tensor]) -> ImageTokens {
            guard isFirst else { return ImageTokens(x[2], positions: positions) }
            let shape = x[2].shape
            let images = (0..<shape[0]).map { channelsLast(x[1]) + x[2].selecting(axis: 0, $0).permuted(1, 2, 0) }
            return ImageTokens(
                stacked(images).reshaped([shape[0], shape[2] * shape[3], shape[1]]), positions: positions)
        }
        func part(_ name: String, _ inputs: [String], _ compute: @escaping ([Tensor]) -> Tensor) -> ModelStage {
            ModelStage(
                "\(path).\(name)", inputs.map { state.contains($0) ? $0 : "\(path).\($0)" }, isPart: true, compute)
        }
        let (toImage, toToken) = ("cross_attn_token_to_image", "cross_attn_image_to_token")
        func fromImage(_ x: [Tensor]) -> Tensor {
            let image = keys(x).tokens
            return imageToToken.attention(queries: image + positions, keys: x[3] + tokens(x[0]), values: x[3])
        }
        return [
            part("self_attn", state) {
                let (queries, placed) = (queries($0), isFirst ? queries($0) : queries($0) + tokens($0[0]))
                return selfAttention(queries: placed, keys: placed, values: queries)
            },
            part("norm1", state + ["self_attn"]) { norm1(isFirst ? $0[3] : queries($0) + $0[3]) },
            part(toImage, state + ["norm1"]) { tokenToImage(queries: $0[3] + tokens($0[0]), image: keys($0)) },
            part("norm2", ["norm1", toImage]) { norm2($0[0] + $0[1]) },
            part("mlp.lin1", ["norm2"]) { mlp.lin1($0[0]) },
            part("mlp.act", ["norm2"]) { mlp.lin1($0[0], activation: mlp.activation) },
            part("mlp", ["norm2"]) { mlp($0[0]) },
            part("norm3", ["norm2", "mlp"]) { norm3($0[0] + $0[1]) },
            ModelStage("\(path).queries", state) {
                self(queries: queries($0), keys: keys($0), queryPositions: tokens($0[0])).queries
            },
            part(toToken, state + ["queries"], fromImage),
            part("norm4", state + [toToken]) { imageToToken.norm(keys($0).tokens + $0[3]) },
            ModelStage("\(path).keys", state + ["\(path).queries"]) {
                imageToToken(image: keys($0), keys: $0[3] + tokens($0[0]), values: $0[3]).tokens
            },
        ]
    }
}

// MARK: - The official memory orders

/// `[1, height, width, channels]` as the fast layers take it.
private func unbatched(_ x: Tensor) -> Tensor { x.selecting(axis: 0, 0) }

/// `[1, channels, height, width]` as the fast layers take it.
private func channelsLast(_ x: Tensor) -> Tensor { x.selecting(axis: 0, 0).permuted(1, 2, 0) }

extension Attention {
    /// `[windows, window, window, channels]` to `[grid, grid, channels]`.
    fileprivate func whole(_ x: Tensor) -> Tensor {
        let (across, channels) = ((grid + window - 1) / window, x.shape[3])
        return x.reshaped([across, across, window, window, channels]).permuted(0, 2, 1, 3, 4)
            .reshaped([across * window, across * window, channels])
            .sliced(axis: 0, 0..<grid).sliced(axis: 1, 0..<grid).contiguous()
    }
}
