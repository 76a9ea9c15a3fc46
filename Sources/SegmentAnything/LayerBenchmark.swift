import Tensors

/// A layer with made-up input, to be timed: its name is the module's path.
package struct LayerBenchmark {
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
    /// The layers that nearly all time goes to: of the encoder, and the decoder with one box and with eight.
    package func layerBenchmarks() -> [LayerBenchmark] {
        switch (layers.imageEncoder, configuration.image) {
        case (.vit(let encoder), .vit(let sizes)): encoder.benchmarks(sizes) + [1, 8].map(decoder)
        }
    }

    private func decoder(prompts: Int) -> LayerBenchmark {
        let (grid, channels) = (configuration.grid, configuration.decoder.width)
        let image = Tensor(repeating: 0.1, shape: [1, grid, grid, channels])
        let boxes = Tensor(repeating: 0.1, shape: [prompts, 2, channels])
        let columns = 7 * DecoderConfiguration.heads
        // Two products a way, each way in each block, and the last to the image; then the two convolutions.
        let attention = 2 * (2 * configuration.decoder.depth + 1) * columns * channels
        let (middle, outer) = (layers.maskDecoder.upscale1.outputs, layers.maskDecoder.upscale2.outputs)
        let upscaling = 4 * middle * channels + 16 * outer * middle
        return LayerBenchmark(
            name: layers.maskDecoder.path, sizes: "\(prompts) × \(grid * grid) tokens × \(channels)",
            flop: 2 * Double(prompts * grid * grid * (attention + upscaling)), followsPrecision: false
        ) {
            _ = layers.maskDecoder(
                image: image, positions: densePositions, prompts: boxes,
                masks: 1..<DecoderConfiguration.maskCount)
        }
    }
}

extension ImageEncoderViT {
    /// The layers of the first block of each kind.
    fileprivate func benchmarks(_ sizes: ViTConfiguration) -> [LayerBenchmark] {
        let (tokens, grid, width) = (sizes.grid * sizes.grid, sizes.grid, sizes.width)
        let x = Tensor(repeating: 0.5, shape: [grid, grid, width])
        let projected = Tensor(repeating: 0.01, shape: [grid, grid, 3 * width])
        let hidden = Tensor(repeating: 0.5, shape: [grid, grid, sizes.mlpWidth])
        func linear(_ name: String, _ inputs: Int, _ outputs: Int, _ run: @escaping () -> Void) -> LayerBenchmark {
            LayerBenchmark(
                name: name, sizes: "\(tokens)×\(inputs)→\(outputs)", flop: 2 * Double(tokens * inputs * outputs),
                followsPrecision: true, run: run)
        }
        func attention(_ block: Block) -> LayerBenchmark {
            let side = block.attn.window
            let windows = (grid + side - 1) / side * ((grid + side - 1) / side)
            return LayerBenchmark(
                name: "\(block.path).attn",
                sizes: "\(windows) × \(sizes.heads) heads × \(side * side) tokens × \(sizes.headDim)",
                flop: sizes.attentionFlop(window: side), followsPrecision: true
            ) { _ = block.attn.attended(projected) }
        }
        func all(_ block: Block) -> [LayerBenchmark] {
            [
                linear("\(block.path).attn.qkv", width, 3 * width) { _ = block.attn.qkv(x) },
                attention(block),
                linear("\(block.path).attn.proj", width, width) { _ = block.attn.proj(x) },
                linear("\(block.path).mlp.lin1", width, sizes.mlpWidth) {
                    _ = block.mlp.lin1(x, activation: .gelu)
                },
                linear("\(block.path).mlp.lin2", sizes.mlpWidth, width) { _ = block.mlp.lin2(hidden) },
            ]
        }
        let windowed = blocks.first { !$0.attn.isGlobal }.map(all) ?? []
        let global = blocks.first { $0.attn.isGlobal }.map { [attention($0)] } ?? []
        return windowed + global
    }
}
