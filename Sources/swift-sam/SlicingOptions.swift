import Annotations
import ArgumentParser
import Foundation
import ImageFrames
import Imaging
import SafeFiles

extension Intensity: ExpressibleByArgument {}
extension SliceView: ExpressibleByArgument {}
extension SliceAxis: ExpressibleByArgument {}

private func parsePattern(_ text: String) throws -> SlicePattern {
    guard let pattern = SlicePattern(text) else {
        throw ValidationError("it needs {case}, then some text without a slash, then {slice}, each once.")
    }
    return pattern
}

/// Volumes, how they become slices, and how those are named: what `slices`, `segment` and `annotations` share.
struct SlicingOptions: ParsableArguments {
    @Argument(
        help: "A NIfTI volume, a folder of them, or a pattern with {case}.",
        completion: .file(extensions: ["nii", "gz"]))
    var volume: String

    @Option(
        help: ArgumentHelp(
            "How values become 8 bits: \(Intensity.forms). (default: soft-tissue, for CT)", valueName: "mode"))
    var intensity: Intensity?

    @Option(help: "The slices: along i, j or k of the array, or axial, coronal or sagittal by the affine. (default: k)")
    var axis: SliceAxis?

    @Option(
        help: ArgumentHelp(
            "How slices are turned: radiological (by the affine) or array (rot90 of the array, as in the study). (default: of "
                + "new slices radiological; of boxes as slices.json says, else array)"))
    var view: SliceView?

    @Option(help: "What a single volume's slices are named after. (default: the volume's name without .nii.gz)")
    var stem: String?

    @Option(
        help: ArgumentHelp(
            "How the files of slices are named, such as img{case}-slice{slice}. (default: \(SlicePattern.standard))",
            valueName: "pattern"),
        transform: parsePattern)
    var pattern = SlicePattern.standard

    var slicing: Slicing { Slicing(axis: axis, view: view, intensity: intensity) }

    /// The volumes under the names that their slices have.
    ///
    /// - Throws: ``FileError`` as ``VolumeFiles/init(_:)``; `ValidationError` for one stem of several volumes.
    func cases() throws -> [VolumeFile] {
        let volumes = try VolumeFiles(volume)
        printWarnings(volumes.warnings)
        printSkipped(volumes.errors)
        var cases = volumes.files
        if let stem {
            guard cases.count == 1 else {
                throw ValidationError("--stem names the slices of one volume, not of \(cases.count): use --pattern.")
            }
            cases[0].name = stem
        }
        return cases
    }
}
