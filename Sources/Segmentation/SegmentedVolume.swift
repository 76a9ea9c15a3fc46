import ImageFrames
import Imaging

extension SegmentedVolume {
    init(geometry: Geometry, gaps: [Gap] = []) {
        (labels, origin) = (LabelVolume(geometry: geometry), LabelVolume(geometry: geometry))
        self.gaps = gaps
    }

    /// Sets what was drawn on a slice, over anything else.
    mutating func draw(_ pixels: [UInt16], ofSlice slice: Int, _ slices: SliceGeometry) {
        labels.setLabels(pixels, ofSlice: slice, slices)
        origin.setLabels(
            pixels.map { $0 == 0 ? 0 : LabelOrigin.drawn.rawValue }, ofSlice: slice, slices)
    }

    /// The pixels of a label that were drawn on a slice.
    func drawn(_ label: UInt16, ofSlice slice: Int, _ slices: SliceGeometry) -> Mask {
        let offsets = slices.offsets(ofSlice: slice)
        return Mask(
            size: slices.imageSize,
            values: offsets.map { labels.values[$0] == label && origin.values[$0] == LabelOrigin.drawn.rawValue })
    }

    /// Fills a slice: beneath what was drawn there, and where fillings overlap the one of higher quality is above, of equals that
    /// of the lower label, so that their order does not matter.
    ///
    /// - Parameter gap: which of ``gaps``.
    mutating func fill(_ filled: FilledMask, gap: Int, _ slices: SliceGeometry) {
        var fill = Fill(
            slice: filled.slice, quality: filled.quality, score: filled.score, area: filled.mask.area, lost: 0)
        let (label, kind) = (gaps[gap].place.label, gaps[gap].way == .ends ? LabelOrigin.propagated : .interpolated)
        let others = Dictionary(
            gaps.indices.flatMap { other in
                gaps[other].fills.indices.filter { gaps[other].fills[$0].slice == fill.slice }
                    .map { (gaps[other].place.label, (gap: other, fill: $0)) }
            }, uniquingKeysWith: { one, _ in one })
        let offsets = slices.offsets(ofSlice: fill.slice)
        for (offset, isInside) in zip(offsets, filled.mask.values) where isInside && labels.values[offset] != label {
            let standing = labels.values[offset]
            if standing != 0 {
                guard origin.values[offset] != LabelOrigin.drawn.rawValue, let other = others[standing],
                    (fill.quality ?? 0, standing) > (gaps[other.gap].fills[other.fill].quality ?? 0, label)
                else {
                    fill.lost += 1
                    continue
                }
                gaps[other.gap].fills[other.fill].lost += 1
            }
            labels.values[offset] = label
            origin.values[offset] = kind.rawValue
        }
        gaps[gap].fills.append(fill)
    }
}
