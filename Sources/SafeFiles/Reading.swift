import Foundation

/// Reads a whole file, at most `limit` bytes of it.
///
/// - Throws: ``FileError`` `missingInput` where the file is not there, is a folder or may not be read,
///   `badData` where it is longer than `limit`, `inputOutput` where reading fails midway.
public func readFile(_ path: String, limit: Int) throws(FileError) -> Data {
    let size = try fileSize(path)
    guard size <= limit else {
        throw FileError(
            .badData, file: path, "too large for what it should be", expected: "at most \(limit) bytes",
            found: "\(size) bytes")
    }
    do {
        return try Data(contentsOf: URL(filePath: path))
    } catch {
        throw FileError(.inputOutput, file: path, "cannot be read", found: error.localizedDescription)
    }
}

/// The size in bytes of a regular file that can be read.
///
/// - Throws: ``FileError`` `missingInput` where it is not there, is not a regular file or may not be read.
public func fileSize(_ path: String) throws(FileError) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else {
        throw FileError(.missingInput, file: path, systemMessage(errno), advice: "Check the path.")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
        let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe"
        throw FileError(.missingInput, file: path, "not a file", expected: "a regular file", found: found)
    }
    guard access(path, R_OK) == 0 else {
        throw FileError(.missingInput, file: path, systemMessage(errno), advice: "Check its permissions.")
    }
    return Int(status.st_size)
}

/// What the system calls the error `code`, such as "No such file or directory".
public func systemMessage(_ code: Int32) -> String {
    String(cString: strerror(code))
}
