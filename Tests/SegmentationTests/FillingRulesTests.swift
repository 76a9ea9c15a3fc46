import ImageFrames
import Imaging
import TestSupport
import Testing

@testable import Segmentation

/// By what rules masks are filled in, followed and painted over each other: worked out by hand, without a model.
@Suite struct FillingRulesTests {
    // MARK: Overlaps

    /// Of 23×17×12 voxels.
    private func volume() throws -> Volume {
        let folder = Folder()
        try Phantom(size: VolumeSize(i: 23, j: 17, k: 12)).write(to: folder.file("ct.nii"))
        return try Volume(contentsOf: folder.file("ct.nii"))
    }

    @Test func fillingsLieBeneathWhatWasDrawn() throws {
        let volume = try volume()
        let slices = SliceGeometry(volume.geometry)
        let places = [3, 300].map { label in
            Gap.Place(classID: 0, label: label, below: 1, above: 3, slices: [2], others: [])
        }
        func mask(_ columns: Range<Int>) -> Mask {
            Mask(size: slices.imageSize, values: (0..<slices.imageSize.area).map { columns.contains($0 % 23) })
        }
        for order in [[0, 1], [1, 0]] {
            for (quality, winner) in [([0.5, 0.75], 300), ([0.75, 0.5], 3), ([0.5, 0.5], 3)] {
                var result = SegmentedVolume(
                    geometry: volume.geometry, gaps: places.map { Gap(place: $0, way: .box) })
                result.draw(mask(4..<6).values.map { $0 ? 7 : 0 }, ofSlice: 2, slices)
                for gap in order {
                    let columns = gap == 0 ? 0..<10 : 5..<20
                    result.fill(
                        FilledMask(slice: 2, mask: mask(columns), quality: quality[gap]), gap: gap, slices)
                }
                let row = result.labels.labels(ofSlice: 2, slices).prefix(23)
                let both = [UInt16](repeating: UInt16(winner), count: 4)
                #expect(Array(row) == [3, 3, 3, 3, 7, 7] + both + [UInt16](repeating: 300, count: 10) + [0, 0, 0])
                let origin = result.origin.labels(ofSlice: 2, slices).prefix(23)
                #expect(Array(origin) == [2, 2, 2, 2, 1, 1] + [UInt16](repeating: 2, count: 14) + [0, 0, 0])
                // 17 rows; the drawn columns lose one or two, the shared ones four.
                #expect(result.gaps[0].fills[0].lost == 17 * (winner == 3 ? 2 : 6))
                #expect(result.gaps[1].fills[0].lost == 17 * (winner == 3 ? 5 : 1))
            }
        }
    }

    /// Classes 0 and 1 have the label 2, class 2 has 3: in each order of the three the same pixels, origins and losses.
    @Test func fillingsOfClassesWithOneLabelAreRankedByTheirOwnQuality() throws {
        let volume = try volume()
        let slices = SliceGeometry(volume.geometry)
        let kinds: [(label: UInt16, way: FillWay, quality: Double, columns: Range<Int>)] = [
            (2, .box, 0.9, 0..<8), (2, .ends, 0.3, 6..<16), (3, .box, 0.5, 4..<12),
        ]
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let gaps = kinds.enumerated().map { classID, kind in
                Gap(
                    place: .init(classID: classID, label: kind.label, below: 1, above: 3, slices: [2], others: []),
                    way: kind.way)
            }
            var result = SegmentedVolume(geometry: volume.geometry, gaps: gaps)
            for gap in order {
                let mask = Mask(
                    size: slices.imageSize,
                    values: (0..<slices.imageSize.area).map { kinds[gap].columns.contains($0 % 23) })
                result.fill(FilledMask(slice: 2, mask: mask, quality: kinds[gap].quality), gap: gap, slices)
            }
            func row(_ volume: LabelVolume) -> [UInt16] { Array(volume.labels(ofSlice: 2, slices).prefix(16)) }
            // 0…7 are class 0's, 8…11 class 2's, 12…15 class 1's.
            #expect(row(result.labels) == [2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 2, 2, 2, 2], "\(order)")
            #expect(row(result.origin) == [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3], "\(order)")
            // 17 rows. Class 1 has columns 8…11 as 3; 6 and 7 have its label. Class 2 has 4…7 as 2.
            #expect(result.gaps.map { $0.fills[0].lost } == [0, 17 * 4, 17 * 4], "\(order)")
        }
    }

    // MARK: Masks

    private func mask(_ pixels: [Int]) -> Mask {
        Mask(size: PixelSize(width: pixels.count, height: 1), values: pixels.map { $0 == 1 })
    }

    @Test func twoOfThreeEstimatesAgree() {
        let (own, up, down) = (mask([1, 1, 0, 0]), mask([0, 1, 1, 0]), mask([0, 1, 1, 1]))
        let agreed = GapFiller.agreed(own, up, down)
        #expect(agreed.mask == mask([0, 1, 1, 0]))
        // Dice 2·1/(2+2) = 0.5, 2·1/(2+3) = 0.4 and 2·2/(2+3) = 0.8: together 1.7.
        #expect(abs(agreed.quality - 1.7 / 3) < 1e-12)
        let nothing = mask([0, 0, 0, 0])
        for lost in [GapFiller.agreed(own, up, nothing), GapFiller.agreed(own, nothing, up)] {
            #expect(lost.mask == own && abs(lost.quality - 0.5 / 3) < 1e-12)
        }
    }

    @Test func endsAreFollowedWhileTheyAreAlike() {
        let before = mask([1, 1, 0, 0])
        func isFollowed(_ next: [Int], grey: Int = 100, score: Float = 0.9) -> Bool {
            GapFiller.isFollowed(before, grey: 100, by: mask(next), grey: grey, score: score)
        }
        // 1 of 2 pixels in both, 2 of 4, 1 of 3, none.
        #expect(isFollowed([1, 0, 0, 0]) && isFollowed([1, 1, 1, 1]))
        #expect(!isFollowed([0, 1, 1, 0]) && !isFollowed([0, 0, 0, 0]))
        #expect(isFollowed([1, 1, 0, 0], score: 0.5) && !isFollowed([1, 1, 0, 0], score: 0.49))
        #expect(isFollowed([1, 1, 0, 0], grey: 87) && isFollowed([1, 1, 0, 0], grey: 113))
        #expect(!isFollowed([1, 1, 0, 0], grey: 86) && !isFollowed([1, 1, 0, 0], grey: 114))
    }

    /// 5% of 20 and of 40 pixels on each side.
    @Test func boxesOfNeighboursAreGrown() {
        let grown = PixelBox(x0: 10, y0: 20, x1: 30, y1: 60).grown(byShare: GapFiller.growth)
        #expect(
            zip([grown.x0, grown.y0, grown.x1, grown.y1], [9, 18, 31, 62]).allSatisfy { abs($0 - $1) < 1e-9 })
    }
}
