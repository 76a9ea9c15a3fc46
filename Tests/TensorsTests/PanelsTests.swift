import Testing

@testable import Tensors

/// Products by panels, and what puts them in order, against loops in double precision, for every instruction set.
@Suite struct PanelsTests {
    /// Tiles have 12 or 6 rows, then 4, then 1, and two panels of 16 columns or one.
    static let sizes = [
        (1, 1, 1), (3, 5, 2), (7, 1, 33), (12, 8, 32), (13, 80, 64), (17, 33, 48), (29, 3, 81), (4, 0, 16), (0, 4, 3),
    ]

    @Test(arguments: sizes, InstructionSet.available)
    func productsAreTheirDefinition(_ size: (rows: Int, inner: Int, columns: Int), _ set: InstructionSet) {
        for precision in Precision.allCases {
            for accumulate in [false, true] {
                expectProduct(size.rows, size.inner, size.columns, precision, set, accumulate: accumulate)
            }
        }
    }

    /// In bfloat16 factors are rounded first; then |error| ≤ (terms + 2) · 2⁻²⁴ · Σ|products| in any order of summation
    /// (Higham 2002, equation 3.5), doubled for the dot product's instruction, which rounds a pair's sum twice.
    private func expectProduct(
        _ rows: Int, _ inner: Int, _ columns: Int, _ precision: Precision, _ set: InstructionSet, accumulate: Bool
    ) {
        func rounded(_ x: Float) -> Double {
            Double(precision == .float32 ? x : Float(bitPattern: UInt32(bfloat16(x)) << 16))
        }
        let (left, right) = (uniform([rows, inner], seed: 1), uniform([inner, columns], seed: 2))
        let transposed = right.permuted(1, 0).contiguous()
        for isTransposed in [false, true] {
            let panels = Panels(inner: inner, columns: columns, precision)
            if isTransposed {
                panels.pack(transposing: { transposed.base + $0 * inner })
            } else {
                panels.pack(rows: { right.base + $0 * columns })
            }
            let stride = panels.paddedColumns + 3
            let before = uniform(max(rows * stride, 1), seed: 3)
            var result = before
            result.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                panelProduct(
                    ConstMatrix(left.base, rows: rows, columns: inner, stride: inner), panels,
                    into: MutableMatrix(base, rows: rows, columns: columns, stride: stride), accumulate: accumulate,
                    kernels: Kernels(set))
            }
            var worst = 0.0
            for place in before.indices {
                let (row, column) = place.quotientAndRemainder(dividingBy: stride)
                guard row < rows, column < panels.paddedColumns else {
                    #expect(result[place] == before[place], "written outside the product")
                    continue
                }
                guard column < columns else { continue }
                let terms = (0..<inner).map { rounded(left[row, $0]) * rounded(right[$0, column]) }
                let start = accumulate ? Double(before[place]) : 0
                let magnitude = terms.reduce(abs(start)) { $0 + abs($1) }
                worst.raise(
                    to: abs(Double(result[place]) - terms.reduce(start, +))
                        - 2 * Double(inner + 2) * roundoff * magnitude)
            }
            #expect(worst <= 0)
        }
    }

    /// A block of rows and columns of the right factor, as attention takes keys and values.
    @Test(arguments: Precision.allCases)
    func blocksOfTheRightFactor(_ precision: Precision) {
        let (left, right) = (uniform([5, 6], seed: 4), uniform([20, 40], seed: 5))
        let panels = Panels(inner: 20, columns: 40, precision)
        panels.pack(rows: { right.base + $0 * 40 })
        let product = Tensor(shape: [5, 32]) {
            panelProduct(
                ConstMatrix(left.base, rows: 5, columns: 6, stride: 6), panels, rows: 8..<14, columns: 16..<40,
                into: MutableMatrix($0, rows: 5, columns: 24, stride: 32))
        }
        let tolerance = precision == .float32 ? 8 * 6 * roundoff : 6 * 0x1p-7
        for row in 0..<5 {
            for column in 0..<24 {
                let exact = (0..<6).reduce(0.0) { $0 + Double(left[row, $1]) * Double(right[8 + $1, 16 + column]) }
                #expect(abs(Double(product[row, column]) - exact) <= tolerance)
            }
        }
    }

    /// Both factors where they are, one transposed, and columns that are no whole panels.
    @Test(arguments: [16, 32, 7], [false, true])
    func productsInPlace(_ columns: Int, _ isTransposed: Bool) {
        let (left, right) = (uniform([13, 9], seed: 6), uniform([9, columns], seed: 7))
        let stored = isTransposed ? left.permuted(1, 0).contiguous() : left
        let product = Tensor(shape: [13, columns]) {
            inPlaceProduct(
                ConstMatrix(stored.base, rows: stored.shape[0], columns: stored.shape[1], stride: stored.shape[1]),
                transposed: isTransposed,
                ConstMatrix(right.base, rows: 9, columns: columns, stride: columns),
                into: MutableMatrix($0, rows: 13, columns: columns, stride: columns))
        }
        for row in 0..<13 {
            for column in 0..<columns {
                let exact = (0..<9).reduce(0.0) { $0 + Double(left[row, $1]) * Double(right[$1, column]) }
                #expect(abs(Double(product[row, column]) - exact) <= 11 * 9 * roundoff)
            }
        }
    }

    /// The nearest of the neighbours whose lower 16 bits are 0, of two as near the even one, by exact arithmetic.
    @Test(arguments: InstructionSet.available)
    func bfloat16IsTheNearest(_ set: InstructionSet) {
        let special: [Float] = [
            0, -0.0, 1, -1, .leastNonzeroMagnitude, .leastNormalMagnitude, 1.00390625, 1.01171875, -1.00390625,
            3.3e38, .leastNormalMagnitude / 100, -.leastNormalMagnitude / 3, .infinity, -.infinity, .nan,
        ]
        let values = special + uniform(1000, in: -1e3...1e3, seed: 8)
        var narrowed = [UInt16](repeating: 0, count: values.count)
        Kernels(set).narrow(values, &narrowed, values.count)
        for (value, bits) in zip(values, narrowed) {
            let result = Float(bitPattern: UInt32(bits) << 16)
            guard value.isFinite else {
                #expect(value.isNaN ? result.isNaN : result == value)
                continue
            }
            let lower = UInt16(value.bitPattern >> 16)
            let candidates = [lower, lower + 1].map { ($0, Double(Float(bitPattern: UInt32($0) << 16))) }
            let distances = candidates.map { abs($0.1 - Double(value)) }
            let nearest =
                distances[0] == distances[1]
                ? candidates[lower % 2 == 0 ? 0 : 1].0 : candidates[distances[0] < distances[1] ? 0 : 1].0
            // AVX512-BF16 takes subnormal numbers for 0.
            #expect(bits == nearest || value.isSubnormal && result == 0, "\(value)")
        }
    }

    @Test(arguments: [0, 1, 15, 16, 17, 40], InstructionSet.available)
    func transposeIsExact(_ count: Int, _ set: InstructionSet) {
        let x = uniform([16, max(count, 1)], seed: 9)
        let rows: [UnsafePointer<Float>?] = (0..<16).map { x.base + $0 * x.shape[1] }
        var target = [Float](repeating: 0, count: 16 * count)
        rows.withUnsafeBufferPointer { Kernels(set).transpose($0.baseAddress, &target, count) }
        #expect(target.indices.allSatisfy { target[$0] == x[$0 % 16, $0 / 16] })
    }

    /// The sets are in order, and the processor has the lower ones of what it has.
    @Test func instructionSets() {
        #expect(InstructionSet.allCases.sorted() == InstructionSet.allCases)
        #expect(InstructionSet.available.first == .baseline && InstructionSet.available.last == .supported)
        #expect(InstructionSet.current <= .supported)
    }
}
