import Foundation

/// Throws `usage` where an output is also an input, or where two outputs are one file.
///
/// Each command calls this with everything that it reads and writes, before it computes anything. Files are the same by
/// device and inode, so also through links, `./`, or letters of another case where the file system does not distinguish
/// them. Those that are not there yet are the same by their folder and their name; names that differ in the case of
/// letters, or in how accents are composed, are tried out in the folder.
///
/// - Throws: ``FileError`` `usage`; `cannotCreate` where an output's links lead nowhere that may be written.
public func requireDistinct(reads: [String], writes: [String]) throws(FileError) {
    var outputs: [FileIdentity: [(path: String, identity: FileIdentity)]] = [:]
    for path in writes {
        let identity = FileIdentity(try destination(of: path))
        if let other = outputs[identity]?.first(where: { identity.isOne(with: $0.identity) }) {
            throw FileError(
                .usage, file: path, "two outputs would be one file", found: "also \(other.path)",
                advice: "Choose another place for one.")
        }
        outputs[identity, default: []].append((path, identity))
    }
    for path in reads {
        let identity = FileIdentity(path)
        guard identity.isThere, let output = outputs[identity]?.first?.path else { continue }
        throw FileError(
            .usage, file: output, "would replace an input", found: path, advice: "Choose another place.")
    }
}

/// ``requireDistinct(reads:writes:)``, and ``requireWritable(_:)`` of each output, whose folder is made where it is missing.
public func requireOutputs(_ writes: [String], besides reads: [String]) throws(FileError) {
    try requireDistinct(reads: reads, writes: writes)
    for path in writes {
        try makeFolder(folder(of: path))
        try requireWritable(path)
    }
}

/// What two paths of one file have in common; equal where they may be one.
private struct FileIdentity: Hashable {
    /// Of the file, or of the nearest folder on its path that is there.
    private var device: UInt64 = 0
    private var inode: UInt64 = 0
    /// The names that are not there yet, the last first, folded as file systems do that take names for the same.
    private var folded: [String] = []
    /// The same as they are, and the folder that they are to be in.
    private var names: [[UInt8]] = []
    private var folder: String

    static func == (one: FileIdentity, other: FileIdentity) -> Bool {
        (one.device, one.inode) == (other.device, other.inode) && one.folded == other.folded
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(device)
        hasher.combine(inode)
        hasher.combine(folded)
    }

    init(_ path: String) {
        var (status, place) = (stat(), URL(filePath: path))
        while stat(place.path(percentEncoded: false), &status) != 0, place.pathComponents.count > 1 {
            let name = place.lastPathComponent
            names.append(Array(name.utf8))
            folded.append(name.lowercased().decomposedStringWithCanonicalMapping)
            place.deleteLastPathComponent()
        }
        folder = place.path(percentEncoded: false)
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    var isThere: Bool { names.isEmpty }

    /// Whether two that are equal are one file indeed.
    func isOne(with other: FileIdentity) -> Bool { names == other.names || takesNamesForTheSame(folder) }
}

/// Whether a folder's file system takes names for the same that differ in the case of letters or in how accents are
/// composed, by trying it out; where nothing can be made there, nothing of that kind can be said.
private func takesNamesForTheSame(_ folder: String) -> Bool {
    let name = ".\(UUID().uuidString)-e\u{301}a"
    let place = folder.hasSuffix("/") ? folder : folder + "/"
    let descriptor = open(place + name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    close(descriptor)
    defer { unlink(place + name) }
    var status = stat()
    return [name.lowercased(), name.precomposedStringWithCanonicalMapping].contains { stat(place + $0, &status) == 0 }
}
