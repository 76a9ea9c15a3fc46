import COpenBLAS

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

package typealias ConstMatrix = Matrix<UnsafePointer<Float>>
package typealias MutableMatrix = Matrix<UnsafeMutablePointer<Float>>

extension MutableMatrix {
    package var readOnly: ConstMatrix {
        ConstMatrix(UnsafePointer(base), rows: rows, columns: columns, stride: stride)
    }
}

/// `product = left · right + beta · product` on the calling thread, with `right` transposed where asked.
///
/// The one place that calls the BLAS. It runs on the calling thread alone: tasks of ``parallelFor(_:_:)`` call it
/// side by side, which keeps OpenBLAS's threads from fighting with Dispatch's and the split of the work fixed.
package func matmul(
    _ left: ConstMatrix, _ right: ConstMatrix, transposed: Bool, adding beta: Float = 0, into product: MutableMatrix
) {
    let inner = left.columns
    precondition(
        product.rows == left.rows && inner == (transposed ? right.columns : right.rows)
            && product.columns == (transposed ? right.rows : right.columns),
        "matmul \(left.rows)×\(left.columns) by \(right.rows)×\(right.columns) into \(product.rows)×\(product.columns)")
    guard product.rows > 0, product.columns > 0 else { return }
    precondition(inner > 0 || beta == 0, "an empty product added")
    guard inner > 0 else {  // The BLAS refuses rows of no elements.
        for row in 0..<product.rows {
            (product.base + row * product.stride).update(repeating: 0, count: product.columns)
        }
        return
    }
    _ = blasIsSingleThreaded
    cblas_sgemm(
        CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans,
        blasint(product.rows), blasint(product.columns), blasint(inner),
        1, left.base, blasint(left.stride), right.base, blasint(right.stride),
        beta, product.base, blasint(product.stride))
}

private let blasIsSingleThreaded: Void = openblas_set_num_threads(1)

/// The processor that OpenBLAS chose its kernels for, such as "Zen".
public func blasCore() -> String {
    String(cString: openblas_get_corename())
}
