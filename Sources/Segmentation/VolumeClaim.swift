import Foundation
import Imaging
import SafeFiles

/// A process's claim on a volume: a file beside its labels, which only one process can make (`O_EXCL`).
///
/// A claim is stale, and taken over, where its process is gone; of another machine, whose processes cannot be seen, where it
/// was not renewed for a quarter of an hour. Where that errs, two processes write the same bytes.
public struct VolumeClaim: Codable, Hashable, Sendable {
    public let host: String
    public let process: Int32
    /// Since when, as ISO 8601.
    public let since: String
    /// When the process began, in the system's ticks: another process may have its number later.
    private let began: String
    /// The system and the namespace in which the process's number counts.
    private let machine: String

    static let patience = 900

    private init() {
        host = ProcessInfo.processInfo.hostName
        process = getpid()
        since = Date().ISO8601Format()
        began = Self.beginning(of: process) ?? ""
        machine = Self.machine
    }

    /// The path of the claim on a volume, by that of its labels.
    public static func path(besideLabels labels: String) -> String { withoutVolumeExtension(labels) + ".claim" }

    /// Claims a volume.
    ///
    /// - Returns: the claim; nil where another process has it.
    /// - Throws: ``FileError`` `cannotCreate`, `inputOutput`.
    public static func take(labels: String) throws -> VolumeClaim? {
        let path = path(besideLabels: labels)
        for _ in 0..<2 {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if descriptor >= 0 {
                close(descriptor)
                let claim = VolumeClaim()
                try writeAtomically(path, encodedJSON(claim))
                return claim
            }
            guard errno == EEXIST else { throw FileError(.cannotCreate, file: path, systemMessage(errno)) }
            guard removeStale(path) else { return nil }
        }
        return nil
    }

    /// Whose claim on a volume holds; nil where nobody's does.
    public static func holder(labels: String) -> VolumeClaim? {
        let path = path(besideLabels: labels)
        guard let claim = read(path) else { return nil }
        return claim.isGone(renewed: modified(path)?.time, now: diskTime(in: folder(of: path))) ? nil : claim
    }

    /// Says that the work goes on.
    public func renew(labels: String) { utimensat(AT_FDCWD, Self.path(besideLabels: labels), nil, 0) }

    /// Gives the volume up, unless another process has taken it over.
    public func release(labels: String) {
        let path = Self.path(besideLabels: labels)
        if Self.read(path) == self { unlink(path) }
    }

    // MARK: Stale claims

    /// Removes a claim that holds no more; false where it does hold.
    private static func removeStale(_ path: String) -> Bool {
        guard let found = modified(path) else { return true }
        let now = diskTime(in: folder(of: path))
        // A claim without contents is being made, or its process was killed over it.
        guard read(path)?.isGone(renewed: found.time, now: now) ?? (now - found.time > 60) else { return false }
        let aside = "\(path).\(UUID().uuidString.prefix(8))"
        guard rename(path, aside) == 0 else { return true }
        // Whoever was faster has a claim that holds: it goes back.
        if modified(aside)?.inode != found.inode { link(aside, path) }
        unlink(aside)
        return true
    }

    /// - Parameter now: by the clock of the disk that has the claims, as `renewed` is.
    private func isGone(renewed: Int?, now: @autoclosure () -> Int) -> Bool {
        if machine == Self.machine { return Self.beginning(of: process) != began }
        let now = now()
        return now - (renewed ?? now) > Self.patience
    }

    private static func read(_ path: String) -> VolumeClaim? {
        (try? readFile(path, limit: .record)).flatMap { try? JSONDecoder().decode(VolumeClaim.self, from: $0) }
    }

    private static func modified(_ path: String) -> (time: Int, inode: UInt64)? {
        var status = stat()
        return stat(path, &status) == 0 ? (status.st_mtim.tv_sec, UInt64(status.st_ino)) : nil
    }

    /// The 22nd field of `/proc/N/stat`, counted after the name, which may hold anything; nil where there is no such process.
    private static func beginning(of process: Int32) -> String? {
        let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        let fields = text?.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 19 ? String(fields[19]) : nil
    }

    private static let machine =
        ((try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? "")
        .trimmingCharacters(in: .whitespacesAndNewlines) + " "
        + ((try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? "")
}
