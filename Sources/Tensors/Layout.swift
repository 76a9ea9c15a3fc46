/// How the elements of a tensor lie in its storage: element `[a, b, …]` at `offset + a·strides[0] + b·strides[1] + …`.
///
/// All arithmetic on views happens here, and touches no memory.
public struct Layout: Hashable, Sendable {
    public private(set) var shape: [Int]
    public private(set) var strides: [Int]
    public private(set) var offset: Int

    /// The dense layout of a shape: the last axis is contiguous, offset 0.
    public init(shape: [Int]) {
        precondition(shape.allSatisfy { $0 >= 0 }, "shape \(shape)")
        self.shape = shape
        strides = shape.reversed().reduce(into: (stride: 1, strides: [Int]())) { result, extent in
            result.strides.append(result.stride)
            result.stride *= extent
        }.strides.reversed()
        offset = 0
    }

    /// One element, repeated in every place of a shape: all strides are 0.
    init(repeating shape: [Int]) {
        self.init(shape: shape)
        strides = shape.map { _ in 0 }
    }

    /// The layout with these strides and offset, or nil where an element would lie outside `count` elements.
    public init?(shape: [Int], strides: [Int], offset: Int, within count: Int) {
        precondition(shape.count == strides.count, "\(strides.count) strides for shape \(shape)")
        var last = offset
        // With empty axes taken for 1, so that no product of some of the axes overflows either.
        var elements = 1
        for (extent, stride) in zip(shape, strides) {
            let (reach, overflowed) = max(extent - 1, 0).multipliedReportingOverflow(by: stride)
            let (sum, overflowedToo) = last.addingReportingOverflow(reach)
            let (product, overflowedAgain) = elements.multipliedReportingOverflow(by: max(extent, 1))
            if extent < 0 || stride < 0 || overflowed || overflowedToo || overflowedAgain { return nil }
            (last, elements) = (sum, product)
        }
        // A stride of 0 would let a small file ask for any number of elements.
        let isEmpty = shape.contains(0)
        guard offset >= 0, isEmpty || (elements <= count && last < count) else { return nil }
        (self.shape, self.strides, self.offset) = (shape, strides, offset)
    }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// The places from the first element's to the last's; nothing where there are no elements.
    public var storageRange: Range<Int> {
        if shape.contains(0) { return 0..<0 }
        return offset..<zip(shape, strides).reduce(offset) { $0 + ($1.0 - 1) * $1.1 } + 1
    }

    /// The layout of the same elements where the storage begins with the first of them.
    public var rebased: Layout {
        var result = self
        result.offset = 0
        return result
    }

    /// Whether the elements lie one after another in the order of the axes.
    public var isContiguous: Bool {
        var expected = 1
        for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
            if stride != expected { return false }
            expected *= extent
        }
        return true
    }

    /// Whether every place has the same element.
    var isRepetition: Bool { !strides.isEmpty && strides.allSatisfy { $0 == 0 } }

    /// The same elements with the axes in another order: axis `n` of the result is axis `order[n]` of this.
    public func permuted(_ order: [Int]) -> Layout {
        precondition(order.sorted() == Array(shape.indices), "order \(order) of shape \(shape)")
        var result = self
        result.shape = order.map { shape[$0] }
        result.strides = order.map { strides[$0] }
        return result
    }

    /// The elements `range` of one axis.
    public func sliced(axis: Int, _ range: Range<Int>) -> Layout {
        precondition(
            shape.indices.contains(axis) && range.lowerBound >= 0 && range.upperBound <= shape[axis],
            "slice \(range) of axis \(axis) of shape \(shape)")
        var result = self
        result.offset += range.lowerBound * strides[axis]
        result.shape[axis] = range.count
        return result
    }

    /// Element `index` of one axis, which goes away.
    public func selecting(axis: Int, _ index: Int) -> Layout {
        var result = sliced(axis: axis, index..<index + 1)
        result.shape.remove(at: axis)
        result.strides.remove(at: axis)
        return result
    }

    /// The same elements in another shape.
    ///
    /// - Precondition: the layout is contiguous, or repeats one element, and the counts agree.
    public func reshaped(_ shape: [Int]) -> Layout {
        precondition(isContiguous || isRepetition, "reshape of a strided view, shape \(self.shape), strides \(strides)")
        precondition(shape.reduce(1, *) == count, "shape \(self.shape) as \(shape)")
        var result = isRepetition ? Layout(repeating: shape) : Layout(shape: shape)
        result.offset = offset
        return result
    }

    /// The layout with an axis of 1 repeated `extent` times, without copying: its stride becomes 0.
    public func expanded(axis: Int, to extent: Int) -> Layout {
        precondition(shape.indices.contains(axis) && shape[axis] == 1, "expansion of axis \(axis) of \(shape)")
        var result = self
        result.shape[axis] = extent
        result.strides[axis] = 0
        return result
    }
}
