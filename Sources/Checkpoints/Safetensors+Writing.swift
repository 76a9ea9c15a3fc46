import Foundation
import SafeFiles
import Tensors

/// What a tensor of a file to be written holds.
public enum TensorContents: Sendable {
    /// A tensor, its elements rounded to `dataType`.
    case tensor(Tensor, DataType)
    /// The elements to write, in the order of the axes.
    case bytes([UInt8], DataType, shape: [Int])

    var dataType: DataType {
        switch self {
        case .tensor(_, let dataType), .bytes(_, let dataType, _): dataType
        }
    }

    var shape: [Int] {
        switch self {
        case .tensor(let tensor, _): tensor.shape
        case .bytes(_, _, let shape): shape
        }
    }
}

/// Writes a safetensors file, whole or not at all; the same contents give the same bytes.
///
/// Tensors are read from `contents` one at a time, so that a model may be converted that is larger than the memory.
///
/// - Parameters:
///   - names: the tensors; they are written in the order of their names.
///   - contents: what the tensor of a name holds; called twice for each.
/// - Throws: ``FileError`` `cannotCreate` and `inputOutput`.
public func writeSafetensors(
    _ path: String, names: some Sequence<String>, metadata: [String: String] = [:],
    contents: (String) -> TensorContents
) throws {
    let names = names.sorted()
    var header: [String: HeaderEntry] = [:]
    var end = 0
    for name in names {
        let tensor = contents(name)
        guard let size = byteCount(of: tensor.shape, tensor.dataType) else {
            preconditionFailure("tensor \(name) of shape \(tensor.shape) overflows")
        }
        header[name] = HeaderEntry(
            dtype: tensor.dataType.rawValue, shape: tensor.shape, dataOffsets: [end, end + size])
        end += size
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var json = String(decoding: try encoder.encode(header), as: UTF8.self)
    if !metadata.isEmpty {
        let entry = String(decoding: try encoder.encode(["__metadata__": metadata]), as: UTF8.self)
        json = "\(entry.dropLast())\(header.isEmpty ? "" : ",")\(json.dropFirst())"
    }
    // Elements begin at a multiple of 64, a cache line, so that mapped float32 needs no copy.
    json += String(repeating: " ", count: (64 - (8 + json.utf8.count) % 64) % 64)

    try writeAtomically(path) { temporary in
        let descriptor = try openTemporary(temporary, for: path)
        defer { close(descriptor) }
        let length = withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Data($0) }
        try append(length + Data(json.utf8), to: descriptor, for: path)
        for name in names { try append(encoded(contents(name)), to: descriptor, for: path) }
    }
}

/// A tensor's entry in the header.
private struct HeaderEntry: Encodable {
    var dtype: String
    var shape: [Int]
    var dataOffsets: [Int]

    enum CodingKeys: String, CodingKey {
        case dtype, shape
        case dataOffsets = "data_offsets"
    }
}

private func encoded(_ contents: TensorContents) -> Data {
    switch contents {
    case .bytes(let bytes, _, _): return Data(bytes)
    case .tensor(let tensor, .float32): return tensor.values.withUnsafeBytes { Data($0) }
    case .tensor(let tensor, .float16):
        return tensor.values.map { Float16($0).bitPattern }.withUnsafeBytes { Data($0) }
    case .tensor(let tensor, .bfloat16):
        return tensor.values.map(bfloat16).withUnsafeBytes { Data($0) }
    case .tensor(_, let dataType): preconditionFailure("tensors are not written as \(dataType)")
    }
}
