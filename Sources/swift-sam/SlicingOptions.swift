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
        var record: SlicesRecord?
        if let recordPath, FileManager.default.fileExists(atPath: recordPath) {
            let found = try SlicesRecord(contentsOf: recordPath)
            try check(found, recordPath, volume)
            record = found
        }
        return SlicesRecord(
            volume: record?.volume ?? URL(filePath: volume.file).lastPathComponent, axis: axis ?? record?.axis ?? .k,
            view: view ?? record?.view ?? .array, intensity: try chosen(record, volume), size: volume.size)
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
