import Foundation
import SafeFiles

/// The lines of a text file, ended by line feeds, carriage returns or both.
func lines(of path: String) throws(FileError) -> [Substring] {
    // One character in Swift: the two that Windows ends its lines with.
    try text(of: path).split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
}

/// The contents of a text file, without the mark that some editors begin it with.
func text(of path: String) throws(FileError) -> String {
    let data = try readFile(path, limit: .text)
    guard let text = String(validating: data, as: UTF8.self) else {
        throw FileError(.badData, file: path, "not text", expected: "UTF-8", advice: "Save it as UTF-8.")
    }
    return text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
}
