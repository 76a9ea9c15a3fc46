/// In what numbers products are computed; sums are always in single precision.
public enum Precision: String, CaseIterable, Codable, Sendable {
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
    let base: UnsafeMutablePointer<Float>
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

    static func panelCount(_ columns: Int) -> Int { (columns + width - 1) / width }

    /// Elements of 32 bits along `inner`: a float, or two bfloat16.
    static func elements(_ inner: Int, _ precision: Precision) -> Int {
        precision == .float32 ? inner : (inner + 1) / 2
    }

    /// Elements from one panel to the next.
    var panelStride: Int { Panels.elements(inner, precision) * Panels.width }
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
                        let source = row(first + column)
                        rows[column] = source
                        if precision == .bfloat16 {
                            narrow(source, count: inner, into: narrowed + column * elements)
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
