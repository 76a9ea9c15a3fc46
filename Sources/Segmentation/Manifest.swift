import Foundation
import ImageFrames
import Imaging
import SafeFiles
import Tensors

/// What a label volume was made from and how: enough to check it, to repeat it to the byte, and to find every box's
/// part in it. It stands beside the volume, as `labels.json` beside `labels.nii.gz`.
///
/// The same command gives the same manifest but for `seconds`, on any number of threads.
public struct Manifest: Encodable, Sendable {
    /// A file, or several with one digest: see ``sha256(ofFiles:)``.
    public struct Source: Encodable, Sendable {
        /// The path as the person gave it.
        public var path: String
        /// How many files were read.
        public var files: Int
        public var sha256: String

        /// - Throws: ``FileError`` where a file cannot be read.
        public init(path: String, files: [String]) throws(FileError) {
            self.path = path
            self.files = files.count
            sha256 = files == [path] ? try Segmentation.sha256(ofFile: path) : try Segmentation.sha256(ofFiles: files)
        }
    }

    /// Everything that the result depends on besides the sources.
    public struct Options: Encodable, Sendable {
        public var recipe: Recipe
        public var precision: Precision
        public var axis: VoxelAxis
        public var view: SliceView
        public var intensity: Intensity
        public var singleMask: Bool
        /// The label of each class id that was given one, and null of those left out.
        public var labels: [String: UInt16?]

        public init(
            recipe: Recipe, images: SliceImages, precision: Precision, singleMask: Bool, labels: [Int: UInt16?]
        ) {
            self.recipe = recipe
            self.precision = precision
            axis = images.slices.axis
            view = images.slices.view
            intensity = images.intensity
            self.singleMask = singleMask
            self.labels = Dictionary(uniqueKeysWithValues: labels.map { ("\($0.key)", $0.value) })
        }

        enum CodingKeys: String, CodingKey {
            case recipe, precision, axis, view, intensity, labels
            case singleMask = "single_mask"
        }
    }

    /// A box and what became of it.
    public struct Box: Encodable, Sendable {
        public var slice: Int
        public var file: String
        /// The line of a YOLO file or CSV, or the object of a Pascal VOC file, from 1.
        public var number: Int
        public var `class`: Int
        public var label: UInt16
        /// x0, y0, x1, y1 in pixels of the slice's image, cut at its edge, as the model was asked about them.
        public var box: [Double]
        public var clipped: Bool
        /// Which of the model's masks was chosen.
        public var mask: Int
        /// The predicted IoU.
        public var score: Float
        public var stability: Double
        /// The mask's pixels, before conflicts.
        public var area: Int
    }

    /// How much of the volume has a label.
    public struct Amount: Encodable, Sendable {
        public var boxes: Int
        public var slices: Int
        public var voxels: Int
        /// To a thousandth.
        public var millilitres: Double
    }

    /// How long the work took; the only part that differs from run to run.
    public struct Seconds: Encodable, Sendable {
        /// Opening the weights.
        public var load: Double
        /// Encoding slices and predicting masks.
        public var segment: Double

        public init(load: Double, segment: Double) {
            self.load = load
            self.segment = segment
        }
    }

    public var version: String
    public var input: Source
    public var boxFiles: Source
    /// Who drew the boxes, where it is known.
    public var annotator: String?
    /// The list of the classes' names, where one was given.
    public var classes: Source?
    public var weights: Source
    public var options: Options
    /// By label.
    public var amounts: [String: Amount]
    public var boxes: [Box]
    public var clippedBoxes: Int
    /// What was wrong with boxes that were left out, with file and line.
    public var badBoxes: [String]
    public var conflicts: [Conflict]
    public var conflictPixels: Int
    public var seconds: Seconds

    enum CodingKeys: String, CodingKey {
        case version, input, annotator, classes, weights, options, amounts, boxes, conflicts, seconds
        case boxFiles = "box_files"
        case clippedBoxes = "clipped_boxes"
        case badBoxes = "bad_boxes"
        case conflictPixels = "conflict_pixels"
    }

    public init(
        version: String, sources: Sources, annotator: String?, options: Options, segmentation: SegmentedVolume,
        slices: SliceGeometry, badBoxes: [String], seconds: Seconds
    ) {
        self.version = version
        (input, boxFiles, classes, weights) = (sources.input, sources.boxes, sources.classes, sources.weights)
        self.annotator = annotator
        self.options = options
        self.badBoxes = badBoxes
        self.seconds = seconds
        amounts = segmentation.amounts(slices)
        boxes = segmentation.boxes.map {
            let box = $0.box.box
            return Box(
                slice: $0.slice, file: $0.box.file, number: $0.box.number, class: $0.box.classID, label: $0.label,
                box: [box.x0, box.y0, box.x1, box.y1], clipped: $0.box.isClipped, mask: $0.mask, score: $0.score,
                stability: $0.stability, area: $0.area)
        }
        clippedBoxes = boxes.count(where: \.clipped)
        conflicts = segmentation.conflicts
        conflictPixels = conflicts.reduce(0) { $0 + $1.pixels }
    }

    /// Where the manifest of a label volume stands: `labels.json` beside `labels.nii.gz` or `labels.nii`.
    public static func path(besideLabels labels: String) -> String {
        withoutVolumeExtension(labels) + ".json"
    }
}

/// The digests of everything that a run reads, which take seconds for large weights.
public struct Sources: Sendable {
    public let input: Manifest.Source
    public let boxes: Manifest.Source
    public let classes: Manifest.Source?
    public let weights: Manifest.Source

    public init(
        input: Manifest.Source, boxes: Manifest.Source, classes: Manifest.Source?, weights: Manifest.Source
    ) {
        self.input = input
        self.boxes = boxes
        self.classes = classes
        self.weights = weights
    }
}

extension SegmentedVolume {
    /// How much of the volume each label that was asked for has, by label.
    fileprivate func amounts(_ slices: SliceGeometry) -> [String: Manifest.Amount] {
        var voxels: [UInt16: Int] = [:]
        for label in labels.values where label != 0 { voxels[label, default: 0] += 1 }
        let millilitres = labels.geometry.millilitresPerVoxel
        return Dictionary(grouping: boxes, by: \.label).reduce(into: [:]) { amounts, group in
            let count = voxels[group.key] ?? 0
            amounts["\(group.key)"] = Manifest.Amount(
                boxes: group.value.count, slices: Set(group.value.map(\.slice)).count, voxels: count,
                millilitres: (Double(count) * millilitres * 1000).rounded() / 1000)
        }
    }
}
