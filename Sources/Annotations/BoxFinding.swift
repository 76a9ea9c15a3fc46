/// Something about an annotator's boxes that a person should look at.
public struct BoxFinding: Hashable, Sendable {
    /// What is wrong, the most harmful first; raw values are the names in tables and JSON.
    public enum Kind: String, CaseIterable, Sendable, Codable {
        /// A class without any box.
        case neverMarked = "never"
        /// So few slices that the work has hardly begun.
        case barelyStarted = "begun"
        /// The boxes end abruptly, where organs are still large and the volume goes on.
        case stopped
        /// The organs of the back lie in front of those of the front.
        case upsideDown = "upside-down"
        /// Boxes of two classes have each other's place, or a box alone has another class's; with left and right, by the
        /// volume's orientation too.
        case exchanged
        /// Boxes that lie apart from those of the slices before and after, or on another class's.
        case jump
        /// Slices without boxes between two with, where several classes have some before and after.
        case empty
        /// Slices between the first and the last of a class on which it has no box.
        case gap
        /// Boxes of much less or more area than those before and after.
        case size
        /// Every second, third, … slice is drawn.
        case sparse = "every"
        /// Two boxes of one class in one place.
        case doubled
        /// A part of the box is outside the image.
        case outside = "beyond"
        /// More boxes on a slice than are compared with each other.
        case crowded
    }

    public var kind: Kind
    /// Nil where it concerns all classes.
    public var classID: Int?
    /// The class whose place the boxes have, where it is known.
    public var otherClassID: Int?
    /// The slices in order; empty where it concerns the whole volume.
    public var slices: [Int]
    /// The first slice's file, where there is one.
    public var file: String?
    /// The step from one drawn slice to the next, of ``Kind/sparse``.
    public var step: Int?

    init(
        _ kind: Kind, classID: Int? = nil, other: Int? = nil, slices: [Int] = [], file: String? = nil, step: Int? = nil
    ) {
        (self.kind, self.classID, otherClassID) = (kind, classID, other)
        (self.slices, self.file, self.step) = (slices, file, step)
    }

    /// The rank of the kind, then the number of slices, then the slice and the classes: no two have one rank.
    static func isBefore(_ one: BoxFinding, _ other: BoxFinding) -> Bool {
        func rank(_ finding: BoxFinding) -> (Int, Int, Int, Int, Int) {
            let kind = Kind.allCases.firstIndex(of: finding.kind) ?? 0
            let (classID, other) = (finding.classID ?? -1, finding.otherClassID ?? -1)
            return (kind, -finding.slices.count, finding.slices.first ?? -1, classID, other)
        }
        return rank(one) < rank(other)
    }
}

/// What checks know besides the boxes.
public struct CheckedVolume: Sendable {
    public var sliceCount: Int
    /// The direction in the image towards the patient's right, where it is known.
    public var towardsRight: SIMD2<Double>?
    /// The direction in the image towards the patient's front, where it is known.
    public var towardsFront: SIMD2<Double>?
    /// The slices that the annotator was to look at, by class, where there are tasks.
    public var tasks: [Int: RangeSet<Int>]?
    /// Of all annotators of the volume, this one among them.
    public var drawers = Drawers([])

    public init(sliceCount: Int, towardsRight: SIMD2<Double>? = nil, towardsFront: SIMD2<Double>? = nil) {
        (self.sliceCount, self.towardsRight, self.towardsFront) = (sliceCount, towardsRight, towardsFront)
    }
}

/// How many annotators drew each class, and each class on each slice.
public struct Drawers: Sendable {
    let ofClass: [Int: Int]
    /// By class and slice.
    let ofSlice: [Int: [Int: Int]]

    /// - Parameter annotators: the slices of each.
    public init(_ annotators: some Sequence<[SliceBoxes]>) {
        var (ofClass, ofSlice): ([Int: Int], [Int: [Int: Int]]) = ([:], [:])
        for slices in annotators {
            var drawn: Set<Int> = []
            for slice in slices {
                for classID in Set(slice.boxes.map(\.classID)) {
                    ofSlice[classID, default: [:]][slice.slice, default: 0] += 1
                    drawn.insert(classID)
                }
            }
            for classID in drawn { ofClass[classID, default: 0] += 1 }
        }
        (self.ofClass, self.ofSlice) = (ofClass, ofSlice)
    }
}

extension BoxFinding {
    /// Looks for slips in the boxes of one annotator on one volume.
    ///
    /// Each slip is reported once, a run of slices in one finding: no jumps and gaps where two classes are exchanged, and
    /// no missing classes where the work has hardly begun. The time is linear in the boxes: of a slice with very many
    /// only their number is reported.
    ///
    /// - Returns: the most harmful first, by ``Kind``, then the longest.
    public static func findings(
        in slices: [SliceBoxes], classes: ClassList, volume: CheckedVolume
    ) -> [BoxFinding] {
        let checks = BoxChecks(slices, classes: classes, volume: volume)
        let begun = checks.barelyStarted
        var found =
            checks.upsideDown + checks.exchanged + checks.jumps + checks.missing + checks.sizes + checks.sparse
            + checks.doubled + checks.outside + checks.crowded
        found += begun.isEmpty ? checks.neverMarked + checks.stopped : begun
        return found.sorted(by: BoxFinding.isBefore)
    }
}
