import Testing

@testable import Tensors

/// Copies, sums and joins against what their definitions give element by element: nothing is rounded but sums, and
/// those the same way, so all comparisons are exact.
@Suite struct TensorTests {
    /// Views of every kind: dense, permuted, sliced, expanded, of one element, empty, without axes.
    static let views: [Tensor] = {
        let base = uniform([3, 4, 5], seed: 1)
        return [
            base, base.permuted(2, 0, 1), base.permuted(1, 0, 2), base.sliced(axis: 1, 1..<3),
            base.sliced(axis: 2, 2..<3), base.selecting(axis: 0, 1), base.selecting(axis: 2, 4),
            base.selecting(axis: 1, 0).permuted(1, 0), base.sliced(axis: 0, 1..<1), base.sliced(axis: 2, 5..<5),
            base.sliced(axis: 2, 5..<5).permuted(2, 1, 0), base.sliced(axis: 1, 2..<3).expanded(axis: 1, to: 6),
            base.selecting(axis: 0, 2).selecting(axis: 0, 3).selecting(axis: 0, 4), uniform([1], seed: 2),
            uniform([7, 1, 3], seed: 3).permuted(1, 2, 0),
        ]
    }()

    @Test(arguments: views)
    func valuesAndContiguousAreTheElementsInOrder(_ view: Tensor) {
        let expected = indices(of: view.shape).map(view.element)
        #expect(view.values == expected)
        let dense = view.contiguous()
        #expect(dense.layout.isContiguous)
        #expect(dense.shape == view.shape)
        #expect(indices(of: view.shape).map(dense.element) == expected)
        if view.layout.isContiguous { #expect(dense.storage === view.storage) }
        #expect(view.reshaped([view.count]).values == expected)
    }

    @Test func subscriptIsTheElement() {
        let view = uniform([3, 4, 5], seed: 4).permuted(2, 0, 1).sliced(axis: 0, 1..<4)
        for index in indices(of: view.shape) {
            #expect(view[index[0], index[1], index[2]] == view.element(index))
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func isFiniteSeesEveryElementOfTheViewAndNoOther(_ value: Float) {
        for place in 0..<24 {
            var values = uniform(24, seed: 5)
            values[place] = value
            let view = Tensor(values, shape: [4, 6]).sliced(axis: 1, 1..<5).permuted(1, 0)
            #expect(view.isFinite == !(1..<5).contains(place % 6))
        }
    }

    @Test func isFiniteAllowsTheLargestNumbers() {
        #expect(
            Tensor([.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude], shape: [3]).isFinite)
        #expect(Tensor([], shape: [0]).isFinite)
    }

    @Test func concatenatedJoinsAlongTheFirstAxis() {
        let base = uniform([4, 3, 2], seed: 6)
        let parts = [
            base.sliced(axis: 0, 1..<3), base.sliced(axis: 0, 0..<0), base.permuted(0, 1, 2),
            base.sliced(axis: 0, 3..<4),
        ]
        let result = concatenated(parts)
        #expect(result.shape == [7, 3, 2])
        #expect(result.values == parts.flatMap { part in indices(of: part.shape).map(part.element) })
        let strided = concatenated([base.permuted(2, 1, 0), base.permuted(2, 1, 0)])
        #expect(strided.shape == [4, 3, 4])
        #expect(strided.values == base.permuted(2, 1, 0).values + base.permuted(2, 1, 0).values)
        #expect(concatenated([base.sliced(axis: 2, 0..<0)]).shape == [4, 3, 0])
    }

    /// Shapes of both terms; the last have more elements than one tile of 65536, and one more.
    static let sums: [([Int], [Int])] = [
        ([2, 3], [2, 3]), ([2, 3], [3]), ([2, 3], [1, 3]), ([4, 2, 3], [1, 1, 3]), ([4, 2, 3], [2, 3]), ([5], [1]),
        ([5], []), ([], []), ([2, 3], [1, 1]), ([0, 3], [3]), ([2, 0], [0]), ([2, 3, 1], [3, 1]), ([1, 1], [1, 1, 1]),
        ([2, 65537], [65537]), ([3, 65536], [65536]), ([131_073], [131_073]),
    ]

    @Test(arguments: sums)
    func sumAddsTheSecondToEachOfTheFirsts(_ left: [Int], _ right: [Int]) {
        let (left, right) = (uniform(left, seed: 8), uniform(right, seed: 9))
        let sum = left + right
        let (first, second) = (left.values, right.values)
        #expect(sum.shape == left.shape)
        #expect(sum.values == first.indices.map { first[$0] + second[$0 % second.count] })
    }

    @Test func sumOfStridedViews() {
        let left = uniform([5, 4, 3], seed: 10).permuted(1, 2, 0)
        let right = uniform([5, 3], seed: 11).permuted(1, 0)
        let sum = left + right
        for index in indices(of: left.shape) {
            #expect(sum.element(index) == left.element(index) + right.element(Array(index.dropFirst())))
        }
    }
}
