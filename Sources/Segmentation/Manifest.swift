import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles
import Tensors

/// What a label volume was made from and how: enough to check it, to repeat it to the byte, and to find every box's
/// part in it. It is written beside the volume, as `labels.json` beside `labels.nii.gz`.
///
/// The same command gives the same manifest but for `seconds`, on any number of threads.
public struct Manifest: Codable, Sendable {
    /// A file, or several with one digest: see ``ReadDigests/ofAll(_:)``.
    public struct Source: Codable, Hashable, Sendable {
        /// See ``FileNaming``.
        public var path: String
        /// How many files were read.
        public var files: Int
        public var sha256: String

        /// - Precondition: all files were read while `digests` recorded.
        public init(path: String, files: [String], _ digests: ReadDigests) {
            self.init(path: path, files: files.count, sha256: files == [path] ? digests[path] : digests.ofAll(files))
        }

        /// Of one file.
        ///
        /// - Precondition: it was read while `digests` recorded.
        init(_ path: String, _ digests: ReadDigests) { self.init(path: path, files: [path], digests) }

        init(path: String, files: Int, sha256: String) {
            (self.path, self.files, self.sha256) = (path, files, sha256)
        }
    }

    /// The label volume.
    public struct Output: Codable, Sendable {
        public var path: String
        /// By which an edited volume is known; see ``requireUnedited(labels:)``.
        public var sha256: String
    }

    /// What computed: the same bytes are promised on the same kernels alone.
    public struct Kernels: Codable, Hashable, Sendable {
        /// The instruction set of swift-sam's own.
        public var instructionSet: String
        /// The core that OpenBLAS chose its own for.
        public var openBLAS: String

        /// Those of this process.
        public static var current: Kernels {
            Kernels(instructionSet: InstructionSet.current.rawValue, openBLAS: blasCore())
        }

        enum CodingKeys: String, CodingKey {
            case instructionSet = "instruction_set"
            case openBLAS = "openblas"
        }
    }

    /// Everything that the result depends on besides the sources and the kernels.
    public struct Options: Codable, Hashable, Sendable {
        public var recipe: Recipe
        public var precision: Precision
        public var axis: VoxelAxis
        public var view: SliceView
        public var intensity: Intensity
        public var singleMask: Bool
        /// The label of each class id that was given one, and null of those left out.
        public var labels: [String: UInt16?]
        /// What becomes of slices that nobody drew; nil where nothing was asked for.
        public var filling: Filling?

        init(_ settings: SegmentationSettings, _ annotated: AnnotatedVolume, _ intensity: Intensity) {
            recipe = settings.recipe
            precision = settings.sam.precision
            (axis, view) = (annotated.slices.axis, annotated.slices.view)
            self.intensity = intensity
            singleMask = settings.recipe.takesSingleMask(settings.singleMask)
            let labels = settings.labels.labels(of: annotated.boxes)
            self.labels = Dictionary(uniqueKeysWithValues: labels.map { ("\($0.key)", $0.value) })
            filling = settings.filling.isAsked ? settings.filling : nil
        }

        enum CodingKeys: String, CodingKey {
            case recipe, precision, axis, view, intensity, labels, filling
            case singleMask = "single_mask"
        }
    }

    /// By which the boxes were chosen and read.
    public struct Reading: Codable, Hashable, Sendable {
        /// The name of the volume in those of its slices.
        public var `case`: String
        /// See `SlicePattern`.
        public var pattern: String
        /// The first and the last slice whose boxes counted; nil for all.
        public var slices: [Int]?
        public var skipsBad: Bool
        public var emptyFile: Evidence.EmptyFile
        public var tasks: Source?

        enum CodingKeys: String, CodingKey {
            case `case`, pattern, slices, tasks
            case skipsBad = "skip_bad"
            case emptyFile = "empty_means"
        }
    }

    /// Slices that a call had no boxes for, and whose labels it kept.
    public struct Kept: Codable, Hashable, Sendable {
        /// Of the call that made their labels.
        public var version: String
        public var kernels: Kernels
        public var boxFiles: Source
        public var slices: [Int]

        enum CodingKeys: String, CodingKey {
            case version, kernels, slices
            case boxFiles = "box_files"
        }
    }

    /// How much of the volume has a label.
    public struct Amount: Codable, Sendable {
        public var boxes: Int
        public var slices: Int
        public var voxels: Int
        /// How many of the voxels nobody drew; nil where nothing was to be filled.
        public var filled: Int?
        /// To a thousandth.
        public var millilitres: Double
    }

    /// How long the work took; the only part that differs from run to run.
    public struct Seconds: Codable, Sendable {
        /// Opening the weights.
        public var load: Double
        /// Encoding slices and predicting masks.
        public var segment: Double
        /// How many slices that were, without those taken over from labels; nil in older manifests.
        public var computed: Int?
    }

    public var version: String
    public var kernels: Kernels
    public var input: Source
    public var boxFiles: Source
    /// The record of the slices that the boxes were drawn on, where there is one.
    public var record: Source?
    /// Who drew the boxes, where it is known.
    public var annotator: String?
    /// The list of the classes' names, where one was given.
    public var classes: Source?
    public var weights: Source
    public var options: Options
    /// Nil where a version before 0.5 wrote the manifest.
    public var reading: Reading?
    /// What each label is, also those that were asked for and have no box; by label. ``LabelsRecord`` reads it.
    public var labels: [String: LabelsRecord.Label]
    /// Nil until the labels are written.
    public var output: Output?
    /// Where the labels come from: see ``LabelOrigin``; nil where nothing was to be filled.
    public var origin: Output?
    /// By label.
    public var amounts: [String: Amount]
    public var boxes: [SegmentedBox]
    public var clippedBoxes: Int
    /// What was wrong with boxes that were left out, with file and line.
    public var badBoxes: [String]
    public var conflicts: [Conflict]
    public var conflictPixels: Int
    /// What was filled and what was not; nil where nothing was to be.
    public var gaps: [Gap]?
    /// How much of drawn slices filling gives back; nil where that was not asked.
    public var leftOut: [LeftOut]?
    /// What is of earlier calls; nil where all is of this one.
    public var kept: [Kept]?
    public var seconds: Seconds

    enum CodingKeys: String, CodingKey {
        case version, kernels, input, record, annotator, classes, weights, options, reading, labels, output, origin
        case amounts, boxes, conflicts, gaps, kept, seconds
        case leftOut = "left_out"
        case boxFiles = "box_files"
        case clippedBoxes = "clipped_boxes"
        case badBoxes = "bad_boxes"
        case conflictPixels = "conflict_pixels"
    }

    /// - Parameter labels: the name of each label.
    init(
        version: String, input: Source, boxFiles: Source, record: Source?, annotator: String?, classes: Source?,
        weights: Source, options: Options, reading: Reading, labels: [UInt16: String?], segmentation: SegmentedVolume,
        slices: SliceGeometry, badBoxes: [String], seconds: Seconds
    ) {
        (self.version, kernels) = (version, .current)
        (self.input, self.boxFiles, self.record, self.annotator) = (input, boxFiles, record, annotator)
        (self.classes, self.weights, self.options, self.reading) = (classes, weights, options, reading)
        self.labels = Dictionary(
            uniqueKeysWithValues: labels.map { ("\($0.key)", LabelsRecord.Label($0.key, name: $0.value)) })
        (self.badBoxes, self.seconds) = (badBoxes, seconds)
        amounts = segmentation.amounts(slices)
        boxes = segmentation.boxes
        clippedBoxes = boxes.count(where: \.isClipped)
        conflicts = segmentation.conflicts
        conflictPixels = conflicts.reduce(0) { $0 + $1.pixels }
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
