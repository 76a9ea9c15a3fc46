import ImageFrames

/// A mask that asks for a label on its pixels.
struct Claim {
    let label: UInt16
    /// What decides where labels overlap, the higher wins: the predicted IoU of the mask, or in the study's recipe the
    /// box's place in its file.
    let score: Float
    let mask: Mask
}

/// How many pixels of a slice two labels both asked for.
public struct Conflict: Hashable, Sendable, Codable {
    public var slice: Int
    /// The label that the pixels have now: of the higher score.
    public var winner: UInt16
    public var loser: UInt16
    public var pixels: Int
}

/// The labels of a slice's pixels `[height, width]`, and what was contested.
///
/// Masks of one label are united. Where labels overlap, the mask of the highest score wins, of equals the lower label,
/// so that the order of the claims does not matter.
func merged(_ claims: [Claim], slice: Int, size: PixelSize) -> (labels: [UInt16], conflicts: [Conflict]) {
    let none = -Float.infinity
    var scores: [(label: UInt16, best: [Float])] = []
    for (label, claims) in Dictionary(grouping: claims, by: \.label).sorted(by: { $0.key < $1.key }) {
        var best = [Float](repeating: none, count: size.area)
        for claim in claims {
            precondition(claim.mask.size == size, "mask of \(claim.mask.size) on a slice of \(size)")
            for (pixel, isInside) in claim.mask.values.enumerated() where isInside {
                best[pixel] = max(best[pixel], claim.score)
            }
        }
        scores.append((label, best))
    }

    var result = [UInt16](repeating: 0, count: size.area)
    var highest = [Float](repeating: none, count: size.area)
    for (label, best) in scores {
        for pixel in 0..<size.area where best[pixel] > highest[pixel] {
            (result[pixel], highest[pixel]) = (label, best[pixel])
        }
    }
    var conflicts: [Conflict] = []
    for (loser, best) in scores {
        let lost = (0..<size.area).filter { best[$0] > none && result[$0] != loser }
        for (winner, pixels) in Dictionary(grouping: lost, by: { result[$0] }).sorted(by: { $0.key < $1.key }) {
            conflicts.append(Conflict(slice: slice, winner: winner, loser: loser, pixels: pixels.count))
        }
    }
    return (result, conflicts)
}
