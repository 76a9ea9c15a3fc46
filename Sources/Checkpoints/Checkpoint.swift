import Foundation
import SafeFiles
import Tensors

/// A file of named tensors: safetensors, or `.pth` as PyTorch's `torch.save` writes a state dict.
///
/// Opening maps the file and reads its header only. ``tensor(_:)`` is a view of the mapping where the file holds
/// aligned float32, else a converted copy.
public struct Checkpoint: Sendable {
    /// Where a tensor's elements are, and of what type.
    public struct Entry: Sendable, Equatable {
        public let dataType: DataType
        /// Positions in elements from the start of `bytes`.
        public let layout: Layout
        /// The bytes of the file that hold the tensor's storage.
        public let bytes: Range<Int>

        public var shape: [Int] { layout.shape }

        /// The bytes from the tensor's first element to its last: a storage may hold many tensors.
        var elementBytes: Range<Int> {
            let (range, size) = (layout.storageRange, dataType.size)
            return bytes.lowerBound + range.lowerBound * size..<bytes.lowerBound + range.upperBound * size
        }
    }

    public let path: String
    public let entries: [String: Entry]
    /// The `__metadata__` of a safetensors file; empty for `.pth`.
    public let metadata: [String: String]
    private let file: MappedFile

    /// Opens a file. Its first bytes decide what it is, not its name.
    ///
    /// - Throws: ``FileError``: `missingInput`, `inputOutput`, and `badData` for each way in which the file
    ///   breaks its format.
    public init(path: String) throws(FileError) {
        let file = try MappedFile(path)
        self.path = path
        self.file = file
        if ZipArchive.isZip(file) {
            entries = try readStateDict(file)
            metadata = [:]
        } else {
            (entries, metadata) = try readSafetensorsHeader(file)
        }
    }

    /// The file itself, open as long as the checkpoint lives.
    public func withFile<Result>(_ body: (borrowing InputFile) throws(FileError) -> Result) throws(FileError) -> Result
    {
        try body(file.file)
    }

    /// The size of the file in bytes.
    public var size: Int { file.count }

    /// The tensor of a name in single precision; integers too are converted, exactly up to 2²⁴.
    ///
    /// - Precondition: the file has a tensor of that name.
    public func tensor(_ name: String) -> Tensor {
        guard let entry = entries[name] else { preconditionFailure("no tensor \(name) in \(path)") }
        return Tensor(storage: floats(of: entry), layout: entry.layout.rebased)
    }

    /// The elements of a tensor in double precision, in the order of its axes.
    ///
    /// - Precondition: the file has a tensor of that name.
    public func doubles(_ name: String) -> [Double] {
        guard let entry = entries[name], entry.dataType == .float64, entry.layout.isContiguous else {
            return tensor(name).values.map(Double.init)
        }
        let bytes = file.slice(entry.elementBytes)
        return (0..<entry.layout.count).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }

    /// The bytes of a tensor as the file holds them, in the order of its axes.
    ///
    /// - Precondition: the file has a tensor of that name, and it is dense (as all of safetensors are).
    public func bytes(_ name: String) -> [UInt8] {
        guard let entry = entries[name], entry.layout.isContiguous else {
            preconditionFailure("no dense tensor \(name) in \(path)")
        }
        return file[entry.elementBytes]
    }

    private func floats(of entry: Entry) -> Storage {
        let bytes = file.slice(entry.elementBytes)
        if entry.dataType == .float32, !bytes.isEmpty, UInt(bitPattern: bytes.baseAddress) % 4 == 0 {
            return Storage(borrowing: bytes, owner: file)
        }
        let result = Storage(count: entry.layout.storageRange.count)
        switch entry.dataType {
        case .float64: convert(bytes, into: result, from: Double.self) { Float($0) }
        case .float32: convert(bytes, into: result, from: Float.self) { $0 }
        case .float16: convert(bytes, into: result, from: UInt16.self) { float(float16: $0) }
        case .bfloat16: convert(bytes, into: result, from: UInt16.self) { float(bfloat16: $0) }
        case .int64: convert(bytes, into: result, from: Int64.self) { Float($0) }
        case .int32: convert(bytes, into: result, from: Int32.self) { Float($0) }
        case .int16: convert(bytes, into: result, from: Int16.self) { Float($0) }
        case .int8: convert(bytes, into: result, from: Int8.self) { Float($0) }
        case .uint64: convert(bytes, into: result, from: UInt64.self) { Float($0) }
        case .uint32: convert(bytes, into: result, from: UInt32.self) { Float($0) }
        case .uint16: convert(bytes, into: result, from: UInt16.self) { Float($0) }
        case .uint8: convert(bytes, into: result, from: UInt8.self) { Float($0) }
        case .bool: convert(bytes, into: result, from: UInt8.self) { $0 == 0 ? 0 : 1 }
        }
        return result
    }
}

private func convert<Element: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, into result: Storage, from type: Element.Type,
    _ float: (Element) -> Float
) {
    let size = MemoryLayout<Element>.size
    for index in 0..<result.count {
        result.base[index] = float(bytes.loadUnaligned(fromByteOffset: index * size, as: type))
    }
}
