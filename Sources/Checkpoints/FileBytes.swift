import CZlib
import Foundation
import SafeFiles

/// A file that several values keep open.
final class OpenFile: Sendable {
    let file: InputFile

    /// - Throws: as ``InputFile/init(_:)``.
    init(_ path: String) throws(FileError) { file = try InputFile(path) }
}

/// A file's bytes, mapped read-only (nothing is read before it is used, and the system may drop it again), or what some of
/// them inflate to.
///
/// Where the file shrinks while it is mapped, touching what is gone ends the process by SIGBUS.
final class FileBytes: @unchecked Sendable {
    let path: String
    private let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool

    /// - Throws: ``FileError`` `badData` for an empty file, `inputOutput`.
    init(_ open: OpenFile) throws(FileError) {
        let (size, descriptor) = (open.file.size, open.file.descriptor)
        path = open.file.path
        guard size > 0 else { throw FileError(.badData, file: path, "the file is empty") }
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED
        else { throw FileError(.inputOutput, file: path, "cannot be mapped", found: systemMessage(errno)) }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
        isMapped = true
    }

    /// What a part of a file inflates to (RFC 1951, without a header), or nil where that is not `count` bytes with the
    /// CRC-32 `checksum`.
    init?(inflating source: FileSlice, to count: Int, checksum: UInt32) {
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
        path = source.file.path
        bytes = UnsafeRawBufferPointer(start: target.baseAddress, count: count)
        isMapped = false
        let isWhole = inflated(
            source.file.slice(source.range), to: UnsafeMutableRawBufferPointer(rebasing: target[..<count]))
        guard isWhole, crc(bytes) == checksum else { return nil }
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else {
            bytes.deallocate()
        }
    }

    /// The size in bytes.
    var count: Int { bytes.count }

    /// A copy of some bytes.
    subscript(_ range: Range<Int>) -> [UInt8] {
        Array(bytes[range])
    }

    /// The little-endian integer at `offset`, or nil where the file ends before it does.
    func integer<Integer: FixedWidthInteger>(at offset: Int, as type: Integer.Type) -> Integer? {
        guard offset >= 0, offset <= count - MemoryLayout<Integer>.size else { return nil }
        return Integer(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }

    /// Lets the system drop the pages of some bytes, which it reads again when they are touched.
    func release(_ range: Range<Int>) {
        let page = Int(getpagesize())
        let start = range.lowerBound / page * page
        guard isMapped, let base = bytes.baseAddress else { return }
        madvise(UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start, MADV_DONTNEED)
    }

    /// The bytes themselves, valid while the file lives.
    ///
    /// - Precondition: the range lies within the file.
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[range])
    }
}

/// A part of a file's bytes.
struct FileSlice: Sendable {
    let file: FileBytes
    let range: Range<Int>

    /// A copy.
    var bytes: [UInt8] { file[range] }
}

// MARK: - zlib

/// The most that zlib takes or gives at once: its counts have 32 bits.
private let longestStep = 1 << 30

/// Whether a source inflates to exactly the target.
private func inflated(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer) -> Bool {
    var stream = z_stream()
    let headerless = -MAX_WBITS
    guard inflateInit2_(&stream, headerless, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        return false
    }
    defer { inflateEnd(&stream) }
    var (read, written) = (0, 0)
    // One byte more than is wanted, which must stay unused, and room for the call that only finds the end.
    var surplus: UInt8 = 0
    while true {
        let (input, output) = (min(source.count - read, longestStep), min(target.count - written, longestStep))
        stream.next_in = UnsafeMutablePointer(
            mutating: source.baseAddress.map { ($0 + read).assumingMemoryBound(to: UInt8.self) })
        stream.avail_in = UInt32(input)
        let status = withUnsafeMutablePointer(to: &surplus) { spare in
            stream.next_out =
                output > 0
                ? (target.baseAddress.unsafelyUnwrapped + written).assumingMemoryBound(to: UInt8.self) : spare
            stream.avail_out = UInt32(max(output, 1))
            return inflate(&stream, Z_NO_FLUSH)
        }
        let (used, made) = (input - Int(stream.avail_in), max(output, 1) - Int(stream.avail_out))
        read += used
        written += made
        if status == Z_STREAM_END { return written == target.count }
        guard status == Z_OK, used + made > 0, written <= target.count else { return false }
    }
}

private func crc(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var checksum = crc32(0, nil, 0)
    for start in stride(from: 0, to: bytes.count, by: longestStep) {
        let piece = bytes[start..<min(start + longestStep, bytes.count)]
        checksum = crc32(
            checksum, UnsafeRawBufferPointer(rebasing: piece).bindMemory(to: UInt8.self).baseAddress,
            UInt32(piece.count))
    }
    return UInt32(checksum)
}
