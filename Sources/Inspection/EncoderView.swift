import Foundation
import ImageFrames
import SegmentAnything
import Tensors

/// What the page holds of the image encoder's run on a picture.
struct EncoderView {
    /// An activation of tokens, its principal components as colours.
    struct Colours: Encodable {
        let name: String
        let title: String
        /// `[rows, columns, 3]` of the patches of the picture.
        let colours: Data
        let shares: [Double]
    }

    /// The scaled picture, `[height, width, 3]`; of a large one, the mean of several pixels in one.
    let shown: PixelSize
    let pixels: Data
    let colours: [Colours]
    let blocks: [BlockView]

    /// Runs the encoder with a recorder, and keeps what is shown a block at a time.
    init(
        _ sam: Sam, _ image: RGBImage, name: String, scaling: Scaling, _ area: PatchArea,
        attentionFrom patches: [Patch], progress: (_ stage: String) -> Void
    ) throws {
        var (picture, queries) = (Optional<Tensor>.none, Optional<Tensor>.none)
        var (colours, blocks) = ([Colours](), [BlockView]())
        let recorder = Recorder(parts: true) { name, activation in
            if name == "input.scaled" { picture = activation() }
            if let title = Self.title(of: name) {
                let isChannelsFirst = !name.contains("_embed") && !name.contains("block")
                let components = PrincipalComponents(of: area.tokens(activation(), isChannelsFirst: isChannelsFirst))
                colours.append(
                    Colours(name: name, title: title, colours: Data(components.colours), shares: components.shares))
            }
            if name.hasSuffix(".attn.q") { queries = activation() }
            if name.hasSuffix(".attn.k"), let asked = queries {
                blocks.append(
                    BlockView(
                        EncoderAttention(block: blocks.count, queries: asked, keys: activation(), of: sam.file),
                        from: patches))
                queries = nil
            }
        }
        _ = try sam.encode(image, name: name, scaling: scaling, recorder: recorder) { done, total in
            progress("block \(done) of \(total)")
        }
        guard let picture else { preconditionFailure("input.scaled was not recorded") }
        (shown, pixels) = shrunk(picture)
        (self.colours, self.blocks) = (colours, blocks)
    }

    /// What an activation whose tokens are shown as colours is called; nil where they are not.
    private static func title(of name: String) -> String? {
        switch name {
        case "image_encoder.patch_embed": "patches"
        case "image_encoder.pos_embed": "with positions"
        case "image_encoder.neck.0": "neck, 1×1"
        case "image_encoder": "embedding"
        default: name.wholeMatch(of: /image_encoder\.blocks\.(\d+)/).map { "block \($0.1)" }
        }
    }
}

/// A scaled picture `[height, width, 3]`, or where it is large the mean of so many pixels that 400 at most are left.
private func shrunk(_ picture: Tensor) -> (PixelSize, Data) {
    let (height, width, values) = (picture.shape[0], picture.shape[1], picture.values)
    let step = (max(height, width) + 399) / 400
    let size = PixelSize(width: max(width / step, 1), height: max(height / step, 1))
    var pixels = Data(capacity: 3 * size.area)
    for y in 0..<size.height {
        for x in 0..<size.width {
            for channel in 0..<3 {
                var sum: Float = 0
                for part in 0..<step * step {
                    let (row, column) = (
                        min(y * step + part / step, height - 1), min(x * step + part % step, width - 1)
                    )
                    sum += values[(row * width + column) * 3 + channel]
                }
                pixels.append(UInt8(min(max((sum / Float(step * step)).rounded(), 0), 255)))
            }
        }
    }
    return (size, pixels)
}
