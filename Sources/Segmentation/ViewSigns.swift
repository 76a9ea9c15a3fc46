import Annotations
import ImageFrames
import Imaging
import SafeFiles

/// Signs that boxes were drawn on slices that were turned in another way than they are read, each with a ground of its own:
/// the names of organs and the affine; what is in the boxes; the spine in the picture.
///
/// A sign is one only where the other view would be right. They exist for axial slices of a CT in Hounsfield units whose
/// affine is known.
struct ViewSigns {
    /// In words.
    let found: [String]
    /// The view that would be right.
    let otherView: SliceView
    /// That the boxes fit slices numbered from the other end, in words; nil where they do not.
    let reversal: String?

    init(_ boxes: [SliceBoxes], classes: ClassList?, volume: Volume, slices: SliceGeometry) {
        otherView = slices.view == .array ? .radiological : .array
        let other = SliceGeometry(volume.geometry, axis: slices.axis, view: otherView)
        guard slices.isAxial, volume.geometry.source != .none, volume.looksLikeHounsfield else {
            (found, reversal) = ([], nil)
            return
        }
        let percent = { (share: Double) in "\(Int((100 * share).rounded()))%" }
        let drawn = boxes.flatMap { slice in slice.boxes.map { (slice: slice.slice, box: $0) } }
        let sample = spread(Array(drawn.indices), count: 400).map { drawn[$0] }
        let own = Self.tissue(in: sample, volume, slices)
        let reversed = Self.tissue(in: sample.map { (slices.count - 1 - $0.slice, $0.box) }, volume, slices)
        // Neighbours are alike, so that less tells than of a view; of few boxes less would be chance. Boxes of one end alone
        // would be compared with what lies at the other.
        let low = drawn.count { 2 * $0.slice < slices.count }
        reversal =
            drawn.count >= 20 && 4 * min(low, drawn.count - low) >= drawn.count && reversed - own > 0.04
            ? "\(percent(own)) of what the boxes hold is soft tissue, \(percent(reversed)) with slices from last to first"
            : nil
        let corners = [0, slices.imageSize.width - 1].map { SlicePixel(x: $0, y: 0, slice: 0) }
        guard corners.map(slices.voxel(at:)) != corners.map(other.voxel(at:)) else {
            found = []
            return
        }
        var signs: [String] = []
        if let classes, let sign = Self.places(drawn.map(\.box), classes, slices, other) { signs.append(sign) }
        let others = Self.tissue(in: sample, volume, other)
        if drawn.count >= 3, others - own > 0.1 {
            signs.append("\(percent(own)) of what the boxes hold is soft tissue, \(percent(others)) in the other view")
        }
        if slices.showsUpsideDown(volume), !other.showsUpsideDown(volume) { signs.append("the spine is on top") }
        found = signs
    }

    /// What the person should know.
    ///
    /// - Parameters:
    ///   - isChosen: whether the person named the view or the record.
    ///   - record: the record that says so.
    /// - Throws: ``FileError`` `badData` where two signs agree against a view that is assumed, or that a record says which was
    ///   found.
    func warnings(isChosen: Bool, view: SliceView, record: String?, file: String) throws(FileError) -> [Warning] {
        let reversal = reversal.map { [Warning(file: file, "are the slices numbered from the other end? \($0)")] } ?? []
        guard !found.isEmpty else { return reversal }
        let advice =
            "Name the slices.json of the slices that were drawn on with --record, or choose --view \(otherView), or --view "
            + "\(view) to go on."
        let source = record.map { " of \($0)" } ?? ""
        if !isChosen, found.count > 1 {
            throw FileError(
                .badData, file: file, "the boxes do not fit slices in the view \(view)\(source)",
                expected: "boxes drawn on slices that were turned so", found: found.joined(separator: "; "),
                advice: advice)
        }
        let signs = found.joined(separator: "; ")
        return [Warning(file: file, "were the boxes drawn on slices in the view \(view)\(source)? \(signs)")] + reversal
    }

    // MARK: Organs against the affine

    /// That organs lie on the wrong side of the body, or those at its back in front of those at its front.
    private static func places(
        _ boxes: [DrawnBox], _ classes: ClassList, _ slices: SliceGeometry, _ other: SliceGeometry
    ) -> String? {
        let twins = twinClasses(classes.names)
        let organs = Dictionary(grouping: boxes, by: \.classID).sorted { $0.key < $1.key }.map { classID, boxes in
            let sum = boxes.reduce(SIMD2<Double>.zero) { $0 + [$1.box.x0 + $1.box.x1, $1.box.y0 + $1.box.y1] }
            let name = classes.names[classID]
            return Organ(
                side: BodySide(of: name, hasTwin: twins[classID] != nil), depth: BodyDepth(of: name),
                centre: sum / Double(2 * boxes.count))
        }
        /// How far two groups of organs are apart along a direction, as a share of the picture; of one group, its distance
        /// from the middle.
        func distance(
            _ group: (Organ) -> Bool, _ others: (Organ) -> Bool, along direction: SIMD2<Double>?, needsBoth: Bool
        ) -> Double {
            guard let direction else { return 0 }
            let size = SIMD2(Double(slices.imageSize.width), Double(slices.imageSize.height))
            func mean(_ isIncluded: (Organ) -> Bool) -> Double? {
                let places = organs.filter(isIncluded).map { ((($0.centre - size / 2) / size) * direction).sum() }
                return places.isEmpty ? nil : places.reduce(0, +) / Double(places.count)
            }
            switch (mean(group), mean(others)) {
            case (let one?, let two?): return one - two
            case (let one?, nil): return needsBoth ? 0 : one
            case (nil, let two?): return needsBoth ? 0 : -two
            case (nil, nil): return 0
            }
        }
        func isWrong(_ distance: (SliceGeometry) -> Double) -> Bool {
            distance(slices) < -0.05 && distance(other) > 0.05
        }
        if isWrong({ slices in
            distance({ $0.side == .right }, { $0.side == .left }, along: slices.towardsRight, needsBoth: false)
        }) {
            return "organs of the body's right side lie on its left by the affine"
        }
        if isWrong({ slices in
            distance({ $0.depth == .front }, { $0.depth == .back }, along: slices.towardsFront, needsBoth: true)
        }) {
            return "organs at the body's back lie in front of others by the affine"
        }
        return nil
    }

    /// A class by where its name says that it lies, and where its boxes do.
    private struct Organ {
        var side: BodySide?
        var depth: BodyDepth?
        var centre: SIMD2<Double>
    }

    // MARK: Boxes against the picture

    /// The share of soft tissue, −20 to 250 HU, in the middle of boxes: organs that people draw are of it, and what lies
    /// around them is fat, air or bone in part.
    private static func tissue(
        in boxes: [(slice: Int, box: DrawnBox)], _ volume: Volume, _ slices: SliceGeometry
    ) -> Double {
        var (tissue, all) = (0, 0)
        for (slice, drawn) in boxes {
            let box = drawn.box
            for row in 0..<8 {
                for column in 0..<8 {
                    // From 0.2 to 0.8 of each side.
                    let x = Int(box.x0 + (0.2 + 0.6 * (Double(column) + 0.5) / 8) * box.width)
                    let y = Int(box.y0 + (0.2 + 0.6 * (Double(row) + 0.5) / 8) * box.height)
                    all += 1
                    guard x < slices.imageSize.width, y < slices.imageSize.height else { continue }
                    let value = volume[slices.voxel(at: SlicePixel(x: x, y: y, slice: slice))]
                    if (-20...250).contains(value) { tissue += 1 }
                }
            }
        }
        return all == 0 ? 0 : Double(tissue) / Double(all)
    }
}
