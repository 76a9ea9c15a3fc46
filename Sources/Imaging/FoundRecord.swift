import Foundation
import ImageFrames
import SafeFiles

/// A record of slices and where it was found.
public struct FoundRecord: Hashable, Sendable {
    public let path: String
    public let record: SlicesRecord

    /// Reads the record that a person named, by its own path or by its folder's.
    ///
    /// - Throws: ``FileError`` `missingInput` where there is none, `badData` where it is not one.
    public init(chosen path: String) throws(FileError) {
        self.path = isFolder(path) ? SlicesRecord.path(in: path) : path
        record = try SlicesRecord(contentsOf: self.path)
    }

    /// The record in the first of some folders that has one; nil where none has.
    ///
    /// - Throws: ``FileError`` `badData` where it is not one.
    public init?(in folders: [String]) throws(FileError) {
        try self.init(at: folders.map(SlicesRecord.path(in:)))
    }

    /// The record that is the first of some files that is there; nil where none is.
    ///
    /// - Throws: ``FileError`` `badData` where it is not one.
    public init?(at paths: [String]) throws(FileError) {
        guard let path = paths.first(where: FileManager.default.fileExists) else { return nil }
        self.path = path
        record = try SlicesRecord(contentsOf: path)
    }

    /// The size of a case's volume. One that was renamed since is recognised where the record has no other.
    func size(ofCase name: String) throws(FileError) -> VolumeSize {
        if let size = record.volumes[name] { return size }
        guard record.volumes.count == 1, let only = record.volumes.first?.value else {
            throw FileError(
                .badData, file: path, place: "volumes", "slices of other volumes", expected: name,
                found: record.volumes.keys.sorted().prefix(5).joined(separator: ", "))
        }
        return only
    }

    /// What the person should know where the slices were made from another volume.
    ///
    /// - Parameter volume: the path of the volume's file.
    /// - Throws: ``FileError`` where it cannot be read.
    public func warnings(case name: String, volume: String) throws(FileError) -> [Warning] {
        if try isOfOther(volume, case: name) {
            return [Warning(file: path, "the slices were made from another volume called \(name), or it changed since")]
        }
        guard record.volumes[name] == nil, let other = record.volumes.keys.min() else { return [] }
        return [Warning(file: path, "the slices were made from \(other), not \(name)")]
    }

    /// Throws `badData` where one of some records knows the volume by another checksum.
    ///
    /// - Parameter volume: the path of the volume's file, which is read once.
    public static func requireMade(
        _ records: [FoundRecord], from volume: String, case name: String
    ) throws(FileError) {
        let known = records.filter { $0.record.checksums[name] != nil }
        guard !known.isEmpty else { return }
        let own = try checksum(ofVolume: volume)
        if let other = known.first(where: { $0.record.checksums[name] != own }) { throw other.errorOfOther(volume) }
    }

    /// Whether the slices were made from a volume of this name that has another checksum.
    func isOfOther(_ volume: String, case name: String) throws(FileError) -> Bool {
        guard let known = record.checksums[name] else { return false }
        return try checksum(ofVolume: volume) != known
    }
}

// MARK: Looking for it

extension FoundRecord {
    /// The record of a volume's slices that is not with their boxes, as with OpenLabeling, which reads `input/` and
    /// writes `output/YOLO_darknet/`; nil where there is none.
    ///
    /// It is looked for in the folders of the pictures that the boxes name, then in each folder above the boxes, up to the
    /// fourth above the one that was named: in that folder itself, and in those in it that hold pictures of the slices.
    /// Records that do not name the volume, or know it by another size or checksum, are other slices' and passed over.
    ///
    /// - Parameters:
    ///   - folders: where the boxes are: their own folder first, the one that was named last.
    ///   - named: the paths of pictures that files of boxes name.
    ///   - pictures: the names that pictures of the slices have. Where one is with the boxes, no other folder's counts.
    ///   - volume: the path of the volume's file.
    /// - Throws: ``FileError`` `badData` where several that are equally near differ, or where all that name the volume have another
    ///   checksum, since it may have changed; as of reading where one cannot be read, since it may be theirs.
    public init?(
        above folders: [String], named: [String], pictures: [String], case name: String, size: VolumeSize,
        volume: String
    ) throws(FileError) {
        let urls = folders.map { URL(filePath: $0).absoluteURL.standardizedFileURL }
        guard let start = urls.first, let top = urls.last else { return nil }
        let levels = start.pathComponents.count - top.pathComponents.count + Self.levels
        let ancestors = sequence(first: start) { $0.deletingLastPathComponent() }.prefix(levels + 1)
            .map { $0.path(percentEncoded: false) }
        let isWithBoxes = folders.contains { Self.holds($0, one: pictures) }
        let places =
            [(folders: named.map(SafeFiles.folder), needPictures: false)]
            + ancestors.dropFirst().flatMap { [([$0], false), (isWithBoxes ? [] : Self.folders(in: $0), true)] }
        var other: FoundRecord?
        for (folders, needPictures) in places {
            var found: [FoundRecord] = []
            for folder in folders.sorted() where FileManager.default.fileExists(atPath: SlicesRecord.path(in: folder)) {
                guard !needPictures || Self.holds(folder, one: pictures) else { continue }
                guard let record = try Self.record(in: folder, of: name, size) else { continue }
                if try record.isOfOther(volume, case: name) { other = other ?? record } else { found.append(record) }
            }
            guard let first = found.first else { continue }
            if let other = found.first(where: { !$0.record.isTurned(as: first.record) }) {
                throw FileError(
                    .badData, file: other.path, "slices of \(name) that were turned in several ways",
                    found: "also \(first.path)", advice: "Name the one that the boxes were drawn on with --record.")
            }
            self = first
            return
        }
        guard let other else { return nil }
        throw other.errorOfOther(volume)
    }

    private func errorOfOther(_ volume: String) -> FileError {
        FileError(
            .badData, file: path, "slices of another volume of this name, or it changed since",
            expected: "made from \(volume)",
            advice: "Name the record of the slices that the boxes were drawn on with --record, or choose --view.")
    }

    /// How many folders above the one that was named are looked into.
    private static let levels = 4

    private static func record(
        in folder: String, of name: String, _ size: VolumeSize
    ) throws(FileError) -> FoundRecord? {
        do throws(FileError) {
            guard let found = try FoundRecord(in: [folder]), found.record.volumes[name] == size else { return nil }
            return found
        } catch {
            var error = error
            error.advice = "Name the record of the slices that the boxes were drawn on with --record, or choose --view."
            throw error
        }
    }

    private static func holds(_ folder: String, one names: [String]) -> Bool {
        names.contains { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
    }

    private static func folders(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .map { SafeFiles.path(of: $0, in: folder) }
    }
}

extension SlicesRecord {
    /// Whether its slices are turned as another's are.
    public func isTurned(as other: SlicesRecord) -> Bool { axis == other.axis && view == other.view }

    /// Another record with this one's volumes besides; nil where their slices are turned in two ways, or a volume has two sizes or
    /// checksums.
    public func joined(with other: SlicesRecord) -> SlicesRecord? {
        guard isTurned(as: other), volumes.allSatisfy({ other.volumes[$0.key] ?? $0.value == $0.value }),
            checksums.allSatisfy({ other.checksums[$0.key] ?? $0.value == $0.value })
        else { return nil }
        var joined = other
        joined.volumes.merge(volumes) { own, _ in own }
        joined.checksums.merge(checksums) { own, _ in own }
        return joined
    }
}
