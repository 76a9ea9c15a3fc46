import Foundation
import Tensors

/// What the page holds of one block's attention: all queries and keys, or the rows of some patches.
struct BlockView: Encodable {
    let name: String
    let window: Int
    let heads: Int
    let headDim: Int
    /// Keys along a side of a cell that the page shows as one: 1, or more in a large global block.
    let cell: Int

    /// Where any patch can be asked: `[windows · heads · tokens, headDim]` each.
    private(set) var queries: EightBits?
    private(set) var keys: EightBits?
    /// `[2·window − 1, headDim]`.
    private(set) var heightPositions: EightBits?
    private(set) var widthPositions: EightBits?

    /// Where some can: `[patches · heads, cells]`, and `[patches · heads, window]` twice.
    private(set) var weights: EightBits?
    private(set) var heightTerms: EightBits?
    private(set) var widthTerms: EightBits?

    /// - Parameter patches: those whose rows are computed; none where the page is to have all.
    init(_ attention: EncoderAttention, from patches: [Patch]) {
        name = "image_encoder.blocks.\(attention.block)"
        (window, heads, headDim) = (attention.window, attention.heads, attention.headDim)
        guard !patches.isEmpty else {
            cell = 1
            queries = EightBits(signed: rows(attention.queries))
            keys = EightBits(signed: rows(attention.keys))
            heightPositions = EightBits(signed: rows(attention.heightPositions))
            widthPositions = EightBits(signed: rows(attention.widthPositions))
            return
        }
        let (side, cell) = (window, cellSide(window))
        self.cell = cell
        var found: [EncoderAttention.Row] = []
        for patch in patches { for head in 0..<heads { found.append(attention.row(from: patch, head: head)) } }
        weights = EightBits(shares: found.lazy.map { pooled($0.weights, side: side, by: cell) })
        heightTerms = EightBits(signed: found.lazy.map(\.heightTerms))
        widthTerms = EightBits(signed: found.lazy.map(\.widthTerms))
    }
}

private func rows(_ x: Tensor) -> [[Double]] {
    let (values, width) = (x.values, x.shape.last ?? 1)
    return stride(from: 0, to: values.count, by: width).map { values[$0..<$0 + width].map(Double.init) }
}

/// Keys along a side of what the page shows as one: 32 cells along a side are as fine as a screen shows them beside those of
/// the other heads.
func cellSide(_ side: Int) -> Int { side > 32 && side % (side / 32) == 0 ? side / 32 : 1 }

/// Sums over squares of `step` by `step` values.
func pooled(_ values: [Double], side: Int, by step: Int) -> [Double] {
    if step == 1 { return values }
    let cells = side / step
    var sums = [Double](repeating: 0, count: cells * cells)
    for (place, value) in values.enumerated() { sums[place / side / step * cells + place % side / step] += value }
    return sums
}
