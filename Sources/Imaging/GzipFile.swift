import CNIfTI
import Foundation
import SafeFiles

/// A file read through zlib, compressed with gzip or not.
struct GzipReader: ~Copyable {
    private let handle: gzFile
    /// The file as it stands on the disk.
    let file: InputFile

    /// Opens a file that is compressed or not, whichever it is.
    init(_ path: String) throws(FileError) {
        let file = try InputFile(path)
        // zlib closes its own descriptor; both read on from one place.
        let descriptor = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 3)
        guard descriptor >= 0, let handle = gzdopen(descriptor, "rb") else {
            throw FileError(.inputOutput, file: path, "cannot be opened", found: systemMessage(errno))
        }
        gzbuffer(handle, 1 << 18)
        self.handle = handle
        self.file = file
    }

    deinit { gzclose(handle) }

    /// Whether the file is compressed.
    var isCompressed: Bool { gzdirect(handle) == 0 }

    /// The next bytes, at most `count`, fewer only at the end of the file.
    ///
    /// - Throws: ``FileError`` `badData` where the compressed data is damaged or cut short, `inputOutput` where
    ///   the disk fails.
    func read(_ count: Int) throws(FileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let received = gzread(handle, &bytes, UInt32(count))
        var code: Int32 = Z_OK
        let message = gzerror(handle, &code)
        if code == Z_ERRNO { throw FileError(.inputOutput, file: file.path, systemMessage(errno)) }
        guard received >= 0, code == Z_OK || code == Z_STREAM_END else {
            let found = message.map { String(cString: $0) }?.split(separator: ": ").last.map(String.init)
            throw FileError(
                .badData, file: file.path, "the compressed data is damaged or cut short", found: found,
                advice: "Copy the file again.")
        }
        bytes.removeSubrange(Int(received)...)
        return bytes
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
