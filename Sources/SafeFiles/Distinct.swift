import Foundation

/// Throws `usage` where an output is also an input, or where two outputs are one file.
///
/// Each command calls this with everything that it reads and writes, before it computes anything. Files are the same by
/// device and inode, so also through links, `./`, or letters of another case where the file system does not tell them
/// apart; those that are not there yet by their folder and their name.
public func requireDistinct(reads: [String], writes: [String]) throws(FileError) {
    var outputs: [FileIdentity: String] = [:]
    for path in writes {
        if let other = outputs.updateValue(path, forKey: FileIdentity(destination(of: path))) {
            throw FileError(
                .usage, file: path, "two outputs would be one file", found: "also \(other)",
                advice: "Choose another place for one.")
        }
    }
    for path in reads {
        guard let output = outputs[FileIdentity(URL(filePath: path))] else { continue }
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

/// What two paths of one file have in common.
private struct FileIdentity: Hashable {
    /// Of the file, or of the nearest folder on its path that is there.
    private var device: UInt64 = 0
    private var inode: UInt64 = 0
    /// The names that are not there yet, the last first.
    private var missing: [String] = []

    init(_ url: URL) {
        var (status, place) = (stat(), url)
        while stat(place.path(percentEncoded: false), &status) != 0, place.pathComponents.count > 1 {
            missing.append(place.lastPathComponent)
            place.deleteLastPathComponent()
        }
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}
