import Annotations

/// A part of the work on a volume.
enum SegmentationStep {
    case draw(SliceBoxes)
    /// A drawn slice between two others is filled and compared.
    case leaveOut(Gap)
    case fill(Gap)

    /// The gap whose drawn ends are asked about.
    var askedGap: Gap? {
        switch self {
        case .draw: nil
        case .leaveOut(let gap), .fill(let gap): gap.needsModel ? gap : nil
        }
    }
}

extension GapPlan {
    /// What is to be done besides what is taken over, each as soon as all that it needs is there, so that slices which have
    /// just been encoded are used again.
    func steps(drawing prompts: [SliceBoxes], besides earlier: EarlierLabels?) -> [SegmentationStep] {
        let (filled, compared) = (
            Set((earlier?.gaps ?? []).map(\.place)), Set((earlier?.leftOut ?? []).map(\.place))
        )
        var steps = prompts.filter { earlier?.same.contains($0.slice) != true }
            .map { (after: $0.slice, rank: 0, step: SegmentationStep.draw($0)) }
        for gap in leftOut where !compared.contains(LeftOut.Place(gap)) {
            steps.append((gap.lastSlice, 1, .leaveOut(gap)))
        }
        // The way is chosen by all that was left out.
        let isLast = filling.between == .auto
        for gap in gaps where gap.way != nil && !filled.contains(gap.place) {
            steps.append((isLast ? .max : gap.lastSlice, 2, .fill(gap)))
        }
        return steps.enumerated().sorted {
            ($0.element.after, $0.element.rank, $0.offset) < ($1.element.after, $1.element.rank, $1.offset)
        }.map(\.element.step)
    }

    /// How many slices are encoded at most.
    func encodedCount(drawing prompts: [SliceBoxes], besides earlier: EarlierLabels?) -> Int {
        steps(drawing: prompts, besides: earlier).reduce(into: Set<Int>()) { slices, step in
            if case .draw(let slice) = step { slices.insert(slice.slice) }
            if let gap = step.askedGap { slices.formUnion(gap.place.slices + gap.ends) }
        }.count
    }
}
