import ImageFrames

/// On which slices of a volume labels were drawn, and on which they seem to be forgotten.
struct DrawnSlices {
    let slices: SliceGeometry
    /// How many voxels each label has on each slice; labels that are nowhere are not in it.
    private let areas: [UInt16: [Int]]
    private let labels: [UInt16]

    init(_ volume: LabelVolume, _ slices: SliceGeometry, labels: [UInt16]) {
        (self.slices, self.labels) = (slices, labels)
        let wanted = Set(labels)
        var areas: [UInt16: [Int]] = [:]
        for slice in 0..<slices.count {
            for label in volume.labels(ofSlice: slice, slices) where wanted.contains(label) {
                areas[label, default: [Int](repeating: 0, count: slices.count)][slice] += 1
            }
        }
        self.areas = areas
    }

    /// The labels that have a voxel.
    var present: Set<UInt16> { Set(areas.keys) }

    /// The slices at either end on which work seems not to have been done: a quarter of all or more, without a label, where
    /// the last slice that has any cuts through two organs or more, and at least half of those present, at more than half
    /// of their largest areas. Organs taper off, each at its own place; work that stops cuts them all.
    var undrawn: [ClosedRange<Int>] {
        let drawn = (0..<slices.count).filter { slice in areas.values.contains { $0[slice] > 0 } }
        guard let first = drawn.first, let last = drawn.last else { return [] }
        return [(first, 0..<first), (last, last + 1..<slices.count)].compactMap { edge, rest in
            let cut = areas.values.count { 2 * $0[edge] > $0.max() ?? 0 }
            guard 4 * rest.count >= slices.count, cut >= 2, 2 * cut >= areas.count else { return nil }
            return rest.lowerBound...rest.upperBound - 1
        }
    }

    /// The slices on which a label was forgotten: it has voxels before and after, or nowhere, or work stopped before.
    var forgotten: Set<Int> {
        if labels.contains(where: { areas[$0] == nil }) { return Set(0..<slices.count) }
        return labels.reduce(into: Set(undrawn.joined())) { $0.formUnion(gaps(of: $1)) }
    }

    /// The slices without a label that has voxels before and after them.
    func gaps(of label: UInt16) -> [Int] {
        guard let areas = areas[label], let first = areas.firstIndex(where: { $0 > 0 }),
            let last = areas.lastIndex(where: { $0 > 0 })
        else { return [] }
        return (first...last).filter { areas[$0] == 0 }
    }
}

extension LabelVolume {
    /// Gives the background of some slices a label: a forgotten organ must not teach that there is none.
    mutating func ignoreBackground(of chosen: Set<Int>, _ slices: SliceGeometry, as ignored: UInt16) {
        for slice in chosen {
            for offset in slices.offsets(ofSlice: slice) where values[offset] == 0 { values[offset] = ignored }
        }
    }
}
