import ImageFrames
import Imaging
import SegmentAnything

/// Fills gaps of a volume, and drawn slices that are left out, in the ways that there are.
struct GapFiller {
    let segmenter: Segmenter
    var model: SliceModel
    private let spacing: SIMD2<Double>

    init(_ segmenter: Segmenter, _ model: SliceModel) {
        (self.segmenter, self.model) = (segmenter, model)
        let (slices, geometry) = (segmenter.images.slices, segmenter.images.volume.geometry)
        spacing = SIMD2(geometry.spacing(along: slices.across), geometry.spacing(along: slices.down))
    }

    /// The model's answers to what was drawn on a slice.
    mutating func answers(ofSlice slice: Int) throws -> [PredictedMask] {
        try model.answers(ofSlice: slice, boxes: (segmenter.plan.asked[slice] ?? []).map(\.box))
    }

    /// Fills a gap.
    mutating func fill(_ gap: Gap, in result: inout SegmentedVolume) throws {
        guard let index = result.gaps.firstIndex(where: { $0.place == gap.place }) else {
            preconditionFailure("\(gap.place) is none of the volume's")
        }
        defer { if gap.needsModel { model.used(gap.ends) } }
        var gap = gap
        if gap.way == .box, segmenter.plan.filling.between == .auto {
            gap.way = result.leftOut.betterWay(ofClass: gap.place.classID)
        }
        let masks: [FilledMask]
        switch gap.way {
        case .shape: masks = shapes(gap, of: result)
        case .box: masks = try boxes(gap)
        case .ends: masks = try ends(gap)
        case nil: masks = []
        }
        result.gaps[index].way = masks.isEmpty && gap.way == .shape ? nil : gap.way
        for mask in masks { result.fill(mask, gap: index, segmenter.images.slices) }
    }

    /// Fills a drawn slice in both ways, and compares with what was drawn.
    mutating func leftOut(_ gap: Gap, of result: SegmentedVolume) throws -> LeftOut {
        defer { model.used(gap.ends) }
        let drawn = drawn(gap, onSlice: gap.place.slices[0], of: result)
        return LeftOut(
            place: .init(gap), millimetres: gap.millimetres ?? 0,
            shape: shapes(gap, of: result).first.map { $0.mask.dice(drawn) },
            box: try boxes(gap).first.map { $0.mask.dice(drawn) })
    }

    // MARK: By shape

    private func shapes(_ gap: Gap, of result: SegmentedVolume) -> [FilledMask] {
        let ends = gap.ends.map { (mask: drawn(gap, onSlice: $0, of: result), boxes: boxes(gap, onSlice: $0)) }
        let masks = SignedDistances.masks(
            between: ends[0], ends[1], spacing: spacing, at: gap.place.slices.map(gap.part(of:)))
        return zip(gap.place.slices, masks ?? []).map { FilledMask(slice: $0, mask: $1) }
    }

    /// The boxes of a gap's class on a drawn slice.
    private func boxes(_ gap: Gap, onSlice slice: Int) -> [PixelBox] {
        (segmenter.plan.asked[slice] ?? []).filter { $0.classID == gap.place.classID }.map(\.box)
    }

    /// What was drawn of a gap's class on a slice: of several classes with one label, what is in the class's own boxes.
    private func drawn(_ gap: Gap, onSlice slice: Int, of result: SegmentedVolume) -> Mask {
        let slices = segmenter.images.slices
        var mask = result.drawn(gap.place.label, ofSlice: slice, slices)
        let asked = (segmenter.plan.asked[slice] ?? []).filter { $0.label == gap.place.label }
        guard asked.contains(where: { $0.classID != gap.place.classID }) else { return mask }
        let own = boxes(gap, onSlice: slice)
        for pixel in mask.values.indices where mask.values[pixel] {
            let x = Double(pixel % mask.size.width) + 0.5
            let y = Double(pixel / mask.size.width) + 0.5
            mask.values[pixel] = own.contains { $0.x0 <= x && x <= $0.x1 && $0.y0 <= y && y <= $0.y1 }
        }
        return mask
    }
}

/// What is put on a slice of a gap.
struct FilledMask {
    var slice: Int
    var mask: Mask
    var quality: Double?
    var score: Float?
}
