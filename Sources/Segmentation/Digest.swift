import Crypto
import Foundation
import SafeFiles

/// The SHA-256 of a file's bytes as 64 hexadecimal digits, read in pieces of 4 MiB.
///
/// - Throws: ``FileError`` `missingInput`, `inputOutput`.
public func sha256(ofFile path: String) throws(FileError) -> String {
    _ = try fileSize(path)
    guard let handle = FileHandle(forReadingAtPath: path) else {
        throw FileError(.missingInput, file: path, systemMessage(errno))
    }
    var digest = SHA256()
    do {
        while let piece = try handle.read(upToCount: 4 << 20), !piece.isEmpty { digest.update(data: piece) }
    } catch {
        throw FileError(.inputOutput, file: path, "cannot be read", found: error.localizedDescription)
    }
    return hexadecimal(digest.finalize())
}

/// The SHA-256 of some files as one: of what `sha256sum NAME…` prints for their names in order, a line
/// `DIGEST  NAME` each, so that a person can check it in a shell.
///
/// - Throws: ``FileError`` as for each file.
public func sha256(ofFiles paths: [String]) throws(FileError) -> String {
    var listing = ""
    for path in paths.sorted() {
        listing += "\(try sha256(ofFile: path))  \(URL(filePath: path).lastPathComponent)\n"
    }
    return hexadecimal(SHA256.hash(data: Data(listing.utf8)))
}

private func hexadecimal(_ digest: SHA256Digest) -> String {
    digest.map { byte in
        let text = String(byte, radix: 16)
        return byte < 16 ? "0" + text : text
    }.joined()
}
