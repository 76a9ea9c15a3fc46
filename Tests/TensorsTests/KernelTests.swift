import Foundation
import Testing

@testable import Tensors

/// x/2 · erfc(−x/√2) in double precision.
func exactGELU(_ x: Double) -> Double { x * 0.5 * erfc(-x / 2.0.squareRoot()) }

/// Exponential, softmax, GELU and layer norm against their definitions in double precision.
@Suite struct KernelTests {
    // MARK: Exponential

    /// Every 97th float from −87 to 88, some twenty million: within 2 units in the last place, as documented.
    @Test func exponentialIsWithinTwoUnits() {
        var worst = 0.0
        func check(_ range: ClosedRange<UInt32>) {
            for bits in stride(from: range.lowerBound, through: range.upperBound, by: 97 * 8) {
                var x = Lanes(repeating: 0)
                for lane in 0..<8 { x[lane] = Float(bitPattern: min(bits + 97 * UInt32(lane), range.upperBound)) }
                let y = exponential(x)
                for lane in 0..<8 {
                    let exact = exp(Double(x[lane]))
                    worst.raise(to: abs(Double(y[lane]) - exact) / Double(Float(exact).ulp))
                }
            }
        }
        check(0...Float(88).bitPattern)
        check(Float(-0.0).bitPattern...Float(-87).bitPattern)
        #expect(worst <= 2)
    }

    @Test func exponentialBeyondItsRange() {
        let low = exponential(Lanes(-87.1, -88, -100, -1e4, -1e30, -.greatestFiniteMagnitude, -.infinity, -87))
        for lane in 0..<8 { #expect((0...1.7e-38).contains(low[lane])) }
        let high = exponential(Lanes(88, 88.1, 89, 100, 1e4, 1e30, .greatestFiniteMagnitude, .infinity))
        for lane in 0..<8 { #expect(high[lane] == high[0]) }
        let mixed = exponential(Lanes(.nan, 0, -.nan, 1, .signalingNaN, 0, 0, 0))
        for lane in 0..<8 { #expect(mixed[lane].isNaN == [0, 2, 4].contains(lane)) }
        #expect(mixed[1] == 1)
    }

    // MARK: Softmax

    /// Lengths with and without a tail beyond vectors of 8; scores of all magnitudes, equal, one far above the rest.
    @Test(arguments: [1, 2, 7, 8, 9, 15, 16, 17, 100, 4096, 4099], InstructionSet.available)
    func exponentiateIsSoftmax(_ count: Int, _ set: InstructionSet) {
        let wide = uniform(count, in: -1e4...1e4, seed: 3)
        var peak = [Float](repeating: -3, count: count)
        peak[count / 2] = 5e3
        for scores in [
            uniform(count, seed: 1), uniform(count, in: -60...60, seed: 2), wide, peak,
            [Float](repeating: -1e30, count: count), [Float](repeating: .leastNormalMagnitude / 100, count: count),
        ] {
            var powers = scores
            let sum = exponentiate(&powers, set)
            let maximum = Double(scores.max() ?? 0)
            // The difference to the maximum is rounded, and an error there is a relative one of its power; the power
            // itself has 2 units, and each of the partial sums up to count/8 + 8 roundings. Below −87 there is 1.7e-38.
            let excess = zip(powers, zip(scores, softmax(scores))).map { power, reference in
                let distance = min(maximum - Double(reference.0), 100)
                let tolerance = (distance + 8 + Double(count) / 8) * roundoff * reference.1 + 1.7e-38
                return abs(Double(power) / Double(sum) - reference.1) - tolerance
            }
            #expect(excess.allSatisfy { $0 <= 0 })
        }
    }

    /// Otherwise weights that are not finite could give an embedding that is.
    @Test(arguments: InstructionSet.available, [Float.nan, .infinity])
    func exponentiateKeepsWhatIsNotFinite(_ set: InstructionSet, _ value: Float) {
        for count in [16, 19] {
            for place in 0..<count {
                var scores = uniform(count, seed: 4)
                scores[place] = value
                #expect(exponentiate(&scores, set).isNaN)
            }
            var scores = [Float](repeating: .nan, count: count)
            #expect(exponentiate(&scores, set).isNaN)
        }
    }

    @Test(arguments: InstructionSet.available)
    func exponentiateOfNothing(_ set: InstructionSet) {
        #expect(Kernels(set).exponentiate(nil, 0, 0) == 0)
        #expect(Kernels(set).maximum(nil, 0) == -.infinity)
    }

    /// Powers of the scores less the largest, in place, and their sum.
    private func exponentiate(_ scores: inout [Float], _ set: InstructionSet) -> Float {
        let kernels = Kernels(set)
        let maximum = kernels.maximum(scores, scores.count)
        if !scores.contains(where: \.isNaN) { #expect(maximum == scores.max()) }
        return kernels.exponentiate(&scores, scores.count, maximum)
    }

    // MARK: GELU

    /// As documented: 3e-7 relative from 0 up, 6e-8 absolute below, for the vectors, the tails and the plain one.
    @Test(arguments: [1, 7, 8, 9, 23, 24, 35], InstructionSet.available)
    func geluIsWithinItsTolerance(_ count: Int, _ set: InstructionSet) {
        let special: [Float] = [
            0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, 1e-20, -1e-20, 13.2, -13.2,
            14, -14, 1e3, -1e3, 1e10, -1e10, 3e10, -3e10, 1e20, -1e20, .greatestFiniteMagnitude,
            -.greatestFiniteMagnitude,
        ]
        let values = special + stride(from: Float(-20), through: 20, by: 0.001) + uniform(1000, in: -3...3, seed: 5)
        var worst = 0.0
        for start in stride(from: 0, to: values.count, by: count) {
            let x = Array(values[start..<min(start + count, values.count)])
            var y = x
            Kernels(set).gelu(&y, y.count)
            for (x, results) in zip(x, zip(y, x.map { gelu($0) })) {
                let exact = exactGELU(Double(x))
                for result in [results.0, results.1] {
                    worst.raise(to: abs(Double(result) - exact) / (x >= 0 ? max(3e-7 * exact, 1e-44) : 6e-8))
                }
            }
        }
        #expect(worst <= 1)
    }

    @Test(arguments: InstructionSet.available)
    func geluKeepsWhatIsNotFinite(_ set: InstructionSet) {
        var values: [Float] = [.nan, .infinity, -.infinity, 1, 2, 3, 4, 5]
        Kernels(set).gelu(&values, values.count)
        #expect(values.map(\.isFinite) == [false, false, false, true, true, true, true, true])
    }

    /// One more element than a tile of 16384, in a strided view.
    @Test func geluOfTensors() {
        let x = uniform([2, 16385], in: -5...5, seed: 6).permuted(1, 0)
        let result = gelu(x)
        #expect(result.shape == x.shape)
        #expect(zip(result.values, x.values).allSatisfy { abs(Double($0) - exactGELU(Double($1))) <= 5 * 3e-7 })
    }

    // MARK: Outer sum

    @Test(
        arguments: [(0, 3), (1, 1), (3, 14), (14, 14), (2, 16), (5, 17), (8, 64), (3, 33)], InstructionSet.available)
    func outerSumIsItsDefinition(_ size: (rows: Int, columns: Int), _ set: InstructionSet) {
        let (rows, columns) = size
        let (x, y) = (uniform(max(rows, 1), seed: 13), uniform(columns + 15, seed: 14))
        var sums = [Float](repeating: 7, count: rows * columns + 40)
        Kernels(set).outerSum(x, rows, y, columns, &sums)
        #expect((0..<rows * columns).allSatisfy { sums[$0] == x[$0 / columns] + y[$0 % columns] })
        #expect(sums[(rows * columns + 15)...].allSatisfy { $0 == 7 }, "written further than 15 beyond")
    }

    // MARK: Layer norm

    /// With sums over 16 lanes and tails, over one row to more than two tiles of 64.
    @Test(arguments: [1, 2, 15, 16, 17, 31, 48, 768, 1283], [1, 63, 64, 65, 129])
    func layerNormIsItsDefinition(_ channels: Int, _ rows: Int) {
        let (weight, bias) = (uniform([channels], in: 0.5...2, seed: 7), uniform([channels], seed: 8))
        for (range, epsilon): (ClosedRange<Float>, Float) in [
            (-1...1, 1e-6), (-1...1, 1e-5), (99...101, 1e-6), (-1e-4...1e-4, 1e-6), (-1e10...1e10, 1e-5),
            (0.1...0.1, 1e-6),
        ] {
            let x = uniform([rows, channels], in: range, seed: 9)
            expectLayerNorm(x, layerNorm(x, weight: weight, bias: bias, epsilon: epsilon), weight, bias, epsilon)
            for set in InstructionSet.available where rows == 1 {
                let row = Tensor(shape: x.shape) {
                    Kernels(set).normalise(x.base, $0, channels, weight.base, bias.base, epsilon)
                }
                expectLayerNorm(x, row, weight, bias, epsilon)
            }
        }
    }

    @Test func layerNormOfStridedViews() {
        let x = uniform([6, 5, 4], seed: 10)
        let weight = uniform([6, 2], seed: 11).selecting(axis: 1, 1)
        let (view, bias) = (x.permuted(1, 2, 0), uniform([6], seed: 12))
        expectLayerNorm(view, layerNorm(view, weight: weight, bias: bias, epsilon: 1e-6), weight, bias, 1e-6)
        #expect(
            layerNorm(
                x.sliced(axis: 0, 0..<0).permuted(0, 2, 1), weight: uniform([5], seed: 1), bias: uniform([5], seed: 2),
                epsilon: 1
            ).shape == [0, 4, 5])
    }

    private func expectLayerNorm(
        _ x: Tensor, _ result: Tensor, _ weight: Tensor, _ bias: Tensor, _ epsilon: Float,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(result.shape == x.shape, sourceLocation: sourceLocation)
        let (values, results, channels) = (x.values, result.values, weight.count)
        var worst = -Double.infinity
        for start in stride(from: 0, to: values.count, by: channels) {
            let row = values[start..<start + channels].map(Double.init)
            let mean = row.reduce(0, +) / Double(channels)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
            let deviation = (variance + Double(epsilon)).squareRoot()
            // What the mean is off by, and what a difference to it loses, in deviations; a sum of n in eight parts or
            // more rounds n/8 + 16 times at most. Then a handful of operations on the result.
            let sumError = Double(channels) / 8 + 20
            let largest = row.map(abs).max() ?? 0
            for channel in 0..<channels {
                let normal = (row[channel] - mean) / deviation
                let (weight, bias) = (Double(weight[channel]), Double(bias[channel]))
                let tolerance =
                    roundoff * sumError * (largest / deviation * abs(weight) + 2 * abs(normal * weight) + abs(bias))
                worst.raise(to: abs(Double(results[start + channel]) - (normal * weight + bias)) - tolerance)
            }
        }
        #expect(worst <= 0, sourceLocation: sourceLocation)
    }
}
