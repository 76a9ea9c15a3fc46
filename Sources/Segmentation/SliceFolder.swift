import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles

/// A folder that gets the slices of volumes. What is there keeps its meaning: no picture of somebody else is replaced, and
/// no box that was drawn comes to lie elsewhere.
public struct SliceFolder: Sendable {
    public let path: String
    private let pattern: SlicePattern

    public init(_ path: String, pattern: SlicePattern) {
        (self.path, self.pattern) = (path, pattern)
    }

    /// The path of a slice's picture.
    public func picture(ofSlice slice: Int, case name: String) -> String {
        SafeFiles.path(of: pattern.name(ofSlice: slice, case: name) + ".png", in: path)
    }

    /// Makes the folder, which exists, ready for the pictures of one more volume: its record says how they are turned, and
    /// what was made of the volume in another way is gone.
    ///
    /// - Parameter axis: as it was chosen.
    /// - Throws: ``FileError`` `cannotCreate` where slices of others are there that were made in another way, or of another volume
    ///   of this name; where pictures have these names that no record says are swift-sam's; or where boxes that are in the
    ///   folder or beside it would be read in another way than now, or segmented in other grey values. As of reading and writing records.
    public func prepare(for images: SliceImages, axis: SliceAxis, case name: String) throws {
        // Other processes may add their volumes to the same record.
        try withLocked([path], for: path) { try prepareAlone(for: images, axis: axis, case: name) }
    }

    private func prepareAlone(for images: SliceImages, axis: SliceAxis, case name: String) throws {
        let found = try FoundRecord(in: [path])
        let record = try merged(images, axis: axis, case: name, with: found)
        try requireSameReading(of: record, instead: found, case: name, volume: images.volume)
        let standing = (0..<images.slices.count).map { picture(ofSlice: $0, case: name) }.filter(isOtherThanFolder)
        if let first = standing.first, found?.record.volumes[name] == nil {
            throw FileError(
                .cannotCreate, file: first,
                "is there, and no \(SlicesRecord.fileName) with it says that swift-sam made it",
                found: "pictures of \(standing.count) slices", advice: "Choose another folder with -o.")
        }
        // Before the new pictures: what an interruption leaves is what the record says, and never another view's.
        if let found, !found.record.describes(record, case: name) {
            for picture in standing { unlink(picture) }
        }
        try record.write(to: SlicesRecord.path(in: path))
    }

    /// The record with one more volume; all in a folder are turned alike.
    private func merged(
        _ images: SliceImages, axis: SliceAxis, case name: String, with found: FoundRecord?
    ) throws(FileError) -> SlicesRecord {
        let (size, checksum) = (images.volume.size, try checksum(ofVolume: images.volume.file))
        var record = SlicesRecord(
            volumes: [name: size], axis: axis, view: images.slices.view, intensity: images.intensity,
            checksums: [name: checksum])
        guard let found else { return record }
        if let other = found.record.volumes[name], other != size {
            throw FileError(
                .cannotCreate, file: found.path, "already holds slices of another volume of this name",
                expected: "\(size)", found: "\(other)",
                advice: "Choose another folder with -o, or another name with --stem.")
        }
        if let other = found.record.checksums[name], other != checksum {
            throw FileError(
                .cannotCreate, file: found.path,
                "already holds slices of another volume of this name, or it changed since",
                expected: "the checksum \(checksum)", found: other,
                advice:
                    "Choose another folder with -o, or another name with --stem; or delete its pictures and this record."
            )
        }
        (record.volumes, record.checksums) = (found.record.volumes, found.record.checksums)
        guard record == found.record || Set(found.record.volumes.keys).isSubset(of: [name]) else {
            throw FileError(
                .cannotCreate, file: found.path, "already holds slices of other volumes, made in another way",
                expected: record.making, found: found.record.making, advice: "Choose another folder with -o.")
        }
        (record.volumes[name], record.checksums[name]) = (size, checksum)
        return record
    }

    // MARK: Boxes

    /// Checks that boxes which are read by this folder's record, or would be, are read as before.
    private func requireSameReading(
        of record: SlicesRecord, instead found: FoundRecord?, case name: String, volume: Volume
    ) throws(FileError) {
        let isTurned = found.map { !record.isTurned(as: $0.record) } ?? true
        if !isTurned, let found, found.record.volumes[name] != nil {
            return try requireSameIntensity(of: record, as: found, case: name)
        }
        let beside = try boxesBeside(case: name)
        // In the folder, boxes on other volumes are read by its record too.
        var places: [(source: BoxSource, cases: [String])] = []
        if isTurned { places = try boxesInside(case: name).map { ($0, $0.cases.sorted()) } }
        if let beside { places.append((beside, [name])) }
        for (source, cases) in places {
            for other in cases {
                for annotator in source.annotators(ofCase: other) {
                    var read = try FoundRecord(at: source.records(ofCase: other, annotator: annotator))
                    // One that is nearer to the boxes stays theirs.
                    if let read, !isHere(read.path) { continue }
                    if read == nil, other == name {
                        read = try FoundRecord(
                            elsewhereThan: source, case: name, annotator: annotator, pattern: pattern,
                            size: volume.size,
                            volume: volume.file)
                    }
                    try requireTurning(of: record, as: read, boxes: source.path)
                }
            }
        }
    }

    /// Boxes are segmented in the grey values of the pictures that they were drawn on.
    private func requireSameIntensity(
        of record: SlicesRecord, as found: FoundRecord, case name: String
    ) throws(FileError) {
        // A record that merging or filling wrote knows of no pictures.
        guard let drawn = found.record.intensity, drawn != record.intensity else { return }
        for source in try boxesInside(case: name) + [boxesBeside(case: name)].compactMap({ $0 }) {
            for annotator in source.annotators(ofCase: name) {
                let own = try FoundRecord(at: source.records(ofCase: name, annotator: annotator))
                if let own, !isHere(own.path) { continue }
                throw FileError(
                    .cannotCreate, file: source.path, "holds boxes on slices that have other grey values",
                    expected: found.record.making, found: record.making, advice: "Choose another folder with -o.")
            }
        }
    }

    private func isHere(_ record: String) -> Bool {
        let (one, other) = (URL(filePath: record), URL(filePath: SlicesRecord.path(in: path)))
        return one.absoluteURL.standardizedFileURL == other.absoluteURL.standardizedFileURL
    }

    /// - Parameter read: the record by which the boxes are read now.
    private func requireTurning(
        of record: SlicesRecord, as read: FoundRecord?, boxes: String
    ) throws(FileError) {
        var now = record
        (now.axis, now.view) = read.map { ($0.record.axis, $0.record.view) } ?? (.k, .array)
        guard !record.isTurned(as: now) else { return }
        throw FileError(
            .cannotCreate, file: boxes, "holds boxes on slices that are turned in another way",
            expected: record.turning,
            found: now.turning + (read.map { " by \($0.path)" } ?? ", as without a \(SlicesRecord.fileName)"),
            advice: "Choose another folder with -o, or the boxes' --axis and --view.")
    }

    /// The boxes in the folder: its files and those of the folders in it, and its tables.
    private func boxesInside(case name: String) throws(FileError) -> [BoxSource] {
        let tables = ((try? FolderNames(of: path))?.names ?? []).filter { $0.lowercased().hasSuffix(".csv") }
            .compactMap { try? BoxSource(SafeFiles.path(of: $0, in: path), pattern: pattern, cases: [name]) }
        return try [boxes(path, case: name)].compactMap { $0 } + tables
    }

    /// As OpenLabeling has it: the pictures in one folder, the boxes in `output` beside it.
    private func boxesBeside(case name: String) throws(FileError) -> BoxSource? {
        let parent = URL(filePath: path).absoluteURL.standardizedFileURL.deletingLastPathComponent()
        return try boxes(parent.appending(path: "output").path(percentEncoded: false), case: name)
    }

    /// The boxes in a folder; nil where it is not there or may not be read.
    private func boxes(_ folder: String, case name: String) throws(FileError) -> BoxSource? {
        do throws(FileError) {
            return try BoxSource(folder, pattern: pattern, cases: [name])
        } catch {
            guard error.kind == .missingInput else { throw error }
            return nil
        }
    }
}

extension SlicesRecord {
    /// Whether the pictures of a volume that this record describes are those that another one does.
    fileprivate func describes(_ other: SlicesRecord, case name: String) -> Bool {
        (axis, view, intensity) == (other.axis, other.view, other.intensity) && volumes[name] == other.volumes[name]
    }

    fileprivate var turning: String { "axis \(axis), view \(view)" }

    fileprivate var making: String { turning + (intensity.map { ", \($0)" } ?? "") }
}

extension FoundRecord {
    /// The record of the slices that an annotator drew on, where it is not with the boxes; see
    /// ``init(above:named:pictures:case:size:volume:)``.
    init?(
        elsewhereThan source: BoxSource, case name: String, annotator: String, pattern: SlicePattern, size: VolumeSize,
        volume: String
    ) throws(FileError) {
        let pictures = (0..<max(size.i, size.j, size.k)).flatMap { slice in
            pictureEndings.map { pattern.name(ofSlice: slice, case: name) + $0 }
        }
        try self.init(
            above: source.folders(ofCase: name, annotator: annotator),
            named: source.namedPictures(ofCase: name, annotator: annotator), pictures: pictures, case: name, size: size,
            volume: volume)
    }
}
