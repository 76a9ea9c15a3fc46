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

/// Volumes, how they become slices, and how those are named.
struct SlicingOptions: ParsableArguments {
    @Argument(
        help: "A NIfTI volume, a folder of them, or a pattern with {case}.",
        completion: .file(extensions: ["nii", "gz"]))
    var volume: String

    @Option(
        help: ArgumentHelp(
            "How values become 8 bits: \(Intensity.forms). (default: of boxes as slices.json says, else soft-tissue, for CT)",
            valueName: "mode"))
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

/// The first and the last slice, such as `20-30`, or one number for both.
func parseSliceRange(_ text: String) throws -> ClosedRange<Int> {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first >= 0, first <= last
    else { throw ValidationError("\"\(text)\" is neither a slice's number nor a range such as 20-30") }
    return first...last
}

/// Numbers of slices and ranges of them, such as `10,20-25`; no more than a picture holds.
func parseSlices(_ text: String) throws -> [Int] {
    let ranges = try text.split(separator: ",", omittingEmptySubsequences: false).map {
        try parseSliceRange(String($0))
    }
    let most = 64
    guard ranges.allSatisfy({ $0.upperBound - $0.lowerBound < most }), ranges.reduce(0, { $0 + $1.count }) <= most
    else {
        throw ValidationError("\"\(text)\": a picture has room for \(most) slices at most")
    }
    return ranges.flatMap { Array($0) }
}
