import ArgumentParser
import ImageFrames
import PictureFiles
import SafeFiles
import SegmentAnything
import Segmentation

/// How pictures are read and given to the model: what `predict`, `encode` and `activations` share.
struct PictureOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How many bits the samples of a 16-bit PNG hold, such as the 12 of cameras and X-ray.", valueName: "n"))
    var bits: Int?

    @Flag(help: "Stretch the picture's samples, the least to 0 and the greatest to 255.")
    var stretch = false

    @Option(help: "How the model is used: sam, or medsam for MedSAM's weights.")
    var recipe = Recipe.sam

    mutating func validate() throws {
        if let bits, !(8...16).contains(bits) { throw ValidationError("--bits must be from 8 to 16, not \(bits).") }
        if bits != nil, stretch { throw ValidationError("--bits and --stretch are two ways to the same end: use one.") }
        if recipe.addsEdges {
            throw ValidationError("--recipe \(recipe.name) is for the slices of volumes: see segment.")
        }
    }

    private var samples: SampleRange { stretch ? .stretched : bits.map(SampleRange.bits) ?? .declared }

    /// Reads a picture; warns where there is something to know about it.
    func read(_ path: String) throws(FileError) -> RGBImage {
        let (image, warnings) = try readImage(path, samples: samples)
        printWarnings(warnings)
        return image
    }
}
