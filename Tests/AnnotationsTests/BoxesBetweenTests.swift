import Annotations
import ImageFrames
import Testing

/// Boxes between two slices, against partners and corners worked out by hand.
@Suite struct BoxesBetweenTests {
    private func box(_ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double) -> PixelBox {
        PixelBox(x0: x0, y0: y0, x1: x1, y1: y1)
    }

    @Test func cornersGoLinearly() {
        let between = PixelBox.between([box(0, 10, 20, 30)], [box(8, 6, 40, 50)], at: 0.25)
        #expect(between == [box(2, 9, 25, 35)])
    }

    /// Whatever their order in the file.
    @Test func partnersAreThoseThatOverlapMost() {
        let (left, right) = (box(0, 0, 10, 10), box(30, 0, 40, 10))
        let between = PixelBox.between([left, right], [box(32, 0, 42, 10), box(2, 0, 12, 10)], at: 0.5)
        #expect(between == [box(1, 0, 11, 10), box(31, 0, 41, 10)])
    }

    /// Where nothing overlaps, the nearer are partners.
    @Test func boxesApartGoWithTheNearest() {
        let between = PixelBox.between([box(0, 0, 10, 10), box(50, 0, 60, 10)], [box(65, 0, 75, 10)], at: 1)
        #expect(between == [box(65, 0, 75, 10), box(65, 0, 75, 10)])
        let one = PixelBox.between([box(0, 0, 10, 10)], [box(20, 0, 30, 10), box(100, 0, 110, 10)], at: 0)
        #expect(one == [box(0, 0, 10, 10), box(0, 0, 10, 10)], "an organ that divides begins as one")
    }

    @Test func nothingHasNoPartner() {
        #expect(PixelBox.between([], [box(0, 0, 10, 10)], at: 0.5).isEmpty)
        #expect(PixelBox.between([], [], at: 0.5).isEmpty)
    }
}
