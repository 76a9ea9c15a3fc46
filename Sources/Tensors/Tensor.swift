/// Numbers in single precision, seen through a ``Layout``: a view over shared, read-only ``Storage``.
///
/// Views (``permuted(_:)``, ``sliced(axis:_:)``, …) cost nothing; functions that compute return new tensors.
public struct Tensor: Sendable {
    public let layout: Layout
    public let storage: Storage

    /// - Precondition: all elements lie within the storage.
    package init(storage: Storage, layout: Layout) {
        precondition(
            layout.storageRange.lowerBound >= 0 && layout.storageRange.upperBound <= storage.count,
            "elements \(layout.storageRange) of a storage of \(storage.count)")
        self.storage = storage
        self.layout = layout
    }

    /// A new tensor whose elements `fill` writes, all of them.
    package init(shape: [Int], fill: (UnsafeMutablePointer<Float>) throws -> Void) rethrows {
        let layout = Layout(shape: shape)
        storage = Storage(count: layout.count)
        self.layout = layout
        try fill(storage.base)
    }

    /// A new tensor with these values in the order of the axes.
    public init(_ values: [Float], shape: [Int]) {
        precondition(values.count == shape.reduce(1, *), "\(values.count) values for shape \(shape)")
        self.init(shape: shape) { $0.update(from: values, count: values.count) }
    }

    /// Zeros in a shape of any size, for the memory of one.
    package init(zeros shape: [Int]) {
        let storage = Storage(count: 1)
        storage.base[0] = 0
        self.init(storage: storage, layout: Layout(repeating: shape))
    }

    /// A new tensor with one value everywhere.
    public init(repeating value: Float, shape: [Int]) {
        self.init(shape: shape) { $0.update(repeating: value, count: shape.reduce(1, *)) }
    }

    public var shape: [Int] { layout.shape }
    public var count: Int { layout.count }

    /// The first element's address, valid while the tensor lives: a parameter lives for the whole call, and what
    /// is returned until then.
    package var base: UnsafePointer<Float> { UnsafePointer(storage.base + layout.offset) }
}

// MARK: - Views

extension Tensor {
    /// See ``Layout/permuted(_:)``.
    public func permuted(_ order: Int...) -> Tensor {
        Tensor(storage: storage, layout: layout.permuted(order))
    }

    /// See ``Layout/sliced(axis:_:)``.
    public func sliced(axis: Int, _ range: Range<Int>) -> Tensor {
        Tensor(storage: storage, layout: layout.sliced(axis: axis, range))
    }

    /// See ``Layout/selecting(axis:_:)``.
    public func selecting(axis: Int, _ index: Int) -> Tensor {
        Tensor(storage: storage, layout: layout.selecting(axis: axis, index))
    }

    /// See ``Layout/expanded(axis:to:)``.
    public func expanded(axis: Int, to extent: Int) -> Tensor {
        Tensor(storage: storage, layout: layout.expanded(axis: axis, to: extent))
    }

    /// The same elements in another shape; a strided view is copied first.
    public func reshaped(_ shape: [Int]) -> Tensor {
        if layout.isRepetition { return Tensor(storage: storage, layout: layout.reshaped(shape)) }
        let dense = contiguous()
        return Tensor(storage: dense.storage, layout: dense.layout.reshaped(shape))
    }

    /// This tensor where its elements already lie in order, else a copy in which they do.
    public func contiguous() -> Tensor {
        layout.isContiguous ? self : Tensor(shape: shape) { gather(into: $0) }
    }
}

// MARK: - Elements

extension Tensor {
    /// The element at one index an axis.
    public subscript(_ indices: Int...) -> Float {
        precondition(
            indices.count == shape.count && zip(indices, shape).allSatisfy { 0 <= $0 && $0 < $1 },
            "element \(indices) of shape \(shape)")
        return base[zip(indices, layout.strides).reduce(0) { $0 + $1.0 * $1.1 }]
    }

    /// All elements in the order of the axes.
    public var values: [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let target = buffer.baseAddress { gather(into: target) }
            initialized = count
        }
    }

    /// Lends all elements in the order of the axes, without a copy where they lie so.
    public func withUnsafeBufferPointer<Result>(
        _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        let dense = contiguous()
        return try withExtendedLifetime(dense) { try body(UnsafeBufferPointer(start: dense.base, count: count)) }
    }

    /// Whether no element is infinite or not a number.
    public var isFinite: Bool {
        withUnsafeBufferPointer { elements in
            // The largest magnitude's bits: a comparison of integers vectorises where a sum of floats, in order, cannot.
            let largest = elements.reduce(UInt32(0)) { max($0, $1.bitPattern & 0x7FFF_FFFF) }
            return largest < Float.infinity.bitPattern
        }
    }

    /// Copies the elements to `target` in the order of the axes.
    fileprivate func gather(into target: UnsafeMutablePointer<Float>) {
        if layout.isContiguous {
            target.update(from: base, count: count)
            return
        }
        let inner = shape.count - 1
        let (innerExtent, innerStride) = (shape[inner], layout.strides[inner])
        var index = [Int](repeating: 0, count: inner)
        var next = target
        for _ in 0..<(innerExtent == 0 ? 0 : count / innerExtent) {
            let row = base + zip(index, layout.strides).reduce(0) { $0 + $1.0 * $1.1 }
            for position in 0..<innerExtent { next[position] = row[position * innerStride] }
            next += innerExtent
            for axis in stride(from: inner - 1, through: 0, by: -1) {
                index[axis] += 1
                if index[axis] < shape[axis] { break }
                index[axis] = 0
            }
        }
    }
}

// MARK: - Arithmetic

extension Tensor {
    /// The element-wise sum of two tensors of one shape.
    ///
    /// The second may lack leading axes, or have them 1: it is then added to each of the first's.
    public static func + (left: Tensor, right: Tensor) -> Tensor {
        let (dense, addend) = (left.contiguous(), right.contiguous())
        let trailing = right.shape.drop { $0 == 1 }
        precondition(
            left.shape.suffix(trailing.count).elementsEqual(trailing), "\(left.shape) + \(right.shape)")
        let period = addend.count
        return Tensor(shape: left.shape) { sum in
            // Tiles of the first that lie within one repetition of the second.
            let tile = 1 << 16
            let tiles = (period + tile - 1) / tile
            parallelFor(period == 0 ? 0 : dense.count / period * tiles) { task in
                let (first, second) = (dense.base, addend.base)
                let start = task / tiles * period
                let range = task % tiles * tile..<min(task % tiles * tile + tile, period)
                for position in range { sum[start + position] = first[start + position] + second[position] }
            }
        }
    }
}

/// Joins tensors along their first axis; the other axes agree.
public func concatenated(_ parts: [Tensor]) -> Tensor {
    precondition(!parts.isEmpty, "concatenation of nothing")
    let inner = Array(parts[0].shape.dropFirst())
    precondition(
        parts.allSatisfy { Array($0.shape.dropFirst()) == inner }, "concatenation of \(parts.map(\.shape))")
    return Tensor(shape: [parts.reduce(0) { $0 + $1.shape[0] }] + inner) { result in
        var next = result
        for part in parts {
            part.gather(into: next)
            next += part.count
        }
    }
}
