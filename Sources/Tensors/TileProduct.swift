import CKernels

/// Rows of the left operand, in the precision of the right.
struct LeftFactor {
    let rows: Int
    private(set) var columns: Int
    let precision: Precision
    fileprivate private(set) var base: UnsafePointer<Float>
    /// Words from one row to the next.
    fileprivate let stride: Int

    /// Floats where they are.
    init(_ matrix: ConstMatrix) {
        (rows, columns, precision, base, stride) = (matrix.rows, matrix.columns, .float32, matrix.base, matrix.stride)
    }

    /// A copy in memory that the caller lends, `stride` floats a row, rounded where the precision is bfloat16.
    init(_ matrix: ConstMatrix, _ precision: Precision, in memory: UnsafeMutablePointer<Float>, stride: Int) {
        precondition(stride >= Panels.words(matrix.columns, precision), "rows \(stride) apart for \(matrix.columns)")
        (rows, columns, base) = (matrix.rows, matrix.columns, UnsafePointer(memory))
        (self.precision, self.stride) = (precision, stride)
        for row in 0..<rows {
            let (source, target) = (matrix.base + row * matrix.stride, memory + row * stride)
            switch precision {
            case .float32: target.update(from: source, count: columns)
            case .bfloat16: narrow(source, count: columns, into: target)
            }
        }
    }

    /// Some of the columns; in bfloat16 the first is even.
    func columns(_ range: Range<Int>) -> LeftFactor {
        var result = self
        result.columns = range.count
        result.base += Panels.words(range.lowerBound, precision)
        return result
    }
}

/// `product = left · right` on the calling thread, or that added to it; only columns and rows of `right` in the ranges
/// take part.
///
/// Columns of the product beyond the right factor's, up to ``Panels/paddedColumns``, are overwritten.
///
/// - Parameters:
///   - rows: which of the right factor's rows the left factor's columns meet; in bfloat16 the first is even.
///   - columns: which of its columns; the first is a multiple of ``Panels/width``.
func tileProduct(
    _ left: LeftFactor, _ right: Panels, rows: Range<Int>, columns: Range<Int>, into product: MutableMatrix,
    accumulate: Bool, kernels: Kernels = .current
) {
    let panels = Panels.panelCount(columns.count)
    precondition(
        left.columns == rows.count && left.precision == right.precision && rows.upperBound <= right.inner
            && (right.precision == .float32 || rows.lowerBound % 2 == 0) && columns.upperBound <= right.columns
            && columns.lowerBound % Panels.width == 0 && product.rows == left.rows
            && product.columns == columns.count && product.stride >= panels * Panels.width,
        "\(left.rows)×\(left.columns) in \(left.precision) by rows \(rows) and columns \(columns) of "
            + "\(right.inner)×\(right.columns) in \(right.precision) into \(product.rows)×\(product.columns)")
    let panel = right.base + columns.lowerBound / Panels.width * right.panelStride
    let factors = sam_product(
        left: left.base, left_row: left.stride, left_inner: 1,
        right: panel + Panels.words(rows.lowerBound, right.precision) * Panels.width, right_inner: Panels.width,
        right_panel: right.panelStride, product: product.base, product_row: product.stride, rows: left.rows,
        inner: Panels.words(rows.count, right.precision), panels: panels, accumulate: accumulate)
    switch right.precision {
    case .float32: kernels.multiply(factors)
    case .bfloat16: kernels.multiplyBfloat16(factors)
    }
}

/// `product = left · right`, or that added to it; the left operand is rounded first where the right one is in bfloat16.
package func panelProduct(
    _ left: ConstMatrix, _ right: Panels, rows: Range<Int>? = nil, columns: Range<Int>? = nil,
    into product: MutableMatrix, accumulate: Bool = false, kernels: Kernels = .current
) {
    let (rows, columns) = (rows ?? 0..<right.inner, columns ?? 0..<right.columns)
    func run(_ left: LeftFactor) {
        tileProduct(left, right, rows: rows, columns: columns, into: product, accumulate: accumulate, kernels: kernels)
    }
    switch right.precision {
    case .float32: run(LeftFactor(left))
    case .bfloat16:
        let stride = Panels.words(left.columns, .bfloat16)
        withScratch(left.rows * stride) { run(LeftFactor(left, .bfloat16, in: $0, stride: stride)) }
    }
}

/// `product = left · right` in single precision on the calling thread: both factors where they are, and the left
/// transposed where asked.
package func inPlaceProduct(
    _ left: ConstMatrix, transposed: Bool = false, _ right: ConstMatrix, into product: MutableMatrix
) {
    let (rows, inner) = transposed ? (left.columns, left.rows) : (left.rows, left.columns)
    precondition(
        inner == right.rows && product.rows == rows && product.columns == right.columns,
        "\(rows)×\(inner) by \(right.rows)×\(right.columns) into \(product.rows)×\(product.columns)")
    let (leftRow, leftInner) = transposed ? (1, left.stride) : (left.stride, 1)
    guard right.columns % Panels.width == 0 else {  // No official model has such: the plain definition does.
        for row in 0..<rows {
            for column in 0..<right.columns {
                let place = row * product.stride + column
                product.base[place] = (0..<inner).reduce(0) {
                    $0 + left.base[row * leftRow + $1 * leftInner] * right.base[$1 * right.stride + column]
                }
            }
        }
        return
    }
    Kernels.current.multiply(
        sam_product(
            left: left.base, left_row: leftRow, left_inner: leftInner, right: right.base, right_inner: right.stride,
            right_panel: Panels.width, product: product.base,
            product_row: product.stride, rows: rows, inner: inner, panels: right.columns / Panels.width,
            accumulate: false))
}
