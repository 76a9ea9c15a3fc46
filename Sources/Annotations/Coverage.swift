import ImageFrames
import SafeFiles

/// How far the boxes of one organ on one volume have come, over all annotators: a row of a table or of JSON.
public struct Coverage: Encodable, Sendable {
    public let caseName: String
    public let className: String
    /// The first and the last slice with a box; nil where there is none.
    public let first: OrNull<Int>
    public let last: OrNull<Int>
    /// On how many slices anybody drew it.
    public let drawn: Int
    /// The slices between the two on which nobody drew it, as pairs of a first and a last one.
    public let gaps: [[Int]]
    /// The step from one drawn slice to the next, where it is regular and two or more; slices that it skips are no gap.
    public let step: OrNull<Int>
    /// Whether the boxes end abruptly where there is more to draw; see ``BoxFinding/Kind/stopped``.
    public let isStopped: Bool
    /// Who drew it, by name.
    public let annotators: [String]
    /// Whether there are boxes, without a gap, that do not end abruptly.
    public let isComplete: Bool

    enum CodingKeys: String, CodingKey {
        case first, last, drawn, gaps, annotators
        case step = "every"
        case caseName = "case"
        case className = "class"
        case isStopped = "stopped"
        case isComplete = "complete"
    }

    /// The organs of a volume, in the order of their ids: those that tasks ask for or that somebody drew, else all of the list.
    ///
    /// - Parameters:
    ///   - annotators: the slices of each annotator, by name.
    ///   - volume: its tasks are those of all annotators.
    ///   - excepted: classes that nobody was asked to draw; listed only where somebody did.
    public static func rows(
        drawnBy annotators: [String: [SliceBoxes]], case name: String, classes: ClassList, volume: CheckedVolume,
        except excepted: Set<Int> = []
    ) -> [Coverage] {
        let all = Dictionary(grouping: annotators.sorted { $0.key < $1.key }.flatMap(\.value), by: \.slice)
        // The largest box of each class: a crowd has more on a slice than are compared with each other.
        let united = all.map { slice, own in
            let largest = Dictionary(own.flatMap(\.boxes).map { ($0.classID, $0) }) { $0.area < $1.area ? $1 : $0 }
            return SliceBoxes(
                slice: slice, files: own.flatMap(\.files), boxes: largest.sorted { $0.key < $1.key }.map(\.value))
        }
        let drawn = united.slicesByClass
        let checks = BoxChecks(united, classes: classes, volume: volume)
        let stopped = checks.stopped
        let stoppedClasses = Set(stopped.compactMap(\.classID))
        let ends = Set(stopped.filter { $0.classID == nil }.flatMap(\.slices))
        let asked = volume.tasks.map { Set($0.keys) } ?? []
        var drawers: [Int: Set<String>] = [:]
        for (annotator, slices) in annotators {
            for box in slices.lazy.flatMap(\.boxes) { drawers[box.classID, default: []].insert(annotator) }
        }
        return classes.names.indices.filter { classID in
            drawers[classID] != nil || (asked.isEmpty ? !excepted.contains(classID) : asked.contains(classID))
        }.map { classID in
            let slices = (drawn[classID] ?? []).sorted()
            let isStopped =
                stoppedClasses.contains(classID)
                || [slices.first, slices.last].contains { $0.map(ends.contains) == true }
            return Coverage(
                case: name, class: classes.names[classID], slices, volumeStep: checks.step, isStopped: isStopped,
                annotators: (drawers[classID] ?? []).sorted())
        }
    }

    /// - Parameter volumeStep: from one slice that has any boxes to the next. An organ may be on too few slices to have a step
    ///   of its own.
    private init(
        case name: String, class className: String, _ slices: [Int], volumeStep: Int, isStopped: Bool,
        annotators: [String]
    ) {
        (caseName, self.className, drawn) = (name, className, slices.count)
        (first, last) = (OrNull(slices.first), OrNull(slices.last))
        let pairs = zip(slices, slices.dropFirst())
        let isByVolume = volumeStep > 1 && slices.count > 1 && pairs.allSatisfy { ($1 - $0) % volumeStep == 0 }
        let step = regularStep(of: slices) ?? (isByVolume ? volumeStep : nil)
        self.step = OrNull(step)
        gaps = pairs.compactMap { one, next in
            next - one > (step ?? 1) ? [one + 1, next - 1] : nil
        }
        (self.isStopped, self.annotators) = (isStopped, annotators)
        isComplete = !slices.isEmpty && gaps.isEmpty && !isStopped
    }

    /// The cells of a table's row: case, class, first, last, drawn, what is missing, by whom.
    public var cells: [String] {
        let missing =
            drawn == 0
            ? ["nobody"]
            : (step.value.map { ["every \($0)"] } ?? [])
                + gaps.map { ranges(of: Array($0[0]...$0[1])) } + (isStopped ? ["stops"] : [])
        func digits(_ slice: Int?) -> String { slice.map(sliceDigits) ?? "-" }
        let names = annotators.filter { !$0.isEmpty }
        return [
            caseName, className, digits(first.value), digits(last.value), "\(drawn)",
            missing.isEmpty ? "-" : missing.joined(separator: ", "),
            names.isEmpty ? "-" : names.joined(separator: ", "),
        ]
    }

    /// The heads of the table's columns.
    public static let columns = ["case", "class", "first", "last", "drawn", "missing", "by"]
}
