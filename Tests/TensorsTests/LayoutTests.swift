import TestSupport
import Testing

@testable import Tensors

/// Views against their definition: which element of the original stands at each index.
@Suite struct LayoutTests {
    static let shapes = [[], [1], [0], [5], [3, 4], [2, 3, 4], [1, 7, 1], [2, 0, 3], [1, 1, 1], [2, 3, 1, 2]]

    /// A shape and which place of the storage each index stands for.
    struct Plain {
        var shape: [Int]
        var place: ([Int]) -> Int

        var places: [Int] { indices(of: shape).map(place) }
    }

    /// Elements one after another: index [a, b, c] at (a·B + b)·C + c.
    static func dense(_ shape: [Int]) -> Plain {
        Plain(shape: shape) { zip(shape, $0).reduce(0) { $0 * $1.0 + $1.1 } }
    }

    @Test(arguments: shapes)
    func denseLayoutIsInTheOrderOfTheAxes(_ shape: [Int]) {
        let layout = Layout(shape: shape)
        #expect(layout.places == Self.dense(shape).places)
        #expect(layout.places == Array(0..<layout.count))
        #expect(layout.isContiguous)
    }

    @Test(arguments: shapes)
    func permuted(_ shape: [Int]) {
        for order in permutations(Array(shape.indices)) {
            let view = Layout(shape: shape).permuted(order)
            let plain = Self.dense(shape).permuted(order)
            #expect(view.shape == plain.shape)
            #expect(view.places == plain.places, "order \(order)")
        }
    }

    @Test(arguments: shapes)
    func slicedAndSelecting(_ shape: [Int]) {
        for axis in shape.indices {
            for lower in 0...shape[axis] {
                for upper in lower...shape[axis] {
                    let view = Layout(shape: shape).sliced(axis: axis, lower..<upper)
                    let plain = Self.dense(shape).sliced(axis, lower..<upper)
                    #expect(view.shape == plain.shape)
                    #expect(view.places == plain.places, "axis \(axis), \(lower)..<\(upper)")
                }
            }
            for index in 0..<shape[axis] {
                let view = Layout(shape: shape).selecting(axis: axis, index)
                let plain = Self.dense(shape).selecting(axis, index)
                #expect(view.shape == plain.shape)
                #expect(view.places == plain.places, "axis \(axis), \(index)")
            }
        }
    }

    @Test(arguments: [
        ([6], [2, 3]), ([2, 3], [3, 2, 1]), ([], [1, 1]), ([1], []), ([0, 3], [7, 0]), ([4, 6], [2, 2, 6]),
    ])
    func reshapedKeepsTheOrder(_ shape: [Int], _ other: [Int]) {
        let view = Layout(shape: [3] + shape).selecting(axis: 0, 2).reshaped(other)
        let count = shape.reduce(1, *)
        #expect(view.shape == other)
        #expect(view.places == Array(2 * count..<3 * count))
    }

    @Test(arguments: [0, 1, 4])
    func expandedRepeatsOneElement(_ extent: Int) {
        for (shape, axis) in [([1], 0), ([3, 1, 2], 1), ([1, 2], 0), ([0, 1], 1)] {
            let view = Layout(shape: shape).expanded(axis: axis, to: extent)
            let plain = Self.dense(shape).expanded(axis, extent)
            #expect(view.shape == plain.shape)
            #expect(view.places == plain.places)
        }
    }

    /// 500 random chains of views, each held to the chain of definitions.
    @Test func viewsOfViews() {
        var generator = SplitMix(seed: 7)
        for _ in 0..<500 {
            let shape = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                [0, 1, 1, 2, 3, 5].randomElement(using: &generator) ?? 1
            }
            var (view, plain) = (Layout(shape: shape), Self.dense(shape))
            for _ in 0..<4 where !view.shape.isEmpty {
                let axis = Int.random(in: 0..<view.shape.count, using: &generator)
                let extent = view.shape[axis]
                switch Int.random(in: 0..<4, using: &generator) {
                case 0:
                    let order = view.shape.indices.shuffled(using: &generator)
                    (view, plain) = (view.permuted(order), plain.permuted(order))
                case 1:
                    let lower = Int.random(in: 0...extent, using: &generator)
                    let range = lower..<Int.random(in: lower...extent, using: &generator)
                    (view, plain) = (view.sliced(axis: axis, range), plain.sliced(axis, range))
                case 2 where extent > 0:
                    let index = Int.random(in: 0..<extent, using: &generator)
                    (view, plain) = (view.selecting(axis: axis, index), plain.selecting(axis, index))
                case 3 where extent == 1:
                    (view, plain) = (view.expanded(axis: axis, to: 3), plain.expanded(axis, 3))
                default: continue
                }
            }
            let places = plain.places
            #expect(view.shape == plain.shape)
            #expect(view.places == places)
            #expect(view.count == places.count)
            if let first = places.first, let low = places.min(), let high = places.max() {
                #expect(view.isContiguous == (places == Array(first..<first + places.count)))
                #expect(view.storageRange == low..<high + 1)
                #expect(view.rebased.places == places.map { $0 - low })
            } else {
                #expect(view.storageRange.isEmpty)
            }
        }
    }

    /// Against the definition, for all small layouts: every element inside, and no more elements than there are places.
    @Test func withinAcceptsJustWhatLiesInside() {
        for shape in indices(of: [4, 4]) {
            for strides in indices(of: [5, 5]).map({ $0.map { $0 - 1 } }) {
                for offset in -1...4 {
                    for count in 0...8 {
                        let places = indices(of: shape).map { offset + $0[0] * strides[0] + $0[1] * strides[1] }
                        let isFine =
                            offset >= 0 && strides.allSatisfy { $0 >= 0 } && places.count <= count
                            && places.allSatisfy { (0..<count).contains($0) }
                        let layout = Layout(shape: shape, strides: strides, offset: offset, within: count)
                        if (layout != nil) != isFine {
                            Issue.record("shape \(shape), strides \(strides), offset \(offset), count \(count)")
                        } else if let layout {
                            #expect(layout.places == places)
                        }
                    }
                }
            }
        }
    }

    /// Numbers as a hostile file may have them: the sums and products of each overflow, or would in a view of it.
    @Test(arguments: [
        ([1 << 62, 4], [4, 1], 0), ([2, 2], [Int.max, 1], 0), ([2], [1], Int.max), ([2, 2], [Int.max, Int.max], 1),
        ([-1], [1], 0), ([1 << 32, 1 << 32], [0, 0], 0), ([0, 1 << 31, 1 << 32], [1, 1 << 32, 1], 0),
        ([1 << 40, 1 << 40, 0], [0, 0, 0], 0),
    ])
    func withinRefusesWhatOverflows(_ shape: [Int], _ strides: [Int], _ offset: Int) {
        #expect(Layout(shape: shape, strides: strides, offset: offset, within: Int.max) == nil)
    }
}

// MARK: - The definitions of views

extension LayoutTests.Plain {
    func permuted(_ order: [Int]) -> Self {
        .init(shape: order.map { shape[$0] }) { index in
            var original = index
            for (axis, source) in order.enumerated() { original[source] = index[axis] }
            return place(original)
        }
    }

    func sliced(_ axis: Int, _ range: Range<Int>) -> Self {
        var shape = shape
        shape[axis] = range.count
        return .init(shape: shape) { index in
            var original = index
            original[axis] += range.lowerBound
            return place(original)
        }
    }

    func selecting(_ axis: Int, _ selected: Int) -> Self {
        var shape = shape
        shape.remove(at: axis)
        return .init(shape: shape) { index in
            var original = index
            original.insert(selected, at: axis)
            return place(original)
        }
    }

    func expanded(_ axis: Int, _ extent: Int) -> Self {
        var shape = shape
        shape[axis] = extent
        return .init(shape: shape) { index in
            var original = index
            original[axis] = 0
            return place(original)
        }
    }
}

private func permutations(_ elements: [Int]) -> [[Int]] {
    guard let first = elements.first else { return [[]] }
    return permutations(Array(elements.dropFirst())).flatMap { rest in
        (0...rest.count).map { Array(rest[..<$0]) + [first] + Array(rest[$0...]) }
    }
}
