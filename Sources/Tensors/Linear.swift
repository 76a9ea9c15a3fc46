/// What follows a linear map, element by element.
public enum Activation: Sendable {
    case none
    /// x · Φ(x) with the error function; see ``gelu(_:)``.
    case gelu
    /// max(x, 0).
    case relu
}

/// `x · weightᵀ + bias`, then an activation: `[…, inputs]` by `[outputs, inputs]` to `[…, outputs]`.
///
/// The product is computed in tiles, each with its bias and activation by one thread while it is in the cache.
public func linear(
    _ x: Tensor, weight: Tensor, bias: Tensor? = nil, activation: Activation = .none
) -> Tensor {
    precondition(
        weight.shape.count == 2 && x.shape.last == weight.shape[1],
        "linear of \(x.shape) by weight \(weight.shape)")
    precondition(bias == nil || bias?.shape == [weight.shape[0]], "bias of weight \(weight.shape)")
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let (x, weight, bias) = (x.contiguous(), weight.contiguous(), bias?.contiguous())
    let rows = x.shape.dropLast().reduce(1, *)
    let tileRows = rows <= largeTileRows ? fewRows : largeTileRows
    let rowTiles = (rows + tileRows - 1) / tileRows
    let columnTiles = (outputs + tileColumns - 1) / tileColumns
    return Tensor(shape: x.shape.dropLast() + [outputs]) { result in
        parallelFor(rowTiles * columnTiles) { task in
            let row = task / columnTiles * tileRows
            let column = task % columnTiles * tileColumns
            let tile = MutableMatrix(
                result + row * outputs + column, rows: min(tileRows, rows - row),
                columns: min(tileColumns, outputs - column), stride: outputs)
            matmul(
                ConstMatrix(x.base + row * inputs, rows: tile.rows, columns: inputs, stride: inputs),
                ConstMatrix(
                    weight.base + column * inputs, rows: tile.columns, columns: inputs, stride: inputs),
                transposed: true, into: tile)
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

/// Rows and columns of a tile of ``linear(_:weight:bias:activation:)``: large enough that packing the operands for
/// the BLAS does not show, small enough to share among cores. Measured: see the documentation.
let largeTileRows = 512
let tileColumns = 1280

private func add(_ bias: UnsafePointer<Float>, to row: UnsafeMutableBufferPointer<Float>) {
    for position in row.indices { row[position] += bias[position] }
}
