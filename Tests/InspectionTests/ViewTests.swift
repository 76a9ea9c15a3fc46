// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import SegmentAnything
import Tensors
import TestSupport
import Testing

@testable import Inspection

/// What the page shows, against the official package's activations and NumPy.
@Suite struct ViewTests {
    private let fixture = Fixture(name: "parts/small.square-points")
    private let sam = Fixture(name: "small").sam

    /// Rows from single queries and keys, against the official softmax over all of them; windows that the grid does not fill,
    /// and a global block. Queries, keys and weights are rounded to single precision in the fixture.
    @Test(arguments: 0..<3) func attentionRowsAreTheOfficialSoftmax(block: Int) throws {
        let (reference, path) = (fixture.reference, "image_encoder.blocks.\(block).attn")
        let attention = EncoderAttention(
            block: block, queries: reference.activation("\(path).q"), keys: reference.activation("\(path).k"),
            of: sam.file)
        let weights = reference.activation("\(path).weights")
        let (down, across) = (reference.activation("\(path).rel_h"), reference.activation("\(path).rel_w"))
        let (window, heads) = (attention.window, attention.heads)
        #expect(window == (block == 1 ? 10 : 4) && heads == 3 && attention.headDim == 16 && attention.grid == 10)
        for place in 0..<100 {
            let patch = Patch(row: place / 10, column: place % 10)
            let index = patch.row / window * ((10 + window - 1) / window) + patch.column / window
            let (y, x) = (patch.row % window, patch.column % window)
            for head in 0..<heads {
                let (row, item) = (attention.row(from: patch, head: head), index * heads + head)
                let official = weights.selecting(axis: 0, item).selecting(axis: 0, y * window + x).values
                #expect(zip(row.weights, official).allSatisfy { abs($0 - Double($1)) < 1e-6 }, "\(patch) head \(head)")
                #expect(abs(row.weights.reduce(0, +) - 1) < 1e-12 && row.weights.count == official.count)
                for key in 0..<window {
                    #expect(abs(row.heightTerms[key] - Double(down[item, y, x, key])) < 1e-5)
                    #expect(abs(row.widthTerms[key] - Double(across[item, y, x, key])) < 1e-5)
                }
            }
        }
    }

    /// By NumPy's singular value decomposition in double precision; ours multiplies in single.
    @Test func componentsAreNumPys() throws {
        let expected = InspectionFixture.shared.components
        let tokens = fixture.reference.activation(expected.activation).reshaped([100, 48])
        let components = PrincipalComponents(of: tokens)
        let largest = expected.projections.map(abs).max()!
        for (value, expected) in zip(components.projections.values, expected.projections) {
            #expect(abs(Double(value) - expected) < 1e-4 * largest)
        }
        for (share, expected) in zip(components.shares, expected.shares) { #expect(abs(share - expected) < 1e-5) }
        #expect(components.projections.shape == [100, 3] && expected.projections.count == 300)
        let colours = components.colours
        #expect(
            colours.count == 300
                && (0..<3).allSatisfy { component in
                    let values = stride(from: component, to: 300, by: 3).map { colours[$0] }
                    return values.min() == 0 && values.max() == 255
                })
    }

    /// Along one line, in fewer channels than components, of one token and of none that differ.
    @Test func componentsOfFewDirections() {
        let line = PrincipalComponents(of: Tensor([0, 0, 3, 4, 6, 8, -3, -4], shape: [4, 2]))
        #expect(line.projections.shape == [4, 3] && abs(line.shares[0] - 1) < 1e-6 && line.shares[2] == 0)
        // From the mean (1.5, 2) along (0.6, 0.8).
        for (token, expected) in [-2.5, 2.5, 7.5, -7.5].enumerated() {
            #expect(abs(Double(line.projections[token, 0]) - expected) < 1e-5 && abs(line.projections[token, 1]) < 1e-5)
        }
        for tokens in [Tensor([5, 7], shape: [1, 2]), Tensor(repeating: 2, shape: [5, 4])] {
            let components = PrincipalComponents(of: tokens)
            #expect(components.shares == [0, 0, 0] && components.projections.values.allSatisfy { $0 == 0 })
            #expect(components.colours.allSatisfy { $0 == 128 })
        }
    }

    /// A picture of 40×20 in a square of 80 with patches of 8: a patch is 4×4 of its pixels.
    @Test func regionsAreOfThePicturesPixels() throws {
        let image = try EncodedImage(
            embedding: Tensor(repeating: 0, shape: [10, 10, 32]), size: PixelSize(width: 40, height: 20), name: "",
            for: sam)
        // Centres at 2, 6, 10, …: columns 1 and 2 of row 1, and not those whose centre is left out.
        let region = GridRegion(PixelBox(x0: 4, y0: 4, x1: 12, y1: 9.5), of: image)
        #expect(region.isInside.indices.filter { region.isInside[$0] } == [11, 12] && region.share == 0.02)
        #expect(GridRegion(PixelBox(x0: 0, y0: 0, x1: 40, y1: 20), of: image).share == 0.5)
        var values = [Bool](repeating: false, count: 800)
        values[18 * 40 + 38] = true
        let mask = GridRegion(Mask(size: image.size, values: values), of: image)
        #expect(mask.isInside.indices.filter { mask.isInside[$0] } == [49])
        let area = PatchArea(image)
        #expect(area.rows == 5 && area.columns == 10)
        #expect(area.patch(at: PixelPoint(x: 38, y: 18)) == Patch(row: 4, column: 9))
        #expect(area.patch(at: PixelPoint(x: -1, y: 99)) == Patch(row: 4, column: 0))
        // Beyond any Int.
        #expect(area.patch(at: PixelPoint(x: 1e300, y: -1e300)) == Patch(row: 0, column: 9))
        #expect(area.patches.count == 64 && area.patches.allSatisfy { $0.row < 5 && $0.column < 10 })
        // Of 40×27, scaled to 80×54, the seventh row is three quarters full.
        let partial = PatchArea(
            try EncodedImage(
                embedding: Tensor(repeating: 0, shape: [10, 10, 32]), size: PixelSize(width: 40, height: 27), name: "",
                for: sam))
        #expect(partial.rows == 7 && partial.columns == 10)
        #expect(
            partial.patch(at: PixelPoint(x: 0, y: 23.9)).row == 5 && partial.patch(at: PixelPoint(x: 0, y: 24)).row == 6
        )
    }

    /// The share of official softmax weights, summed here one by one; of the second prompt.
    @Test func sharesAreSumsOfTheOfficialWeights() throws {
        let name = "mask_decoder.transformer.layers.1.cross_attn_token_to_image.weights"
        let weights = fixture.reference.activation(name)
        let image = try EncodedImage(
            embedding: Tensor(repeating: 0, shape: [10, 10, 32]), size: fixture.reference.image.size, name: "", for: sam
        )
        let region = GridRegion(PixelBox(x0: 10, y0: 5, x1: 40, y1: 30), of: image)
        let shares = TokenAttention(weights: weights, prompt: 1).shares(of: region)
        #expect(shares.count == 9)
        for token in 0..<9 {
            var sum = 0.0
            for head in 0..<8 {
                for key in 0..<100 where region.isInside[key] { sum += Double(weights[1, head, token, key]) / 8 }
            }
            #expect(abs(shares[token] - sum) < 1e-12 && sum > 0 && sum < 1)
        }
        let all = GridRegion(PixelBox(x0: 0, y0: 0, x1: 99, y1: 99), of: image)
        #expect(TokenAttention(weights: weights).shares(of: all).allSatisfy { abs($0 - 1) < 1e-5 })
        // What each place gives to a token, the mean over heads.
        let back = fixture.reference.activation(name.replacing("token_to_image", with: "image_to_token"))
        let byKey = TokenAttention(weights: back, prompt: 1).byKey
        let given = (0..<8).reduce(0.0) { $0 + Double(back[1, $1, 37, 2]) / 8 }
        #expect(byKey.count == 9 && byKey[2].count == 100 && abs(byKey[2][37] - given) < 1e-12)
    }

    /// All channels make the official logits; single precision rounds each of four products.
    @Test(arguments: 0..<4) func channelsMakeTheMask(mask: Int) throws {
        let reference = fixture.reference
        let upscaled = reference.activation("mask_decoder.output_upscaling")
        let weights = reference.activation("mask_decoder.output_hypernetworks_mlps.\(mask)")
        for prompt in 0..<2 {
            let channels = MaskChannels(weights: weights, channels: upscaled, prompt: prompt)
            let official = reference.activation("mask_decoder.masks").selecting(axis: 0, prompt)
                .selecting(axis: 0, mask).values
            let largest = official.map(abs).max()!
            let made = channels.logits(of: 0..<4).values
            #expect(zip(made, official).allSatisfy { abs($0 - $1) < 1e-5 * largest })
            #expect(Set(channels.order) == Set(0..<4))
            // The first alone is nearer to its shape than the last alone: its deviation is the largest.
            let deviations = channels.order.map { TensorStatistics(channels.logits(of: [$0])).deviation.value! }
            #expect(zip(deviations, deviations.dropFirst()).allSatisfy { $0 >= $1 * (1 - 1e-5) })
        }
    }

    @Test func eightBitsKeepWhatTheyCan() {
        let shares = [[0.5, 0.25, 0.0, 0.0625], [0, 0, 0, 0], [1e-9, 2e-9, 3e-9, 0]]
        let packed = EightBits(shares: shares)
        let signed = EightBits(signed: [[-2, 1, 0, 0.01], [0, 0, 0, 0]])
        for (row, values) in shares.enumerated() {
            let largest = values.max()!
            for (found, value) in zip(packed.shares(row: row, count: 4), values) {
                #expect(abs(found - value) <= largest / 255 && (value > 0 || found == 0))
            }
        }
        #expect(zip(signed.signed(row: 0, count: 4), [-2, 1, 0, 0.01]).allSatisfy { abs($0 - $1) <= 1.0 / 127 })
        #expect(signed.signed(row: 1, count: 4) == [0, 0, 0, 0])
    }
}

extension MaskChannels {
    /// The logits that some channels alone make, `[4·grid, 4·grid]`; those of all are the mask's.
    fileprivate func logits(of some: some Sequence<Int>) -> Tensor {
        let (side, chosen) = (channels.shape[1], Array(some))
        return channels.withUnsafeBufferPointer { channels in
            var sums = [Double](repeating: 0, count: side * side)
            for channel in chosen {
                let weight = Double(weights[channel])
                for place in sums.indices { sums[place] += weight * Double(channels[channel * side * side + place]) }
            }
            return Tensor(sums.map(Float.init), shape: [side, side])
        }
    }
}
