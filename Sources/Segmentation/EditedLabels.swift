import Foundation
import Imaging
import SafeFiles

/// Throws `cannotCreate` where writing labels would lose what is not swift-sam's own: labels that a person may have edited, whose
/// SHA-256 is not the one in the `labels.json` beside them or is not recorded there; or, where there are no labels, a `labels.json`
/// that records none, such as dcm2niix's. Throws `badData` and `inputOutput` where there are labels and a JSON that cannot be read.
public func requireUnedited(labels path: String) throws(FileError) {
    guard FileManager.default.fileExists(atPath: path) else {
        let record = LabelsRecord.path(besideLabels: path)
        guard (try? LabelsRecord(besideLabels: path))?.sha256 == nil, FileManager.default.fileExists(atPath: record)
        else { return }
        throw FileError(
            .cannotCreate, file: record, "not written by swift-sam, and the record of the labels would replace it",
            advice: "Give the labels another name with -o, or --replace-edited to give this file up.")
    }
    let recorded: String?
    do throws(FileError) { recorded = try LabelsRecord(besideLabels: path)?.sha256 } catch {
        var error = error
        error.advice = "Put back what segment wrote, or compute all anew with --force --replace-edited."
        throw error
    }
    guard let found = try? sha256(ofFile: path), found != recorded else { return }
    throw FileError(
        .cannotCreate, file: path,
        recorded == nil ? "not known to be written by swift-sam" : "edited since swift-sam wrote it",
        expected: recorded.map { "the SHA-256 \($0.prefix(12))…" }
            ?? "a SHA-256 in \(LabelsRecord.path(besideLabels: path))",
        found: recorded == nil ? nil : "\(found.prefix(12))…",
        advice: "Choose another place with -o, or --replace-edited to give up what was edited.")
}

/// Whether something looks as if ``recoverInterrupted(labels:outputs:)`` had to end it: where files are locked for each machine by
/// itself, another machine may be writing it.
public func hasInterrupted(labels path: String, outputs: [String]) -> Bool {
    ([LabelsRecord.path(besideLabels: path), path] + outputs).contains { !abandonedTemporaries(of: $0).isEmpty }
}

/// Ends what a process began that was killed while it wrote labels: where the labels had their name and their manifest did not
/// yet, it gets it; what else was left half written goes.
///
/// - Parameter outputs: the paths of the other files that are written with the labels.
public func recoverInterrupted(labels path: String, outputs: [String]) {
    let manifest = LabelsRecord.path(besideLabels: path)
    for temporary in abandonedTemporaries(of: manifest) {
        let written = (try? readFile(temporary, limit: .record))
            .flatMap { try? JSONDecoder().decode(Manifest.self, from: $0) }?.output?.sha256
        if let written, written == (try? sha256(ofFile: path)), rename(temporary, manifest) == 0 { continue }
        unlink(temporary)
    }
    for temporary in ([path] + outputs).flatMap(abandonedTemporaries) { unlink(temporary) }
}
