import Tensors

/// A layer with made-up input, to be timed: its name is the module's path.
package struct Layer {
    package let name: String
    /// What it does, with sizes, such as "4096×1280→3840".
    package let sizes: String
    /// Twice the multiply-adds of its products.
    package let flop: Double
    /// Whether its products are in the model's precision; else in single precision.
    package let followsPrecision: Bool
    package let run: () -> Void
}

extension Sam {
    /// The layers that nearly all time goes to: of the first block of each kind, and the decoder with one box and with
    /// eight.
    package func layers() -> [Layer] {
        let (tokens, grid, width) = (configuration.grid * configuration.grid, configuration.grid, configuration.width)
        let x = Tensor(repeating: 0.5, shape: [grid, grid, width])
        let projected = Tensor(repeating: 0.01, shape: [grid, grid, 3 * width])
        let hidden = Tensor(repeating: 0.5, shape: [grid, grid, configuration.mlpWidth])
        func linear(_ name: String, _ inputs: Int, _ outputs: Int, _ run: @escaping () -> Void) -> Layer {
            Layer(
                name: name, sizes: "\(tokens)×\(inputs)→\(outputs)", flop: 2 * Double(tokens * inputs * outputs),
                followsPrecision: true, run: run)
        }
        func attention(_ block: Block) -> Layer {
            let side = block.attn.window
            let windows = (grid + side - 1) / side * ((grid + side - 1) / side)
            return Layer(
                name: "\(block.path).attn",
                sizes: "\(windows) × \(configuration.heads) heads × \(side * side) tokens × \(configuration.headDim)",
                flop: configuration.attentionFlop(window: side), followsPrecision: true
            ) { _ = block.attn.attended(projected) }
        }
        func block(_ block: Block) -> [Layer] {
            [
                linear("\(block.path).attn.qkv", width, 3 * width) { _ = block.attn.qkv(x) },
                attention(block),
                linear("\(block.path).attn.proj", width, width) { _ = block.attn.proj(x) },
                linear("\(block.path).mlp.lin1", width, configuration.mlpWidth) {
                    _ = block.mlp.lin1(x, activation: .gelu)
                },
                linear("\(block.path).mlp.lin2", configuration.mlpWidth, width) { _ = block.mlp.lin2(hidden) },
            ]
        }
        let windowed = imageEncoder.blocks.first { !$0.attn.isGlobal }.map(block) ?? []
        let global = imageEncoder.blocks.first { $0.attn.isGlobal }.map { [attention($0)] } ?? []
        return windowed + global + [1, 8].map(decoder)
    }

    private func decoder(prompts: Int) -> Layer {
        let (grid, channels) = (configuration.grid, configuration.decoderWidth)
        let image = Tensor(repeating: 0.1, shape: [1, grid, grid, channels])
        let boxes = Tensor(repeating: 0.1, shape: [prompts, 2, channels])
        let columns = 7 * Configuration.decoderHeads
        // Two products a way, each way in each block, and the last to the image; then the two convolutions.
        let attention = 2 * (2 * configuration.decoderDepth + 1) * columns * channels
        let (middle, outer) = (maskDecoder.upscale1.outputs, maskDecoder.upscale2.outputs)
        let upscaling = 4 * middle * channels + 16 * outer * middle
        return Layer(
            name: maskDecoder.path, sizes: "\(prompts) × \(grid * grid) tokens × \(channels)",
            flop: 2 * Double(prompts * grid * grid * (attention + upscaling)), followsPrecision: false
        ) {
            _ = maskDecoder(
                image: image, positions: promptEncoder.densePositions, prompts: boxes,
                masks: 1..<Configuration.maskCount)
        }
    }
}

extension Configuration {
    /// Floating-point operations of the image encoder on one image: twice the multiply-adds of its products.
    ///
    /// Linear maps count the image's tokens; attention also those that pad its windows, as the reference computes it, though
    /// what they attend to is never used and ``Attention`` leaves it out.
    package var encoderFlop: Double {
        let tokens = grid * grid
        let linear = depth * tokens * width * (4 * width + 2 * mlpWidth)
        let attention = windows.reduce(0) { $0 + attentionFlop(window: $1) }
        let patches = tokens * 3 * patchSize * patchSize * width
        let neck = tokens * (width + 9 * decoderWidth) * decoderWidth
        return 2 * Double(linear + patches + neck) + attention
    }

    /// Those of one block's attention: queries with keys, weights with values, and queries with positions both ways.
    func attentionFlop(window side: Int) -> Double {
        let across = (grid + side - 1) / side
        return 4 * Double(across * across * side * side * (side * side + side) * width)
    }
}
