import ImageFrames

/// Boxes of several annotators that mean one object: of one class, on one slice, in one place.
public struct AgreedBox: Hashable, Sendable {
    public var slice: Int
    public var classID: Int
    /// The median of each side over the annotators.
    public var box: PixelBox
    /// Each annotator's own box, by name.
    public var own: [String: PixelBox]
    /// Who looked for the class on the slice; see ``Evidence``.
    public var workers: [String]
    /// Where it comes among the slice's objects as people drew them; recipes may let the last box win.
    public var place: Int
    /// Whether nobody drew it: it lies between boxes that somebody did.
    public var isFilled = false

    public init(
        slice: Int, classID: Int, box: PixelBox, own: [String: PixelBox], workers: [String], place: Int,
        isFilled: Bool = false
    ) {
        (self.slice, self.classID, self.box, self.own) = (slice, classID, box, own)
        (self.workers, self.place, self.isFilled) = (workers, place, isFilled)
    }

    /// Whether at least half of those who worked on the slice drew it: people forget more often than they invent.
    public var isAgreed: Bool { 2 * own.count >= workers.count }

    /// The overlaps of an annotator's box with every other's; without a name, of every pair of boxes.
    public func overlaps(of annotator: String? = nil) -> [Double] {
        let names = own.keys.sorted()
        var overlaps: [Double] = []
        for (index, one) in names.enumerated() {
            for other in names[(index + 1)...] where annotator == nil || one == annotator || other == annotator {
                if let first = own[one], let second = own[other] {
                    overlaps.append(first.intersectionOverUnion(second))
                }
            }
        }
        return overlaps
    }
}

// MARK: Objects

extension AgreedBox {
    /// Puts the boxes of several annotators together.
    ///
    /// Boxes of one class on one slice mean one object where their intersection over union is at least 0.5, or where a chain
    /// of such overlaps joins them; an annotator's second box in a place counts with the first.
    ///
    /// - Parameters:
    ///   - annotators: the slices of each annotator, by name.
    ///   - name: the volume's name, as tasks have it.
    ///   - evidence: what says that somebody looked at a slice.
    /// - Returns: all objects, those of a minority too, by slice, class and place.
    public static func objects(
        drawnBy annotators: [String: [SliceBoxes]], case name: String = "", evidence: Evidence = Evidence()
    ) -> [AgreedBox] {
        var bySlice: [Int: [(annotator: String, boxes: SliceBoxes)]] = [:]
        for (annotator, slices) in annotators.sorted(by: { $0.key < $1.key }) {
            for slice in slices { bySlice[slice.slice, default: []].append((annotator, slice)) }
        }
        let names = annotators.keys.sorted()
        return bySlice.flatMap { number, own in
            let files = Dictionary(uniqueKeysWithValues: own.map { ($0.annotator, $0.boxes) })
            let drawn = own.flatMap { annotator, slice in
                slice.boxes.enumerated().map { OwnBox(annotator: annotator, box: $1, place: $0) }
            }
            let grouped = Dictionary(grouping: drawn, by: \.box.classID).sorted { $0.key < $1.key }
                .flatMap { groups($0.value) }
            let places = drawingOrder(of: grouped)
            // Without tasks, nobody looked whose files say nothing of the slice.
            let candidates = evidence.tasks == nil ? own.map(\.annotator) : names
            return zip(grouped, places).map { group, place in
                var own: [String: PixelBox] = [:]
                for one in group where own[one.annotator] == nil { own[one.annotator] = one.box.box }
                let classID = group[0].box.classID
                let workers = candidates.filter {
                    evidence.saysLooked($0, for: classID, at: number, files[$0], case: name)
                }
                return AgreedBox(
                    slice: number, classID: classID, box: medianBox(Array(own.values)), own: own, workers: workers,
                    place: place)
            }
        }.sorted {
            ($0.slice, $0.classID, $0.box.y0, $0.box.x0) < ($1.slice, $1.classID, $1.box.y0, $1.box.x0)
        }
    }

    /// The place of each group: in the order of the annotator who drew most of them; a group that only others drew comes
    /// after the one that they drew before it.
    private static func drawingOrder(of groups: [[OwnBox]]) -> [Int] {
        var own: [String: [(place: Int, group: Int)]] = [:]
        for (index, group) in groups.enumerated() {
            for one in group { own[one.annotator, default: []].append((one.place, index)) }
        }
        var order: [Int] = []
        for (_, boxes) in own.sorted(by: { (-$0.value.count, $0.key) < (-$1.value.count, $1.key) }) {
            if order.isEmpty {
                var seen: Set<Int> = []
                order = boxes.sorted { $0.place < $1.place }.map(\.group).filter { seen.insert($0).inserted }
                continue
            }
            var after: Int?
            for (_, group) in boxes.sorted(by: { $0.place < $1.place }) {
                if !order.contains(group) {
                    let place = after.flatMap { order.firstIndex(of: $0) }.map { $0 + 1 } ?? order.count
                    order.insert(group, at: place)
                }
                after = group
            }
        }
        var places = Array(repeating: 0, count: groups.count)
        for (place, group) in order.enumerated() { places[group] = place }
        return places
    }

    /// The least intersection over union of two boxes that mean one object (as in PASCAL VOC's scores).
    private static let sameObject = 0.5

    /// The boxes that are linked by overlap, each group in the boxes' order.
    private static func groups(_ boxes: [OwnBox]) -> [[OwnBox]] {
        var groups: [[OwnBox]] = []
        for box in boxes {
            let isLinked = { (group: [OwnBox]) in
                group.contains { $0.box.box.intersectionOverUnion(box.box.box) >= sameObject }
            }
            let linked = groups.filter(isLinked)
            groups.removeAll(where: isLinked)
            groups.append(linked.flatMap { $0 } + [box])
        }
        return groups
    }

    private static func medianBox(_ boxes: [PixelBox]) -> PixelBox {
        func middle(_ side: KeyPath<PixelBox, Double>) -> Double { boxes.map { $0[keyPath: side] }.median() ?? .nan }
        return PixelBox(x0: middle(\.x0), y0: middle(\.y0), x1: middle(\.x1), y1: middle(\.y1))
    }
}

private struct OwnBox {
    var annotator: String
    var box: DrawnBox
    /// Which of the annotator's boxes on the slice it is.
    var place: Int
}

// MARK: Arithmetic

extension PixelBox {
    /// The area that two boxes share, as a part of the area that they cover together.
    func intersectionOverUnion(_ other: PixelBox) -> Double {
        let (first, second) = (width * height, other.width * other.height)
        let intersection = coverage(other) * min(first, second)
        return intersection / (first + second - intersection)
    }

    /// The share of the smaller box that the larger can cover: 1 where it lies within, 0 where they are apart.
    ///
    /// Unlike the intersection over union it does not fall because two boxes differ in size, as slices of an organ do.
    package func coverage(_ other: PixelBox) -> Double {
        let shared = (width: min(x1, other.x1) - max(x0, other.x0), height: min(y1, other.y1) - max(y0, other.y0))
        return max(shared.width, 0) * max(shared.height, 0) / min(width * height, other.width * other.height)
    }
}

extension [Double] {
    /// The middle value, or the mean of the two; nil of none.
    package func median() -> Double? {
        guard !isEmpty else { return nil }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }

    /// Nil of none.
    package func mean() -> Double? { isEmpty ? nil : reduce(0, +) / Double(count) }
}
