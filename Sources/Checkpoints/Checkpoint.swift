import Foundation
import SafeFiles
import Tensors

/// Named tensors of a file or of several: safetensors, `.pth` as PyTorch's `torch.save` writes it, `.npy`, `.npz`, or the
/// folder or index of a model that Hugging Face's libraries saved, in one file or in shards.
///
/// Opening maps the files and reads their headers only. ``tensor(_:)`` is a view of the mapping where the file holds
/// aligned float32, else a converted copy.
public struct Checkpoint: Sendable {
    /// Where a tensor's elements are, and of what type.
    public struct Entry: Sendable {
        public let dataType: DataType
        /// Positions in elements from the start of `bytes`.
        public let layout: Layout
        let file: FileBytes
        /// The bytes of the file that hold the tensor's storage.
        let bytes: Range<Int>

        public var shape: [Int] { layout.shape }

        /// The bytes from the tensor's first element to its last: a storage may hold many tensors.
        var elementBytes: Range<Int> {
            let (range, size) = (layout.storageRange, dataType.size)
            return bytes.lowerBound + range.lowerBound * size..<bytes.lowerBound + range.upperBound * size
        }
    }

    public let path: String
    /// The files of tensors: `path`, or what it leads to.
    private let opened: [OpenFile]
    /// By name. Names in a dictionary within a `.pth` begin with its own and a slash, as in `model/weight`.
    public let entries: [String: Entry]
    /// The entries of a `.pth` that are no tensors, or none that can be read, and why.
    public let refused: [String: FileError]
    /// The `__metadata__` of safetensors; empty for other formats.
    public let metadata: [String: String]
    /// The size of the files in bytes.
    public let size: Int

    /// Opens a file or a folder. A file's first bytes decide what it is, not its name. Tensors stay in the mapped file: to replace
    /// it, rename another over it; one that is cut short in place ends the process (SIGBUS).
    ///
    /// - Throws: ``FileError``: `missingInput`, `inputOutput`, and `badData` for each way in which the file
    ///   breaks its format, for one that is something else, and for a shard that is missing or lacks a tensor.
    public init(path: String) throws(FileError) {
        let parts = try CheckpointFiles(path)
        var all = TensorsOfFile()
        var (size, opened) = (0, [OpenFile]())
        for path in parts.holdingTensors {
            let open = try OpenFile(path)
            let file = try FileBytes(open)
            opened.append(open)
            let tensors = try readTensors(file)
            if let twice = tensors.entries.keys.first(where: { all.entries[$0] != nil }) {
                throw FileError(.badData, file: path, place: twice, "the tensor is in another shard as well")
            }
            all.entries.merge(tensors.entries) { first, _ in first }
            all.refused.merge(tensors.refused) { first, _ in first }
            all.metadata.merge(tensors.metadata) { first, _ in first }
            size += file.count
        }
        if let missing = parts.expectedNames.first(where: { all.entries[$0] == nil }) {
            throw FileError(.badData, file: path, place: missing, "the tensor is in none of the shards")
        }
        self.path = path
        self.size = size
        self.opened = opened
        (entries, refused, metadata) = (all.entries, all.refused, all.metadata)
    }

    /// The number of files that hold the tensors.
    public var fileCount: Int { opened.count }

    /// Shows each file that holds tensors; they stay open as long as the checkpoint lives.
    public func forEachFile(_ body: (borrowing InputFile) throws(FileError) -> Void) throws(FileError) {
        for open in opened { try body(open.file) }
    }

    /// The tensor of a name in single precision; integers too are converted, exactly up to 2²⁴, and float64 is rounded.
    ///
    /// - Precondition: there is a tensor of that name.
    public func tensor(_ name: String) -> Tensor {
        guard let entry = entries[name] else { preconditionFailure("no tensor \(name) in \(path)") }
        return Tensor(storage: floats(of: entry), layout: entry.layout.rebased)
    }

    /// The elements of a tensor in double precision, in the order of its axes.
    ///
    /// - Precondition: there is a tensor of that name.
    public func doubles(_ name: String) -> [Double] {
        doubleReader(name)(0..<(entries[name]?.layout.count ?? 0))
    }

    /// What reads a range of a tensor's elements in double precision, in the order of its axes: a large tensor is never whole
    /// in memory.
    ///
    /// - Precondition: there is a tensor of that name.
    public func doubleReader(_ name: String) -> (_ range: Range<Int>) -> [Double] {
        guard let entry = entries[name], entry.dataType == .float64 else {
            let tensor = tensor(name).contiguous()
            return { range in tensor.withUnsafeBufferPointer { $0[range].map(Double.init) } }
        }
        let isContiguous = entry.layout.isContiguous
        let axes = Array(zip(entry.layout.shape, entry.layout.strides).reversed())
        func place(_ element: Int) -> Int {
            if isContiguous { return element }
            var (rest, place) = (element, 0)
            for (extent, stride) in axes {
                place += rest % extent * stride
                rest /= extent
            }
            return place
        }
        return { range in
            let bytes = entry.file.slice(entry.elementBytes)
            return range.map { bytes.loadUnaligned(fromByteOffset: 8 * place($0), as: Double.self) }
        }
    }

    /// Lets the system drop what was read of a tensor from memory; it is read again when it is asked for.
    public func release(_ name: String) {
        if let entry = entries[name] { entry.file.release(entry.elementBytes) }
    }

    /// The bytes of a tensor as the file holds them, in the order of its axes.
    ///
    /// - Precondition: there is a tensor of that name, and it is dense (as all of safetensors are).
    public func bytes(_ name: String) -> [UInt8] {
        guard let entry = entries[name], entry.layout.isContiguous else {
            preconditionFailure("no dense tensor \(name) in \(path)")
        }
        return entry.file[entry.elementBytes]
    }

    private func floats(of entry: Entry) -> Storage {
        let bytes = entry.file.slice(entry.elementBytes)
        if entry.dataType == .float32, !bytes.isEmpty, UInt(bitPattern: bytes.baseAddress) % 4 == 0 {
            return Storage(borrowing: bytes, owner: entry.file)
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

/// What one file holds.
struct TensorsOfFile {
    var entries: [String: Checkpoint.Entry] = [:]
    var refused: [String: FileError] = [:]
    var metadata: [String: String] = [:]
}

private func readTensors(_ file: FileBytes) throws(FileError) -> TensorsOfFile {
    if ZipArchive.isZip(file) {
        let archive = try ZipArchive(file)
        return archive.members.keys.contains { $0.hasSuffix(".npy") }
            ? try readNumpyArchive(archive) : try readStateDict(file, archive)
    }
    let whole = FileSlice(file: file, range: 0..<file.count)
    if isNumpy(whole) { return TensorsOfFile(entries: ["": try readNumpyHeader(whole, name: file.path)]) }
    return try readSafetensorsHeader(file)
}
