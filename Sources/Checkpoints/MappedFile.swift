import Foundation
import SafeFiles

/// A file's bytes, mapped read-only: nothing is read before it is used, and the system may drop it again.
///
/// Where the file shrinks while it is mapped, touching what is gone ends the process by SIGBUS.
final class MappedFile: @unchecked Sendable {
    let file: InputFile
    private let bytes: UnsafeRawBufferPointer

    /// - Throws: ``FileError`` `missingInput`, `badData` for an empty file, `inputOutput`.
    init(_ path: String) throws(FileError) {
        file = try InputFile(path)
        guard file.size > 0 else { throw FileError(.badData, file: path, "the file is empty") }
        guard let address = mmap(nil, file.size, PROT_READ, MAP_PRIVATE, file.descriptor, 0), address != MAP_FAILED
        else { throw FileError(.inputOutput, file: path, "cannot be mapped", found: systemMessage(errno)) }
        bytes = UnsafeRawBufferPointer(start: address, count: file.size)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }

    var path: String { file.path }

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

    /// The bytes themselves, valid while the file lives.
    ///
    /// - Precondition: the range lies within the file.
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[range])
    }
}
