import ArgumentParser
import Foundation
import ImageFrames
import PictureFiles
import SafeFiles
import SegmentAnything

extension EverythingFormat: ExpressibleByArgument {}

struct Everything: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "All masks in pictures, as the official automatic mask generator.",
        discussion: """
            Example: swift-sam everything photo.jpg -o masks/

            Asks for three masks at each point of a grid, and keeps those that are good, stable and no duplicates. \
            Defaults are the official ones, made for ViT-H.
            """)

    @Argument(help: "A PNG or JPEG, or a folder of them.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var image: String

    @OptionGroup var options: ModelOptions

    @Option(help: "Points along a side of the grid.")
    var pointsPerSide = 32

    @Option(help: "The most points decoded at once; more than 8 gain nothing on a CPU.")
    var pointsPerBatch = 8

    @Option(help: "Drop masks whose predicted IoU is not above this.")
    var predIouThresh: Float = 0.88

    @Option(help: "Drop masks whose stability is below this.")
    var stabilityScoreThresh: Float = 0.95

    @Option(help: "Stability is the IoU of the masks at thresholds ± this.")
    var stabilityScoreOffset: Float = 1

    @Option(help: "Of two masks whose boxes have an IoU above this, the better one stays.")
    var boxNmsThresh = 0.7

    @Option(help: "Layers of crops that are searched besides the picture; layer n has 4ⁿ.")
    var cropNLayers = 0

    @Option(help: "As --box-nms-thresh, between crops.")
    var cropNmsThresh = 0.7

    @Option(help: "By how much of the short side crops of the first layer overlap.")
    var cropOverlapRatio = 512.0 / 1500

    @Option(help: "In layer n the grid has this to the power of n fewer points along a side.")
    var cropNPointsDownscaleFactor = 1

    @Option(help: "Remove holes and islands of fewer pixels.")
    var minMaskRegionArea = 0

    @Option(
        help: ArgumentHelp(
            "coco-rle (a JSON each, as the official script), coco (one JSON), png (a folder each, with metadata.csv), "
                + "labels (a 16-bit PNG each) or polygons (a JSON each for LabelMe).", valueName: "format"))
    var format = EverythingFormat.cocoRLE

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
        let images = try pictureFiles(image)
        let names = images.map { URL(filePath: $0).deletingPathExtension().lastPathComponent }
        try requireDistinct(
            reads: images + options.reads(),
            writes: format == .coco ? [SafeFiles.path(of: "annotations.json", in: output)] : names.map(path(of:))
        )
        try makeFolder(output)
        let sam = try options.open()
        var (coco, bad): (COCOFile, [String]) = (COCOFile(), [])
        for (number, (image, name)) in zip(images, names).enumerated() {
            let count = images.count > 1 ? " (\(number + 1) of \(images.count))" : ""
            do {
                let (picture, warnings) = try readImage(image)
                printWarnings(warnings)
                try write(try masks(in: picture, image, count, sam), of: picture, image: image, name: name, &coco)
            } catch let error as FileError where images.count > 1 && error.kind == .badData {
                printError("error: \(error)")
                bad.append(image)
            }
        }
        if format == .coco {
            try writeAtomically(SafeFiles.path(of: "annotations.json", in: output), encodedJSON(coco))
        }
        if !bad.isEmpty { throw ExitCode(FileError.Kind.badData.rawValue) }
    }

    private func masks(
        in picture: RGBImage, _ path: String, _ count: String, _ sam: Sam
    ) throws -> [EverythingMask] {
        var progress: Progress?
        let masks = try sam.everything(in: picture, name: path, everything) { done, total in
            if progress == nil { progress = Progress("\(path): points", total: total) }
            progress?.update(done)
        }
        print("\(path)\(count): \(masks.count) masks")
        return masks
    }

    private func write(
        _ masks: [EverythingMask], of picture: RGBImage, image: String, name: String, _ coco: inout COCOFile
    ) throws {
        let (target, file) = (path(of: name), URL(filePath: image).lastPathComponent)
        switch format {
        case .cocoRLE: try writeAtomically(target, encodedJSON(masks))
        case .coco: coco.add(masks, image: file, size: picture.size)
        case .polygons: try writeAtomically(target, encodedJSON(LabelMeFile(masks, image: file, size: picture.size)))
        case .labels: try writePNG(target, size: picture.size, labels: masks.labels(size: picture.size))
        case .png:
            try makeFolder(target)
            for (number, mask) in masks.enumerated() { try writePNG("\(target)/\(number).png", Mask(mask.mask)) }
            try writeAtomically("\(target)/metadata.csv", Data(commaSeparated(masks.metadata).utf8))
        }
    }

    private func path(of name: String) -> String {
        switch format {
        case .cocoRLE, .polygons: SafeFiles.path(of: "\(name).json", in: output)
        case .labels: SafeFiles.path(of: "\(name).png", in: output)
        case .png, .coco: SafeFiles.path(of: name, in: output)
        }
    }
}
