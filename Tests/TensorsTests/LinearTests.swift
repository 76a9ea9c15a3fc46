import Testing

@testable import Tensors

/// Matrix products against loops in double precision.
///
/// The tolerance is the bound for any order of summation, with or without fused multiplication and addition:
/// |error| ≤ (terms + 2) · 2⁻²⁴ · Σ|products| (Higham 2002, equation 3.5), the bias being one of the terms.
@Suite struct LinearTests {
    // MARK: matmul

    static let sizes = [
        (1, 1, 1), (3, 5, 2), (7, 1, 9), (1, 80, 64), (17, 33, 8), (130, 80, 257), (4, 0, 3), (0, 4, 3), (4, 3, 0),
    ]

    @Test(arguments: sizes, [false, true])
    func matmulOfStridedMatrices(_ size: (rows: Int, inner: Int, columns: Int), _ transposed: Bool) {
        let (rows, inner, columns) = size
        let (strideLeft, strideRight, strideResult) = (inner + 3, (transposed ? inner : columns) + 2, columns + 5)
        let left = uniform(max(rows * strideLeft, 1), seed: 1)
        let right = uniform(max((transposed ? columns : inner) * strideRight, 1), seed: 2)
        let before = uniform(max(rows * strideResult, 1), seed: 3)
        var result = before
        left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                result.withUnsafeMutableBufferPointer { result in
                    guard let left = left.baseAddress, let right = right.baseAddress, let base = result.baseAddress
                    else { return }
                    matmul(
                        ConstMatrix(left, rows: rows, columns: inner, stride: strideLeft),
                        ConstMatrix(
                            right, rows: transposed ? columns : inner, columns: transposed ? inner : columns,
                            stride: strideRight),
                        transposed: transposed,
                        into: MutableMatrix(base, rows: rows, columns: columns, stride: strideResult))
                }
            }
        }
        var worst = 0.0
        for place in before.indices {
            let (row, column) = place.quotientAndRemainder(dividingBy: strideResult)
            guard row < rows, column < columns else {
                #expect(result[place] == before[place], "written outside the product")
                continue
            }
            let terms = (0..<inner).map { index in
                Double(left[row * strideLeft + index])
                    * Double(right[transposed ? column * strideRight + index : index * strideRight + column])
            }
            let magnitude = terms.reduce(0) { $0 + abs($1) }
            worst.raise(
                to: abs(Double(result[place]) - terms.reduce(0, +)) - Double(inner + 2) * roundoff * magnitude)
        }
        #expect(worst <= 0)
    }

    // MARK: linear

    /// Rows and outputs at the edges of tiles of 96 × 1280 and of 64 rows, whole panels of outputs and others, with few
    /// inputs so that the loops stay quick.
    static let tileEdges = [
        (1, 1281), (64, 1280), (65, 1280), (95, 1279), (96, 1296), (97, 2560), (385, 16), (480, 1296), (1025, 2),
        (2, 2561),
    ]

    @Test(arguments: tileEdges)
    func linearAtTheEdgesOfTiles(_ rows: Int, _ outputs: Int) {
        expectLinear(
            uniform([rows, 3], seed: 4), weight: uniform([outputs, 3], seed: 5), bias: uniform([outputs], seed: 6))
    }

    /// Rows, inputs and outputs of the encoders' GEMM, as tests need not be larger: more than 1,024 rows, in blocks of 48;
    /// more outputs than a tile's 1,280, in whole panels of 16; more inputs than a chunk's 320, in bfloat16 1,280.
    static let encoderSizes = [(1025, 321, 32), (1100, 7, 1296), (1057, 1283, 16), (1024, 330, 48)]

    /// By our own tiles, or by BLAS in float32 where the processor has no kernels: `tools/test` runs this suite with each
    /// instruction set.
    @Test(arguments: encoderSizes, Precision.allCases)
    func linearOfTheEncoder(_ size: (rows: Int, inputs: Int, outputs: Int), _ precision: Precision) {
        expectLinear(
            uniform([size.rows, size.inputs], seed: 16), weight: uniform([size.outputs, size.inputs], seed: 17),
            bias: uniform([size.outputs], seed: 18), activation: size.outputs > 1000 ? .gelu : .none,
            precision: precision)
    }

    /// More inputs than are summed at once.
    @Test func linearOfManyInputs() {
        expectLinear(uniform([70, 2563], seed: 4), weight: uniform([32, 2563], seed: 5), bias: nil)
    }

    @Test(arguments: [Activation.none, .gelu, .relu], [true, false])
    func linearWithActivation(_ activation: Activation, hasBias: Bool) {
        let bias = hasBias ? uniform([37], in: -2...2, seed: 9) : nil
        expectLinear(
            uniform([5, 3, 19], in: -3...3, seed: 7), weight: uniform([37, 19], seed: 8), bias: bias,
            activation: activation)
    }

    @Test func linearOfStridedViews() {
        let x = uniform([6, 4, 7], seed: 10)
        let weight = uniform([6, 9], seed: 11)
        let bias = uniform([9, 3], seed: 12).selecting(axis: 1, 1)
        expectLinear(x.permuted(1, 2, 0), weight: weight.permuted(1, 0), bias: bias)
        expectLinear(
            x.sliced(axis: 0, 1..<4).selecting(axis: 1, 2), weight: uniform([9, 10], seed: 13).sliced(axis: 1, 2..<9),
            bias: bias)
        expectLinear(
            x.selecting(axis: 0, 0).sliced(axis: 1, 0..<1).expanded(axis: 1, to: 6), weight: weight.permuted(1, 0),
            bias: bias)
    }

    @Test func linearOfNothing() {
        let weight = uniform([4, 3], seed: 14)
        #expect(linear(uniform([0, 3], seed: 0), weight: weight).shape == [0, 4])
        #expect(linear(uniform([2, 3], seed: 0), weight: weight.sliced(axis: 0, 0..<0)).shape == [2, 0])
        // Without inputs, what remains is the bias.
        let bias = uniform([4], seed: 15)
        let result = linear(uniform([2, 0], seed: 0), weight: weight.sliced(axis: 1, 0..<0), bias: bias)
        #expect(result.values == bias.values + bias.values)
    }

    /// In bfloat16 input and weight are rounded first; the bound is then doubled for the dot product's instruction, which
    /// rounds a pair's sum twice.
    private func expectLinear(
        _ x: Tensor, weight: Tensor, bias: Tensor?, activation: Activation = .none, precision: Precision = .float32,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        func rounded(_ x: Float) -> Double {
            Double(precision == .float32 ? x : Float(bitPattern: UInt32(bfloat16(x)) << 16))
        }
        let result = linear(
            x, weight: LinearWeight(weight.contiguous(), precision: precision), bias: bias, activation: activation)
        #expect(result.shape == x.shape.dropLast() + [weight.shape[0]], sourceLocation: sourceLocation)
        let (inputs, outputs) = (weight.shape[1], weight.shape[0])
        let (rows, weights, biases) = (x.values.map(rounded), weight.values.map(rounded), bias?.values)
        var worst = -Double.infinity
        for (place, value) in result.values.enumerated() {
            let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
            var (sum, magnitude) = (Double(biases?[output] ?? 0), Double(abs(biases?[output] ?? 0)))
            for input in 0..<inputs {
                let term = rows[row * inputs + input] * weights[output * inputs + input]
                sum += term
                magnitude += abs(term)
            }
            var tolerance = (precision == .float32 ? 1 : 2) * Double(inputs + 2) * roundoff * magnitude
            switch activation {
            case .none: break
            case .relu: sum = max(sum, 0)
            case .gelu:
                // GELU's slope is at most 1.13; then what it states about itself.
                sum = exactGELU(sum)
                tolerance = 1.13 * tolerance + max(3e-7 * sum, 6e-8)
            }
            worst.raise(to: abs(Double(value) - sum) - tolerance)
        }
        #expect(worst <= 0, sourceLocation: sourceLocation)
    }
}
