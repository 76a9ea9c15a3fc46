import CNIfTI
import Foundation
import ImageFrames
import SafeFiles

extension Volume {
    /// Reads a NIfTI-1 or NIfTI-2 volume in one file, compressed with gzip or not.
    ///
    /// The voxels are integers or floating point of any size and byte order; a value is
    /// slope · stored + intercept, computed in double precision and kept in single, where the slope is neither
    /// 0 nor infinite nor NaN, and else what is stored. Voxels that are NaN stay so, and those beyond single
    /// precision become infinite. Dimensions beyond the third must be 1. Nothing is allocated that the file's length does not justify.
    ///
    /// Warnings are the ``Geometry/warnings(file:)``.
    ///
    /// - Throws: ``FileError`` `missingInput` where there is no such file, `badData` where it is not such a
    ///   volume, is cut short or damaged, or does not say where its voxels are, `inputOutput` where the disk
    ///   fails.
    public init(contentsOf path: String) throws(FileError) {
        var file = try GzipReader(path)
        let start = try file.read(NIfTIHeader.longest)
        let (header, geometry) = try NIfTIHeader.read(start, file: path)
        try requireMemory(for: geometry.size, stored: geometry.size.count * header.bytesPerVoxel, file.file.size, path)
        var reader = VoxelReader(file: file, start: start, header: header)
        try reader.skipToVoxels()
        let values = try reader.read(count: geometry.size.count)
        self.init(
            file: path, geometry: geometry, values: values, warnings: geometry.warnings(file: path))
    }
}

extension Geometry {
    /// Reads where a volume's voxels are, and none of them.
    ///
    /// - Throws: ``FileError`` as ``Volume/init(contentsOf:)``, but for what is wrong with the voxels.
    public init(ofVolume path: String) throws(FileError) {
        var file = try GzipReader(path)
        self = try NIfTIHeader.read(try file.read(NIfTIHeader.longest), file: path).1
    }
}

/// Refuses a volume that is really there and is beyond the bound or this machine; one that its header only claims is cut
/// short, which reading reports.
private func requireMemory(for size: VolumeSize, stored: Int, _ fileSize: Int, _ path: String) throws(FileError) {
    // Deflate makes at most 1032 bytes of one.
    guard stored / 1032 <= fileSize else { return }
    try checkVoxels(size.count, of: path, fileSize: fileSize)
    let memory = ProcessInfo.processInfo.physicalMemory
    guard UInt64(size.count) > memory / 4 else { return }
    throw FileError(
        .badData, file: path, place: "dim", "too large for this machine",
        expected: "4 bytes a voxel within \(memory >> 30) GiB of memory", found: "\(size) voxels")
}

private func checkVoxels(_ count: Int, of path: String, fileSize: Int) throws(FileError) {
    try Limit.voxels.check(
        4 * count, of: path, place: "dim", "too many voxels for so short a file", factor: 16, fileSize: fileSize)
}

// MARK: Voxels

/// Reads voxels in chunks, so that memory is taken only for data that really arrives.
private struct VoxelReader: ~Copyable {
    var file: GzipReader
    /// Bytes read and not used yet: what followed the header.
    var start: [UInt8]
    let header: NIfTIHeader

    private var path: String { file.file.path }

    /// Whole voxels of any type.
    private static let chunk = 1 << 20

    mutating func skipToVoxels() throws(FileError) {
        try Limit.besideVoxels.check(header.voxelOffset, of: path, place: "vox_offset", "too much before the voxels")
        var left = header.voxelOffset
        while left > 0 {
            let bytes = try next(min(left, Self.chunk))
            guard !bytes.isEmpty else {
                throw cutShort(expected: "\(header.voxelOffset) bytes before the voxels")
            }
            left -= bytes.count
        }
    }

    mutating func read(count: Int) throws(FileError) -> [Float] {
        var values: [Float] = []
        // Volumes seldom shrink to less than a hundredth: what is larger has to grow as it arrives.
        values.reserveCapacity(min(count, 100 * file.file.size / header.bytesPerVoxel))
        var left = count * header.bytesPerVoxel
        while left > 0 {
            var bytes = try next(min(left, Self.chunk))
            while bytes.count % header.bytesPerVoxel != 0 {
                let more = try next(header.bytesPerVoxel - bytes.count % header.bytesPerVoxel)
                if more.isEmpty { break }
                bytes += more
            }
            guard !bytes.isEmpty, bytes.count % header.bytesPerVoxel == 0 else {
                throw cutShort(expected: "\(count) voxels of \(header.bytesPerVoxel) bytes")
            }
            left -= bytes.count
            if header.isSwapped, header.bytesPerVoxel > 1 {
                let count = bytes.count / header.bytesPerVoxel
                nifti_swap_Nbytes(Int64(count), Int32(header.bytesPerVoxel), &bytes)
            }
            append(bytes, to: &values)
            // Also where the header claims more than can come.
            try checkVoxels(values.count, of: path, fileSize: file.file.size)
        }
        // Only at its end does gzip compare its checksum.
        var rest = 0
        while case let bytes = try next(Self.chunk), !bytes.isEmpty {
            rest += bytes.count
            try Limit.besideVoxels.check(rest, of: path, "too much after the voxels")
        }
        try file.file.finish()
        return values
    }

    private mutating func next(_ count: Int) throws(FileError) -> [UInt8] {
        if start.isEmpty { return try file.read(count) }
        let bytes = Array(start.prefix(count))
        start.removeFirst(bytes.count)
        return bytes
    }

    private func append(_ bytes: [UInt8], to values: inout [Float]) {
        switch header.datatype {
        case DT_UINT8: append(bytes, to: &values) { (stored: UInt8) in Double(stored) }
        case DT_INT8: append(bytes, to: &values) { (stored: Int8) in Double(stored) }
        case DT_UINT16: append(bytes, to: &values) { (stored: UInt16) in Double(stored) }
        case DT_INT16: append(bytes, to: &values) { (stored: Int16) in Double(stored) }
        case DT_UINT32: append(bytes, to: &values) { (stored: UInt32) in Double(stored) }
        case DT_INT32: append(bytes, to: &values) { (stored: Int32) in Double(stored) }
        case DT_UINT64: append(bytes, to: &values) { (stored: UInt64) in Double(stored) }
        case DT_INT64: append(bytes, to: &values) { (stored: Int64) in Double(stored) }
        case DT_FLOAT32: append(bytes, to: &values) { (stored: Float) in Double(stored) }
        case DT_FLOAT64: append(bytes, to: &values) { (stored: Double) in stored }
        default: preconditionFailure("type \(header.datatype) passed the header's checks")
        }
    }

    @inline(__always)
    private func append<Stored: BitwiseCopyable>(
        _ bytes: [UInt8], to values: inout [Float], asDouble: (Stored) -> Double
    ) {
        bytes.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: bytes.count, by: MemoryLayout<Stored>.size) {
                let stored = bytes.loadUnaligned(fromByteOffset: offset, as: Stored.self)
                values.append(Float(asDouble(stored) * header.slope + header.intercept))
            }
        }
    }

    private func cutShort(expected: String) -> FileError {
        FileError(
            .badData, file: path, "the volume is cut short", expected: expected, found: "fewer",
            advice: "Copy the file again.")
    }
}
