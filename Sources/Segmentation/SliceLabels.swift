import ImageFrames

/// A mask that claims its pixels for a label.
struct Claim {
    /// What decides where labels overlap: the higher rank wins. All claims on a slice are ranked in the same way.
    enum Rank: Comparable {
        /// The predicted IoU.
        case score(Float)
        /// The box's place in its file.
        case place(Int)
    }

    let label: UInt16
    let rank: Rank
    let mask: Mask
}

/// How many pixels of a slice two labels both asked for.
public struct Conflict: Hashable, Sendable, Codable {
    public var slice: Int
    /// The label that the pixels have now: of the higher rank.
    public var winner: UInt16
    public var loser: UInt16
    public var pixels: Int
}

/// The labels of a slice's pixels `[height, width]`, and what was contested.
///
/// Masks of one label are united. Where labels overlap, the mask of the highest rank wins, of equals the lower label,
/// so that the order of the claims does not matter.
func merged(_ claims: [Claim], slice: Int, size: PixelSize) -> (labels: [UInt16], conflicts: [Conflict]) {
    var result = [UInt16](repeating: 0, count: size.area)
    // Each is painted over those of lower rank.
    for claim in claims.sorted(by: { ($0.rank, $1.label) < ($1.rank, $0.label) }) {
        precondition(claim.mask.size == size, "mask of \(claim.mask.size) on a slice of \(size)")
        for (pixel, isInside) in claim.mask.values.enumerated() where isInside { result[pixel] = claim.label }
    }
    var conflicts: [Conflict] = []
    for (loser, claims) in Dictionary(grouping: claims, by: \.label).sorted(by: { $0.key < $1.key }) {
        let lost = (0..<size.area).filter { pixel in
            result[pixel] != loser && claims.contains { $0.mask.values[pixel] }
        }
        for (winner, pixels) in Dictionary(grouping: lost, by: { result[$0] }).sorted(by: { $0.key < $1.key }) {
            conflicts.append(Conflict(slice: slice, winner: winner, loser: loser, pixels: pixels.count))
        }
    }
    return (result, conflicts)
}
