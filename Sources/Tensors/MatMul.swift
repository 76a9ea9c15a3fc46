import COpenBLAS
import Foundation

/// A matrix somewhere in memory: `rows` rows of `columns` floats, one every `stride`.
package struct Matrix<Pointer> {
    package var base: Pointer
    package var rows: Int
    package var columns: Int
    package var stride: Int

    package init(_ base: Pointer, rows: Int, columns: Int, stride: Int) {
        self.base = base
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }
}

extension Matrix where Pointer: Strideable, Pointer.Stride == Int {
    /// Some rows and columns, where they are.
    package subscript(rows: Range<Int>, columns: Range<Int>) -> Matrix {
        Matrix(
            base.advanced(by: rows.lowerBound * stride + columns.lowerBound), rows: rows.count, columns: columns.count,
            stride: stride)
    }
}

package typealias ConstMatrix = Matrix<UnsafePointer<Float>>
package typealias MutableMatrix = Matrix<UnsafeMutablePointer<Float>>

extension MutableMatrix {
    package var readOnly: ConstMatrix {
        ConstMatrix(UnsafePointer(base), rows: rows, columns: columns, stride: stride)
    }
}

/// `product = left · right` on the calling thread, with `right` transposed where asked.
///
/// The one place that calls the BLAS. It runs on the calling thread alone (``Computation``): tasks of ``parallelFor(_:_:)``
/// call it side by side, which keeps OpenBLAS's threads from competing with the pool's and the split of the work fixed.
///
/// Products of up to ``fewRows`` rows are summed in chunks of 64 terms: the decoder's few tokens decide everything
/// that follows, and one running sum over 2048 channels or 4096 keys would cost them half of their accuracy.
package func matmul(
    _ left: ConstMatrix, _ right: ConstMatrix, transposed: Bool, into product: MutableMatrix
) {
    let inner = left.columns
    precondition(
        product.rows == left.rows && inner == (transposed ? right.columns : right.rows)
            && product.columns == (transposed ? right.rows : right.columns),
        "matmul \(left.rows)×\(left.columns) by \(right.rows)×\(right.columns) into \(product.rows)×\(product.columns)")
    guard product.rows > 0, product.columns > 0 else { return }
    guard inner > 0 else {  // The BLAS refuses rows of no elements.
        for row in 0..<product.rows {
            (product.base + row * product.stride).update(repeating: 0, count: product.columns)
        }
        return
    }
    let chunk = product.rows <= fewRows ? termChunk : inner
    Computation.scope {
        for start in stride(from: 0, to: inner, by: chunk) {
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans,
                blasint(product.rows), blasint(product.columns), blasint(min(chunk, inner - start)),
                1, left.base + start, blasint(left.stride),
                right.base + (transposed ? start : start * right.stride), blasint(right.stride),
                start == 0 ? 0 : 1, product.base, blasint(product.stride))
        }
    }
}

/// The most rows of a product that count as few; see ``matmul(_:_:transposed:into:)``.
let fewRows = 64

/// The terms that a product of few rows adds up before it begins another sum.
private let termChunk = 64

/// What OpenBLAS's own product of 4096×1280 by 1280×5120 reaches on ``Threads/count`` threads, in floating-point
/// operations a second, the best of five after one to warm up: what nobody's products are much faster than.
public func blasRate() -> Double {
    let (rows, inner, columns) = (4096, 1280, 5120)
    let (left, right) = (
        Tensor(repeating: 0.5, shape: [rows, inner]), Tensor(repeating: 0.5, shape: [inner, columns])
    )
    let product = Storage(count: rows * columns)
    return Computation.scope {
        openblas_set_num_threads(blasint(Threads.count))
        let seconds = (0...5).map { _ in
            let start = ContinuousClock.now
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(inner), 1,
                left.base, blasint(inner), right.base, blasint(columns), 0, product.base, blasint(columns))
            return start.duration(to: .now) / .seconds(1)
        }
        openblas_set_num_threads(1)
        return 2 * Double(rows * inner * columns) / (seconds.dropFirst().min() ?? 1)
    }
}

/// The processor that OpenBLAS chose its kernels for, such as "Zen".
public func blasCore() -> String {
    String(cString: openblas_get_corename())
}

/// OpenBLAS's version and how it was built, such as "OpenBLAS 0.3.29 NO_LAPACKE DYNAMIC_ARCH Zen".
public func blasConfiguration() -> String {
    String(cString: openblas_get_config()).trimmingCharacters(in: .whitespaces)
}
