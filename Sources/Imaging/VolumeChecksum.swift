import CNIfTI
import Foundation
import SafeFiles

/// The CRC-32 of a volume's file without its compression, as 8 hexadecimal digits: it tells patients apart whose volumes have one
/// name and size, and stays where a file is compressed in another way.
///
/// gzip keeps it eight bytes before the end (RFC 1952, section 2.3.1), so that no more is read of such a file.
///
/// - Throws: ``FileError`` `missingInput`, `inputOutput`.
public func checksum(ofVolume path: String) throws(FileError) -> String {
    let file = try InputFile(path)
    if file.size >= 18, try file.read(at: 0, count: 2) == Data([0x1F, 0x8B]) {
        return try file.read(at: file.size - 8, count: 4).reversed().map { String(format: "%02x", $0) }.joined()
    }
    var (checksum, offset) = (crc32(0, nil, 0), 0)
    while offset < file.size {
        let piece = try file.read(at: offset, count: min(4 << 20, file.size - offset))
        guard !piece.isEmpty else { break }
        checksum = piece.withUnsafeBytes { bytes in
            crc32(checksum, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(bytes.count))
        }
        offset += piece.count
    }
    return String(format: "%08lx", checksum)
}
