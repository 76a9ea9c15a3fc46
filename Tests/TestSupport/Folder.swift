// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation

/// A temporary folder of one test, removed with its last reference.
package final class Folder: Sendable {
    package let path: String
    // A folder of its own around it: commands look for a `slices.json` beside the folder too, where others' may lie.
    private let surroundings: String

    package init() {
        let temporary = FileManager.default.temporaryDirectory
        surroundings = temporary.appending(path: "swift-sam-\(UUID())").path(percentEncoded: false)
        path = surroundings + "/test"
        try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: surroundings)
    }

    /// The path of a file in the folder, whether it exists or not.
    package func file(_ name: String) -> String { "\(path)/\(name)" }

    /// The names of what is in the folder.
    package var names: Set<String> { Set(try! FileManager.default.contentsOfDirectory(atPath: path)) }

    /// Writes a text, makes the folders that the name begins with, and returns the path.
    @discardableResult
    package func write(_ name: String, _ text: String) -> String { write(name, text.utf8) }

    /// Writes bytes, makes the folders that the name begins with, and returns the path.
    @discardableResult
    package func write(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
        if let slash = name.lastIndex(of: "/") {
            try! FileManager.default.createDirectory(
                atPath: file(String(name[..<slash])), withIntermediateDirectories: true)
        }
        // Foundation's writing waits for the disk, which takes a minute for thousands of files.
        let stream = fopen(file(name), "w")!
        let written = Data(bytes).withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, stream) == $0.count }
        precondition(written && fclose(stream) == 0, "\(name) cannot be written")
        return file(name)
    }
}
