/// The right operand `[inner, columns]` of a GEMM, packed in the order in which the kernels read it.
///
/// Panels of 16 columns follow one another, each `[inner, 16]`; in bfloat16 `[inner / 2, 16, 2]`, two adjacent rows to a
/// word of 32 bits. Missing columns of the last panel are 0, and so is a missing last row of a pair.
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
        panelCount(columns) * width * words(inner, precision)
    }

    /// The columns of the product that a row has room for: a whole number of panels.
    package var paddedColumns: Int { Panels.panelCount(columns) * Panels.width }

    static func panelCount(_ columns: Int) -> Int { (columns + width - 1) / width }

    /// Words of 32 bits along `inner`: a float each, or two bfloat16.
    static func words(_ inner: Int, _ precision: Precision) -> Int {
        precision == .float32 ? inner : (inner + 1) / 2
    }

    /// Words from one panel to the next.
    var panelStride: Int { Panels.words(inner, precision) * Panels.width }
}

// MARK: - Packing

extension Panels {
    /// Packs the transpose of rows: column c is `row(c)[0..<inner]`.
    ///
    /// - Parameter range: the columns to pack, the first at the start of a panel; nil for all.
    @inline(__always)
    package func pack(columns range: Range<Int>? = nil, transposing row: (Int) -> UnsafePointer<Float>) {
        let range = range ?? 0..<columns
        let words = Panels.words(inner, precision)
        withScratch((Panels.width + 1) * words) { narrowed in
            let zeros = narrowed + Panels.width * words
            zeros.update(repeating: 0, count: words)
            withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: Panels.width) { rows in
                for first in stride(from: range.lowerBound, to: range.upperBound, by: Panels.width) {
                    for column in 0..<Panels.width {
                        rows[column] = UnsafePointer(zeros)
                        guard first + column < columns else { continue }
                        let source = row(first + column)
                        rows[column] = source
                        if precision == .bfloat16 {
                            narrow(source, count: inner, into: narrowed + column * words)
                            rows[column] = UnsafePointer(narrowed + column * words)
                        }
                    }
                    Kernels.current.transpose(rows.baseAddress, base + first / Panels.width * panelStride, words)
                }
            }
        }
    }

    /// Packs rows: row k is `row(k)[0..<columns]`.
    @inline(__always)
    package func pack(rows row: (Int) -> UnsafePointer<Float>) {
        let words = Panels.words(inner, precision)
        withScratch(paddedColumns) { scratch in
            scratch.update(repeating: 0, count: paddedColumns)
            for word in 0..<words {
                if precision == .bfloat16 {
                    let second = 2 * word + 1 < inner ? row(2 * word + 1) : nil
                    interleave(row(2 * word), second, count: columns, into: scratch)
                } else {
                    scratch.update(from: row(word), count: columns)
                }
                for panel in 0..<paddedColumns / Panels.width {
                    (base + panel * panelStride + word * Panels.width)
                        .update(from: scratch + panel * Panels.width, count: Panels.width)
                }
            }
        }
    }
}

/// Floats as bfloat16, two to a word; where their number is odd, the last word's second is 0.
func narrow(_ source: UnsafePointer<Float>, count: Int, into words: UnsafeMutablePointer<Float>) {
    if count % 2 == 1 { words[count / 2] = 0 }
    words.withMemoryRebound(to: UInt16.self, capacity: count) { Kernels.current.narrow(source, $0, count) }
}

/// Two rows as bfloat16, the first's numbers in the lower and the second's in the upper halves of words.
private func interleave(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>?, count: Int,
    into words: UnsafeMutablePointer<Float>
) {
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 2 * count) { narrowed in
        guard let lower = narrowed.baseAddress else { return }
        let upper = lower + count
        Kernels.current.narrow(first, lower, count)
        if let second { Kernels.current.narrow(second, upper, count) } else { upper.update(repeating: 0, count: count) }
        for column in 0..<count {
            words[column] = Float(bitPattern: UInt32(lower[column]) | UInt32(upper[column]) << 16)
        }
    }
}
