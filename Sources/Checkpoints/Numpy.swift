import Foundation
import SafeFiles
import Tensors

private let numpySignature = [0x93] + Array("NUMPY".utf8)

func isNumpy(_ slice: FileSlice) -> Bool { slice.bytes(first: numpySignature.count) == numpySignature }

/// Reads the header of an array in NumPy's format (`numpy/lib/format.py`, versions 1 to 3), of which the data follow.
///
/// - Parameter name: what errors call the file.
/// - Throws: ``FileError`` `badData` where it is none, is cut short, or holds another type than little-endian floats, integers
///   and truth values.
func readNumpyHeader(_ slice: FileSlice, name: String) throws(FileError) -> Checkpoint.Entry {
    func bad(_ what: String, expected: String? = nil, found: String? = nil) -> FileError {
        FileError(.badData, file: name, place: "npy header", what, expected: expected, found: found)
    }
    let bytes = slice.bytes(first: 12)
    guard bytes.count >= 12, bytes.starts(with: numpySignature), (1...3).contains(bytes[6]) else {
        throw bad("not a .npy file")
    }
    // Version 1 has 16 bits of length, the others 32.
    let start = bytes[6] == 1 ? 10 : 12
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= 1 << 16, start + length <= slice.range.count else { throw bad("cut short") }
    let header = String(decoding: slice.bytes(first: start + length).dropFirst(start), as: UTF8.self)

    // The header is padded with spaces.
    let shown = header.trimmingCharacters(in: .whitespacesAndNewlines)

    func value(of key: String) -> Substring? {
        header.range(of: "'\(key)':").map { header[$0.upperBound...].drop { $0 == " " } }
    }
    guard let dataType = numpyTypes.first(where: { value(of: "descr")?.hasPrefix("'\($0.key)'") == true })?.value else {
        throw bad("type", expected: "floats, integers or truth values, little-endian", found: shown)
    }
    let order = value(of: "fortran_order")
    guard let isFortran = order?.hasPrefix("True"), isFortran || order?.hasPrefix("False") == true else {
        throw bad("order of the axes", expected: "True or False", found: shown)
    }
    let parts = value(of: "shape")?.dropFirst().prefix { $0 != ")" }.split(separator: ",")
    let shape = parts?.map { Int($0.trimmingCharacters(in: .whitespaces)) ?? -1 } ?? [-1]
    let data = slice.range.lowerBound + start + length..<slice.range.upperBound
    guard shape.count <= 16, shape.allSatisfy({ $0 >= 0 }), byteCount(of: shape, dataType) == data.count else {
        throw bad("data of another size than its shape", expected: "\(shape)", found: "\(data.count) bytes")
    }
    // In Fortran's order the first axis is contiguous.
    let layout =
        isFortran ? Layout(shape: shape.reversed()).permuted(Array(shape.indices.reversed())) : Layout(shape: shape)
    return Checkpoint.Entry(dataType: dataType, layout: layout, file: slice.file, bytes: data)
}

/// Reads the arrays that `numpy.savez` or `savez_compressed` wrote: a zip of `NAME.npy`.
func readNumpyArchive(_ archive: ZipArchive) throws(FileError) -> TensorsOfFile {
    var result = TensorsOfFile()
    for member in archive.members.keys.sorted() where member.hasSuffix(".npy") {
        guard let contents = try archive.contents(of: member) else { continue }
        let name = String(member.dropLast(".npy".count))
        result.entries[name] = try readNumpyHeader(contents, name: "\(archive.file.path), \(member)")
    }
    return result
}

/// The element types by NumPy's names.
private let numpyTypes: [String: DataType] = [
    "<f2": .float16, "<f4": .float32, "<f8": .float64, "|b1": .bool, "|i1": .int8, "|u1": .uint8, "<i2": .int16,
    "<u2": .uint16, "<i4": .int32, "<u4": .uint32, "<i8": .int64, "<u8": .uint64,
]

/// Writes a tensor as `.npy`, version 1, float32, C order, whole or not at all.
///
/// - Throws: ``FileError`` `cannotCreate` and `inputOutput`.
public func writeNumpy(_ path: String, _ tensor: Tensor) throws {
    let shape = tensor.shape.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape)), }"
    // As NumPy pads it: data begin at a multiple of 64, and the header ends with a line feed.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    let length = withUnsafeBytes(of: UInt16(header.utf8.count).littleEndian) { Array($0) }
    var data = Data(numpySignature + [1, 0] + length + Array(header.utf8))
    tensor.values.withUnsafeBytes { data.append(contentsOf: $0) }
    try writeAtomically(path, data)
}

extension FileSlice {
    /// A copy of the first bytes, fewer where there are not so many.
    fileprivate func bytes(first count: Int) -> [UInt8] {
        file[range.lowerBound..<range.lowerBound + min(count, range.count)]
    }
}
