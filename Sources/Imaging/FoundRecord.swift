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
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        self.path = isFolder.boolValue ? SlicesRecord.path(in: path) : path
        record = try SlicesRecord(contentsOf: self.path)
    }

    /// The record in the first of some folders that has one; nil where none has.
    ///
    /// - Throws: ``FileError`` `badData` where it is not one.
    public init?(in folders: [String]) throws(FileError) {
        let paths = folders.map(SlicesRecord.path)
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

    /// What the person should know where the slices were made from a volume of another name.
    public func warnings(case name: String) -> [Warning] {
        guard record.volumes[name] == nil, let other = record.volumes.keys.first else { return [] }
        return [Warning(file: path, "the slices were made from \(other), not \(name)")]
    }
}

// MARK: Looking for it

extension FoundRecord {
    /// The record of a volume's slices that is not with their boxes, as with OpenLabeling, which reads `input/` and
    /// writes `output/YOLO_darknet/`; nil where there is none.
    ///
    /// It is looked for in the folders of the pictures that the boxes name, then in each of the four folders above the
    /// boxes: in that folder itself, and in those in it that hold pictures of the slices. Records that do not name
    /// the volume, or know it by another size, are other slices' and passed over.
    ///
    /// - Parameters:
    ///   - folder: where the boxes are.
    ///   - named: the paths of pictures that files of boxes name.
    ///   - pictures: the names that pictures of the slices have. Where one is with the boxes, no other folder's counts.
    /// - Throws: ``FileError`` `badData` where several that are equally near differ.
    public init?(
        above folder: String, named: [String], pictures: [String], case name: String, size: VolumeSize
    ) throws(FileError) {
        let start = URL(filePath: folder).absoluteURL.standardizedFileURL
        let ancestors = sequence(first: start) { $0.deletingLastPathComponent() }.prefix(Self.levels + 1)
            .map { $0.path(percentEncoded: false) }
        let isWithBoxes = Self.holds(folder, one: pictures)
        let places =
            [(folders: named.map(SafeFiles.folder), needPictures: false)]
            + ancestors.dropFirst().flatMap { [([$0], false), (isWithBoxes ? [] : Self.folders(in: $0), true)] }
        for (folders, needPictures) in places {
            let found = folders.sorted()
                .compactMap { Self.record(in: $0, of: name, size) }
                .filter { !needPictures || Self.holds(SafeFiles.folder(of: $0.path), one: pictures) }
            guard let first = found.first else { continue }
            if let other = found.first(where: { !$0.record.isTurned(as: first.record) }) {
                throw FileError(
                    .badData, file: other.path, "slices of \(name) that were turned in several ways",
                    found: "also \(first.path)", advice: "Name the one that the boxes were drawn on with --record.")
            }
            self = first
            return
        }
        return nil
    }

    /// How many folders above the boxes are looked into.
    private static let levels = 4

    private static func record(in folder: String, of name: String, _ size: VolumeSize) -> FoundRecord? {
        guard let found = try? FoundRecord(in: [folder]), found.record.volumes[name] == size else { return nil }
        return found
    }

    private static func holds(_ folder: String, one names: [String]) -> Bool {
        names.contains { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
    }

    private static func folders(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).map { "\(folder)/\($0)" }
    }
}

extension SlicesRecord {
    fileprivate func isTurned(as other: SlicesRecord) -> Bool { axis == other.axis && view == other.view }
}

// MARK: Making it

extension SlicesRecord {
    /// Whether the pictures of a volume that this record describes are those that another one does.
    public func describes(_ other: SlicesRecord, case name: String) -> Bool {
        (axis, view, intensity) == (other.axis, other.view, other.intensity) && volumes[name] == other.volumes[name]
    }

    /// The record of a folder that gets the slices of one more volume; all in it are turned alike.
    ///
    /// - Parameter axis: as it was chosen.
    /// - Throws: ``FileError`` `cannotCreate` where slices are there that were made in another way and are others', or have
    ///   boxes; or of another volume of this name.
    public init(of images: SliceImages, axis: SliceAxis, case name: String, in folder: String) throws(FileError) {
        let size = images.volume.size
        self.init(volumes: [name: size], axis: axis, view: images.slices.view, intensity: images.intensity)
        guard let found = try FoundRecord(in: [folder]) else { return }
        if let other = found.record.volumes[name], other != size {
            throw FileError(
                .cannotCreate, file: found.path, "already holds slices of another volume of this name",
                expected: "\(size)", found: "\(other)",
                advice: "Choose another folder with -o, or another name with --stem.")
        }
        volumes.merge(found.record.volumes) { own, _ in own }
        var own = self
        own.volumes = found.record.volumes
        let wouldMoveBoxes = !isTurned(as: found.record) && Self.hasBoxes(folder)
        guard volumes.count == 1 && !wouldMoveBoxes || own == found.record else {
            throw FileError(
                .cannotCreate, file: found.path,
                "already holds slices \(wouldMoveBoxes ? "with boxes" : "of other volumes"), made in another way",
                expected: "axis \(axis), view \(view), \(intensity)",
                found: "axis \(found.record.axis), view \(found.record.view), \(found.record.intensity)",
                advice: "Choose another folder with -o.")
        }
    }

    /// Whether files of boxes are among the slices: drawn on what is there.
    private static func hasBoxes(_ folder: String) -> Bool {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).contains {
            [".txt", ".xml"].contains($0.suffix(4).lowercased()) && $0 != "class_list.txt"
        }
    }
}
