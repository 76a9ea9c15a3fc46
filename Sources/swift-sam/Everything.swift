import ArgumentParser
import Foundation
import ImageFrames
import Imaging
import PictureFiles
import SafeFiles
import SegmentAnything
import Segmentation

struct Everything: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "All masks in pictures, as the official automatic mask generator.",
        discussion: """
            Example: swift-sam everything photo.jpg --preview look.png -o masks/

            Asks for three masks at each point of a grid, and keeps those that are good, stable and no duplicates. \
            Defaults are the official ones, made for ViT-H, but for --points-per-batch.
            """)

    @Argument(help: "A PNG or JPEG, or a folder of them.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var image: String

    @OptionGroup var samples: SampleOptions
    @OptionGroup var options: ModelOptions

    // A value may begin with a minus sign.
    @Option(parsing: .unconditional, help: "Points along a side of the grid.")
    var pointsPerSide = 32

    @Option(parsing: .unconditional, help: "The most points decoded at once; more than 8 gain nothing on a CPU.")
    var pointsPerBatch = 8

    @Option(parsing: .unconditional, help: "Drop masks whose predicted IoU is not above this.")
    var predIouThresh: Float = 0.88

    @Option(parsing: .unconditional, help: "Drop masks whose stability is below this.")
    var stabilityScoreThresh: Float = 0.95

    @Option(parsing: .unconditional, help: "Stability is the IoU of the masks at thresholds ± this.")
    var stabilityScoreOffset: Float = 1

    @Option(parsing: .unconditional, help: "Of two masks whose boxes have an IoU above this, the better one stays.")
    var boxNmsThresh = 0.7

    @Option(parsing: .unconditional, help: "Layers of crops that are searched besides the picture; layer n has 4ⁿ.")
    var cropNLayers = 0

    @Option(parsing: .unconditional, help: "As --box-nms-thresh, between crops.")
    var cropNmsThresh = 0.7

    @Option(parsing: .unconditional, help: "By how much of the short side crops of the first layer overlap.")
    var cropOverlapRatio = 512.0 / 1500

    @Option(parsing: .unconditional, help: "In layer n the grid has this to the power of n fewer points along a side.")
    var cropNPointsDownscaleFactor = 1

    @Option(parsing: .unconditional, help: "Remove holes and islands of fewer pixels.")
    var minMaskRegionArea = 0

    @Option(
        help: ArgumentHelp(
            "coco-rle (a JSON each, as the official script), coco (one JSON), png (a folder each, with metadata.csv), "
                + "labels (a 16-bit PNG each), polygons (a JSON each for LabelMe) or yolo-seg (a text each).",
            valueName: "format"))
    var format = MaskFormat.cocoRLE

    @Option(
        help: ArgumentHelp(
            "Also draw all masks on the picture; of several pictures, the folder to draw them in.",
            valueName: "picture.png"))
    var preview: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; made where missing.", valueName: "dir"))
    var output: String

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        for (name, value) in [
            ("--points-per-side", pointsPerSide), ("--points-per-batch", pointsPerBatch),
            ("--crop-n-points-downscale-factor", cropNPointsDownscaleFactor),
        ] where !(1...1000).contains(value) {
            throw ValidationError("\(name) must be from 1 to 1000, not \(value).")
        }
        guard (0...5).contains(cropNLayers) else {
            throw ValidationError("--crop-n-layers must be from 0 to 5, not \(cropNLayers).")
        }
        guard minMaskRegionArea >= 0 else { throw ValidationError("--min-mask-region-area must not be negative.") }
        for (name, value) in [
            ("--stability-score-thresh", Double(stabilityScoreThresh)), ("--box-nms-thresh", boxNmsThresh),
            ("--crop-nms-thresh", cropNmsThresh), ("--crop-overlap-ratio", cropOverlapRatio),
        ] where !(0...1).contains(value) {
            throw ValidationError("\(name) must be from 0 to 1, not \(value).")
        }
        // What a model predicts is no share: it may lie beyond 0 and 1.
        guard predIouThresh.isFinite else { throw ValidationError("--pred-iou-thresh must be a number.") }
        guard stabilityScoreOffset >= 0, stabilityScoreOffset.isFinite else {
            throw ValidationError("--stability-score-offset must be 0 or more, not \(stabilityScoreOffset).")
        }
    }

    private var everything: EverythingOptions {
        var result = EverythingOptions()
        (result.pointsPerSide, result.pointsPerBatch) = (pointsPerSide, pointsPerBatch)
        (result.predictedIoU, result.stability) = (predIouThresh, stabilityScoreThresh)
        result.stabilityOffset = stabilityScoreOffset
        (result.boxNMS, result.cropNMS) = (boxNmsThresh, cropNmsThresh)
        (result.cropLayers, result.cropOverlap) = (cropNLayers, cropOverlapRatio)
        result.pointsDownscaleFactor = cropNPointsDownscaleFactor
        result.leastRegionArea = minMaskRegionArea
        return result
    }

    func run() throws {
        let listing = try PictureListing([image])
        printWarnings(listing.warnings)
        var folder = MaskFolder(output, format)
        var outputs = PictureOutputs(isSeveral: listing.isSeveral)
        outputs.preview = preview
        try outputs.checkEndings()
        try requireDistinctFiles(of: listing.files) { format == .coco ? outputs.file(of: $0) : folder.file(of: $0) }
        let previews = listing.files.compactMap { outputs.ofPicture($0).preview }
        try requireDistinct(reads: listing.files + options.reads(), writes: folder.files(of: listing.files) + previews)
        try makeFolder(output)
        try requireOutputs(previews, besides: listing.files)
        let sam = try options.open()
        var run = RunProgress(counts: listing.files.map { _ in 1 })
        try forEach(listing.files, errors: listing.errors, isSeveral: listing.isSeveral) { image in
            let title = "\(image)\(run.next())"
            let picture = try samples.read(image)
            let masks = try masks(in: picture, image, title, sam)
            try folder.write(masks, of: image, size: picture.size)
            if let preview = outputs.ofPicture(image).preview {
                try writePNG(preview, picture.drawing(runs: masks.map(\.mask)))
            }
            print("\(image): \(masks.count) \(masks.count == 1 ? "mask" : "masks")")
            if masks.isEmpty {
                printWarnings([
                    Warning(
                        file: image,
                        "no mask has a predicted IoU above \(predIouThresh) and a stability of \(stabilityScoreThresh): the "
                            + "defaults are made for ViT-H, other weights need a lower --pred-iou-thresh and "
                            + "--stability-score-thresh")
                ])
            }
        }
        try folder.finish()
    }

    private func masks(in picture: RGBImage, _ path: String, _ title: String, _ sam: Sam) throws -> [MaskRecord] {
        var progress: Progress?
        return try sam.everything(in: picture, name: path, everything) { done, total in
            if progress == nil { progress = Progress("\(title): points", total: total) }
            progress?.update(done)
        }
    }
}
