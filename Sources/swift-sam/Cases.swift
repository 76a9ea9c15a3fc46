import Foundation
import Imaging
import SafeFiles

/// One volume of a run.
struct Case {
    /// What stands for `{case}` in the names of its files.
    var name: String
    var volume: String
}

/// The volumes that a path names, in the order of the names: a file; all NIfTI files of a folder; or those of a
/// pattern such as `ct/{case}/ct.nii.gz`, where `{case}` is the same text in all places, without a slash.
///
/// A file's case is its name without `.nii.gz`.
///
/// - Throws: ``FileError`` `missingInput` where there is no such volume.
func cases(_ path: String) throws(FileError) -> [Case] {
    let found: [Case]
    if path.contains(casePlace) {
        found = matches(path)
    } else if let names = try? FileManager.default.contentsOfDirectory(atPath: path) {
        let volumes = names.filter { ($0.hasSuffix(".nii") || $0.hasSuffix(".nii.gz")) && !$0.hasPrefix(".") }
        found = volumes.map { Case(name: withoutVolumeExtension($0), volume: "\(path)/\($0)") }
    } else {
        _ = try fileSize(path)
        guard withoutVolumeExtension(path) != path else {
            throw FileError(.badData, file: path, "not a NIfTI volume by its name", expected: ".nii or .nii.gz")
        }
        return [Case(name: withoutVolumeExtension(URL(filePath: path).lastPathComponent), volume: path)]
    }
    let sorted = found.sorted { $0.name < $1.name }
    guard !sorted.isEmpty else {
        throw FileError(
            .missingInput, file: path, "no volumes", expected: ".nii or .nii.gz files", advice: "Check the path.")
    }
    for (one, next) in zip(sorted, sorted.dropFirst()) where one.name == next.name {
        throw FileError(.badData, file: next.volume, "a second volume of this name", found: "also \(one.volume)")
    }
    return sorted
}

/// What stands in patterns for the name of a case.
let casePlace = "{case}"

/// A path with a case's name in its place.
func path(_ pattern: String, ofCase name: String) -> String { pattern.replacing(casePlace, with: name) }

/// The files of a pattern: the first part of the path that holds `{case}` says which cases there are.
private func matches(_ pattern: String) -> [Case] {
    let parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
    guard let place = parts.firstIndex(where: { $0.contains(casePlace) }) else { return [] }
    let literals = parts[place].split(separator: casePlace, omittingEmptySubsequences: false)
    let folder = place == 0 ? "." : parts[..<place].joined(separator: "/") + "/"
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return entries.compactMap { entry in
        let length = (entry.count - literals.reduce(0) { $0 + $1.count }) / (literals.count - 1)
        let name = entry.dropFirst(literals[0].count).prefix(max(length, 0))
        guard !name.isEmpty, entry == parts[place].replacing(casePlace, with: name) else { return nil }
        let volume = path(pattern, ofCase: String(name))
        return FileManager.default.fileExists(atPath: volume) ? Case(name: String(name), volume: volume) : nil
    }
}
