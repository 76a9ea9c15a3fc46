import Foundation
import SafeFiles
import Tensors

/// Reads a tensor of floats from a `.npy` file (NumPy's format, versions 1 to 3: `numpy/lib/format.py`).
///
/// - Throws: ``FileError`` `missingInput`, and `badData` for a file that is not one, is cut short, or holds another
///   type than little-endian float32 or float64.
public func readNumpy(_ path: String) throws(FileError) -> Tensor {
    let file = try MappedFile(path)
    func bad(_ what: String, expected: String? = nil, found: String? = nil) -> FileError {
        FileError(.badData, file: path, place: "npy header", what, expected: expected, found: found)
    }
    guard file.count >= 12, file[0..<6] == [0x93] + Array("NUMPY".utf8), (1...3).contains(file[6..<7][0]) else {
        throw bad("not a .npy file")
    }
    let isShort = file[6..<7][0] == 1
    let start = isShort ? 10 : 12
    let length =
        isShort
        ? file.integer(at: 8, as: UInt16.self).map(Int.init) : file.integer(at: 8, as: UInt32.self).map(Int.init)
    guard let length, length <= 1 << 16, start + length <= file.count else { throw bad("cut short") }
    let header = String(decoding: file[start..<start + length], as: UTF8.self)

    // The header is padded with spaces.
    let shown = header.trimmingCharacters(in: .whitespacesAndNewlines)

    func value(of key: String) -> Substring? {
        header.range(of: "'\(key)':").map { header[$0.upperBound...].drop { $0 == " " } }
    }
    let types = ["'<f4'": DataType.float32, "'<f8'": DataType.float64]
    guard let dataType = types.first(where: { value(of: "descr")?.hasPrefix($0.key) == true })?.value else {
        throw bad("type", expected: "float32 or float64, little-endian", found: shown)
    }
    guard value(of: "fortran_order")?.hasPrefix("False") == true else {
        throw bad("order of the axes", expected: "C order", found: shown)
    }
    let parts = value(of: "shape")?.dropFirst().prefix { $0 != ")" }.split(separator: ",")
    let shape = parts?.map { Int($0.trimmingCharacters(in: .whitespaces)) ?? -1 } ?? [-1]
    let begin = start + length
    guard shape.allSatisfy({ $0 >= 0 }), byteCount(of: shape, dataType) == file.count - begin else {
        throw bad("data of another size than its shape", expected: "\(shape)", found: "\(file.count - begin) bytes")
    }
    let elements = stride(from: begin, to: file.count, by: dataType.size)
    let values =
        dataType == .float32
        ? elements.map { file.integer(at: $0, as: UInt32.self).map { Float(bitPattern: $0) } ?? 0 }
        : elements.map { file.integer(at: $0, as: UInt64.self).map { Float(Double(bitPattern: $0)) } ?? 0 }
    return Tensor(values, shape: shape)
}
