import Foundation
import ImageFrames
import SafeFiles

/// What `slices.json` says about a folder of slices, so that boxes drawn on them can be mapped back.
public struct SlicesRecord: Codable, Hashable, Sendable {
    /// The name of the record in the slices' folder.
    public static let fileName = "slices.json"

    /// The path of the record of a folder of slices.
    public static func path(in folder: String) -> String {
        SafeFiles.path(of: fileName, in: folder)
    }

    /// The path of the record of a table of boxes, which is no other file's: `merged.slices.json` of `merged.csv`.
    public static func path(ofTable table: String) -> String {
        table.dropLast(".csv".count) + "." + fileName
    }

    /// The size of each volume whose slices are in the folder, by the name that its slices begin with.
    public var volumes: [String: VolumeSize]
    /// The axis of slicing; where it is one of the body's, each volume's own affine says which of the array's it is.
    public var axis: SliceAxis
    public var view: SliceView
    /// Nil where pictures were never made, as of boxes that were read by a view that somebody chose.
    public var intensity: Intensity?
    /// The checksum of each volume, by the same names, where it is known; see ``checksum(ofVolume:)``.
    public var checksums: [String: String]

    public init(
        volumes: [String: VolumeSize], axis: SliceAxis, view: SliceView, intensity: Intensity?,
        checksums: [String: String] = [:]
    ) {
        self.volumes = volumes
        self.checksums = checksums
        self.axis = axis
        self.view = view
        self.intensity = intensity
    }

    /// Reads a record.
    ///
    /// - Throws: ``FileError`` `missingInput` where there is none, `badData` where it is not one.
    public init(contentsOf path: String) throws(FileError) {
        let data = try readFile(path, limit: .record)
        do {
            self = try JSONDecoder().decode(SlicesRecord.self, from: data)
        } catch {
            throw FileError(
                .badData, file: path, "not a record of slices", found: explanation(of: error),
                advice:
                    "Make the slices again with swift-sam slices, in a new folder, and name its record with --record.")
        }
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            volumes: try values.decode([String: VolumeSize].self, forKey: .volumes),
            axis: try values.decode(SliceAxis.self, forKey: .axis),
            view: try values.decode(SliceView.self, forKey: .view),
            intensity: try values.decodeIfPresent(Intensity.self, forKey: .intensity),
            // Those of 0.4 have none.
            checksums: try values.decodeIfPresent([String: String].self, forKey: .checksums) ?? [:])
    }

    private enum CodingKeys: String, CodingKey {
        case volumes, axis, view, intensity
        case checksums = "crc32"
    }

    /// Writes the record, whole or not at all.
    ///
    /// - Throws: ``FileError`` `cannotCreate` or `inputOutput`.
    public func write(to path: String) throws {
        try writeAtomically(path, try encodedJSON(self))
    }
}
