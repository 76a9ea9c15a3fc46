import ArgumentParser
import ImageFrames
import PictureFiles
import SafeFiles
import SegmentAnything
import Segmentation

/// How the samples of pictures are read.
struct SampleOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many bits the samples of a 16-bit PNG hold, such as the 12 of cameras and X-ray.", valueName: "n"))
    var bits: Int?

    @Flag(help: "Stretch the picture's samples, the least to 0 and the greatest to 255.")
    var stretch = false

    mutating func validate() throws {
        if let bits, !(8...16).contains(bits) { throw ValidationError("--bits must be from 8 to 16, not \(bits).") }
        if bits != nil, stretch { throw ValidationError("--bits and --stretch are two ways to the same end: use one.") }
    }

    /// Whether nothing is said of them.
    var isDefault: Bool { bits == nil && !stretch }

    var range: SampleRange { stretch ? .stretched : bits.map(SampleRange.bits) ?? .declared }

    /// Reads a picture; warns where there is something to know about it.
    func read(_ path: String) throws(FileError) -> RGBImage {
        let (image, warnings) = try readImage(path, samples: range)
        printWarnings(warnings)
        return image
    }
}

/// How pictures are read and given to the model.
struct PictureOptions: ParsableArguments {
    @OptionGroup var samples: SampleOptions

    @Option(help: "How the model is used: sam, or medsam for MedSAM's weights.")
    var recipe = Recipe.sam

    mutating func validate() throws {
        if recipe.addsEdges {
            throw ValidationError("--recipe \(recipe.name) is for the slices of volumes: see segment.")
        }
    }
}

/// Does something with each of several pictures: one that cannot be used is skipped, as by ``printSkipped(_:as:)``. A single
/// one's error is the command's.
///
/// - Parameters:
///   - errors: what was found about others before.
///   - skipped: is given what was skipped, and why.
func forEach<Item>(
    _ items: [Item], errors: [FileError] = [], isSeveral: Bool,
    skipped: (Item, FileError) throws -> Void = { _, _ in }, _ body: (Item) throws -> Void
) throws {
    printSkipped(errors, as: .badData)
    var skippedCount = errors.count
    for item in items {
        do {
            try body(item)
        } catch let error as FileError where isSeveral && [.badData, .missingInput].contains(error.kind) {
            printSkipped([error], as: .badData)
            skippedCount += 1
            try skipped(item, error)
        }
    }
    if skippedCount > 0 { printNote("skipped: \(skippedCount) of \(items.count + errors.count)") }
}
