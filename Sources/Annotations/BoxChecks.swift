import Foundation
import ImageFrames

/// Something about an annotator's boxes that a person should look at.
public struct BoxFinding: Hashable, Sendable {
    /// What is wrong, the most harmful first; raw values are the names in tables and JSON.
    public enum Kind: String, CaseIterable, Sendable, Codable {
        /// Left and right have each other's place: on a slice, or (without one) on all.
        case exchanged
        /// A box lies apart from those of the slices before and after.
        case jump
        /// A file without boxes between two with.
        case empty
        /// A slice between the first and the last of a class on which it has no box.
        case gap
        /// Two boxes of one class in one place.
        case doubled
        /// A part of the box is outside the image.
        case outside = "beyond"
        /// So few slices that the work has hardly begun.
        case barelyStarted = "begun"
        /// A class without any box.
        case neverMarked = "never"
    }

    public var kind: Kind
    /// Nil where it concerns all classes.
    public var classID: Int?
    /// Nil where it concerns the whole volume.
    public var slice: Int?
    /// The file to open, where there is one.
    public var file: String?

    /// The rank of the kind, then the slice.
    static func isBefore(_ one: BoxFinding, _ other: BoxFinding) -> Bool {
        func rank(_ finding: BoxFinding) -> (Int, Int, Int) {
            (Kind.allCases.firstIndex(of: finding.kind) ?? 0, finding.slice ?? -1, finding.classID ?? -1)
        }
        return rank(one) < rank(other)
    }
}

extension BoxFinding {
    /// Looks for slips in the boxes of one annotator on one volume.
    ///
    /// Each slip is reported once: on a slice whose file is empty no gaps, where left and right are exchanged neither jumps
    /// nor gaps, and where the work has hardly begun no classes that are missing.
    ///
    /// - Parameters:
    ///   - sliceCount: how many slices the volume has.
    ///   - towardsRight: the direction in the image towards the patient's right, where it is known: there the right one of
    ///     two organs lies further that way.
    /// - Returns: the most harmful first, by ``Kind``, then slice by slice.
    public static func findings(
        in slices: [SliceBoxes], classes: ClassList, sliceCount: Int, towardsRight: SIMD2<Double>? = nil
    ) -> [BoxFinding] {
        let checks = BoxChecks(slices, classes: classes, towardsRight: towardsRight)
        let barelyStarted = checks.barelyStarted(of: sliceCount)
        var found =
            checks.exchanged + checks.jumps + checks.empty + checks.gaps + checks.doubled + checks.outside
            + barelyStarted
        if barelyStarted.isEmpty { found += checks.neverMarked }
        return found.sorted(by: BoxFinding.isBefore)
    }
}

/// An annotator's boxes, seen class by class.
private struct BoxChecks {
    let slices: [SliceBoxes]
    let classes: ClassList
    /// The boxes of each class by slice; only slices with a box.
    let boxes: [Int: [Int: [DrawnBox]]]
    /// For each class whose name differs from another's in left and right alone, that other.
    let twins: [Int: Int]
    /// The slices and classes whose box stands in the twin's place.
    let exchangedPlaces: Set<[Int]>
    /// Whether on all slices, several, that have both, left is right.
    let isMirrored: Bool
    /// The slices without boxes between two with.
    let emptySlices: [SliceBoxes]

    init(_ slices: [SliceBoxes], classes: ClassList, towardsRight: SIMD2<Double>?) {
        self.slices = slices
        self.classes = classes
        var boxes: [Int: [Int: [DrawnBox]]] = [:]
        for slice in slices {
            for box in slice.boxes { boxes[box.classID, default: [:]][slice.slice, default: []].append(box) }
        }
        let twins = twinClasses(classes.names)
        let marked = Set(slices.filter { !$0.boxes.isEmpty }.map(\.slice))
        self.boxes = boxes
        self.twins = twins
        emptySlices = slices.filter {
            $0.boxes.isEmpty && marked.contains($0.slice - 1) && marked.contains($0.slice + 1)
        }
        var exchanged: Set<[Int]> = []
        for (classID, own) in boxes {
            guard let twin = twins[classID], let others = boxes[twin] else { continue }
            for (slice, drawn) in own {
                guard let theirs = Neighbours(of: slice, in: others) else { continue }
                let mine = Neighbours(of: slice, in: own)
                if drawn.contains(where: { theirs.include($0) == true && mine?.include($0) != true }) {
                    exchanged.insert([slice, classID])
                }
            }
        }
        var (both, wrong) = (0, 0)
        for (classID, own) in boxes where isRight(classes.names[classID]) {
            guard let towardsRight, let twin = twins[classID], let others = boxes[twin] else { continue }
            for (slice, drawn) in own {
                guard let other = others[slice] else { continue }
                both += 1
                guard place(drawn, along: towardsRight) < place(other, along: towardsRight) else { continue }
                wrong += 1
                exchanged.formUnion([[slice, classID], [slice, twin]])
            }
        }
        isMirrored = wrong > 1 && wrong == both
        exchangedPlaces = exchanged
    }

    // MARK: One kind each

    /// One for each slice, at the lower class where both are wrong.
    var exchanged: [BoxFinding] {
        if isMirrored { return [BoxFinding(kind: .exchanged)] }
        return Dictionary(grouping: exchangedPlaces, by: { $0[0] }).map { slice, places in
            finding(.exchanged, classID: places.map { $0[1] }.min(), slice: slice)
        }
    }

    var jumps: [BoxFinding] {
        boxes.flatMap { classID, own in
            own.flatMap { slice, drawn in
                guard !exchangedPlaces.contains([slice, classID]), let near = Neighbours(of: slice, in: own) else {
                    return [BoxFinding]()
                }
                return drawn.filter { near.include($0) == false }.map { finding(.jump, $0, slice) }
            }
        }
    }

    var empty: [BoxFinding] {
        emptySlices.map { BoxFinding(kind: .empty, slice: $0.slice, file: $0.files.first) }
    }

    var gaps: [BoxFinding] {
        let empty = Set(emptySlices.map(\.slice))
        return boxes.flatMap { classID, own in
            let range = (own.keys.min() ?? 0)...(own.keys.max() ?? 0)
            return range.filter { slice in
                let isTakenForTwin = twins[classID].map { exchangedPlaces.contains([slice, $0]) } ?? false
                return own[slice] == nil && !empty.contains(slice) && !isTakenForTwin
            }.map { finding(.gap, classID: classID, slice: $0) }
        }
    }

    var doubled: [BoxFinding] {
        boxes.values.flatMap { own in
            own.flatMap { slice, drawn in
                drawn.indices.filter { index in
                    drawn[..<index].contains { $0.box.intersectionOverUnion(drawn[index].box) >= doubledOverlap }
                }.map { finding(.doubled, drawn[$0], slice) }
            }
        }
    }

    var outside: [BoxFinding] {
        slices.flatMap { slice in
            slice.boxes.filter(\.isClipped).map { finding(.outside, $0, slice.slice) }
        }
    }

    var neverMarked: [BoxFinding] {
        classes.names.indices.filter { boxes[$0] == nil }.map { BoxFinding(kind: .neverMarked, classID: $0) }
    }

    func barelyStarted(of sliceCount: Int) -> [BoxFinding] {
        let marked = slices.count { !$0.boxes.isEmpty }
        return marked < min(fewSlices, sliceCount) ? [BoxFinding(kind: .barelyStarted)] : []
    }

    // MARK: Parts

    private func finding(_ kind: BoxFinding.Kind, _ box: DrawnBox, _ slice: Int) -> BoxFinding {
        BoxFinding(kind: kind, classID: box.classID, slice: slice, file: box.file)
    }

    private func finding(_ kind: BoxFinding.Kind, classID: Int?, slice: Int) -> BoxFinding {
        let file = slices.first { $0.slice == slice }?.files.first
        return BoxFinding(kind: kind, classID: classID, slice: slice, file: file)
    }
}

/// The share of the smaller box that neighbouring slices' boxes must share. On the study's own 262 boxes the least is
/// 0.7.
private let neighbourCoverage = 0.5
/// From this intersection over union on, two boxes are one that was drawn twice.
private let doubledOverlap = 0.7
/// With fewer slices than these the work has hardly begun.
private let fewSlices = 3

/// A class's boxes on the nearest slices before and after a slice.
private struct Neighbours {
    private let sides: [[DrawnBox]]

    /// Nil where there is none on a side, or where the two are apart themselves.
    init?(of slice: Int, in boxes: [Int: [DrawnBox]]) {
        guard let before = boxes.keys.filter({ $0 < slice }).max().flatMap({ boxes[$0] }),
            let after = boxes.keys.filter({ $0 > slice }).min().flatMap({ boxes[$0] }),
            before.contains(where: { one in after.contains { one.box.coverage($0.box) >= neighbourCoverage } })
        else { return nil }
        sides = [before, after]
    }

    /// Whether a box lies where those before and after lie; false where it lies apart from both, nil where only one of
    /// them agrees.
    func include(_ box: DrawnBox) -> Bool? {
        let isCovered = sides.map { side in
            side.contains { $0.box.coverage(box.box) >= neighbourCoverage }
        }
        return isCovered[0] == isCovered[1] ? isCovered[0] : nil
    }
}

/// How far along a direction boxes lie, in the mean over their middles.
private func place(_ boxes: [DrawnBox], along direction: SIMD2<Double>) -> Double {
    boxes.reduce(0) { sum, drawn in
        let middle = SIMD2(drawn.box.x0 + drawn.box.x1, drawn.box.y0 + drawn.box.y1) / 2
        return sum + (middle * direction).sum()
    } / Double(boxes.count)
}

/// Whether a class that has a twin is the right one.
private func isRight(_ name: String) -> Bool {
    let lower = name.lowercased()
    return lower.contains("right") || lower.hasPrefix("r") && !lower.contains("left")
}

/// For each class the one whose name is the same but for left and right, as words or as an initial l and r.
func twinClasses(_ names: [String]) -> [Int: Int] {
    let ids = Dictionary(zip(names.map { $0.lowercased() }, names.indices), uniquingKeysWith: min)
    var twins: [Int: Int] = [:]
    for (index, name) in names.enumerated() {
        let lower = name.lowercased()
        var mirrored: Set<String> = []
        if lower.contains("left") { mirrored.insert(lower.replacingOccurrences(of: "left", with: "right")) }
        if lower.contains("right") { mirrored.insert(lower.replacingOccurrences(of: "right", with: "left")) }
        if lower.hasPrefix("l") { mirrored.insert("r" + lower.dropFirst()) }
        if lower.hasPrefix("r") { mirrored.insert("l" + lower.dropFirst()) }
        if let twin = mirrored.compactMap({ ids[$0] }).min(), twin != index { twins[index] = twin }
    }
    return twins
}
