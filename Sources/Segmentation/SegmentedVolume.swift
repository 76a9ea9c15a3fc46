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
    /// of the lower label, of one label the first of ``gaps``, so that their order does not matter.
    ///
    /// - Parameter gap: which of ``gaps``.
    mutating func fill(_ filled: FilledMask, gap: Int, _ slices: SliceGeometry) {
        let offsets = zip(slices.offsets(ofSlice: filled.slice), filled.mask.values).filter(\.1).map(\.0)
        gaps[gap].fills.append(
            Fill(slice: filled.slice, quality: filled.quality, score: filled.score, area: offsets.count, lost: 0))
        fillings[filled.slice, default: []].append(
            .init(
                gap: gap, fill: gaps[gap].fills.count - 1, label: gaps[gap].place.label, quality: filled.quality ?? 0,
                offsets: offsets))
        // All of the slice anew: a label may be of several classes, so what stands there does not say whose it is.
        let all = (fillings[filled.slice] ?? []).sorted {
            ($0.quality, $1.label, $1.gap) < ($1.quality, $0.label, $0.gap)
        }
        for filling in all {
            let kind = gaps[filling.gap].way == .ends ? LabelOrigin.propagated : .interpolated
            for offset in filling.offsets where origin.values[offset] != LabelOrigin.drawn.rawValue {
                labels.values[offset] = filling.label
                origin.values[offset] = kind.rawValue
            }
        }
        for filling in all {
            gaps[filling.gap].fills[filling.fill].lost = filling.offsets.count { labels.values[$0] != filling.label }
        }
    }

    /// What was filled on a slice, whether it is seen or not.
    struct SliceFilling {
        /// Which of ``gaps``, and of its fills.
        var gap: Int
        var fill: Int
        var label: UInt16
        var quality: Double
        /// The voxels.
        var offsets: [Int]
    }
}
