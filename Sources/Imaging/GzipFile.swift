import CNIfTI
import Foundation
import SafeFiles

/// A file's bytes, inflated where it is compressed with gzip (RFC 1952).
///
/// Members may follow each other. Each is compared with its checksum and its length, wherever the file ends: zlib's own
/// `gzread` takes a file that ends before them for a whole one. What follows the last member is left out, as gzip does.
struct GzipReader: ~Copyable {
    /// The file as it is on the disk.
    let file: InputFile
    /// Where zlib keeps its state, whose address must stay; nil where the file is not compressed.
    private let stream: UnsafeMutablePointer<z_stream>?
    /// Compressed bytes that were read and not inflated yet.
    private var input: [UInt8] = []
    /// Where the next bytes of the file are.
    private var offset = 0
    /// Whether a member has ended, and the next has not begun.
    private var isBetweenMembers = true

    private static let signature: [UInt8] = [0x1F, 0x8B]
    private static let chunk = 1 << 18

    /// Opens a file that is compressed or not, whichever it is.
    init(_ path: String) throws(FileError) {
        let file = try InputFile(path)
        guard try file.read(at: 0, count: 2).elementsEqual(Self.signature) else {
            self.file = file
            stream = nil
            return
        }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let gzipAlone = MAX_WBITS + 16
        guard inflateInit2_(stream, gzipAlone, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            stream.deallocate()
            throw FileError(.inputOutput, file: path, "not enough memory to inflate it")
        }
        self.file = file
        self.stream = stream
    }

    deinit {
        guard let stream else { return }
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Whether the file is compressed.
    var isCompressed: Bool { stream != nil }

    /// The next bytes, at most `count`, fewer only at the end of the file.
    ///
    /// - Throws: ``FileError`` `badData` where the compressed data is damaged or cut short, `inputOutput` where
    ///   the disk fails.
    mutating func read(_ count: Int) throws(FileError) -> [UInt8] {
        guard let stream else { return try nextOfFile(count) }
        var bytes = [UInt8](repeating: 0, count: count)
        var made = 0
        while made < count {
            if isBetweenMembers {
                guard try beginMember(stream) else { break }
            }
            made += try continueMember(stream, into: &bytes, from: made)
        }
        bytes.removeSubrange(made...)
        return bytes
    }

    /// The next bytes of the file itself.
    private mutating func nextOfFile(_ count: Int) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try file.read(at: offset, count: count - bytes.count)
            if more.isEmpty { break }
            offset += more.count
            bytes += more
        }
        return bytes
    }

    /// Whether another member follows.
    private mutating func beginMember(_ stream: UnsafeMutablePointer<z_stream>) throws(FileError) -> Bool {
        if input.count < Self.signature.count { input += try nextOfFile(Self.chunk) }
        guard input.starts(with: Self.signature) else { return false }
        inflateReset(stream)
        isBetweenMembers = false
        return true
    }

    /// Inflates some of a member; gives how many bytes were made.
    private mutating func continueMember(
        _ stream: UnsafeMutablePointer<z_stream>, into bytes: inout [UInt8], from start: Int
    ) throws(FileError) -> Int {
        if input.isEmpty { input = try nextOfFile(Self.chunk) }
        let status = input.withUnsafeMutableBufferPointer { source in
            bytes.withUnsafeMutableBufferPointer { target in
                (stream.pointee.next_in, stream.pointee.avail_in) = (source.baseAddress, UInt32(source.count))
                stream.pointee.next_out = target.baseAddress.map { $0 + start }
                stream.pointee.avail_out = UInt32(target.count - start)
                return inflate(stream, Z_NO_FLUSH)
            }
        }
        input.removeFirst(input.count - Int(stream.pointee.avail_in))
        switch status {
        case Z_STREAM_END: isBetweenMembers = true
        case Z_OK: break
        default:
            // Without input and room for output, which there is, zlib cannot go on.
            let message = stream.pointee.msg.map { String(cString: $0) }
            throw FileError(
                .badData, file: file.path, "the compressed data is damaged or cut short",
                found: status == Z_BUF_ERROR ? "an end without checksum and length" : message,
                advice: "Copy the file again.")
        }
        return bytes.count - start - Int(stream.pointee.avail_out)
    }
}

/// A file written through zlib. What is written holds no name and no time.
struct GzipWriter: ~Copyable {
    private var handle: gzFile?
    /// The name that errors give.
    private let file: String

    /// Writes to the temporary file `path`, of which errors speak as `file`.
    init(_ path: String, for file: String, compressed: Bool) throws(FileError) {
        let descriptor = try openTemporary(path, for: file)
        guard let handle = gzdopen(descriptor, compressed ? "wb6" : "wbT") else {
            throw FileError(.cannotCreate, file: file, systemMessage(errno))
        }
        gzbuffer(handle, 1 << 18)
        self.handle = handle
        self.file = file
    }

    deinit { gzclose(handle) }

    /// Writes bytes, of which some may wait until ``close()``.
    func write(_ bytes: [UInt8]) throws(FileError) {
        guard bytes.isEmpty || gzwrite(handle, bytes, UInt32(bytes.count)) == bytes.count else {
            throw FileError(.inputOutput, file: file, "cannot be written", found: systemMessage(errno))
        }
    }

    /// Writes what waits; without it a failure on the last bytes would go unnoticed.
    consuming func close() throws(FileError) {
        let code = gzclose(handle)
        handle = nil
        guard code == Z_OK else {
            throw FileError(.inputOutput, file: file, "cannot be written", found: systemMessage(errno))
        }
    }
}
