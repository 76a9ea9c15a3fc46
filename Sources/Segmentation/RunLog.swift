import Foundation
import SafeFiles
import Tensors

/// A file that has a line of JSON for each volume that a run came to, and that any number of processes add to.
public struct RunLog: Sendable {
    public enum Outcome: String, Codable, Sendable {
        case done
        case failed
        case interrupted
    }

    /// What became of a volume.
    public struct Entry: Codable, Sendable {
        public var `case`: String
        public var outcome: Outcome
        /// What was wrong, where it failed.
        public var error: String?
        /// How many slices were to be encoded.
        public var slices: Int
        public var seconds: Double
        /// Of the processor, on all threads.
        public var processorSeconds: Double
        /// Of the process, up to then.
        public var peakMemoryBytes: Int
        public var host: String
        /// When the volume was begun, as ISO 8601.
        public var began: String

        /// What it failed by; nil where it did not.
        public var failure: String? { outcome == .failed ? error ?? "for an unknown reason" : nil }

        enum CodingKeys: String, CodingKey {
            case `case`, outcome, error, slices, seconds, host, began
            case processorSeconds = "processor_seconds"
            case peakMemoryBytes = "peak_memory_bytes"
        }
    }

    let path: String

    public init(_ path: String) { self.path = path }

    /// When the work on a volume began.
    public struct Start: Sendable {
        fileprivate let date = Date()
        fileprivate let instant = ContinuousClock.now
        fileprivate let processorSeconds = Machine.processorSeconds

        public init() {}
    }

    /// Adds what became of a volume: a line in one piece, so that lines of several processes do not mix.
    ///
    /// - Parameter slices: how many slices were to be encoded.
    /// - Returns: a warning where the line cannot be written: the work is worth more.
    public func add(
        _ outcome: Outcome, of name: String, slices: Int, since start: Start, error: FileError? = nil
    ) -> [Warning] {
        let entry = Entry(
            case: name, outcome: outcome, error: error?.description, slices: slices,
            seconds: (ContinuousClock.now - start.instant) / .seconds(1),
            processorSeconds: Machine.processorSeconds - start.processorSeconds,
            peakMemoryBytes: Machine.peakMemory, host: ProcessInfo.processInfo.hostName,
            began: start.date.ISO8601Format())
        guard let line = try? encodedJSON(entry, isLine: true) else { return [] }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        defer { close(descriptor) }
        guard descriptor >= 0, line.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == line.count
        else {
            return [Warning(file: path, "the log cannot be written: \(systemMessage(errno))")]
        }
        return []
    }

    /// The last entry of each case; lines that are none are left out.
    public var last: [String: Entry] {
        let text = (try? readFile(path, limit: .table)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").reduce(into: [:]) { last, line in
            if let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)) { last[entry.case] = entry }
        }
    }
}
