import Foundation
import ImageFrames

// What is not where its neighbours are, and what is missing.

extension BoxChecks {
    /// The slices of a class on which its boxes do not have another class's place.
    private func ownSlices(_ classID: Int) -> [Int] {
        (boxes[classID] ?? []).map(\.slice).filter { exchangedPlaces[Place(slice: $0, classID: classID)] == nil }
    }

    // MARK: Apart

    /// Runs that lie on another class's boxes, or apart from the class's longest track.
    var jumps: [BoxFinding] {
        var found: [Place: Int?] = [:]
        for (place, other) in onOthers() where exchangedPlaces[place] == nil { found[place] = other }
        for (_, own) in Dictionary(grouping: tracks, by: \.majority) where own.count > 1 {
            guard
                let main = own.max(by: {
                    ($0.links.count, $1.slices.lowerBound) < ($1.links.count, $0.slices.lowerBound)
                })
            else { continue }
            let drawn = Set(main.links.map(\.slice))
            for track in own where track.slices != main.slices || track.links.count < main.links.count {
                guard 2 * track.links.count <= main.links.count + 1, isApart(track, from: main, drawn) else { continue }
                for link in track.links where link.box.classID == track.majority {
                    let place = Place(slice: link.slice, classID: link.box.classID)
                    if found[place] == nil, exchangedPlaces[place] == nil { found[place] = .some(nil) }
                }
            }
        }
        return runs(of: .jump, found)
    }

    /// Whether a track is a mistake and not a second part of an organ: a single box on a slice of the main track, or a run
    /// on slices that the main track lacks, in its range or near it.
    private func isApart(_ track: BoxTrack, from main: BoxTrack, _ drawn: Set<Int>) -> Bool {
        let beside = track.links.count { drawn.contains($0.slice) }
        if beside > 0 {
            let link = track.links[0]
            return track.links.count == 1 && main.slices.lowerBound < link.slice
                && link.slice < main.slices.upperBound
                && !main.links.contains {
                    abs($0.slice - link.slice) <= step && $0.box.box.isNear(link.box.box)
                }
        }
        let near = 3 * step
        return track.slices.lowerBound <= main.slices.upperBound + near
            && track.slices.upperBound >= main.slices.lowerBound - near
    }

    /// The places of boxes that are almost another class's on the same slice, and that class, of several the one that fits
    /// best. The one at fault is the one that fits its own class's slices around less well.
    private func onOthers() -> [Place: Int] {
        struct Pair: Hashable { var lower: Int, higher: Int }
        var shared: [Pair: Set<Int>] = [:]
        for slice in slices where slice.boxes.count <= mostBoxes {
            for (index, one) in slice.boxes.enumerated() {
                for other in slice.boxes[..<index] where other.classID != one.classID {
                    guard one.box.intersectionOverUnion(other.box) >= sameOverlap else { continue }
                    let pair = Pair(lower: min(one.classID, other.classID), higher: max(one.classID, other.classID))
                    shared[pair, default: []].insert(slice.slice)
                }
            }
        }
        var found: [Place: (other: Int, fit: Double)] = [:]
        let pairs = shared.sorted { ($0.key.lower, $0.key.higher) < ($1.key.lower, $1.key.higher) }
        for (pair, slices) in pairs {
            let (lower, higher) = (fit(pair.lower, on: slices), fit(pair.higher, on: slices))
            let (fault, other) = lower < higher ? (pair.lower, pair.higher) : (pair.higher, pair.lower)
            for slice in slices {
                let place = Place(slice: slice, classID: fault)
                if found[place].map({ $0.fit < max(lower, higher) }) ?? true {
                    found[place] = (other, max(lower, higher))
                }
            }
        }
        return found.mapValues(\.other)
    }

    /// How well a class's boxes on some slices go on from those on its other slices: the mean overlap where the two meet, −1
    /// where they do not.
    private func fit(_ classID: Int, on slices: Set<Int>) -> Double {
        let own = boxes[classID] ?? []
        let overlaps = zip(own, own.dropFirst()).compactMap { one, next -> Double? in
            guard slices.contains(one.slice) != slices.contains(next.slice) else { return nil }
            return one.boxes.flatMap { first in next.boxes.map { first.box.intersectionOverUnion($0.box) } }.max()
        }
        return overlaps.mean() ?? -1
    }

    /// Places as findings, a run of slices in one; the other class is named where it is that of half of the run.
    private func runs(of kind: BoxFinding.Kind, _ places: [Place: Int?]) -> [BoxFinding] {
        Dictionary(grouping: places.keys, by: \.classID).flatMap { classID, own in
            runs(own.map(\.slice).sorted()).map { run in
                let others = run.compactMap { places[Place(slice: $0, classID: classID)] ?? nil }
                let counts = Dictionary(others.map { ($0, 1) }, uniquingKeysWith: +)
                let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
                return finding(kind, classID, most.flatMap { 2 * $0.value >= run.count ? $0.key : nil }, run)
            }
        }
    }

    // MARK: Sizes

    /// Runs of up to eight slices with half of the area, or twice, both where they begin and where they end.
    var sizes: [BoxFinding] {
        let jumping = Set(jumps.flatMap { jump in jump.slices.map { Place(slice: $0, classID: jump.classID ?? -1) } })
        return boxes.keys.sorted().flatMap { classID in
            let own = areas(classID).filter { slice, _ in
                let place = Place(slice: slice, classID: classID)
                return !jumping.contains(place) && exchangedPlaces[place] == nil
            }
            // A run is a part of an organ, not all of it but its ends.
            let longest = min(longestRun, own.count / 3)
            var candidates: [(strength: Double, run: ClosedRange<Int>)] = []
            for begin in own.indices.dropFirst() {
                let change = log(own[begin].area / own[begin - 1].area)
                if abs(change) < log(1.6) { continue }
                for end in begin..<max(begin, min(begin + longest, own.count - 1)) {
                    let back = log(own[end].area / own[end + 1].area)
                    guard change * back > 0, abs(back) >= log(1.6), abs(change + back) >= 2 * log(2),
                        own[end + 1].slice - own[begin - 1].slice <= (end - begin + 2) * 2 * step
                    else { continue }
                    candidates.append((abs(change + back), begin...end))
                }
            }
            // Where an organ grows fast beside a run, the run is the one that its neighbours contradict most.
            candidates.sort { ($1.strength, $0.run.count) < ($0.strength, $1.run.count) }
            var runs: [ClosedRange<Int>] = []
            for (_, run) in candidates
            where !runs.contains(where: { $0.lowerBound <= run.upperBound + 1 && run.lowerBound <= $0.upperBound + 1 })
            {
                runs.append(run)
            }
            return runs.map { finding(.size, classID, nil, own[$0].map(\.slice)) }
        }
    }

    /// The area of a class's largest box on each slice.
    private func areas(_ classID: Int) -> [(slice: Int, area: Double)] {
        (boxes[classID] ?? []).map { slice, own in (slice, own.map(\.area).max() ?? 0) }
    }

    // MARK: Missing

    /// Slices on which classes have no box between two that have: of one class, or of all that go on.
    var missing: [BoxFinding] {
        let drawn = Set(marked)
        // The slices on which another class's boxes have a class's place.
        let exchangedSlices = Dictionary(grouping: exchangedPlaces, by: \.value).mapValues { Set($0.map(\.key.slice)) }
        var gaps: [Int: [Int]] = [:]
        var going: [Int: Int] = [:]
        for (classID, own) in boxes where sparseStep(classID) == nil {
            let (has, steady) = (Set(own.map(\.slice)), ownSlices(classID))
            guard let first = steady.first, let last = steady.last else { continue }
            let (taken, isShared) = (exchangedSlices[classID] ?? [], sharesWork(classID))
            let asked = stride(from: first, through: last, by: 1).filter { slice in
                !has.contains(slice) && !taken.contains(slice) && isAsked(slice, classID, isShared: isShared)
                    && (drawn.contains(slice) || !isOffStep(slice))
            }
            gaps[classID] = asked
            for slice in asked where !drawn.contains(slice) { going[slice, default: 0] += 1 }
        }
        let empty = Set(going.filter { $0.value > 1 }.keys)
        return runs(empty.sorted()).map { finding(.empty, nil, nil, $0) }
            + gaps.flatMap { classID, slices in
                runs(slices.filter { !empty.contains($0) }).map { finding(.gap, classID, nil, $0) }
            }
    }

    /// Whether a slice without boxes is one that a regular step leaves out.
    private func isOffStep(_ slice: Int) -> Bool {
        guard step > 1, !marked.isEmpty else { return false }
        var (low, high) = (0, marked.count)
        while low < high {
            let middle = (low + high) / 2
            if marked[middle] < slice { low = middle + 1 } else { high = middle }
        }
        guard low > 0, low < marked.count else { return false }
        let (before, after) = (marked[low - 1], marked[low])
        return after - before < 2 * step || (slice - before) % step != 0
    }

    /// Whether the annotator was to look for a class on a slice: where there are tasks, by them; else unless others drew it
    /// there who share the work.
    private func isAsked(_ slice: Int, _ classID: Int, isShared: Bool) -> Bool {
        if let tasks = volume.tasks { return tasks[classID]?.contains(slice) == true }
        return !isShared || !othersDrew(classID, on: slice)
    }

    private func othersDrew(_ classID: Int) -> Bool {
        volume.drawers.ofClass[classID, default: 0] > own.ofClass[classID, default: 0]
    }

    private func othersDrew(_ classID: Int, on slice: Int) -> Bool {
        volume.drawers.ofSlice[classID]?[slice] ?? 0 > own.ofSlice[classID]?[slice] ?? 0
    }

    /// Whether others drew a class, and on no slice on which this annotator drew it.
    private func sharesWork(_ classID: Int) -> Bool {
        othersDrew(classID) && !(boxes[classID] ?? []).contains { othersDrew(classID, on: $0.slice) }
    }

    var neverMarked: [BoxFinding] {
        let asked = volume.tasks.map { Set($0.keys) }
        // An annotator who drew no class that others drew shares the work with them by classes.
        let isShared = !boxes.keys.contains { othersDrew($0) }
        return classes.names.indices.filter { classID in
            boxes[classID] == nil && asked?.contains(classID) != false
                && !(asked == nil && isShared && othersDrew(classID))
        }.map { BoxFinding(.neverMarked, classID: $0) }
    }

    var barelyStarted: [BoxFinding] {
        let all = RangeSet(0..<volume.sliceCount)
        let asked = (volume.tasks.map { Array($0.values) } ?? [all]).reduce(0) { count, slices in
            slices.intersection(all).ranges.reduce(count) { $0 + $1.count }
        }
        return marked.count < min(fewSlices, asked) ? [BoxFinding(.barelyStarted)] : []
    }

    // MARK: Stopped

    /// Where the work ends abruptly: several classes end without tapering, or one does that tapers at its other end.
    var stopped: [BoxFinding] {
        guard let first = marked.first, let last = marked.last else { return [] }
        let open = boxes.keys.sorted().flatMap { ends($0) }.filter { goesOn($0.classID, from: $0.slice, $0.isUpper) }
        let whole = [(slice: first, isUpper: false), (slice: last, isUpper: true)].filter { place in
            open.count { $0.isUpper == place.isUpper && abs($0.slice - place.slice) <= step && $0.share >= 0.65 } > 1
        }
        if !whole.isEmpty { return whole.map { finding(.stopped, nil, nil, [$0.slice]) } }
        let exchanged = Set(exchangedPlaces.flatMap { [$0.key.classID, $0.value] })
        return open.filter { $0.isLong && $0.share >= 0.8 && $0.otherShare <= 0.5 && !exchanged.contains($0.classID) }
            .map { finding(.stopped, $0.classID, nil, [$0.slice]) }
    }

    /// Whether beyond an end of a class are slices that the annotator was to look at.
    private func goesOn(_ classID: Int, from end: Int, _ isUpper: Bool) -> Bool {
        let next = isUpper ? end + step : end - step
        return (0..<volume.sliceCount).contains(next) && isAsked(next, classID, isShared: sharesWork(classID))
    }

    /// The first or the last slice of a class.
    private struct End {
        var classID: Int
        var slice: Int
        var isUpper: Bool
        /// Whether the class has so many boxes that one end says something alone.
        var isLong: Bool
        /// The box's area there as a share of that four boxes further in; of few boxes, of the largest.
        var share: Double
        /// The same of the class's other end.
        var otherShare: Double
    }

    /// Both ends of a class. In the study's own boxes organs end with a share of 0.16 to 0.52.
    private func ends(_ classID: Int) -> [End] {
        let own = areas(classID)
        guard own.count > 1, let most = own.map(\.area).max() else { return [] }
        let last = own.count - 1
        let isLong = own.count > 5
        let lower = own[0].area / (isLong ? own[4].area : most)
        let upper = own[last].area / (isLong ? own[last - 4].area : most)
        return [
            End(classID: classID, slice: own[0].slice, isUpper: false, isLong: isLong, share: lower, otherShare: upper),
            End(
                classID: classID, slice: own[last].slice, isUpper: true, isLong: isLong, share: upper, otherShare: lower
            ),
        ]
    }

    // MARK: Others

    /// Every second, third, … slice, of all classes or of one.
    var sparse: [BoxFinding] {
        if step > 1 { return [finding(.sparse, nil, nil, marked, step: step)] }
        return boxes.keys.sorted().compactMap { classID in
            sparseStep(classID).map { finding(.sparse, classID, nil, ownSlices(classID), step: $0) }
        }
    }

    /// The regular step of a class where the volume has none.
    private func sparseStep(_ classID: Int) -> Int? {
        step > 1 ? nil : regularStep(of: ownSlices(classID))
    }

    /// One finding a class.
    var doubled: [BoxFinding] {
        places { slice in
            slice.boxes.indices.filter { index in
                slice.boxes[..<index].contains {
                    $0.classID == slice.boxes[index].classID
                        && $0.box.intersectionOverUnion(slice.boxes[index].box) >= doubledOverlap
                }
            }.map { slice.boxes[$0].classID }
        }.map { finding(.doubled, $0.key, nil, $0.value) }
    }

    /// One finding a class.
    var outside: [BoxFinding] {
        places { $0.boxes.filter(\.isClipped).map(\.classID) }.map { finding(.outside, $0.key, nil, $0.value) }
    }

    var crowded: [BoxFinding] {
        runs(slices.filter { $0.boxes.count > mostBoxes }.map(\.slice)).map { finding(.crowded, nil, nil, $0) }
    }

    /// The slices of each class that a test names.
    private func places(_ test: (SliceBoxes) -> [Int]) -> [Int: [Int]] {
        var places: [Int: [Int]] = [:]
        for slice in slices where slice.boxes.count <= mostBoxes {
            for classID in Set(test(slice)) { places[classID, default: []].append(slice.slice) }
        }
        return places
    }
}

/// The least intersection over union of two boxes that are one drawn twice.
private let doubledOverlap = 0.7
/// The least slices with boxes of work that has begun in earnest.
private let fewSlices = 3
/// The most slices of a run.
private let longestRun = 8
