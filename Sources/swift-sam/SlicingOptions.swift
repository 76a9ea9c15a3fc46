import Annotations
import ArgumentParser
import Foundation
import ImageFrames
import Imaging
import SafeFiles

extension Intensity: ExpressibleByArgument {}
extension SliceView: ExpressibleByArgument {}
extension VoxelAxis: ExpressibleByArgument {}

private func parsePattern(_ text: String) throws -> SlicePattern {
    guard let pattern = SlicePattern(text) else {
        throw ValidationError("it needs {case}, then some text without a slash, then {slice}, each once.")
    }
    return pattern
}

/// How volumes become slices, and how those are named: the options that `slices`, `segment` and `annotations` share.
struct SlicingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How values become 8 bits: \(Intensity.forms). (default: soft-tissue, for CT)", valueName: "mode"))
    var intensity: Intensity?

    @Option(help: "The axis that counts slices: i, j or k. (default: k)")
    var axis: VoxelAxis?

    @Option(
        help: "How slices are turned: array (rot90 of the array) or radiological (by the affine). (default: array)")
    var view: SliceView?

    @Option(help: "What a single volume's slices are named after. (default: the volume's name without .nii.gz)")
    var stem: String?

    @Option(
        help: ArgumentHelp(
            "How the files of slices are named, such as img{case}-slice{slice}. (default: \(SlicePattern.standard))",
            valueName: "pattern"),
        transform: parsePattern)
    var pattern = SlicePattern.standard

    /// The volumes that an argument names, under the names that their slices have.
    ///
    /// - Throws: ``FileError`` as ``VolumeFiles/init(_:)``; `ValidationError` for one stem of several volumes.
    func cases(_ argument: String, isQuiet: Bool = false) throws -> [VolumeFile] {
        let volumes = try VolumeFiles(argument)
        if !isQuiet { printWarnings(volumes.warnings) }
        var cases = volumes.files
        if let stem {
            guard cases.count == 1 else {
                throw ValidationError("--stem names the slices of one volume, not of \(cases.count): use --pattern.")
            }
            cases[0].name = stem
        }
        return cases
    }

    /// How a volume is sliced: as the options say, else as the record does, else along k in the array's view.
    ///
    /// - Throws: ``FileError`` `badData` where the record is of another volume's slices or contradicts the options.
    func slices(_ geometry: Geometry, case name: String, record: FoundRecord?) throws(FileError) -> SliceGeometry {
        let own = record?.record
        if let record {
            let size = try record.size(ofCase: name)
            guard size == geometry.size else {
                throw FileError(
                    .badData, file: record.path, place: "volumes", "slices of another volume",
                    expected: "\(geometry.size)", found: "\(size)",
                    advice: "Boxes drawn on those slices do not fit this volume.")
            }
            let (drawn, asked) = (record.record, (axis ?? record.record.axis, view ?? record.record.view))
            guard asked == (drawn.axis, drawn.view) else {
                throw FileError(
                    .badData, file: record.path, "the boxes were drawn on slices turned in another way",
                    expected: "axis \(drawn.axis), view \(drawn.view)", found: "axis \(asked.0), view \(asked.1)",
                    advice: "Leave out --axis and --view.")
            }
        }
        return SliceGeometry(geometry, axis: axis ?? own?.axis ?? .k, view: view ?? own?.view ?? .array)
    }

    /// The intensity that was chosen, else the record's, else the default for CT.
    ///
    /// - Throws: ``FileError`` `badData` where none was chosen and the volume does not look like CT.
    func intensity(of volume: Volume, record: SlicesRecord?) throws(FileError) -> Intensity {
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

/// A `slices.json` that stands with boxes.
struct FoundRecord {
    let path: String
    let record: SlicesRecord

    /// The record in the first of some folders that has one; nil where none has.
    ///
    /// - Throws: ``FileError`` `badData` where it is not one.
    init?(in folders: [String]) throws(FileError) {
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
    func warnings(case name: String) -> [Warning] {
        guard record.volumes[name] == nil, let other = record.volumes.keys.first else { return [] }
        return [Warning(file: path, "the slices were made from \(other), not \(name)")]
    }
}
