import Annotations
import ImageFrames
import SegmentAnything

/// What the model makes of slices that nobody drew.
extension GapFiller {
    /// How much a neighbour's box is grown on each side, as a share of its width or height.
    static let growth = 0.05
    /// The least intersection over union of a slice beyond the last drawn one with the slice before.
    static let leastOverlap = 0.5
    /// The least predicted IoU of a slice beyond the last drawn one.
    static let leastScore: Float = 0.5
    /// The most that its median grey value may be away from that of the last drawn one: 5% of 8 bits, 20 HU of the default window.
    /// What the model follows beyond an organ is mostly something else.
    ///
    /// On phantoms with every 5th slice drawn (`tools/fill`), of what ends lose in volume Dice (0.035) the overlap alone gives
    /// back 0.018, with a predicted IoU of 0.7 as the least 0.023, with the grey value 0.029.
    static let mostGreyChange = 13

    /// Three estimates for each slice of a gap: by a box between those that were drawn, and from the slice before, upwards and
    /// downwards. The mask is what two of them have; where one of the latter has lost the object, it is the first.
    ///
    /// Two of three are better than the first alone: on phantoms (`tools/fill`) by 0.002, 0.004 and 0.005 of volume Dice where every
    /// 2nd, 3rd and 5th slice is drawn.
    mutating func boxes(_ gap: Gap) throws -> [FilledMask] {
        let (below, above) = (gap.ends[0], gap.ends[1])
        let up = try propagated(gap, from: below, over: gap.place.slices)
        let down = try propagated(gap, from: above, over: gap.place.slices.reversed())
        return try gap.place.slices.map { slice in
            let boxes = segmenter.plan.boxes(of: gap, onSlice: slice)
            let own = try ask(boxes.map { Prompt(box: segmenter.recipe.prompt($0)) }, ofSlice: slice)
            let (mask, quality) = Self.agreed(union(own), union(up[slice] ?? []), union(down[slice] ?? []))
            return FilledMask(slice: slice, mask: mask, quality: quality, score: own.map(\.answer.score).min())
        }
    }

    /// What three estimates of a slice agree on, and how well: the mean Dice of each two.
    static func agreed(_ own: Mask, _ up: Mask, _ down: Mask) -> (mask: Mask, quality: Double) {
        let isLost = up.area == 0 || down.area == 0
        return (isLost ? own : .majority([own, up, down]), (own.dice(up) + own.dice(down) + up.dice(down)) / 3)
    }

    /// From the last drawn slice on, each from the one before, until it overlaps that too little, the model trusts itself too
    /// little, it has another grey value, or nothing is left.
    mutating func ends(_ gap: Gap) throws -> [FilledMask] {
        let isUp = gap.place.below != nil
        var parts = try drawnParts(gap, gap.ends[0])
        let grey = median(union(parts), ofSlice: gap.ends[0])
        var masks: [FilledMask] = []
        for slice in isUp ? gap.place.slices : gap.place.slices.reversed() {
            let next = try following(parts, onSlice: slice)
            let (mask, before) = (union(next), union(parts))
            guard let score = next.map(\.answer.score).min(), let grey, let own = median(mask, ofSlice: slice),
                Self.isFollowed(before, grey: grey, by: mask, grey: own, score: score)
            else { break }
            masks.append(FilledMask(slice: slice, mask: mask, score: score))
            parts = next
        }
        return masks
    }

    /// Whether a mask is still of the object that was on the slice before.
    ///
    /// - Parameters:
    ///   - grey: the grey value of the last drawn slice, then that of the mask.
    ///   - score: the mask's predicted IoU.
    static func isFollowed(_ before: Mask, grey: Int, by mask: Mask, grey own: Int, score: Float) -> Bool {
        score >= leastScore && mask.intersectionOverUnion(with: before) >= leastOverlap
            && abs(own - grey) <= mostGreyChange
    }

    // MARK: Parts

    /// One of the parts of an object on a slice: there are as many as boxes.
    private struct Part {
        var mask: Mask
        var answer: PredictedMask
    }

    private mutating func drawnParts(_ gap: Gap, _ slice: Int) throws -> [Part] {
        zip(segmenter.plan.asked[slice] ?? [], try answers(ofSlice: slice))
            .filter { $0.0.classID == gap.place.classID }.map { Part(mask: $1.mask, answer: $1) }
    }

    private mutating func ask(_ prompts: [Prompt], ofSlice slice: Int) throws -> [Part] {
        try model.ask(prompts, ofSlice: slice).map { Part(mask: $0.mask, answer: $0) }
    }

    /// The parts of the neighbouring slice: each asked for by its own box, grown, and its own logits.
    private mutating func following(_ parts: [Part], onSlice slice: Int) throws -> [Part] {
        let size = segmenter.images.slices.imageSize
        let prompts = parts.compactMap { part in
            part.mask.boundingBox?.grown(byShare: Self.growth).clipped(to: size).map {
                Prompt(box: segmenter.recipe.prompt($0), mask: part.answer.lowResLogits)
            }
        }
        return prompts.isEmpty ? [] : try ask(prompts, ofSlice: slice)
    }

    private mutating func propagated(_ gap: Gap, from drawn: Int, over slices: [Int]) throws -> [Int: [Part]] {
        var (parts, all) = (try drawnParts(gap, drawn), [Int: [Part]]())
        for slice in slices {
            parts = try following(parts, onSlice: slice)
            all[slice] = parts
        }
        return all
    }

    /// The middle grey value of a mask's pixels; nil of none.
    private func median(_ mask: Mask, ofSlice slice: Int) -> Int? {
        var counts = [Int](repeating: 0, count: 256)
        for (value, isInside) in zip(segmenter.images.grey(ofSlice: slice), mask.values) where isInside {
            counts[Int(value)] += 1
        }
        var below = 0
        return counts.firstIndex { count in
            below += count
            return 2 * below > mask.area
        }
    }

    private func union(_ parts: [Part]) -> Mask {
        .union(parts.map(\.mask), size: segmenter.images.slices.imageSize)
    }
}

extension PixelBox {
    /// The same with each side moved outwards by a share of the width or height.
    func grown(byShare share: Double) -> PixelBox {
        PixelBox(
            x0: x0 - share * width, y0: y0 - share * height, x1: x1 + share * width, y1: y1 + share * height)
    }
}
