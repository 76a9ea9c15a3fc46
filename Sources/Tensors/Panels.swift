import CKernels

/// In what numbers products are computed; sums are always in single precision.
public enum Precision: String, CaseIterable, Encodable, Sendable {
    case float32
    /// The upper half of a float: 8 bits of precision, the same range.
    case bfloat16
}

/// The right factor `[inner, columns]` of a product, in the order in which tiles of the product read it.
///
/// Panels of 16 columns follow one another, each `[inner, 16]`; in bfloat16 `[inner / 2, 16, 2]`, two adjacent rows at a
/// time. Missing columns of the last panel are 0, and so is a missing last row of a pair.
package struct Panels: @unchecked Sendable {  // Written only before anybody else sees it, as Storage is.
    /// Columns of a panel.
    package static let width = 16

    package let precision: Precision
    package let inner: Int
    package let columns: Int
    private let base: UnsafeMutablePointer<Float>
    /// What keeps the memory alive; nil where the caller does.
    private let storage: Storage?

    /// Panels in memory that the caller lends: ``count(inner:columns:_:)`` floats.
    package init(inner: Int, columns: Int, _ precision: Precision, in memory: UnsafeMutablePointer<Float>) {
        self.init(inner: inner, columns: columns, precision, memory, nil)
    }

    /// Panels in memory of their own.
    package init(inner: Int, columns: Int, _ precision: Precision) {
        let storage = Storage(count: Panels.count(inner: inner, columns: columns, precision))
        self.init(inner: inner, columns: columns, precision, storage.base, storage)
    }

    private init(
        inner: Int, columns: Int, _ precision: Precision, _ memory: UnsafeMutablePointer<Float>, _ storage: Storage?
    ) {
        self.precision = precision
        self.inner = inner
        self.columns = columns
        self.storage = storage
        base = memory
    }

    /// How many floats' worth of memory they take.
    package static func count(inner: Int, columns: Int, _ precision: Precision) -> Int {
        panelCount(columns) * width * elements(inner, precision)
    }

    /// The columns of the product that a row has room for: a whole number of panels.
    package var paddedColumns: Int { Panels.panelCount(columns) * Panels.width }

    private static func panelCount(_ columns: Int) -> Int { (columns + width - 1) / width }

    /// Elements of 32 bits along `inner`: a float, or two bfloat16.
    fileprivate static func elements(_ inner: Int, _ precision: Precision) -> Int {
        precision == .float32 ? inner : (inner + 1) / 2
    }

    private var panelStride: Int { Panels.elements(inner, precision) * Panels.width }
}

// MARK: - Filling

extension Panels {
    /// Column c is `row(c)[0..<inner]`: the right factor is the transpose of rows.
    ///
    /// - Parameter range: the columns to fill, from a whole panel on; nil for all.
    @inline(__always)
    package func fill(columns range: Range<Int>? = nil, transposing row: (Int) -> UnsafePointer<Float>) {
        let range = range ?? 0..<columns
        let elements = Panels.elements(inner, precision)
        withScratch((Panels.width + 1) * elements) { narrowed in
            let zeros = narrowed + Panels.width * elements
            zeros.update(repeating: 0, count: elements)
            withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: Panels.width) { rows in
                for first in stride(from: range.lowerBound, to: range.upperBound, by: Panels.width) {
                    for column in 0..<Panels.width {
                        rows[column] = UnsafePointer(zeros)
                        guard first + column < columns else { continue }
                        rows[column] = row(first + column)
                        if precision == .bfloat16 {
                            narrow(row(first + column), count: inner, into: narrowed + column * elements)
                            rows[column] = UnsafePointer(narrowed + column * elements)
                        }
                    }
                    Kernels.current.transpose(rows.baseAddress, base + first / Panels.width * panelStride, elements)
                }
            }
        }
    }

    /// Row k is `row(k)[0..<columns]`.
    @inline(__always)
    package func fill(rows row: (Int) -> UnsafePointer<Float>) {
        let elements = Panels.elements(inner, precision)
        withScratch(paddedColumns) { scratch in
            scratch.update(repeating: 0, count: paddedColumns)
            for element in 0..<elements {
                if precision == .bfloat16 {
                    let second = 2 * element + 1 < inner ? row(2 * element + 1) : nil
                    interleave(row(2 * element), second, count: columns, into: scratch)
                } else {
                    scratch.update(from: row(element), count: columns)
                }
                for panel in 0..<paddedColumns / Panels.width {
                    (base + panel * panelStride + element * Panels.width)
                        .update(from: scratch + panel * Panels.width, count: Panels.width)
                }
            }
        }
    }
}

/// Floats as bfloat16, two to an element; where their number is odd, the last element's second is 0.
func narrow(_ source: UnsafePointer<Float>, count: Int, into elements: UnsafeMutablePointer<Float>) {
    if count % 2 == 1 { elements[count / 2] = 0 }
    elements.withMemoryRebound(to: UInt16.self, capacity: count) { Kernels.current.narrow(source, $0, count) }
}

/// Two rows as bfloat16, the first's numbers in the lower and the second's in the upper halves of elements.
private func interleave(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>?, count: Int,
    into elements: UnsafeMutablePointer<Float>
) {
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 2 * count) { narrowed in
        guard let lower = narrowed.baseAddress else { return }
        let upper = lower + count
        Kernels.current.narrow(first, lower, count)
        if let second { Kernels.current.narrow(second, upper, count) } else { upper.update(repeating: 0, count: count) }
        for column in 0..<count {
            elements[column] = Float(bitPattern: UInt32(lower[column]) | UInt32(upper[column]) << 16)
        }
    }
}

// MARK: - Multiplying

/// Rows of a product's left factor, in the numbers of the right.
struct LeftFactor {
    let rows: Int
    private(set) var columns: Int
    let precision: Precision
    fileprivate private(set) var base: UnsafePointer<Float>
    /// Elements of 32 bits from one row to the next.
    fileprivate let stride: Int

    /// Floats where they are.
    init(_ matrix: ConstMatrix) {
        (rows, columns, precision, base, stride) = (matrix.rows, matrix.columns, .float32, matrix.base, matrix.stride)
    }

    /// A copy in memory that the caller lends, `stride` floats a row, rounded where the precision is bfloat16.
    init(_ matrix: ConstMatrix, _ precision: Precision, in memory: UnsafeMutablePointer<Float>, stride: Int) {
        precondition(stride >= Panels.elements(matrix.columns, precision), "rows \(stride) apart for \(matrix.columns)")
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
        result.base += Panels.elements(range.lowerBound, precision)
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
func multiply(
    _ left: LeftFactor, _ right: Panels, rows: Range<Int>, columns: Range<Int>, into product: MutableMatrix,
    accumulate: Bool, kernels: Kernels = .current
) {
    right.multiply(left, rows: rows, columns: columns, into: product, accumulate: accumulate, kernels)
}

/// The same with a left factor of floats, which is rounded first where the right one is in bfloat16.
package func multiply(
    _ left: ConstMatrix, _ right: Panels, rows: Range<Int>? = nil, columns: Range<Int>? = nil,
    into product: MutableMatrix, accumulate: Bool = false, kernels: Kernels = .current
) {
    let (rows, columns) = (rows ?? 0..<right.inner, columns ?? 0..<right.columns)
    func multiply(_ left: LeftFactor) {
        right.multiply(left, rows: rows, columns: columns, into: product, accumulate: accumulate, kernels)
    }
    switch right.precision {
    case .float32: multiply(LeftFactor(left))
    case .bfloat16:
        let stride = Panels.elements(left.columns, .bfloat16)
        withScratch(left.rows * stride) { multiply(LeftFactor(left, .bfloat16, in: $0, stride: stride)) }
    }
}

extension Panels {
    fileprivate func multiply(
        _ left: LeftFactor, rows: Range<Int>, columns: Range<Int>, into product: MutableMatrix, accumulate: Bool,
        _ kernels: Kernels
    ) {
        let panels = (columns.count + Panels.width - 1) / Panels.width
        precondition(
            left.columns == rows.count && left.precision == precision && rows.upperBound <= inner
                && (precision == .float32 || rows.lowerBound % 2 == 0) && columns.upperBound <= self.columns
                && columns.lowerBound % Panels.width == 0 && product.rows == left.rows
                && product.columns == columns.count && product.stride >= panels * Panels.width,
            "\(left.rows)×\(left.columns) in \(left.precision) by rows \(rows) and columns \(columns) of "
                + "\(inner)×\(self.columns) in \(precision) into \(product.rows)×\(product.columns)")
        let panel = base + columns.lowerBound / Panels.width * panelStride
        let factors = sam_product(
            left: left.base, left_row: left.stride, left_inner: 1,
            right: panel + Panels.elements(rows.lowerBound, precision) * Panels.width, right_inner: Panels.width,
            right_panel: panelStride, product: product.base, product_row: product.stride, rows: left.rows,
            inner: Panels.elements(rows.count, precision), panels: panels, accumulate: accumulate)
        switch precision {
        case .float32: kernels.multiply(factors)
        case .bfloat16: kernels.multiplyBfloat16(factors)
        }
    }
}

/// `product = left · right` in single precision on the calling thread, or that added to it: both factors where they
/// are, and the left transposed where asked.
package func multiply(
    _ left: ConstMatrix, transposed: Bool = false, inPlace right: ConstMatrix, into product: MutableMatrix,
    accumulate: Bool = false
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
                product.base[place] = (0..<inner).reduce(accumulate ? product.base[place] : 0) {
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
            accumulate: accumulate))
}
