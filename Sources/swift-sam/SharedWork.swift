import ArgumentParser
import Foundation
import Imaging
import SafeFiles
import Segmentation

/// How several processes share the volumes of a study, and what they say of it.
struct SharedWorkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Do one of several parts of all volumes: every 8th from the 3rd on. slurm/8 takes the number from the job array.",
            valueName: "3/8"),
        transform: parsePart)
    var part: Part?

    @Flag(help: "Leave out volumes that another process with --claim works on: any number of them share one list.")
    var claim = false

    @Option(help: ArgumentHelp("Add a line of JSON for each volume that was come to.", valueName: "runs.jsonl"))
    var log: String?
}

/// The cases of a part, or all.
func chosen<Case>(_ all: [Case], by part: Part?) throws(FileError) -> [Case] {
    guard let part else { return all }
    return try part(all, environment: ProcessInfo.processInfo.environment)
}

func parsePart(_ text: String) throws -> Part {
    guard let part = Part(text) else {
        throw ValidationError("\"\(text)\" is no part: 1/8 to 8/8 are those of eight, or slurm/8 in a job array.")
    }
    return part
}

/// The volumes of a run: one that fails stops no other, and the end lists them.
struct SharedWork {
    private let log: RunLog?
    private let claims: Bool
    /// Whether there is one volume, whose error is the command's.
    private let isAlone: Bool
    private var errors: [(path: String, error: FileError)] = []
    private var claimed: [String] = []

    init(log: String? = nil, claims: Bool = false, isAlone: Bool) {
        (self.log, self.claims, self.isAlone) = (log.map(RunLog.init), claims, isAlone)
    }

    /// Does something about a volume, and keeps what it fails by.
    ///
    /// - Parameters:
    ///   - labels: the labels to claim first, where claims were asked for.
    ///   - body: receives the claim, and gives the outcome for the log, nil where there was nothing to do.
    mutating func attempt(
        _ volume: VolumeFile, slices: Int = 0, claiming labels: String? = nil,
        _ body: (VolumeClaim?) async throws -> RunLog.Outcome?
    ) async throws {
        let start = RunLog.Start()
        func add(_ outcome: RunLog.Outcome, _ error: FileError? = nil) {
            printWarnings(log?.add(outcome, of: volume.name, slices: slices, since: start, error: error) ?? [])
        }
        do {
            var claim: VolumeClaim?
            if claims, let labels {
                claim = try VolumeClaim.take(labels: labels)
                if claim == nil {
                    claimed.append(volume.path)
                    return
                }
            }
            defer { if let labels { claim?.release(labels: labels) } }
            if let outcome = try await body(claim) { add(outcome) }
        } catch let error as FileError {
            add(.failed, error)
            if isAlone { throw error }
            printError("error: \(error)")
            errors.append((volume.path, error))
        } catch let error as Interrupted {
            add(.interrupted)
            throw error
        }
    }

    /// What each volume that failed failed by, by its path.
    var failures: [String: String] { Dictionary(errors.map { ($0.path, $0.error.description) }) { first, _ in first } }

    /// Says what other processes work on, and throws what failed.
    ///
    /// - Parameter verb: what was to be done to volumes.
    func finish(_ argument: String, _ verb: String = "labelled") throws(FileError) {
        if !claimed.isEmpty { printNote("claimed by other processes: \(listed(claimed, most: 20))") }
        guard let first = errors.first?.error else { return }
        throw FileError(
            first.kind, file: argument, "volumes that could not be \(verb)",
            found: "\(errors.count): \(listed(errors.map(\.path), most: 20))")
    }
}
