import ImageFrames

extension PixelBox {
    /// The boxes of an object on a slice between two: corners go linearly from each box on the first to its partner on the second.
    ///
    /// - Parameter part: how far the slice is from the first to the second, 0…1.
    public static func between(_ first: [PixelBox], _ second: [PixelBox], at part: Double) -> [PixelBox] {
        partners(first, second).map { one, other in
            func side(_ side: KeyPath<PixelBox, Double>) -> Double {
                first[one][keyPath: side] * (1 - part) + second[other][keyPath: side] * part
            }
            return PixelBox(x0: side(\.x0), y0: side(\.y0), x1: side(\.x1), y1: side(\.y1))
        }
    }

    /// Which box on one slice is which on another, by their places.
    ///
    /// Partners are those that overlap most, by the generalised intersection over union (Rezatofighi et al., CVPR 2019), which
    /// also says how far boxes are apart. Where one slice has more, as where an organ divides, the rest each go with the box that
    /// they overlap most.
    package static func partners(_ first: [PixelBox], _ second: [PixelBox]) -> [(one: Int, other: Int)] {
        let pairs = first.indices.flatMap { one in
            second.indices.map { (one: one, other: $0, overlap: first[one].generalisedOverlap(second[$0])) }
        }.sorted { ($0.overlap, $1.one, $1.other) > ($1.overlap, $0.one, $0.other) }
        var (ones, others): (Set<Int>, Set<Int>) = ([], [])
        var partners: [(one: Int, other: Int)] = []
        for pair in pairs where !ones.contains(pair.one) && !others.contains(pair.other) {
            ones.insert(pair.one)
            others.insert(pair.other)
            partners.append((pair.one, pair.other))
        }
        for pair in pairs where ones.insert(pair.one).inserted || others.insert(pair.other).inserted {
            partners.append((pair.one, pair.other))
        }
        return partners.sorted { $0 < $1 }
    }

    /// The intersection over union less the share of the box around both that neither covers: −1…1.
    private func generalisedOverlap(_ other: PixelBox) -> Double {
        let around = (max(x1, other.x1) - min(x0, other.x0)) * (max(y1, other.y1) - min(y0, other.y0))
        let overlap = intersectionOverUnion(other)
        let union = (width * height + other.width * other.height) / (1 + overlap)
        return overlap - (around - union) / around
    }
}
