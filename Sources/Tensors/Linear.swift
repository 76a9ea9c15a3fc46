/// What follows a linear map, element by element.
public enum Activation: Sendable {
    case none
    /// x · Φ(x) with the error function; see ``gelu(_:)``.
    case gelu
    /// max(x, 0).
    case relu
}

/// The weight `[outputs, inputs]` of a linear map, in the form in which products take it.
package enum LinearWeight: Sendable {
    /// As the file has it.
    case plain(Tensor)
    /// As the right factor `[inputs, outputs]` of tiles, in bfloat16.
    case panels(Panels)

    /// - Parameter precision: in bfloat16 the weight is rounded and put in order once, here; but for one whose outputs
    ///   are no whole number of panels, which stays as it is.
    package init(_ weight: Tensor, precision: Precision) {
        precondition(weight.shape.count == 2, "weight of shape \(weight.shape)")
        let isWhole = weight.shape[0] % Panels.width == 0
        self =
            precision == .bfloat16 && isWhole ? .panels(rightFactor(weight, precision)) : .plain(weight.contiguous())
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
/// The product is computed in tiles, each with its bias and activation by one thread while it is in the cache. Few rows,
/// and processors that have no tiles of ours, are the BLAS's.
package func linear(
    _ x: Tensor, weight: LinearWeight, bias: Tensor? = nil, activation: Activation = .none
) -> Tensor {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    precondition(x.shape.last == inputs, "linear of \(x.shape) by weight \(weight.shape)")
    precondition(bias == nil || bias?.shape == [outputs], "bias \(bias?.shape ?? []) of weight \(weight.shape)")
    let (x, bias) = (x.contiguous(), bias?.contiguous())
    let rows = x.shape.dropLast().reduce(1, *)
    let tileRows = rows <= 4 * largeTileRows ? fewRows : largeTileRows
    let rowTiles = (rows + tileRows - 1) / tileRows
    let columnTiles = (outputs + tileColumns - 1) / tileColumns
    let factor: LinearWeight =
        if case .plain(let weight) = weight, rows > fewRows, outputs % Panels.width == 0,
            InstructionSet.current > .baseline
        {
            .panels(rightFactor(weight, .float32))
        } else {
            weight
        }
    return Tensor(shape: x.shape.dropLast() + [outputs]) { result in
        parallelFor(rowTiles * columnTiles) { task in
            let row = task / columnTiles * tileRows
            let column = task % columnTiles * tileColumns
            let tile = MutableMatrix(
                result + row * outputs + column, rows: min(tileRows, rows - row),
                columns: min(tileColumns, outputs - column), stride: outputs)
            let left = ConstMatrix(x.base + row * inputs, rows: tile.rows, columns: inputs, stride: inputs)
            switch factor {
            case .plain(let weight):
                let right = ConstMatrix(
                    weight.base + column * inputs, rows: tile.columns, columns: inputs, stride: inputs)
                matmul(left, right, transposed: true, into: tile)
            case .panels(let panels): multiplyInChunks(left, panels, firstColumn: column, into: tile)
            }
            for index in 0..<tile.rows {
                let row = UnsafeMutableBufferPointer(start: tile.base + index * outputs, count: tile.columns)
                if let bias { add(bias.base + column, to: row) }
                switch activation {
                case .none: break
                case .gelu: applyGELU(row)
                case .relu: for position in row.indices { row[position] = max(row[position], 0) }
                }
            }
        }
    }
}

/// The same by a weight as it is in a file.
public func linear(
    _ x: Tensor, weight: Tensor, bias: Tensor? = nil, activation: Activation = .none
) -> Tensor {
    linear(x, weight: LinearWeight(weight, precision: .float32), bias: bias, activation: activation)
}

/// Rows and columns of a tile of ``linear(_:weight:bias:activation:)``: with a chunk of the inputs, its rows fill half of
/// the second-level cache. Measured: see the documentation.
private let largeTileRows = 96
private let tileColumns = 1280

/// How many inputs are summed at once: a tile's rows and two panels of as many stay in the cache.
private let chunkInputs = 1280

/// Columns of `left · right` from `firstColumn` on, as many as the product has.
private func multiplyInChunks(_ left: ConstMatrix, _ right: Panels, firstColumn: Int, into product: MutableMatrix) {
    // Not a power of two, which would have all rows fall on the same lines of the cache.
    let stride = chunkInputs + Panels.width
    withScratch(left.rows * stride) { copy in
        for start in Swift.stride(from: 0, to: left.columns, by: chunkInputs) {
            let count = min(chunkInputs, left.columns - start)
            for row in 0..<left.rows {
                (copy + row * stride).update(from: left.base + row * left.stride + start, count: count)
            }
            multiply(
                ConstMatrix(copy, rows: left.rows, columns: count, stride: stride), right, rows: start..<start + count,
                columns: firstColumn..<firstColumn + product.columns, into: product, accumulate: start > 0)
        }
    }
}

/// A weight `[outputs, inputs]` as the right factor `[inputs, outputs]`.
private func rightFactor(_ weight: Tensor, _ precision: Precision) -> Panels {
    let weight = weight.contiguous()
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let panels = Panels(inner: inputs, columns: outputs, precision)
    let task = 4 * Panels.width
    parallelFor((outputs + task - 1) / task) { index in
        panels.fill(
            columns: index * task..<min((index + 1) * task, outputs), transposing: { weight.base + $0 * inputs })
    }
    return panels
}

private func add(_ bias: UnsafePointer<Float>, to row: UnsafeMutableBufferPointer<Float>) {
    for position in row.indices { row[position] += bias[position] }
}
