extension Mask {
    /// 2 · |A ∩ B| / (|A| + |B|); 1 where both are empty.
    public func dice(_ other: Mask) -> Double {
        let (both, sum) = (intersectionArea(with: other), area + other.area)
        return sum == 0 ? 1 : Double(2 * both) / Double(sum)
    }

    /// |A ∩ B| / |A ∪ B|; 1 where both are empty.
    public func intersectionOverUnion(with other: Mask) -> Double {
        let both = intersectionArea(with: other)
        let either = area + other.area - both
        return either == 0 ? 1 : Double(both) / Double(either)
    }

    private func intersectionArea(with other: Mask) -> Int {
        precondition(size == other.size, "masks of \(size) and \(other.size)")
        return zip(values, other.values).reduce(0) { $0 + ($1.0 && $1.1 ? 1 : 0) }
    }

    /// What more than half of some masks have.
    ///
    /// - Precondition: there is one, and all are of its size.
    public static func majority(_ masks: [Mask]) -> Mask {
        precondition(masks.allSatisfy { $0.size == masks[0].size }, "masks of \(masks.map(\.size))")
        return Mask(
            size: masks[0].size,
            values: masks[0].values.indices.map { pixel in 2 * masks.count { $0.values[pixel] } > masks.count })
    }

    /// What any of some masks has.
    ///
    /// - Precondition: all are of this size.
    public static func union(_ masks: [Mask], size: PixelSize) -> Mask {
        precondition(masks.allSatisfy { $0.size == size }, "masks of \(masks.map(\.size)), expected \(size)")
        var result = Mask(size: size, values: [Bool](repeating: false, count: size.area))
        for mask in masks {
            for (pixel, isInside) in mask.values.enumerated() where isInside { result.values[pixel] = true }
        }
        return result
    }
}
