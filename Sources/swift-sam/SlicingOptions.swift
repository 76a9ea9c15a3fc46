import ArgumentParser
import Files
import Foundation
import Frames
import Imaging

extension Intensity: ExpressibleByArgument {}
extension SliceView: ExpressibleByArgument {}
extension VoxelAxis: ExpressibleByArgument {}

/// How a volume becomes slices: the options that `slices` and `segment` share.
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

    @Option(help: "What slices' files are named after. (default: the volume's name without .nii.gz)")
    var stem: String?

    /// The name that the slices of a volume begin with.
    func stem(of volume: Volume) -> String {
        stem ?? withoutVolumeExtension(URL(filePath: volume.file).lastPathComponent)
    }

    /// How a volume is sliced: as the options say, else as the record does, else along k in the array's view, in the
    /// default intensity for CT.
    ///
    /// - Parameter recordPath: a `slices.json` that may stand with the boxes.
    /// - Throws: ``FileError`` `badData` where the record is of another volume's slices or contradicts the options,
    ///   and where no intensity was chosen and the volume does not look like CT.
    func slicing(of volume: Volume, recordPath: String? = nil) throws(FileError) -> SlicesRecord {
        let record = try record(at: recordPath, volume)
        let turn = turn(record)
        return SlicesRecord(
            volume: record?.volume ?? URL(filePath: volume.file).lastPathComponent, axis: turn.axis,
            view: turn.view, intensity: try chosen(record, volume), size: volume.size)
    }

    /// The same where the values do not matter.
    func geometry(of volume: Volume, recordPath: String) throws(FileError) -> SliceGeometry {
        let turn = turn(try record(at: recordPath, volume))
        return SliceGeometry(volume.geometry, axis: turn.axis, view: turn.view)
    }

    private func turn(_ record: SlicesRecord?) -> (axis: VoxelAxis, view: SliceView) {
        (axis ?? record?.axis ?? .k, view ?? record?.view ?? .array)
    }

    /// The record at a path, checked; nil where there is none.
    private func record(at path: String?, _ volume: Volume) throws(FileError) -> SlicesRecord? {
        guard let path, FileManager.default.fileExists(atPath: path) else { return nil }
        let record = try SlicesRecord(contentsOf: path)
        try check(record, path, volume)
        return record
    }

    private func check(_ record: SlicesRecord, _ path: String, _ volume: Volume) throws(FileError) {
        guard record.size == volume.size else {
            throw FileError(
                .badData, file: path, place: "size", "slices of another volume", expected: "\(volume.size)",
                found: "\(record.size)", advice: "Boxes drawn on those slices do not fit this volume.")
        }
        guard axis ?? record.axis == record.axis, view ?? record.view == record.view else {
            throw FileError(
                .badData, file: path, "the boxes were drawn on slices turned in another way",
                expected: "axis \(record.axis), view \(record.view)",
                found: "axis \(axis ?? record.axis), view \(view ?? record.view)",
                advice: "Leave out --axis and --view.")
        }
    }

    private func chosen(_ record: SlicesRecord?, _ volume: Volume) throws(FileError) -> Intensity {
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
