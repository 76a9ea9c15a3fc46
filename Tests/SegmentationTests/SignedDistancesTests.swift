import ImageFrames
import TestSupport
import Testing

@testable import Segmentation

/// Distances against SciPy's and the definition, and masks between two against ones that are known.
@Suite struct SignedDistancesTests {
    private func mask(_ rows: String...) -> Mask {
        Mask(size: PixelSize(width: rows[0].count, height: rows.count), values: rows.joined().map { $0 == "#" })
    }

    /// `distance_transform_edt(m, sampling=(1.9, 0.7)) - distance_transform_edt(~m, sampling=(1.9, 0.7))` of SciPy 1.17.
    @Test func distancesAreSciPys() throws {
        let mask = mask(
            "..........", "..#####...", "..######..", "..######.#", ".....##...", "..........", "..........")
        let found = try #require(SignedDistances(mask, spacing: SIMD2(0.7, 1.9)))
        let expected: [Double] = [
            -2.360084744241189, -2.0248456731316584, -1.9, -1.9, -1.9, -1.9, -1.9, -2.0248456731316584,
            -2.360084744241189, -2.8319604517012587,
            -1.4, -0.7, 0.7, 1.4, 1.9, 1.4, 0.7, -0.7, -1.4, -2.1,
            -1.4, -0.7, 0.7, 1.4, 2.1, 2.1, 1.4, 0.7, -0.7, -1.4,
            -1.4, -0.7, 0.7, 1.4, 1.9, 2.0248456731316584, 1.4, 0.7, -0.7, 0.7,
            -2.360084744241189, -2.0248456731316584, -1.9, -1.4, -0.7, 0.7, 0.7, -0.7, -1.4, -1.9,
            -3.9824615503479754, -3.383784863137726, -2.8319604517012587, -2.360084744241189, -2.0248456731316584, -1.9,
            -1.9, -2.0248456731316584, -2.360084744241189, -2.8319604517012587,
            -5.166236541235795, -4.720169488482378, -4.341658669218481, -4.049691346263317, -3.8639358172723313, -3.8,
            -3.8, -3.8639358172723313, -4.049691346263317, -4.341658669218481,
        ]
        // Single roundings of squares and roots in another order.
        for (one, other) in zip(found.values, expected) { #expect(abs(one - other) < 1e-12) }
        #expect(found.values.count == expected.count)
        #expect(abs(found.centroid.x - 4.7) < 1e-12 && abs(found.centroid.y - 2.3) < 1e-12)
    }

    @Test func distancesAreThoseOfTheDefinition() {
        var generator = SplitMix(seed: 17)
        for (width, height) in [(1, 1), (1, 9), (13, 1), (11, 7), (8, 15)] {
            for density in 1...4 {
                let size = PixelSize(width: width, height: height)
                let set = (0..<size.area).map { _ in Int.random(in: 0..<8, using: &generator) < density }
                let spacing = SIMD2(Double.random(in: 0.3...3, using: &generator), 1.25)
                let found = distances(to: set, size, spacing)
                for pixel in 0..<size.area where set.contains(true) {
                    let least =
                        set.indices.filter { set[$0] }.map { other in
                            let x = Double(other % width - pixel % width) * spacing.x
                            let y = Double(other / width - pixel / width) * spacing.y
                            return (x * x + y * y).squareRoot()
                        }.min() ?? .nan
                    #expect(abs(found[pixel] - least) < 1e-12)
                }
            }
        }
    }

    @Test func allAndNothing() throws {
        let size = PixelSize(width: 4, height: 3)
        #expect(SignedDistances(Mask(size: size, values: [Bool](repeating: false, count: 12)), spacing: [1, 1]) == nil)
        let all = try #require(
            SignedDistances(Mask(size: size, values: [Bool](repeating: true, count: 12)), spacing: [1, 2]))
        // Nothing is outside: the image's diagonal, 4 and 6 mm.
        #expect(all.values.allSatisfy { $0 == 52.0.squareRoot() })
    }

    private func rectangles(_ boxes: PixelBox...) -> (mask: Mask, boxes: [PixelBox]) {
        let size = PixelSize(width: 96, height: 64)
        let values = (0..<size.area).map { pixel in
            let (x, y) = (Double(pixel % 96) + 0.5, Double(pixel / 96) + 0.5)
            return boxes.contains { $0.x0 <= x && x <= $0.x1 && $0.y0 <= y && y <= $0.y1 }
        }
        return (Mask(size: size, values: values), boxes)
    }

    private func rectangle(_ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double) -> PixelBox {
        PixelBox(x0: x0, y0: y0, x1: x1, y1: y1)
    }

    /// Beyond the slice nothing is inside: what leaves its edge is not smeared along it.
    @Test func whatLeavesTheEdgeKeepsItsShape() throws {
        let (one, other) = (rectangles(rectangle(76, 20, 96, 40)), rectangles(rectangle(40, 20, 60, 40)))
        let parts = [1 / 6.0, 0.5, 5 / 6.0]
        let found = try #require(SignedDistances.masks(between: one, other, spacing: [1, 1], at: parts))
        for (part, mask) in zip(parts, found) {
            let left = 76 - 36 * part
            let expected = rectangles(rectangle(left, 20, left + 20, 40)).mask
            // Corners are round where distances are.
            #expect(mask.dice(expected) > 0.99, "\(part): \(mask.dice(expected))")
        }
        // Wide at both ends, it stays at the edge.
        let wide = rectangles(rectangle(36, 20, 96, 40))
        #expect(try #require(SignedDistances.masks(between: wide, wide, spacing: [1, 1], at: [0.5]))[0] == wide.mask)
    }

    /// Each of a class's objects goes to its partner: what becomes of one moves no other.
    @Test func partsGoToTheirPartners() throws {
        let still = rectangle(4, 8, 24, 28)
        let (one, other) = (rectangles(still, rectangle(60, 30, 66, 36)), rectangles(rectangle(48, 20, 92, 60), still))
        let found = try #require(SignedDistances.masks(between: one, other, spacing: [1, 1], at: [0.5]))[0]
        let left = zip(found.values, one.mask.values).enumerated().filter { $0.offset % 96 < 40 }
        #expect(left.allSatisfy { $0.element.0 == $0.element.1 })
        #expect(found.boundingBox.map { $0.x1 > 70 && $0.x1 < 88 } == true)
        // One that is drawn at one end alone ends, and a second box around one object is none of another.
        let alone = try #require(SignedDistances.masks(between: one, rectangles(still), spacing: [1, 1], at: [0.5]))[0]
        #expect(alone == rectangles(still).mask)
        let twice = rectangles(still, rectangle(5, 9, 23, 27))
        let both = rectangles(still, rectangle(60, 30, 66, 36))
        let nested = try #require(SignedDistances.masks(between: twice, both, spacing: [1, 1], at: [0.5]))[0]
        #expect(nested == rectangles(still).mask)
        // An object that divides goes to both parts that it overlaps.
        let (whole, halves) = (
            rectangles(rectangle(10, 10, 60, 30)), rectangles(rectangle(10, 10, 32, 30), rectangle(38, 10, 60, 30))
        )
        let divided = try #require(SignedDistances.masks(between: whole, halves, spacing: [1, 1], at: [0.9]))[0]
        #expect(divided.dice(halves.mask) > 0.9, "\(divided.dice(halves.mask))")
        #expect(SignedDistances.masks(between: one, (one.mask, []), spacing: [1, 1], at: [0.5]) == nil)
    }

    /// A disk that moves and shrinks is the disk between, to within the pixels at its border.
    @Test func betweenTwoDisksIsADisk() throws {
        let size = PixelSize(width: 61, height: 47)
        let spacing = SIMD2(0.7, 1.1)
        func disk(_ x: Double, _ y: Double, _ radius: Double) -> Mask {
            Mask(
                size: size,
                values: (0..<size.area).map { pixel in
                    let step = SIMD2(Double(pixel % 61) - x, Double(pixel / 61) - y) * spacing
                    return (step * step).sum() < radius * radius
                })
        }
        let one = try #require(SignedDistances(disk(15, 14, 9), spacing: spacing))
        let other = try #require(SignedDistances(disk(43, 30, 5), spacing: spacing))
        for part in [0.25, 0.5, 0.75] {
            let found = SignedDistances.between(one, other, at: part)
            let expected = disk(15 + 28 * part, 14 + 16 * part, 9 - 4 * part)
            // Half of the pixels at the border of the smallest are 5% of it.
            #expect(found.dice(expected) > 0.95, "\(part): \(found.dice(expected))")
        }
        #expect(SignedDistances.between(one, other, at: 0) == disk(15, 14, 9))
        #expect(SignedDistances.between(one, other, at: 1) == disk(43, 30, 5))
    }
}
