import Foundation

/// A regular file that is open for reading, and what the system said of it when it was opened.
///
/// A file is opened once and asked by its descriptor, so that what is checked is what is read.
public struct InputFile: ~Copyable, Sendable {
    /// The path as the person gave it.
    public let path: String
    public let descriptor: Int32
    /// In bytes.
    public let size: Int
    private let modified: timespec

    /// - Throws: ``FileError`` `missingInput` where it is not there, is not a regular file or may not be read.
    public init(_ path: String) throws(FileError) {
        // Without waiting for the other end of a pipe.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            let advice = errno == EACCES ? "Check its permissions." : "Check the path."
            throw FileError(.missingInput, file: path, systemMessage(errno), advice: advice)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe"
            throw FileError(.missingInput, file: path, "not a file", expected: "a regular file", found: found)
        }
        self.path = path
        (size, modified) = (Int(status.st_size), status.st_mtim)
    }

    deinit { close(descriptor) }

    /// The bytes at a place, at most `count`; none at the end.
    ///
    /// - Throws: ``FileError`` `inputOutput`.
    public func read(at offset: Int, count: Int) throws(FileError) -> Data {
        var bytes = Data(count: count)
        var received: Int
        repeat {
            received = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
        } while received < 0 && errno == EINTR
        guard received >= 0 else {
            throw FileError(.inputOutput, file: path, "cannot be read", found: systemMessage(errno))
        }
        return bytes.prefix(received)
    }

    /// All its bytes.
    ///
    /// - Throws: ``FileError`` `badData` where the file changes meanwhile, `inputOutput`.
    public func bytes() throws(FileError) -> Data {
        var data = Data()
        while data.count < size {
            let piece = try read(at: data.count, count: size - data.count)
            if piece.isEmpty { break }
            data += piece
        }
        try finish()
        return data
    }

    /// Throws `badData` where the file was written to since it was opened.
    public func requireUnchanged() throws(FileError) {
        var status = stat()
        let isSame =
            fstat(descriptor, &status) == 0 && status.st_size == size && status.st_mtim.tv_sec == modified.tv_sec
            && status.st_mtim.tv_nsec == modified.tv_nsec
        guard isSame else { throw FileError(.badData, file: path, "changed while it was used", advice: "Run again.") }
    }

    /// Says that all that is used of the file has been read: shows it to the observer, and checks that it is unchanged.
    ///
    /// - Throws: ``FileError`` `badData`, `inputOutput`.
    public func finish() throws(FileError) {
        try InputFile.observer?(self)
        try requireUnchanged()
    }

    /// What is shown each file that a task has read.
    public typealias Observer = @Sendable (borrowing InputFile) throws(FileError) -> Void

    @TaskLocal private static var observer: Observer?

    /// Runs `body` and shows `observer` each file that it reads whole, while the file is still open: what a manifest
    /// records must be what was read, not what is there later.
    public static func observing<Result>(
        by observer: @escaping Observer, _ body: () throws(FileError) -> Result
    ) throws(FileError) -> Result {
        try $observer.withValue(observer) { Swift.Result(catching: body) }.get()
    }
}

/// Reads a whole file.
///
/// - Throws: ``FileError`` `missingInput` where the file is not there, is a folder or may not be read,
///   `badData` where it is longer than `limit` or changes meanwhile, `inputOutput` where reading fails midway.
public func readFile(_ path: String, limit: Limit) throws(FileError) -> Data {
    let file = try InputFile(path)
    try limit.check(file.size, of: path)
    return try file.bytes()
}

/// Reads standard input to its end.
///
/// - Throws: ``FileError`` `badData` where it is longer than `limit`, `inputOutput`.
public func readStandardInput(limit: Limit) throws(FileError) -> Data {
    let name = "standard input"
    var (data, piece) = (Data(), [UInt8](repeating: 0, count: 1 << 16))
    while true {
        let count = read(STDIN_FILENO, &piece, piece.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else {
            throw FileError(.inputOutput, file: name, "cannot be read", found: systemMessage(errno))
        }
        if count == 0 { return data }
        data += piece[..<count]
        try limit.check(data.count, of: name)
    }
}

/// The size in bytes of a regular file that can be read.
///
/// - Throws: ``FileError`` `missingInput` where it is not there, is not a regular file or may not be read.
public func fileSize(_ path: String) throws(FileError) -> Int {
    try InputFile(path).size
}

/// What the system calls the error `code`, such as "No such file or directory".
public func systemMessage(_ code: Int32) -> String {
    String(cString: strerror(code))
}
