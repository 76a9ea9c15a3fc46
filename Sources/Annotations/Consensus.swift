import ImageFrames

/// Boxes of several annotators that mean one object: of one class, on one slice, in one place.
public struct AgreedBox: Hashable, Sendable {
    public var slice: Int
    public var classID: Int
    /// The median of each side over the annotators.
    public var box: PixelBox
    /// Each annotator's own box, by name.
    public var own: [String: PixelBox]
    /// Who worked on the slice: has a file or a row of it.
    public var workers: [String]

    /// Whether at least half of those who worked on the slice drew it: people forget more often than they invent.
    public var isAgreed: Bool { 2 * own.count >= workers.count }

    /// The overlap of an annotator's box with each other one's; of each two annotators' where none is named.
    public func overlaps(of annotator: String? = nil) -> [Double] {
        let names = own.keys.sorted()
        var overlaps: [Double] = []
        for (index, one) in names.enumerated() {
            for other in names[(index + 1)...] where annotator == nil || one == annotator || other == annotator {
                if let first = own[one], let second = own[other] {
                    overlaps.append(intersectionOverUnion(first, second))
                }
            }
        }
        return overlaps
    }
}

/// Puts the boxes of several annotators together.
///
/// Boxes of one class on one slice mean one object where their intersection over union is at least 0.5, or where others
/// link them so; an annotator's second box in a place counts with the first.
///
/// - Parameter drawings: the slices of each annotator, by name.
/// - Returns: all objects, those of a minority too, by slice, class and place.
public func agreement(of drawings: [String: [SliceBoxes]]) -> [AgreedBox] {
    struct Place: Hashable { var slice: Int, classID: Int }
    var drawn: [Place: [Drawn]] = [:]
    var workers: [Int: [String]] = [:]
    for (annotator, slices) in drawings.sorted(by: { $0.key < $1.key }) {
        for slice in slices {
            workers[slice.slice, default: []].append(annotator)
            for box in slice.boxes {
                drawn[Place(slice: slice.slice, classID: box.classID), default: []]
                    .append(Drawn(annotator: annotator, box: box.box))
            }
        }
    }
    return drawn.flatMap { place, boxes in
        groups(boxes).map { group in
            var own: [String: PixelBox] = [:]
            for one in group where own[one.annotator] == nil { own[one.annotator] = one.box }
            return AgreedBox(
                slice: place.slice, classID: place.classID, box: medianBox(Array(own.values)), own: own,
                workers: workers[place.slice] ?? [])
        }
    }.sorted {
        ($0.slice, $0.classID, $0.box.y0, $0.box.x0) < ($1.slice, $1.classID, $1.box.y0, $1.box.x0)
    }
}

private struct Drawn {
    var annotator: String
    var box: PixelBox
}

/// The boxes that are linked by overlap, each group in the boxes' order.
private func groups(_ boxes: [Drawn]) -> [[Drawn]] {
    var groups: [[Drawn]] = []
    for box in boxes {
        let isLinked = { (group: [Drawn]) in
            group.contains { intersectionOverUnion($0.box, box.box) >= sameObject }
        }
        let linked = groups.filter(isLinked)
        groups.removeAll(where: isLinked)
        groups.append(linked.flatMap { $0 } + [box])
    }
    return groups
}

/// From this intersection over union on, two boxes mean one object (as in PASCAL VOC's scores).
private let sameObject = 0.5

private func medianBox(_ boxes: [PixelBox]) -> PixelBox {
    PixelBox(
        x0: median(boxes.map(\.x0)), y0: median(boxes.map(\.y0)), x1: median(boxes.map(\.x1)),
        y1: median(boxes.map(\.y1)))
}

/// The middle value, or the mean of the two; NaN of none.
public func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return .nan }
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}

/// The area that two boxes share, as a part of the area that they cover together.
public func intersectionOverUnion(_ one: PixelBox, _ other: PixelBox) -> Double {
    let (first, second) = (one.width * one.height, other.width * other.height)
    let intersection = coverage(one, other) * min(first, second)
    return intersection / (first + second - intersection)
}
