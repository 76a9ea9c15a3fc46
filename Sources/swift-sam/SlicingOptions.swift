import ArgumentParser
import Files
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

    @Option(help: "The axis that counts slices: i, j or k.")
    var axis: VoxelAxis = .k

    @Option(help: "What slices' files are named after. (default: the volume's name without .nii.gz)")
    var stem: String?

    /// The intensity that was chosen, else the default for CT.
    ///
    /// - Throws: ``FileError`` `badData` where none was chosen and the volume does not look like CT.
    func intensity(of volume: Volume) throws(FileError) -> Intensity {
        if let intensity { return intensity }
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
