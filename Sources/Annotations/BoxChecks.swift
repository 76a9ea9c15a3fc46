import ImageFrames

/// An annotator's boxes on a volume, seen class by class and organ by organ.
struct BoxChecks {
    /// A box that was found at fault, or the two classes of a slice.
    struct Place: Hashable {
        var slice: Int
        var classID: Int
    }

    let volume: CheckedVolume
    let classes: ClassList
    /// In order.
    let slices: [SliceBoxes]
    /// The slices with boxes, in order.
    let marked: [Int]
    /// The step from one slice with boxes to the next.
    let step: Int
    /// The boxes of each class, slice by slice.
    let boxes: [Int: [(slice: Int, boxes: [DrawnBox])]]
    let files: [Int: String]
    /// What this annotator has in the volume's ``CheckedVolume/drawers``.
    let own: Drawers
    let tracks: [BoxTrack]
    /// Whether the image is mirrored: left is right on all slices, of which there are several.
    let isMirrored: Bool
    /// The places of boxes that have another class's place, and that class.
    let exchangedPlaces: [Place: Int]
    /// Pairs of classes that have each other's side of the body on all slices.
    let exchangedSides: [(classID: Int, other: Int)]

    init(_ slices: [SliceBoxes], classes: ClassList, volume: CheckedVolume) {
        let slices = slices.sorted { $0.slice < $1.slice }
        (self.volume, self.classes, self.slices) = (volume, classes, slices)
        own = Drawers([slices])
        marked = slices.filter { !$0.boxes.isEmpty }.map(\.slice)
        step = regularStep(of: marked) ?? 1
        files = Dictionary(slices.compactMap { slice in slice.files.first.map { (slice.slice, $0) } }) { one, _ in one }
        var boxes: [Int: [(slice: Int, boxes: [DrawnBox])]] = [:]
        let compared = slices.filter { !$0.boxes.isEmpty && $0.boxes.count <= mostBoxes }
        for slice in compared {
            for (classID, own) in Dictionary(grouping: slice.boxes, by: \.classID) {
                boxes[classID, default: []].append((slice.slice, own))
            }
        }
        self.boxes = boxes
        let twins = twinClasses(classes.names)
        let sides = SideChecks(boxes, classes.names, twins, towardsRight: volume.towardsRight)
        (isMirrored, exchangedSides) = (sides.isMirrored, sides.exchanged)
        let wrong = sides.wrongTwins
        tracks = BoxTrack.tracks(of: compared, step: step) { box, slice in
            wrong.contains(Place(slice: slice, classID: box.classID)) ? twins[box.classID] ?? box.classID : box.classID
        }
        var exchanged: [Place: Int] = [:]
        for place in wrong { exchanged[place] = twins[place.classID] }
        let counts = boxes.mapValues { $0.reduce(0) { $0 + $1.boxes.count } }
        for track in tracks {
            let foreign = Dictionary(grouping: track.links.indices.filter { track.links[$0].classID != track.majority })
            {
                track.links[$0].classID
            }
            for (classID, indices) in foreign {
                // Where one organ ends another may begin in its place.
                let isWithin = [0, track.links.count - 1].allSatisfy { track.links[$0].classID == track.majority }
                guard isWithin || 2 * indices.count <= counts[classID, default: 0] else { continue }
                for index in indices {
                    let link = track.links[index]
                    exchanged[Place(slice: link.slice, classID: link.box.classID)] = track.majority
                }
            }
        }
        exchangedPlaces = isMirrored ? [:] : exchanged
    }

    // MARK: Exchanged

    var exchanged: [BoxFinding] {
        if isMirrored { return [BoxFinding(.exchanged)] }
        // Both boxes of a pair are one finding, at the lower class.
        struct Pair: Hashable { var lower: Int, higher: Int }
        var slices: [Pair: [Int: Set<Int>]] = [:]
        for (place, other) in exchangedPlaces {
            let pair = Pair(lower: min(place.classID, other), higher: max(place.classID, other))
            slices[pair, default: [:]][place.slice, default: []].insert(place.classID)
        }
        let all = exchangedSides.map { classID, other in
            let own = Set((boxes[classID] ?? []).map(\.slice)).intersection((boxes[other] ?? []).map(\.slice))
            return finding(.exchanged, min(classID, other), max(classID, other), own.sorted())
        }
        return all
            + slices.flatMap { pair, drawn in
                runs(drawn.keys.sorted()).map { run in
                    let found = run.reduce(into: Set<Int>()) { $0.formUnion(drawn[$1] ?? []) }
                    let classID = found.count == 1 ? found.first ?? pair.lower : pair.lower
                    return finding(.exchanged, classID, classID == pair.lower ? pair.higher : pair.lower, run)
                }
            }
    }

    /// The organs of the back lie in front of the liver's, the stomach's and the aorta's middle, almost everywhere.
    var upsideDown: [BoxFinding] {
        guard let towardsFront = volume.towardsFront else { return [] }
        var depths: [Int: BodyDepth] = [:]
        for classID in boxes.keys { depths[classID] = BodyDepth(of: classes.names[classID]) }
        let front = boxes.filter { depths[$0.key] == .front }.flatMap(\.value)
        let back = boxes.filter { depths[$0.key] == .back }.flatMap(\.value)
        let bySlice = Dictionary(grouping: front, by: \.slice)
        var (both, wrong, slices) = (0, 0, Set<Int>())
        for (slice, own) in back {
            for (_, other) in bySlice[slice] ?? [] {
                both += 1
                slices.insert(slice)
                if place(own, along: towardsFront) > place(other, along: towardsFront) { wrong += 1 }
            }
        }
        return slices.count >= 3 && Double(wrong) >= 0.8 * Double(both) ? [BoxFinding(.upsideDown)] : []
    }

    // MARK: Parts

    func finding(
        _ kind: BoxFinding.Kind, _ classID: Int?, _ other: Int? = nil, _ slices: [Int], step: Int? = nil
    ) -> BoxFinding {
        BoxFinding(
            kind, classID: classID, other: other, slices: slices, file: slices.first.flatMap { files[$0] }, step: step)
    }

    /// Slices in order, in runs between which a slice that is drawn is missing.
    func runs(_ slices: [Int]) -> [[Int]] {
        slices.reduce(into: []) { runs, slice in
            if let last = runs.last?.last, slice - last <= step {
                runs[runs.count - 1].append(slice)
            } else {
                runs.append([slice])
            }
        }
    }
}

/// The least intersection over union of boxes of two classes that have one place.
let sameOverlap = 0.6

/// The most boxes of a slice that are compared: of more, only their number is reported. People draw few, and the time to
/// compare all with all grows with the square of their number.
let mostBoxes = 300

/// The step at which slices are drawn, where it is a regular one of two or more.
///
/// Of at least four slices, seven of ten must follow the one before at the commonest distance.
func regularStep(of slices: [Int]) -> Int? {
    let steps = zip(slices, slices.dropFirst()).map { $1 - $0 }
    let counts = Dictionary(steps.map { ($0, 1) }, uniquingKeysWith: +)
    guard slices.count >= 4, let (step, count) = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }), step > 1,
        10 * count >= 7 * steps.count
    else { return nil }
    return step
}

/// How far along a direction boxes lie, in the mean over their middles.
private func place(_ boxes: [DrawnBox], along direction: SIMD2<Double>) -> Double {
    boxes.reduce(0) { sum, drawn in
        let middle = SIMD2(drawn.box.x0 + drawn.box.x1, drawn.box.y0 + drawn.box.y1) / 2
        return sum + (middle * direction).sum()
    } / Double(boxes.count)
}

// MARK: - Sides of the body

/// Which boxes lie on the other side of the body than their classes do.
private struct SideChecks {
    /// The places of twins that have each other's side.
    private(set) var wrongTwins: Set<BoxChecks.Place> = []
    /// Other pairs of a right and a left organ that have each other's side on all slices that have both.
    private(set) var exchanged: [(classID: Int, other: Int)] = []
    /// Whether all pairs have, on two slices or more.
    private(set) var isMirrored = false

    init(
        _ boxes: [Int: [(slice: Int, boxes: [DrawnBox])]], _ names: [String], _ twins: [Int: Int],
        towardsRight: SIMD2<Double>?
    ) {
        guard let towardsRight else { return }
        var places: (right: [Int: [Int: [DrawnBox]]], left: [Int: [Int: [DrawnBox]]]) = ([:], [:])
        for (classID, own) in boxes {
            guard let side = BodySide(of: names[classID], hasTwin: twins[classID] != nil) else { continue }
            let drawn = Dictionary(own.map { ($0.slice, $0.boxes) }, uniquingKeysWith: +)
            if side == .right { places.right[classID] = drawn } else { places.left[classID] = drawn }
        }
        var (both, wrong) = (0, 0)
        var singles: [Int: [Int]] = [:]
        for (classID, drawn) in places.left where isSingle(names[classID]) {
            for slice in drawn.keys { singles[slice, default: []].append(classID) }
        }
        for (right, rightPlaces) in places.right.sorted(by: { $0.key < $1.key }) {
            // A large liver's middle is not always right of the left kidney's.
            let beside = isSingle(names[right]) ? Set(rightPlaces.keys.flatMap { singles[$0] ?? [] }) : []
            for left in [twins[right]].compactMap({ $0 }) + beside.sorted() {
                guard let leftPlaces = places.left[left] else { continue }
                let areTwins = twins[right] == left
                // Boxes in one place have no side.
                let shared = rightPlaces.keys.filter { slice in
                    guard let right = rightPlaces[slice], let left = leftPlaces[slice] else { return false }
                    return !right.contains { one in
                        left.contains { one.box.intersectionOverUnion($0.box) >= sameOverlap }
                    }
                }
                let exchanged = shared.filter {
                    place(rightPlaces[$0] ?? [], along: towardsRight) < place(leftPlaces[$0] ?? [], along: towardsRight)
                }
                both += shared.count
                wrong += exchanged.count
                if areTwins {
                    for slice in exchanged {
                        wrongTwins.formUnion([
                            BoxChecks.Place(slice: slice, classID: right), BoxChecks.Place(slice: slice, classID: left),
                        ])
                    }
                } else if shared.count > 1, exchanged.count == shared.count {
                    self.exchanged.append((right, left))
                }
            }
        }
        isMirrored = wrong > 1 && wrong == both
        if isMirrored { (wrongTwins, self.exchanged) = ([], []) }
    }

    /// Whether there is one such organ, on its own side.
    private func isSingle(_ name: String) -> Bool {
        let lower = name.lowercased()
        return lower.contains("liver") || lower.contains("spleen")
    }
}
