import Annotations
import ImageFrames
import Imaging

/// A label volume, and how each box came to its part of it.
public struct SegmentedVolume: Sendable {
    public internal(set) var labels: LabelVolume
    /// In the order of the slices, and in a slice of its file.
    public internal(set) var boxes: [SegmentedBox] = []
    public internal(set) var conflicts: [Conflict] = []
    /// Where the labels come from, by ``LabelOrigin``.
    public internal(set) var origin: LabelVolume
    /// What was filled and what was not, in the order of the classes and slices.
    public internal(set) var gaps: [Gap]
    /// Drawn slices that were left out, filled and compared.
    public internal(set) var leftOut: [LeftOut] = []
    /// By slice; without what is of an earlier run, on whose slices nothing else is filled.
    var fillings: [Int: [SliceFilling]] = [:]
}

/// A box and what became of it, as the manifest has it.
public struct SegmentedBox: Codable, Sendable {
    public var slice: Int
    public var file: String
    /// The line of a YOLO file or CSV, or the object of a Pascal VOC file, from 1.
    public var number: Int
    public var classID: Int
    public var label: UInt16
    /// In pixels of the slice's image, cut at its edge, as the model was prompted with it.
    public var box: PixelBox
    /// Whether a part of the box as drawn was outside the image.
    public var isClipped: Bool
    /// Which of the model's masks was chosen: 1…3, or 0 for the single one.
    public var mask: Int
    /// The predicted IoU.
    public var score: Float
    public var stability: Double
    /// The mask's pixels, before conflicts.
    public var area: Int

    enum CodingKeys: String, CodingKey {
        case slice, file, number, label, box, mask, score, stability, area
        case classID = "class"
        case isClipped = "clipped"
    }
}

extension SegmentedBox {
    /// What the model was asked, and what for.
    struct Question: Equatable {
        var classID: Int
        var label: UInt16?
        var box: PixelBox

        init(_ box: DrawnBox, _ labels: LabelMap) {
            (classID, label, self.box) = (box.classID, labels.label(ofClass: box.classID), box.box)
        }

        init(classID: Int, label: UInt16, box: PixelBox) {
            (self.classID, self.label, self.box) = (classID, label, box)
        }
    }

    var question: Question { .init(classID: classID, label: label, box: box) }
}

// MARK: - Drawing and filling

extension SegmentedVolume {
    init(geometry: Geometry, gaps: [Gap] = []) {
        (labels, origin) = (LabelVolume(geometry: geometry), LabelVolume(geometry: geometry))
        self.gaps = gaps
    }

    /// Sets what was drawn on a slice, over anything else.
    mutating func draw(_ pixels: [UInt16], ofSlice slice: Int, _ slices: SliceGeometry) {
        labels.setLabels(pixels, ofSlice: slice, slices)
        origin.setLabels(
            pixels.map { $0 == 0 ? 0 : LabelOrigin.drawn.rawValue }, ofSlice: slice, slices)
    }

    /// The pixels of a label that were drawn on a slice.
    func drawn(_ label: UInt16, ofSlice slice: Int, _ slices: SliceGeometry) -> Mask {
        let offsets = slices.offsets(ofSlice: slice)
        return Mask(
            size: slices.imageSize,
            values: offsets.map { labels.values[$0] == label && origin.values[$0] == LabelOrigin.drawn.rawValue })
    }

    /// Fills a slice: beneath what was drawn there, and where fillings overlap the one of higher quality is above, of equals that
    /// of the lower label, of one label the first of ``gaps``, so that their order does not matter.
    ///
    /// - Parameter gap: which of ``gaps``.
    mutating func fill(_ filled: FilledMask, gap: Int, _ slices: SliceGeometry) {
        let offsets = zip(slices.offsets(ofSlice: filled.slice), filled.mask.values).filter(\.1).map(\.0)
        gaps[gap].fills.append(
            Fill(slice: filled.slice, quality: filled.quality, score: filled.score, area: offsets.count, lost: 0))
        fillings[filled.slice, default: []].append(
            .init(
                gap: gap, fill: gaps[gap].fills.count - 1, label: gaps[gap].place.label, quality: filled.quality ?? 0,
                offsets: offsets))
        // All of the slice anew: a label may be of several classes, so what stands there does not say whose it is.
        let all = (fillings[filled.slice] ?? []).sorted {
            ($0.quality, $1.label, $1.gap) < ($1.quality, $0.label, $0.gap)
        }
        for filling in all {
            let kind = gaps[filling.gap].way == .ends ? LabelOrigin.propagated : .interpolated
            for offset in filling.offsets where origin.values[offset] != LabelOrigin.drawn.rawValue {
                labels.values[offset] = filling.label
                origin.values[offset] = kind.rawValue
            }
        }
        for filling in all {
            gaps[filling.gap].fills[filling.fill].lost = filling.offsets.count { labels.values[$0] != filling.label }
        }
    }

    /// What was filled on a slice, whether it is seen or not.
    struct SliceFilling {
        /// Which of ``gaps``, and of its fills.
        var gap: Int
        var fill: Int
        var label: UInt16
        var quality: Double
        /// The voxels.
        var offsets: [Int]
    }
}
