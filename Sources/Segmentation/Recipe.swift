import Annotations
import ImageFrames
import Imaging
import SafeFiles
import SegmentAnything

/// How slices become images, boxes prompts and masks labels: one of the ways in which people have used such models.
///
/// Its text form is the name.
public struct Recipe: Hashable, Sendable {
    /// Which of the model's masks for a box is taken.
    public enum Masks: String, Sendable {
        /// Of masks 1…3 the one of the highest predicted IoU.
        case best = "the best of three masks"
        /// Mask 0.
        case single = "the model's one mask"
    }

    /// Which mask wins the pixels that masks of several labels cover.
    public enum Overlap: String, Sendable {
        case higherScore = "the higher score"
        case lastBox = "the later box"
    }

    public let name: String
    public let scaling: Scaling
    /// Whether ``withEdges(_:size:)`` is applied to each slice.
    public let addsEdges: Bool
    /// Whether the corners of boxes are truncated to whole pixels.
    let truncatesCorners: Bool
    public let masks: Masks
    public let overlap: Overlap
    /// The one intensity that the recipe allows; it then allows no `--single-mask` either. Nil where both are free.
    public let intensity: Intensity?
    let needsSquareSlices: Bool
    /// Whose weights the recipe is for.
    public let weights: String

    /// As SAM's own predictor: of three masks the best, and where labels overlap the higher predicted IoU wins.
    public static let sam = Recipe(
        name: "sam", scaling: .longestSide, addsEdges: false, truncatesCorners: false, masks: .best,
        overlap: .higherScore, intensity: nil, needsSquareSlices: false, weights: "SAM")

    /// As the code of Kulkarni et al. 2024 (`src/crowdsourcing.py` of BioIntelligence-Lab/SAM_DataAnnotation) with SAM:
    /// edges are added to each slice (``withEdges(_:size:)``), corners truncated to whole pixels, and where labels overlap
    /// the last box of the file wins. Slices must be square, because that code exchanged width and height.
    public static let study = Recipe(
        name: "study", scaling: .longestSide, addsEdges: true, truncatesCorners: true, masks: .best,
        overlap: .lastBox, intensity: .minmaxSlice, needsSquareSlices: true, weights: "SAM")

    /// As MedSAM's own inference (Ma et al. 2024): ``Scaling/square``, and the model's one mask.
    public static let medsam = Recipe(
        name: "medsam", scaling: .square, addsEdges: false, truncatesCorners: false, masks: .single,
        overlap: .higherScore, intensity: nil, needsSquareSlices: false, weights: "MedSAM")
}

extension Recipe: RawRepresentable, CaseIterable, Codable {
    public static let allCases = [sam, study, medsam]

    public var rawValue: String { name }

    public init?(rawValue: String) {
        guard let recipe = Self.allCases.first(where: { $0.name == rawValue }) else { return nil }
        self = recipe
    }
}

extension Recipe {
    /// What is wrong with options that the recipe does not allow, as the end of a sentence; nil where it allows them.
    public func refusal(intensity: Intensity?, singleMask: Bool) -> String? {
        guard let own = self.intensity, singleMask || intensity ?? own != own else { return nil }
        return "takes \(masks.rawValue) and --intensity \(own), no other"
    }

    /// Whether the model's one mask is taken, where a person asks for it or not.
    func takesSingleMask(_ isAsked: Bool) -> Bool { isAsked || masks == .single }

    /// The boxes of each slice as the model is asked about them: those whose class has a label; slices without are left out.
    func prompts(_ boxes: [SliceBoxes], _ labels: LabelMap) -> [SliceBoxes] {
        boxes.compactMap { slice in
            var slice = slice
            slice.boxes = slice.boxes.filter { labels.label(ofClass: $0.classID) != nil }
            for index in slice.boxes.indices { slice.boxes[index].box = prompt(slice.boxes[index].box) }
            return slice.boxes.isEmpty ? nil : slice
        }.sorted { $0.slice < $1.slice }
    }

    /// The image of a slice that the model gets.
    func image(_ images: SliceImages, ofSlice slice: Int) -> RGBImage {
        let grey = images.grey(ofSlice: slice)
        let size = images.slices.imageSize
        return RGBImage(size: size, grey: addsEdges ? withEdges(grey, size: size) : grey)
    }

    /// The box that the model is prompted with.
    func prompt(_ box: PixelBox) -> PixelBox {
        guard truncatesCorners else { return box }
        return PixelBox(
            x0: box.x0.rounded(.towardZero), y0: box.y0.rounded(.towardZero), x1: box.x1.rounded(.towardZero),
            y1: box.y1.rounded(.towardZero))
    }

    /// - Throws: ``FileError`` `badData` for slices that are not square, where the recipe needs them to be.
    public func check(_ slices: SliceGeometry, file: String) throws(FileError) {
        let size = slices.imageSize
        guard needsSquareSlices, size.width != size.height else { return }
        throw FileError(
            .badData, file: file, "the recipe \(name) exchanges width and height",
            expected: "square slices", found: "\(size.width)×\(size.height)",
            advice: "Use --recipe sam.")
    }
}

/// A grey image `[height, width]` with its edges added, as the study did (`src/preprocessing.py`, `preprocess_image`).
///
/// To the values, stretched from 0 to 255, comes the magnitude of scikit-image's Sobel filter, stretched alike; the sum
/// is stretched once more and truncated to 8 bits. Beyond the edge the outermost pixels repeat. In single precision, as
/// there, so that truncation meets the same numbers. A constant image is 0.
func withEdges(_ grey: [UInt8], size: PixelSize) -> [UInt8] {
    precondition(grey.count == size.area, "\(grey.count) values for \(size)")
    let values = stretched(grey.map(Float.init))
    func value(_ x: Int, _ y: Int) -> Double {
        Double(values[min(max(y, 0), size.height - 1) * size.width + min(max(x, 0), size.width - 1)])
    }
    /// A weighted sum of three; of single precision and powers of two, so exact.
    func smoothed(_ at: (_ offset: Int) -> Double) -> Double { (at(-1) + 2 * at(0) + at(1)) / 4 }

    let edges = grey.indices.map { pixel in
        let (y, x) = pixel.quotientAndRemainder(dividingBy: size.width)
        let down = Float(smoothed { value(x + $0, y + 1) - value(x + $0, y - 1) })
        let across = Float(smoothed { value(x + 1, y + $0) - value(x - 1, y + $0) })
        // There the image has three equal channels, and the mean is over the squares of three directions.
        return (down * down + across * across).squareRoot() / Float(3).squareRoot()
    }
    return stretched(zip(values, stretched(edges)).map(+)).map { UInt8($0) }
}

/// Values from 0, the least, to 255, the greatest; all 0 where they are the same.
private func stretched(_ values: [Float]) -> [Float] {
    let (least, greatest) = (values.min() ?? 0, values.max() ?? 0)
    guard greatest > least else { return [Float](repeating: 0, count: values.count) }
    return values.map { ($0 - least) / (greatest - least) * 255 }
}
