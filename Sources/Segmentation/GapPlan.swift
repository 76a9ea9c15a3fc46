import Annotations
import Imaging

/// What a run fills, by the boxes alone: before a slice is encoded.
struct GapPlan: Sendable {
    let filling: Filling
    /// What the model is asked on each drawn slice.
    let asked: [Int: [SegmentedBox.Question]]
    /// By class and slice.
    var gaps: [Gap] = []
    /// Drawn slices with the drawn ones before and after of the same class, to be left out and filled.
    var leftOut: [Gap] = []

    /// Nothing is filled.
    init(_ prompts: [SliceBoxes], _ labels: LabelMap) {
        filling = Filling()
        asked = Self.questions(prompts, labels)
    }

    static func questions(_ prompts: [SliceBoxes], _ labels: LabelMap) -> [Int: [SegmentedBox.Question]] {
        Dictionary(grouping: prompts.filter { !$0.boxes.isEmpty }, by: \.slice).mapValues {
            $0.flatMap(\.boxes).map { .init($0, labels) }
        }
    }

    /// - Parameter kept: the boxes of slices that this call has none of, and whose labels it keeps.
    init(_ annotated: AnnotatedVolume, _ settings: SegmentationSettings, kept: [SegmentedBox] = []) {
        let prompts = settings.recipe.prompts(annotated.boxes, settings.labels)
        let kept = Dictionary(grouping: kept, by: \.slice).mapValues { $0.map(\.question) }
        self.init(
            annotated, settings.filling,
            asked: kept.merging(Self.questions(prompts, settings.labels)) { _, new in new })
    }

    init(_ annotated: AnnotatedVolume, _ filling: Filling, asked: [Int: [SegmentedBox.Question]]) {
        (self.filling, self.asked) = (filling, asked)
        let evidence = Looks(annotated, asked)
        let classes = asked.flatMap { slice, questions in questions.map { ($0.classID, (slice, $0.label)) } }
        for (classID, own) in Dictionary(grouping: classes, by: \.0).sorted(by: { $0.key < $1.key }) {
            guard let label = own[0].1.1 else { continue }
            let drawn = Set(own.map(\.1.0)).sorted()
            let outline = Outline(classID: classID, label: label, drawn: drawn, evidence: evidence)
            gaps += outline.gaps(filling, spacing: annotated.spacing, sliceCount: annotated.slices.count)
            if filling.leavesOut { leftOut += outline.leftOut(spacing: annotated.spacing) }
        }
    }
}

/// What the boxes say of slices without one of some class.
private struct Looks {
    let annotated: AnnotatedVolume
    let files: [Int: SliceBoxes]
    let asked: [Int: [SegmentedBox.Question]]

    init(_ annotated: AnnotatedVolume, _ asked: [Int: [SegmentedBox.Question]]) {
        (self.annotated, self.asked) = (annotated, asked)
        files = Dictionary(annotated.boxes.map { ($0.slice, $0) }, uniquingKeysWith: { one, _ in one })
    }

    func isNothing(_ classID: Int, _ slice: Int) -> Bool {
        annotated.evidence.saysNothing(
            annotated.annotator, of: classID, at: slice, files[slice], case: annotated.file.name)
    }

    func isLookedAt(_ classID: Int, _ slice: Int) -> Bool {
        asked[slice] != nil
            || annotated.evidence.saysLooked(
                annotated.annotator, for: classID, at: slice, files[slice], case: annotated.file.name)
    }

    func hasOthers(_ slice: Int) -> Bool { asked[slice] != nil || files[slice]?.boxes.isEmpty == false }
}

/// Where a class was drawn.
private struct Outline {
    var classID: Int
    var label: UInt16
    var drawn: [Int]
    var evidence: Looks

    private func place(_ slices: some Sequence<Int>, below: Int? = nil, above: Int? = nil) -> Gap.Place {
        let slices = Array(slices)
        return .init(
            classID: classID, label: label, below: below, above: above, slices: slices,
            others: slices.filter(evidence.hasOthers))
    }

    /// The gaps between, but for those in which somebody looked and saw nothing, and what may be filled beyond.
    func gaps(_ filling: Filling, spacing: Double, sliceCount: Int) -> [Gap] {
        var gaps: [Gap] = []
        let longestStep = filling.longestStep(spacing: spacing, sliceCount: sliceCount)
        /// Up to the next slice at which somebody looked, and no farther than a gap is long.
        func addEnd(from drawn: Int, step: Int) {
            guard filling.ends else { return }
            let slices = (0..<longestStep).map { drawn + step * ($0 + 1) }
                .prefix { (0..<sliceCount).contains($0) && !evidence.isLookedAt(classID, $0) }
            guard !slices.isEmpty else { return }
            let place = place(
                slices.sorted(), below: step > 0 ? drawn : nil, above: step < 0 ? drawn : nil)
            gaps.append(Gap(place: place, way: .ends))
        }
        guard let first = drawn.first, let last = drawn.last else { return [] }
        addEnd(from: first, step: -1)
        for (below, above) in zip(drawn, drawn.dropFirst()) where above - below > 1 {
            let slices = below + 1..<above
            if slices.contains(where: { evidence.isNothing(classID, $0) }) {
                addEnd(from: below, step: 1)
                addEnd(from: above, step: -1)
            } else if filling.isOn {
                let isShort = above - below <= longestStep
                gaps.append(
                    Gap(
                        place: place(slices, below: below, above: above), millimetres: Double(above - below) * spacing,
                        way: isShort ? filling.between.map { $0 == .shape ? .shape : .box } : nil))
            }
        }
        addEnd(from: last, step: 1)
        return gaps
    }

    func leftOut(spacing: Double) -> [Gap] {
        zip(drawn, zip(drawn.dropFirst(), drawn.dropFirst(2))).map { below, next in
            Gap(
                place: place([next.0], below: below, above: next.1), millimetres: Double(next.1 - below) * spacing,
                way: .box)
        }
    }
}

// MARK: Taking over

extension GapPlan {
    /// The gaps of an earlier run that this one would fill alike: neither they nor what else is on their slices differs, nor
    /// anything that those depend on.
    ///
    /// - Parameters:
    ///   - known: the gaps of the earlier run, which was to fill them by `earlierFilling`.
    ///   - same: the drawn slices whose labels are taken over.
    func unchanged(in known: [Gap], by earlierFilling: Filling?, same: Set<Int>) -> [Gap] {
        let earlier = Dictionary(known.map { ($0.place, $0) }, uniquingKeysWith: { one, _ in one })
        let changed = Set(asked.keys).subtracting(same)
        func isAlike(_ gap: Gap) -> Bool {
            guard let old = earlier[gap.place], changed.isDisjoint(with: gap.ends + gap.place.slices),
                Set(gap.place.slices).isSuperset(of: old.fills.map(\.slice))
            else { return false }
            // Which way it is depends on all that was drawn.
            if filling.between == .auto, gap.way == .box, old.way != nil {
                return changed.isEmpty && earlierFilling?.between == .auto
            }
            return old.way == gap.way
        }
        var alike = gaps.filter(isAlike)
        let planned = Set(gaps.map(\.place))
        let gone = known.filter { !planned.contains($0.place) }.flatMap(\.place.slices)
        while true {
            let kept = Set(alike.map(\.place))
            let open = Set(gaps.filter { !kept.contains($0.place) }.flatMap(\.place.slices)).union(gone)
            let rest = alike.filter { open.isDisjoint(with: $0.place.slices) }
            if rest.count == alike.count { break }
            alike = rest
        }
        return alike.compactMap { earlier[$0.place] }
    }

    /// The drawn slices that an earlier run left out, filled and compared, as this one would.
    func unchanged(in known: [LeftOut], same: Set<Int>) -> [LeftOut] {
        let planned = Set(leftOut.map { LeftOut.Place($0) })
        return known.filter { planned.contains($0.place) && same.isSuperset(of: $0.place.slices) }
    }
}
