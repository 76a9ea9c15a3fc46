import Foundation
import ImageFrames
import TestSupport
import Testing

@testable import Annotations

/// Slips injected at random into clean boxes: each is found, and nothing else is.
@Suite("Checks of annotations") struct BoxChecksTests {
    static let classes = ClassList(names: ["spleen", "right kidney", "left kidney", "liver"], path: "")
    let imageSize = PixelSize(width: 200, height: 160)
    let sliceCount = 30

    /// Boxes by slice and class, smoothly growing, shrinking and drifting, with an annotator's jitter.
    private struct SmallDrawing {
        var boxes: [Int: [(classID: Int, box: PixelBox)]] = [:]
        var marked: ClosedRange<Int> = 2...27

        init(_ random: inout SplitMix) {
            let centres = [(150.0, 60.0), (60, 110), (140, 115), (70, 50)]
            for (classID, centre) in centres.enumerated() {
                for slice in (classID + 2)...(24 + classID) {
                    let size = 14 + 20 * sin(Double(slice - classID) / 28 * .pi)
                    func side(_ place: Double) -> Double { place + Double.random(in: -1...1, using: &random) }
                    let (x, y) = (centre.0 + Double(slice) / 2, centre.1 - Double(slice) / 3)
                    let box = PixelBox(
                        x0: side(x - size), y0: side(y - size * 0.8), x1: side(x + size), y1: side(y + size * 0.8))
                    boxes[slice, default: []].append((classID, box))
                }
            }
        }

        func slices(in imageSize: PixelSize) -> [SliceBoxes] {
            drawnSlices(boxes, marked, imageSize)
        }

        mutating func change(_ slice: Int, _ classID: Int, _ body: (inout PixelBox) -> Void) {
            for index in boxes[slice, default: []].indices where boxes[slice]?[index].classID == classID {
                body(&boxes[slice, default: []][index].box)
            }
        }
    }

    private func findings(_ slices: [SliceBoxes], towardsRight: SIMD2<Double>? = nil) -> [BoxFinding] {
        BoxFinding.findings(
            in: slices, classes: Self.classes,
            volume: CheckedVolume(sliceCount: sliceCount, towardsRight: towardsRight))
    }

    @Test("a clean copy has nothing to look at") func clean() {
        for seed in 0..<50 {
            var random = SplitMix(seed: UInt64(seed))
            let slices = SmallDrawing(&random).slices(in: imageSize)
            #expect(findings(slices).isEmpty, "seed \(seed)")
        }
    }

    @Test("every slip is found, and nothing else", arguments: 0..<200) func injected(seed: Int) {
        var random = SplitMix(seed: UInt64(seed) + 1000)
        var drawing = SmallDrawing(&random)
        // Slices apart from each other, within every class's range.
        let slices = Array(stride(from: 8, through: 22, by: 3)).shuffled(using: &random)
        var expected: Set<BoxFinding> = []
        func expect(_ kind: BoxFinding.Kind, _ classID: Int?, _ slice: Int, other: Int? = nil) {
            expected.insert(
                BoxFinding(
                    kind, classID: classID, other: other, slices: [slice],
                    file: String(format: "ct-slice%03d.txt", slice)))
        }
        let classID = Int.random(in: 0...3, using: &random)

        expect(.gap, classID, slices[0])
        drawing.boxes[slices[0]]?.removeAll { $0.classID == classID }

        expect(.jump, 3, slices[1])
        drawing.change(slices[1], 3) { $0 = PixelBox(x0: 5, y0: 130, x1: 5 + $0.width, y1: 130 + $0.height / 2) }

        expect(.exchanged, 1, slices[2], other: 2)
        let isOnlyOneDrawn = Bool.random(using: &random)
        if isOnlyOneDrawn { drawing.boxes[slices[2]]?.removeAll { $0.classID == 2 } }
        drawing.boxes[slices[2]] = drawing.boxes[slices[2]]?.map {
            ([0: 0, 1: 2, 2: 1, 3: 3][$0.classID] ?? 0, $0.box)
        }
        if isOnlyOneDrawn {
            expected = expected.filter { $0.kind != .exchanged }
            expect(.exchanged, 2, slices[2], other: 1)
        }

        expect(.doubled, 0, slices[3])
        let twice = (drawing.boxes[slices[3]] ?? []).filter { $0.classID == 0 }.map {
            (0, PixelBox(x0: $0.box.x0 + 1, y0: $0.box.y0, x1: $0.box.x1, y1: $0.box.y1 + 1))
        }
        drawing.boxes[slices[3]]?.append(contentsOf: twice)

        if Bool.random(using: &random) {
            expect(.empty, nil, slices[4])
            drawing.boxes[slices[4]] = []
        } else {
            expect(.outside, 0, slices[4])
            drawing.change(slices[4], 0) { $0.x1 = 210 }
        }
        let found = findings(drawing.slices(in: imageSize))
        #expect(Set(found) == expected)
        #expect(found.count == expected.count)
        let ranks = found.map { BoxFinding.Kind.allCases.firstIndex(of: $0.kind) ?? 0 }
        #expect(ranks == ranks.sorted())
    }

    // The patient's right is on the left of the picture: the right kidney stands at x = 60.
    @Test("where it is known where right is, what is exchanged on many slices is found too", arguments: 0..<20)
    func orientation(seed: Int) {
        var random = SplitMix(seed: UInt64(seed) + 5000)
        let clean = SmallDrawing(&random)
        func check(_ drawing: SmallDrawing, _ towardsRight: SIMD2<Double>? = SIMD2(-1, 0)) -> [BoxFinding] {
            findings(drawing.slices(in: imageSize), towardsRight: towardsRight)
        }
        #expect(check(clean).isEmpty)
        // Both kidneys are on slices 4 to 25, the right one on slice 3 too.
        #expect(check(clean, SIMD2(1, 0)) == [BoxFinding(.exchanged)])
        let last = Int.random(in: 6...20, using: &random)
        var exchanged = clean
        for slice in 0...last {
            exchanged.boxes[slice] = clean.boxes[slice]?.map { ([0, 2, 1, 3][$0.classID], $0.box) }
        }
        let found = check(exchanged)
        #expect(found.map(\.kind) == [.exchanged])
        #expect(found.map(\.slices) == [Array(3...last)])
        #expect(found.map { [$0.classID, $0.otherClassID] } == [[1, 2]])
    }

    /// Of two classes whose boxes a box lies on, that which fits best; in one order, whatever order a dictionary has.
    @Test("three classes in one place") func threeInOnePlace() {
        let own = [0, 1, 2].map { PixelBox(x0: 10 + 60 * Double($0), y0: 20, x1: 50 + 60 * Double($0), y1: 60) }
        var boxes: [Int: [(classID: Int, box: PixelBox)]] = [:]
        for slice in 5...15 { boxes[slice] = own.indices.map { ($0, slice == 10 ? own[1] : own[$0]) } }
        let found = BoxFinding.findings(
            in: drawnSlices(boxes, 5...15, imageSize), classes: ClassList(names: ["a", "b", "c"], path: ""),
            volume: CheckedVolume(sliceCount: 21))
        let jumps = found.filter { $0.kind == .jump }
        #expect(jumps.map(\.classID) == [0, 2])
        #expect(jumps.map(\.otherClassID) == [1, 1])
        #expect(jumps.allSatisfy { $0.slices == [10] })
    }

    @Test("findings that differ in the other class alone have an order") func order() {
        let (one, other) = (
            BoxFinding(.exchanged, classID: 1, other: 2, slices: [3]),
            BoxFinding(.exchanged, classID: 1, other: 3, slices: [3])
        )
        #expect(BoxFinding.isBefore(one, other) && !BoxFinding.isBefore(other, one))
    }

    @Test("classes never marked, and work hardly begun") func missing() {
        var random = SplitMix(seed: 1)
        var drawing = SmallDrawing(&random)
        for slice in drawing.boxes.keys { drawing.boxes[slice]?.removeAll { $0.classID == 1 } }
        #expect(
            findings(drawing.slices(in: imageSize)) == [BoxFinding(.neverMarked, classID: 1)])
        drawing.boxes = drawing.boxes.filter { (8...9).contains($0.key) }
        #expect(findings(drawing.slices(in: imageSize)) == [BoxFinding(.barelyStarted)])
        #expect(findings([]) == [BoxFinding(.barelyStarted)])
    }

    @Test(
        "names that differ in left and right alone",
        arguments: [
            (["right kidney", "liver", "left kidney"], [0: 2, 2: 0]), (["lkidney", "rkidney"], [0: 1, 1: 0]),
            (["Kidney_Left", "kidney_right"], [0: 1, 1: 0]), (["liver", "spleen"], [:]),
            (["left lung", "left kidney"], [:]),
        ]) func twins(names: [String], expected: [Int: Int])
    {
        #expect(twinClasses(names) == expected)
    }

    @Test("the five gaps in the study's boxes", .needsSharedData)
    func crowd() throws {
        let classes = ClassList(names: (0...7).map { "class \($0)" }, path: "")
        let slices = try readBoxes(
            sharedData + "/crowd/prompts", case: "img0001", sliceCount: 147,
            imageSize: PixelSize(width: 512, height: 512),
            classes: classes)
        let found = BoxFinding.findings(
            in: slices, classes: classes, volume: CheckedVolume(sliceCount: 147))
        // Counted from the files by hand: each class's slices between its first and its last.
        var expected: [[Int]] = []
        for classID in 0...7 {
            let own = Set(slices.filter { $0.boxes.contains { $0.classID == classID } }.map(\.slice))
            guard let first = own.min(), let last = own.max() else { continue }
            expected += (first...last).filter { !own.contains($0) }.map { [classID, $0] }
        }
        #expect(expected == [[5, 80], [7, 68], [7, 69], [7, 70], [7, 71]])
        let gaps = found.filter { $0.kind == .gap }.flatMap { gap in gap.slices.map { [gap.classID ?? -1, $0] } }
        #expect(Set(gaps) == Set(expected))
        #expect(found.count { $0.kind == .gap } == 2)
        #expect(Set(found.map(\.kind)) == [.gap, .neverMarked])
    }
}
