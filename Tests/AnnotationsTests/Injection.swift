import Foundation
import ImageFrames
import TestSupport

@testable import Annotations

/// Slices with the boxes of a file each, as they are read.
func drawnSlices(
    _ boxes: [Int: [(classID: Int, box: PixelBox)]], _ slices: some Sequence<Int>, _ imageSize: PixelSize
) -> [SliceBoxes] {
    slices.map { slice in
        let file = String(format: "ct-slice%03d.txt", slice)
        let drawn = (boxes[slice] ?? []).enumerated().compactMap { index, box in
            try? DrawnBox(
                WrittenBox(classID: box.classID, box: box.box, place: Place(file: file, line: index + 1)),
                imageSize: imageSize)
        }
        return SliceBoxes(slice: slice, files: [file], boxes: drawn)
    }
}

/// Boxes by slice and class, into which slips are injected.
struct Drawing {
    var boxes: [Int: [(classID: Int, box: PixelBox)]] = [:]
    var sliceCount: Int
    var imageSize: PixelSize
    var names: [String]
    var towardsRight: SIMD2<Double>?
    var towardsFront: SIMD2<Double>?

    var classIDs: [Int] { Set(boxes.values.joined().map(\.classID)).sorted() }

    /// The slices of a class, in order.
    func slices(_ classID: Int) -> [Int] {
        boxes.filter { $0.value.contains { $0.classID == classID } }.keys.sorted()
    }

    func box(_ classID: Int, _ slice: Int) -> PixelBox? { boxes[slice]?.first { $0.classID == classID }?.box }

    mutating func change(_ slice: Int, _ classID: Int, _ body: (inout PixelBox) -> Void) {
        for index in boxes[slice, default: []].indices where boxes[slice]?[index].classID == classID {
            body(&boxes[slice, default: []][index].box)
        }
    }

    func findings() -> [BoxFinding] {
        let slices = drawnSlices(boxes, boxes.keys.sorted(), imageSize)
        return BoxFinding.findings(
            in: slices, classes: ClassList(names: names, path: ""),
            volume: CheckedVolume(sliceCount: sliceCount, towardsRight: towardsRight, towardsFront: towardsFront))
    }
}

// MARK: Clean volumes

extension Drawing {
    /// The real boxes of the study's crowd, with their own slips left out: what has to be looked at before is given.
    init(crowd folder: String) throws {
        self.init(sliceCount: 147, imageSize: PixelSize(width: 512, height: 512), names: Self.names)
        // The patient's front is on top and the right on the left, as the organs lie.
        (towardsRight, towardsFront) = (SIMD2(-1, 0), SIMD2(0, -1))
        let slices = try readBoxes(
            folder, case: "img0001", sliceCount: sliceCount, imageSize: imageSize,
            classes: ClassList(names: names, path: ""))
        for slice in slices { boxes[slice.slice] = slice.boxes.map { ($0.classID, $0.box) } }
    }

    static let names = [
        "spleen", "right kidney", "left kidney", "gallbladder", "esophagus", "liver", "stomach", "aorta",
    ]

    /// Synthetic organs: ellipsoids and a tube whose middles and sizes drift from slice to slice, with an annotator's jitter of
    /// 3% of a side (SD), at random places and in any number of slices.
    init(synthetic random: inout SplitMix) {
        let count = Int.random(in: 60...160, using: &random)
        self.init(sliceCount: count, imageSize: PixelSize(width: 512, height: 512), names: Self.names)
        (towardsRight, towardsFront) = (SIMD2(-1, 0), SIMD2(0, -1))
        func uniform(_ range: ClosedRange<Double>) -> Double { .random(in: range, using: &random) }
        func normal() -> Double {
            (-2 * log(uniform(1e-12...1))).squareRoot() * cos(2 * .pi * uniform(0...1))
        }
        // Class, middle, half of the width and height, first and last slice as shares of all.
        let organs: [(Int, Double, Double, Double, Double, Double, Double)] = [
            (0, 440, 360, 60, 55, 0.62, 0.92), (1, 205, 345, 48, 50, 0.34, 0.68), (2, 375, 350, 48, 52, 0.38, 0.72),
            (5, 215, 270, 110, 95, 0.30, 0.90), (7, 280, 275, 17, 18, 0.10, 0.98),
        ]
        for (classID, x, y, halfWidth, halfHeight, begin, end) in organs {
            let (first, last) = (
                max(0, Int(Double(count) * (begin + uniform(-0.05...0.05)))),
                min(count - 1, Int(Double(count) * (end + uniform(-0.05...0.02))))
            )
            let scale = uniform(0.8...1.2)
            let (middleX, middleY) = (x + uniform(-12...12), y + uniform(-12...12))
            let (driftX, driftY) = (uniform(-20...20), uniform(-20...20))
            let (wave, phase) = (uniform(0...0.12), uniform(0...6))
            for slice in first...last {
                let along = (Double(slice - first) + 0.7) / (Double(last - first) + 1.4)
                let taper = classID == 7 ? 1 : pow(1 - pow(2 * along - 1, 2), 0.5)
                let width = halfWidth * scale * taper * (1 + wave * sin(6 * along + phase))
                let height = halfHeight * scale * taper * (1 + wave * cos(5 * along + phase))
                let (middleX, middleY) = (middleX + driftX * along, middleY + driftY * along)
                func side(_ place: Double, _ size: Double) -> Double {
                    min(max(place + 0.06 * size * normal(), 1), 511)
                }
                let box = PixelBox(
                    x0: side(middleX - width, width), y0: side(middleY - height, height),
                    x1: side(middleX + width, width), y1: side(middleY + height, height))
                boxes[slice, default: []].append((classID, box))
            }
        }
    }
}

// MARK: Slips

/// What people do wrong, by the findings that must name it.
enum Slip: CaseIterable {
    case otherOrgan, otherOrganRun, otherOrganEverywhere, elsewhere, elsewhereRun
    case exchanged, exchangedRun, exchangedTwins, exchangedTwinsEverywhere
    case stopped, begunLate, upsideDown, third, thirdRun, thrice
    case forgotten, forgottenRun, emptied, everyThird, neverMarked, barelyStarted, doubled

    /// Injects it at random.
    ///
    /// - Returns: what was changed, in words, and whether a finding names it; nil where the volume has no place for it.
    func inject(
        into drawing: inout Drawing, _ random: inout SplitMix
    ) -> (what: String, isNamed: (BoxFinding) -> Bool)? {
        let classIDs = drawing.classIDs
        guard let classID = classIDs.randomElement(using: &random) else { return nil }
        let own = drawing.slices(classID)
        let length =
            [.otherOrganRun, .elsewhereRun, .exchangedRun, .thirdRun, .forgottenRun].contains(self)
            ? Int.random(in: 2...6, using: &random) : 1
        /// A run of slices within a class, a slice off both ends.
        func run(of slices: [Int]) -> [Int]? {
            guard slices.count >= length + 4 else { return nil }
            let begin = Int.random(in: 2...(slices.count - length - 2), using: &random)
            return Array(slices[begin..<begin + length])
        }
        func names(_ kinds: [BoxFinding.Kind], _ classes: [Int], _ slices: [Int]) -> (BoxFinding) -> Bool {
            { finding in
                kinds.contains(finding.kind) && finding.classID.map { id in classes.contains(id) } != false
                    && (slices.isEmpty || 2 * Set(finding.slices).intersection(slices).count >= slices.count)
            }
        }
        func jittered(_ box: PixelBox) -> PixelBox {
            func by(_ side: Double) -> Double { Double.random(in: -0.04...0.04, using: &random) * side }
            return PixelBox(
                x0: box.x0 + by(box.width), y0: box.y0 + by(box.height), x1: box.x1 + by(box.width),
                y1: box.y1 + by(box.height))
        }
        switch self {
        case .otherOrgan, .otherOrganRun:
            let others = classIDs.filter { $0 != classID }
            guard let other = others.randomElement(using: &random),
                let slices = run(of: own.filter { drawing.box(other, $0) != nil })
            else { return nil }
            for slice in slices {
                guard let box = drawing.box(other, slice) else { continue }
                let moved = jittered(box)
                drawing.change(slice, classID) { $0 = moved }
            }
            return ("\(classID) on \(other), \(slices)", names([.jump, .exchanged], [classID, other], slices))
        case .otherOrganEverywhere:
            guard let other = classIDs.filter({ $0 != classID }).randomElement(using: &random) else { return nil }
            for slice in drawing.boxes.keys { drawing.boxes[slice]?.removeAll { $0.classID == classID } }
            for slice in drawing.slices(other) {
                guard let box = drawing.box(other, slice) else { continue }
                drawing.boxes[slice]?.append((classID, jittered(box)))
            }
            return ("\(classID) on \(other)", names([.jump], [classID, other], drawing.slices(other)))
        case .elsewhere, .elsewhereRun:
            guard let slices = run(of: own), let box = drawing.box(classID, slices[0]) else { return nil }
            // Beside its own place by one and a half of its sides, where the image has room.
            let right = box.x0 + 1.5 * box.width + box.width <= 512
            let shift = (right ? 1.5 : -1.5) * box.width
            for slice in slices {
                drawing.change(slice, classID) {
                    $0.x0 += shift
                    $0.x1 += shift
                }
            }
            if slices.contains(where: { (drawing.box(classID, $0)?.x0 ?? 0) < 0 }) { return nil }
            return ("\(classID), \(slices)", names([.jump, .exchanged], [classID], slices))
        case .exchanged, .exchangedRun, .exchangedTwins:
            let pair = self == .exchangedTwins ? [1, 2] : Array(classIDs.shuffled(using: &random).prefix(2))
            let both = drawing.slices(pair[0]).filter { drawing.box(pair[1], $0) != nil }
            guard let slices = run(of: both) else { return nil }
            for slice in slices { drawing.exchange(pair[0], pair[1], slice) }
            return ("\(pair), \(slices)", names([.exchanged], pair, slices))
        case .exchangedTwinsEverywhere:
            for slice in drawing.boxes.keys { drawing.exchange(1, 2, slice) }
            return ("kidneys", { finding in finding.kind == .exchanged })
        case .stopped, .begunLate:
            let marked = drawing.boxes.filter { !$0.value.isEmpty }.keys.sorted()
            let place = marked[Int.random(in: marked.count / 4...3 * marked.count / 4, using: &random)]
            // Where a tube alone is in sight nothing tells a natural end from a stop.
            let next = self == .stopped ? place + 1 : place - 1
            guard classIDs.count(where: { drawing.box($0, place) != nil && drawing.box($0, next) != nil }) > 1 else {
                return nil
            }
            let leavesEmptyFiles = Bool.random(using: &random)
            for slice in marked where self == .stopped ? slice > place : slice < place {
                drawing.boxes[slice] = leavesEmptyFiles ? [] : nil
            }
            return ("at \(place)", { finding in finding.kind == .stopped && finding.slices == [place] })
        case .upsideDown:
            let height = Double(drawing.imageSize.height)
            for slice in drawing.boxes.keys {
                drawing.boxes[slice] = drawing.boxes[slice]?.map { id, box in
                    (id, PixelBox(x0: box.x0, y0: height - box.y1, x1: box.x1, y1: height - box.y0))
                }
            }
            return ("", { finding in finding.kind == .upsideDown })
        case .third, .thirdRun, .thrice:
            guard let slices = run(of: own) else { return nil }
            let factor = self == .thrice ? 3.0.squareRoot() : (1.0 / 3).squareRoot()
            for slice in slices {
                drawing.change(slice, classID) { box in
                    let (x, y) = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
                    let (width, height) = (box.width / 2 * factor, box.height / 2 * factor)
                    box = PixelBox(x0: x - width, y0: y - height, x1: x + width, y1: y + height)
                }
            }
            return ("\(classID), \(slices)", names([.size, .jump], [classID], slices))
        case .forgotten, .forgottenRun:
            guard let slices = run(of: own) else { return nil }
            for slice in slices { drawing.boxes[slice]?.removeAll { $0.classID == classID } }
            return ("\(classID), \(slices)", names([.gap, .empty], [classID], slices))
        case .emptied:
            guard let slices = run(of: own) else { return nil }
            for slice in slices { drawing.boxes[slice] = [] }
            return ("\(slices)", names([.gap, .empty], classIDs, slices))
        case .everyThird:
            let first = Int.random(in: 0..<3, using: &random)
            for slice in drawing.boxes.keys where slice % 3 != first { drawing.boxes[slice] = nil }
            return ("", { finding in finding.kind == .sparse && finding.step == 3 })
        case .neverMarked:
            for slice in drawing.boxes.keys { drawing.boxes[slice]?.removeAll { $0.classID == classID } }
            return ("\(classID)", names([.neverMarked], [classID], []))
        case .barelyStarted:
            let slice = own[own.count / 2]
            drawing.boxes = drawing.boxes.filter { $0.key == slice }
            return ("", names([.barelyStarted], [], []))
        case .doubled:
            guard let slices = run(of: own), let box = drawing.box(classID, slices[0]) else { return nil }
            drawing.boxes[slices[0]]?.append((classID, jittered(box)))
            return ("\(classID), \(slices)", names([.doubled], [classID], slices))
        }
    }
}

extension Drawing {
    /// Exchanges two classes on a slice.
    fileprivate mutating func exchange(_ one: Int, _ other: Int, _ slice: Int) {
        boxes[slice] = boxes[slice]?.map {
            ($0.classID == one ? other : $0.classID == other ? one : $0.classID, $0.box)
        }
    }
}
