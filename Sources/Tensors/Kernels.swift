import CKernels
import Foundation

/// The inner loops that need the processor's own vector instructions.
///
/// Each is a C function an instruction set (`CKernels`) and, for the baseline, a Swift function in this module, which
/// is its plain definition and what tests hold the others to.
package struct Kernels: Sendable {
    /// product = left · right, or that added to it; see `sam_product`.
    typealias Multiply = @convention(c) (_ factors: sam_product) -> Void

    let multiply: Multiply
    /// The same where an element is two bfloat16.
    let multiplyBfloat16: Multiply
    /// max xᵢ; −∞ of nothing.
    package let maximum: @convention(c) (_ x: UnsafePointer<Float>?, _ count: Int) -> Float
    /// Replaces xᵢ by exp(xᵢ − maximum), and returns the sum.
    package let exponentiate:
        @convention(c) (_ x: UnsafeMutablePointer<Float>?, _ count: Int, _ maximum: Float) -> Float
    /// Replaces xᵢ by its ``gelu(_:)-(Float)``.
    package let gelu: @convention(c) (_ x: UnsafeMutablePointer<Float>?, _ count: Int) -> Void
    /// One row of ``layerNorm(_:weight:bias:epsilon:)``.
    package let normalise:
        @convention(c) (
            _ x: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>?, _ count: Int,
            _ weight: UnsafePointer<Float>?,
            _ bias: UnsafePointer<Float>?, _ epsilon: Float
        ) -> Void
    /// sums[rows, columns] = x[rows, 1] + y[columns].
    ///
    /// Up to 15 floats beyond `y` may be read, and as many beyond `sums` written.
    package let outerSum:
        @convention(c) (
            _ x: UnsafePointer<Float>?, _ rows: Int, _ y: UnsafePointer<Float>?, _ columns: Int,
            _ sums: UnsafeMutablePointer<Float>?
        ) -> Void
    /// To bfloat16, rounded to the nearest, ties to even. Numbers below 2⁻¹²⁶ may become 0, as they count in products by
    /// AVX512-BF16.
    package let narrow:
        @convention(c) (_ x: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<UInt16>?, _ count: Int) -> Void
    /// 16 rows of `count` elements to `[count, 16]`.
    package let transpose:
        @convention(c) (
            _ rows: UnsafePointer<UnsafePointer<Float>?>?, _ target: UnsafeMutablePointer<Float>?, _ count: Int
        ) -> Void

    package static let current = Kernels(.current)

    package init(_ set: InstructionSet) {
        #if arch(x86_64)
            switch set {
            case .avx512, .avx512bf16:
                multiply = sam_multiply_f32_avx512
                multiplyBfloat16 = set == .avx512 ? sam_multiply_bf16_avx512 : sam_multiply_bf16_avx512bf16
                maximum = sam_maximum_avx512
                exponentiate = sam_exponentiate_avx512
                gelu = sam_gelu_avx512
                normalise = sam_normalise_avx512
                outerSum = sam_outer_sum_avx512
                narrow = set == .avx512 ? sam_narrow_avx512 : sam_narrow_avx512bf16
                transpose = sam_transpose_avx512
                return
            case .avx2:
                multiply = sam_multiply_f32_avx2
                multiplyBfloat16 = sam_multiply_bf16_avx2
                maximum = sam_maximum_avx2
                exponentiate = sam_exponentiate_avx2
                gelu = sam_gelu_avx2
                normalise = sam_normalise_avx2
                outerSum = sam_outer_sum_avx2
                narrow = sam_narrow_avx2
                transpose = sam_transpose_avx2
                return
            case .baseline: break
            }
        #endif
        multiply = { multiplyPanels($0, dot: addProduct) }
        multiplyBfloat16 = { multiplyPanels($0, dot: addProductOfPairs) }
        maximum = { UnsafeBufferPointer(start: $0, count: $1).reduce(-.infinity) { $1 > $0 ? $1 : $0 } }
        exponentiate = { Tensors.exponentiate(UnsafeMutableBufferPointer(start: $0, count: $1), maximum: $2) }
        gelu = { baselineGELU(UnsafeMutableBufferPointer(start: $0, count: $1)) }
        normalise = { x, y, count, weight, bias, epsilon in
            guard let x, let y, let weight, let bias else { return }
            Tensors.normalise(x, y, count, weight: weight, bias: bias, epsilon: epsilon)
        }
        outerSum = { x, rows, y, columns, sums in
            guard let x, let y, let sums else { return }
            for row in 0..<rows {
                for column in 0..<columns { sums[row * columns + column] = x[row] + y[column] }
            }
        }
        narrow = { x, y, count in
            guard let x, let y else { return }
            for index in 0..<count { y[index] = bfloat16(x[index]) }
        }
        transpose = { rows, target, count in
            guard let rows, let target else { return }
            for row in 0..<Panels.width {
                guard let source = rows[row] else { continue }
                for element in 0..<count { target[element * Panels.width + row] = source[element] }
            }
        }
    }
}

// MARK: - Plain definitions

/// Bits of the bfloat16 nearest to a number, of two as near the even one; a NaN stays one.
package func bfloat16(_ x: Float) -> UInt16 {
    let bits = x.bitPattern
    if x.isNaN { return UInt16(bits >> 16 | 0x40) }
    return UInt16(truncatingIfNeeded: (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
}

private typealias Elements = SIMD16<UInt32>

private func addProduct(_ sum: SIMD16<Float>, _ a: UInt32, _ b: Elements) -> SIMD16<Float> {
    sum + Float(bitPattern: a) * unsafeBitCast(b, to: SIMD16<Float>.self)
}

private func addProductOfPairs(_ sum: SIMD16<Float>, _ a: UInt32, _ b: Elements) -> SIMD16<Float> {
    addProduct(addProduct(sum, a << 16, b &<< 16), a & 0xFFFF_0000, b & 0xFFFF_0000)
}

@inline(__always)
private func multiplyPanels(
    _ factors: sam_product, dot: (SIMD16<Float>, UInt32, Elements) -> SIMD16<Float>
) {
    let p = factors
    guard let left = p.left, let right = p.right, let product = p.product else { return }
    for panel in 0..<p.panels {
        for row in 0..<p.rows {
            var sum = SIMD16<Float>(repeating: 0)
            for position in 0..<p.inner {
                let a = left.load(fromByteOffset: 4 * (row * p.left_row + position * p.left_inner), as: UInt32.self)
                let b = right.loadUnaligned(
                    fromByteOffset: 4 * (panel * p.right_panel + position * p.right_inner), as: Elements.self)
                sum = dot(sum, a, b)
            }
            let target = UnsafeMutableRawPointer(product + row * p.product_row + panel * Panels.width)
            if p.accumulate { sum += target.loadUnaligned(as: SIMD16<Float>.self) }
            target.storeBytes(of: sum, as: SIMD16<Float>.self)
        }
    }
}
