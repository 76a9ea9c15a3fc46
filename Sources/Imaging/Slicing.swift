import Foundation
import ImageFrames
import SafeFiles

/// How volumes become slices, as far as somebody chose; for what is nil, a record or the default decides.
public struct Slicing: Hashable, Sendable {
    public var axis: VoxelAxis?
    public var view: SliceView?
    public var intensity: Intensity?

    public init(axis: VoxelAxis? = nil, view: SliceView? = nil, intensity: Intensity? = nil) {
        (self.axis, self.view, self.intensity) = (axis, view, intensity)
    }

    /// How a volume is sliced: as was chosen, else as the record says, else along k in the array's view.
    ///
    /// - Throws: ``FileError`` `badData` where the record is of another volume's slices or contradicts the choice.
    public func slices(
        of geometry: Geometry, case name: String, record: FoundRecord?
    ) throws(FileError) -> SliceGeometry {
        guard let record else { return SliceGeometry(geometry, axis: axis ?? .k, view: view ?? .array) }
        let size = try record.size(ofCase: name)
        guard size == geometry.size else {
            throw FileError(
                .badData, file: record.path, place: "volumes", "slices of another volume",
                expected: "\(geometry.size)", found: "\(size)",
                advice: "Boxes drawn on those slices do not fit this volume.")
        }
        let (drawn, chosen) = (record.record, (axis ?? record.record.axis, view ?? record.record.view))
        guard chosen == (drawn.axis, drawn.view) else {
            throw FileError(
                .badData, file: record.path, "the boxes were drawn on slices turned in another way",
                expected: "axis \(drawn.axis), view \(drawn.view)", found: "axis \(chosen.0), view \(chosen.1)",
                advice: "Leave out --axis and --view.")
        }
        return SliceGeometry(geometry, axis: drawn.axis, view: drawn.view)
    }

    /// The intensity that was chosen, else the record's, else the default for CT.
    ///
    /// - Throws: ``FileError`` `badData` where none was chosen and the volume does not look like CT.
    public func intensity(of volume: Volume, record: SlicesRecord?) throws(FileError) -> Intensity {
        if let intensity = intensity ?? record?.intensity { return intensity }
        guard volume.looksLikeHounsfield else {
            throw FileError(
                .badData, file: volume.file, "does not look like Hounsfield units",
                expected: "a minimum of −500 or less",
                found: volume.range.map { "a minimum of \($0.lowerBound)" } ?? "no number at all",
                advice: "Choose with --intensity: \(Intensity.forms).")
        }
        return .softTissue
    }
}

/// A record of slices and where it was found.
public struct FoundRecord: Hashable, Sendable {
    public let path: String
    public let record: SlicesRecord

    /// The record in the first of some folders that has one; nil where none has.
    ///
    /// - Throws: ``FileError`` `badData` where it is not one.
    public init?(in folders: [String]) throws(FileError) {
        let paths = folders.map(SlicesRecord.path)
        guard let path = paths.first(where: FileManager.default.fileExists) else { return nil }
        self.path = path
        record = try SlicesRecord(contentsOf: path)
    }

    /// The size of a case's volume; one that was renamed since is known by being the only one.
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

extension SlicesRecord {
    /// The record of a folder that gets the slices of one more volume; all in it are turned alike.
    ///
    /// - Throws: ``FileError`` `cannotCreate` where slices are there that were made in another way, or of another volume of
    ///   this name.
    public init(of images: SliceImages, case name: String, in folder: String) throws(FileError) {
        let size = images.volume.size
        self.init(
            volumes: [name: size], axis: images.slices.axis, view: images.slices.view, intensity: images.intensity)
        guard let found = try FoundRecord(in: [folder]) else { return }
        if let other = found.record.volumes[name], other != size {
            throw FileError(
                .cannotCreate, file: found.path, "slices of another volume of this name stand there",
                expected: "\(size)", found: "\(other)",
                advice: "Choose another folder with -o, or another name with --stem.")
        }
        volumes.merge(found.record.volumes) { own, _ in own }
        var own = self
        own.volumes = found.record.volumes
        guard volumes.count == 1 || own == found.record else {
            throw FileError(
                .cannotCreate, file: found.path, "slices of other volumes stand there, made in another way",
                expected: "axis \(axis), view \(view), \(intensity)",
                found: "axis \(found.record.axis), view \(found.record.view), \(found.record.intensity)",
                advice: "Choose another folder with -o.")
        }
    }
}
