import Foundation
import SegmentAnything
import Tensors

/// A place of the encoder's grid of patches, both from 0.
public struct Patch: Hashable, Sendable, Encodable {
    public let row: Int
    public let column: Int

    public init(row: Int, column: Int) { (self.row, self.column) = (row, column) }
}

/// The attention of one block of the image encoder, from any of its patches:
///
/// softmax(q·kᵀ/√headDim + q·R_height + q·R_width), over the patch's window (`image_encoder.py:231`, `:325`).
///
/// A row is computed as it is asked for, in double precision; the whole attention, heads · tokens², never exists.
public struct EncoderAttention: Sendable {
    /// What one patch attends to in one head.
    public struct Row: Sendable {
        /// The share of each token of the window, `[window, window]`, tokens that pad it among them. They sum to 1.
        public let weights: [Double]
        /// What the key's row adds to its score, `[window]`, from the top down.
        public let heightTerms: [Double]
        /// What the key's column adds, `[window]`, from left to right.
        public let widthTerms: [Double]
    }

    public let block: Int
    /// Patches along a side of the image.
    public let grid: Int
    /// Tokens along a side of a window; the whole grid in a global block.
    public let window: Int
    public let heads: Int
    public let headDim: Int
    /// `[windows · heads, window², headDim]`, as a recorder is shown them; so the keys.
    let queries: Tensor
    let keys: Tensor
    /// `[2·window − 1, headDim]`: entry y + window − 1 is for a query that is y rows below its key.
    let heightPositions: Tensor
    let widthPositions: Tensor

    /// - Parameters:
    ///   - queries: the activation `image_encoder.blocks.N.attn.q`, as `keys` is `….k`.
    ///   - file: the model's, for its relative positions.
    public init(block: Int, queries: Tensor, keys: Tensor, of file: ModelFile) {
        let path = "image_encoder.blocks.\(block).attn"
        (heightPositions, widthPositions) = (file.tensor("\(path).rel_pos_h"), file.tensor("\(path).rel_pos_w"))
        (self.block, grid, headDim) = (block, file.configuration.grid, queries.shape[2])
        window = (heightPositions.shape[0] + 1) / 2
        let across = (grid + window - 1) / window
        heads = queries.shape[0] / (across * across)
        precondition(
            queries.shape == [across * across * heads, window * window, headDim] && keys.shape == queries.shape,
            "queries \(queries.shape) and keys \(keys.shape) of windows of \(window) in a grid of \(grid)")
        (self.queries, self.keys) = (queries.contiguous(), keys.contiguous())
    }

    /// What a patch attends to in one head.
    public func row(from patch: Patch, head: Int) -> Row {
        precondition(
            (0..<grid).contains(patch.row) && (0..<grid).contains(patch.column) && (0..<heads).contains(head),
            "\(patch), head \(head) of \(heads) in a grid of \(grid)")
        let across = (grid + window - 1) / window
        let (tokens, y, x) = (window * window, patch.row % window, patch.column % window)
        let first = ((patch.row / window * across + patch.column / window) * heads + head) * tokens
        return queries.withUnsafeBufferPointer { queries in
            keys.withUnsafeBufferPointer { keys in
                let query = vector(first + y * window + x, of: queries)
                let (height, width) = (terms(query, heightPositions, at: y), terms(query, widthPositions, at: x))
                let scale = 1 / Double(headDim).squareRoot()
                let scores = (0..<tokens).map { key in
                    scale * product(query, vector(first + key, of: keys)) + height[key / window] + width[key % window]
                }
                return Row(weights: softmax(scores), heightTerms: height, widthTerms: width)
            }
        }
    }

    private typealias Vector = Slice<UnsafeBufferPointer<Float>>

    private func vector(_ index: Int, of rows: UnsafeBufferPointer<Float>) -> Vector {
        rows[index * headDim..<(index + 1) * headDim]
    }

    /// The products of a query with the positions of the keys of each row (or column), from the first on.
    private func terms(_ query: Vector, _ positions: Tensor, at place: Int) -> [Double] {
        positions.withUnsafeBufferPointer { positions in
            (0..<window).map { key in product(query, vector(place - key + window - 1, of: positions)) }
        }
    }
}

/// Σ a·b in double precision.
private func product(_ a: Slice<UnsafeBufferPointer<Float>>, _ b: Slice<UnsafeBufferPointer<Float>>) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}

/// exp(x)/Σ exp(x).
private func softmax(_ scores: [Double]) -> [Double] {
    let largest = scores.max() ?? 0
    let powers = scores.map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}
