/// The activation that follows a linear layer.
public enum Activation: Sendable {
    case none
    /// x · Φ(x) with the error function; see ``applyGELU(_:)``.
    case gelu
    /// max(x, 0).
    case relu
}

/// The weight `[outputs, inputs]` of a linear layer, in the form that its GEMM reads.
package enum LinearWeight: Sendable {
    /// As the file has it.
    case plain(Tensor)
    /// Packed as the right operand `[inputs, outputs]`, in bfloat16.
    case panels(Panels)

    /// - Parameter precision: for bfloat16 the weight is rounded and packed here, once, unless its outputs do not fill whole
    ///   panels: then it stays as it is.
    package init(_ weight: Tensor, precision: Precision) {
        precondition(weight.shape.count == 2, "weight of shape \(weight.shape)")
        let isWhole = weight.shape[0] % Panels.width == 0
        self =
            precision == .bfloat16 && isWhole ? .panels(packed(weight, precision)) : .plain(weight)
    }

    var shape: [Int] {
        switch self {
        case .plain(let weight): weight.shape
        case .panels(let panels): [panels.columns, panels.inner]
        }
    }
}

/// `x · weightᵀ + bias`, then an activation: `[…, inputs]` by `[outputs, inputs]` to `[…, outputs]`.
///
/// Products of few rows go to BLAS, and so does everything on processors for which there are no kernels.
package func linear(
    _ x: Tensor, weight: LinearWeight, bias: Tensor? = nil, activation: Activation = .none
) -> Tensor {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    precondition(x.shape.last == inputs, "linear of \(x.shape) by weight \(weight.shape)")
    precondition(bias == nil || bias?.shape == [outputs], "bias \(bias?.shape ?? []) of weight \(weight.shape)")
    let (x, bias) = (x.contiguous(), bias?.contiguous())
    let rows = x.shape.dropLast().reduce(1, *)
    /// The epilogue of a tile: bias, then activation.
    func epilogue(_ tile: MutableMatrix, firstOutput: Int) {
        for index in 0..<tile.rows {
            let row = UnsafeMutableBufferPointer(start: tile.base + index * tile.stride, count: tile.columns)
            if let bias { add(bias.base + firstOutput, to: row) }
            switch activation {
            case .none: break
            case .gelu: applyGELU(row)
            case .relu: for position in row.indices { row[position] = max(row[position], 0) }
            }
        }
    }
    return Tensor(shape: x.shape.dropLast() + [outputs]) { result in
        defer { withExtendedLifetime((x, bias)) {} }
        let (left, product) = (
            ConstMatrix(x.base, rows: rows, columns: inputs, stride: inputs),
            MutableMatrix(result, rows: rows, columns: outputs, stride: outputs)
        )
        switch weight {
        case .panels(let panels): gemmByTiles(left, panels, into: product, epilogue)
        case .plain(let weight)
        where rows > fewRows && inputs > 0 && outputs % Panels.width == 0 && InstructionSet.current > .baseline:
            gemmByTiles(left, packed(weight, .float32), into: product, epilogue)
        case .plain(let weight):
            precondition(weight.layout.isContiguous, "a strided weight, \(weight.layout)")
            gemmByBLAS(
                left, ConstMatrix(weight.base, rows: outputs, columns: inputs, stride: inputs), into: product, epilogue)
        }
    }
}

/// The same by a weight as it is in a file.
public func linear(
    _ x: Tensor, weight: Tensor, bias: Tensor? = nil, activation: Activation = .none
) -> Tensor {
    linear(x, weight: LinearWeight(weight.contiguous(), precision: .float32), bias: bias, activation: activation)
}

// MARK: - Splitting the work

/// `left · rightᵀ` by BLAS, in tiles: a thread computes a tile and runs its epilogue while the tile is in the cache.
private func gemmByBLAS(
    _ left: ConstMatrix, _ right: ConstMatrix, into product: MutableMatrix,
    _ epilogue: (_ tile: MutableMatrix, _ firstOutput: Int) -> Void
) {
    let tileRows = left.rows <= 512 ? fewRows : 512
    let tileColumns = 1280
    let columnTiles = (product.columns + tileColumns - 1) / tileColumns
    parallelFor((left.rows + tileRows - 1) / tileRows * columnTiles) { task in
        let rows = range(task / columnTiles, of: tileRows, upTo: left.rows)
        let columns = range(task % columnTiles, of: tileColumns, upTo: product.columns)
        let tile = product[rows, columns]
        matmul(left[rows, 0..<left.columns], right[columns, 0..<right.columns], transposed: true, into: tile)
        epilogue(tile, columns.lowerBound)
    }
}

/// `left · right` by the kernels of `CKernels/multiply.h`.
///
/// A task packs a block of rows, then multiplies a chunk of its terms, which fits the second-level cache, by one panel of
/// the right operand after another. Where there are many threads, a task also takes only some of the outputs; the order of
/// each sum stays the same.
///
/// A kernel adds the terms of a chunk one by one, so shorter chunks round less: with chunks of 1280, ViT-H's embedding was
/// 2.4 times as far from the oracle as the official package's. In bfloat16 the operands are rounded by far more.
private func gemmByTiles(
    _ left: ConstMatrix, _ right: Panels, into product: MutableMatrix,
    _ epilogue: (_ tile: MutableMatrix, _ firstOutput: Int) -> Void
) {
    let (blockRows, tileColumns) = (left.rows <= 1024 ? 16 : 48, 1280)
    let taskColumns = Threads.count > 8 ? 640 : product.columns
    let chunk = right.precision == .float32 ? 320 : 1280
    let blocks = (left.rows + blockRows - 1) / blockRows
    // Not a power of two, which would have all rows fall on the same lines of the cache.
    let stride = left.columns + Panels.width
    parallelFor(blocks * ((product.columns + taskColumns - 1) / taskColumns)) { task in
        let rows = range(task % blocks, of: blockRows, upTo: left.rows)
        let outputs = range(task / blocks, of: taskColumns, upTo: product.columns)
        withScratch(rows.count * stride) { copy in
            let near = LeftFactor(left[rows, 0..<left.columns], right.precision, in: copy, stride: stride)
            for first in Swift.stride(from: outputs.lowerBound, to: outputs.upperBound, by: tileColumns) {
                let columns = first..<min(first + tileColumns, outputs.upperBound)
                let tile = product[rows, columns]
                for start in Swift.stride(from: 0, to: left.columns, by: chunk) {
                    let inner = start..<min(start + chunk, left.columns)
                    tileProduct(
                        near.columns(inner), right, rows: inner, columns: columns, into: tile, accumulate: start > 0)
                }
                epilogue(tile, first)
            }
        }
    }
}

private func range(_ index: Int, of size: Int, upTo end: Int) -> Range<Int> {
    index * size..<min((index + 1) * size, end)
}

/// A weight `[outputs, inputs]`, packed as the right operand `[inputs, outputs]`.
private func packed(_ weight: Tensor, _ precision: Precision) -> Panels {
    let weight = weight.contiguous()
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let panels = Panels(inner: inputs, columns: outputs, precision)
    let task = 4 * Panels.width
    parallelFor((outputs + task - 1) / task) { index in
        panels.pack(
            columns: index * task..<min((index + 1) * task, outputs), transposing: { weight.base + $0 * inputs })
    }
    return panels
}

private func add(_ bias: UnsafePointer<Float>, to row: UnsafeMutableBufferPointer<Float>) {
    for position in row.indices { row[position] += bias[position] }
}
