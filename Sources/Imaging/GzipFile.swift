import CNIfTI
import Foundation
import SafeFiles

/// A file read or written through zlib, compressed with gzip or not.
struct GzipFile: ~Copyable {
    private var handle: gzFile?
    /// The name that errors give.
    private let file: String

    /// Opens a file that is compressed or not, whichever it is.
    init(reading file: String) throws(FileError) {
        guard let handle = gzopen(file, "rb") else {
            throw FileError(.missingInput, file: file, systemMessage(errno))
        }
        gzbuffer(handle, 1 << 18)
        self.handle = handle
        self.file = file
    }

    /// Whether a file that is read is compressed.
    var isCompressed: Bool { gzdirect(handle) == 0 }

    /// Makes a file at `path`, of which errors speak as `file`. What is written holds no name and no time.
    init(writing path: String, for file: String, compressed: Bool) throws(FileError) {
        guard let handle = gzopen(path, compressed ? "wb6" : "wbT") else {
            throw FileError(.cannotCreate, file: file, systemMessage(errno))
        }
        gzbuffer(handle, 1 << 18)
        self.handle = handle
        self.file = file
    }

    deinit { gzclose(handle) }

    /// The next bytes, at most `count`, fewer only at the end of the file.
    ///
    /// - Throws: ``FileError`` `badData` where the compressed data is damaged or cut short, `inputOutput` where
    ///   the disk fails.
    func read(_ count: Int) throws(FileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let received = gzread(handle, &bytes, UInt32(count))
        var code: Int32 = Z_OK
        let message = gzerror(handle, &code)
        if code == Z_ERRNO { throw FileError(.inputOutput, file: file, systemMessage(errno)) }
        guard received >= 0, code == Z_OK || code == Z_STREAM_END else {
            let found = message.map { String(cString: $0) }?.split(separator: ": ").last.map(String.init)
            throw FileError(
                .badData, file: file, "the compressed data is damaged or cut short", found: found,
                advice: "Copy the file again.")
        }
        bytes.removeSubrange(Int(received)...)
        return bytes
    }

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
