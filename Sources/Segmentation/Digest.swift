import Crypto
import Foundation
import SafeFiles
import SegmentAnything
import Synchronization

/// The SHA-256 of a file's bytes as 64 hexadecimal digits, read in pieces of 4 MiB.
///
/// - Throws: ``FileError`` `missingInput`, `inputOutput`; `badData` where the file changes meanwhile.
public func sha256(ofFile path: String) throws(FileError) -> String {
    let file = try InputFile(path)
    let digest = try sha256(of: file)
    try file.requireUnchanged()
    return digest
}

/// The same of a file that is open, whatever has become of its path.
///
/// - Throws: ``FileError`` `inputOutput`.
public func sha256(of file: borrowing InputFile) throws(FileError) -> String {
    var (digest, offset) = (SHA256(), 0)
    while case let piece = try file.read(at: offset, count: min(4 << 20, max(file.size - offset, 1))), !piece.isEmpty {
        digest.update(data: piece)
        offset += piece.count
    }
    return hexadecimal(digest.finalize())
}

/// The SHA-256 of files as they were read.
public final class ReadDigests: Sendable {
    private let digests = Mutex<[String: String]>([:])

    public init() {}

    /// Runs `body` and keeps the digest of every file that it reads whole.
    ///
    /// - Throws: what `body` throws, and ``FileError`` where a file cannot be read to its end, or changes meanwhile.
    public func recording<Result>(_ body: () throws(FileError) -> Result) throws(FileError) -> Result {
        try InputFile.observing(
            by: { file throws(FileError) in
                let (path, digest) = (file.path, try sha256(of: file))
                self.digests.withLock { $0[path] = digest }
            }, body)
    }

    /// Whether a file was read whole.
    public func contains(_ path: String) -> Bool { digests.withLock { $0[path] != nil } }

    /// The digest of a file.
    ///
    /// - Precondition: it was read.
    public subscript(path: String) -> String {
        guard let digest = digests.withLock({ $0[path] }) else { preconditionFailure("\(path) was not read") }
        return digest
    }

    /// The digest of some files as one: of what `sha256sum NAME…` prints for their names in order, a line `DIGEST  NAME`
    /// each, so that a person can check it in a shell.
    ///
    /// - Precondition: they were read.
    public func ofAll(_ paths: [String]) -> String {
        sha256(ofDigests: paths.map { ($0, self[$0]) })
    }
}

extension ModelFile {
    /// Which of the official weights these are, if they are of another kind than is meant; nil for all others.
    ///
    /// The digest is computed only where the size is one of theirs: what is used as it is meant opens at once.
    ///
    /// - Throws: ``FileError`` as ``sha256()``.
    public func knownWeights(otherThan kind: String) throws(FileError) -> KnownWeights? {
        let others = KnownWeights.all.filter { $0.kind != kind }
        return try KnownWeights.recognised(among: others, size: checkpoint.size) { () throws(FileError) in
            try sha256()
        }
    }

    /// The SHA-256 of the file as it is open, or of shards as one: see ``ReadDigests/ofAll(_:)``.
    ///
    /// - Throws: ``FileError`` `inputOutput`.
    public func sha256() throws(FileError) -> String {
        var digests: [(path: String, digest: String)] = []
        try checkpoint.forEachFile { file throws(FileError) in
            digests.append((file.path, try Segmentation.sha256(of: file)))
        }
        return digests.count == 1 ? digests[0].digest : Segmentation.sha256(ofDigests: digests)
    }
}

/// The SHA-256 of what `sha256sum` prints for some files in the order of their paths.
private func sha256(ofDigests digests: [(path: String, digest: String)]) -> String {
    let lines = digests.sorted { $0.path < $1.path }.map {
        "\($0.digest)  \(URL(filePath: $0.path).lastPathComponent)\n"
    }
    return hexadecimal(SHA256.hash(data: Data(lines.joined().utf8)))
}

func hexadecimal(_ digest: SHA256Digest) -> String {
    digest.map { byte in
        let text = String(byte, radix: 16)
        return byte < 16 ? "0" + text : text
    }.joined()
}
