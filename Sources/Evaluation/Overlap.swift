import ImageFrames
import Imaging

/// How Dice counts a slice or volume in which the truth has a label and the prediction has not.
public enum Miss: String, CaseIterable, Sendable, Codable {
    /// As 0.
    case zero
    /// Not at all, as in the notebook of Kulkarni et al.
    case nan
}

/// Voxels of one label in a truth, in a prediction and in both.
public struct Overlap: Hashable, Sendable {
    public private(set) var truth = 0
    public private(set) var predicted = 0
    public private(set) var both = 0

    public init() {}

    /// Counts one voxel.
    public mutating func count(inTruth: Bool, inPrediction: Bool) {
        truth += inTruth ? 1 : 0
        predicted += inPrediction ? 1 : 0
        both += inTruth && inPrediction ? 1 : 0
    }

    static func + (one: Overlap, other: Overlap) -> Overlap {
        var sum = one
        sum.truth += other.truth
        sum.predicted += other.predicted
        sum.both += other.both
        return sum
    }

    /// 2·|truth ∩ predicted| / (|truth| + |predicted|) (Dice 1945); NaN where both are empty, and, with `miss` nan,
    /// where only the prediction is.
    public func dice(miss: Miss = .zero) -> Double {
        if truth + predicted == 0 || (miss == .nan && predicted == 0) { return .nan }
        return 2 * Double(both) / Double(truth + predicted)
    }
}

/// The overlaps of some labels, slice by slice.
///
/// - Returns: for each label an overlap for each slice.
/// - Precondition: the volumes have one size, the slices are of it, and no label is 0.
public func overlaps(
    truth: LabelVolume, predicted: LabelVolume, labels: [UInt16], slices: SliceGeometry
) -> [UInt16: [Overlap]] {
    precondition(truth.size == predicted.size, "overlap of \(truth.size) and \(predicted.size)")
    precondition(!labels.contains(0), "overlap of the background")
    var result = Dictionary(
        uniqueKeysWithValues: labels.map { ($0, [Overlap](repeating: Overlap(), count: slices.count)) })
    for slice in 0..<slices.count {
        let (own, other) = (truth.labels(ofSlice: slice, slices), predicted.labels(ofSlice: slice, slices))
        var overlaps: [UInt16: Overlap] = [:]
        for (one, two) in zip(own, other) where one != 0 || two != 0 {
            overlaps[one, default: Overlap()].count(inTruth: true, inPrediction: one == two)
            if one != two { overlaps[two, default: Overlap()].count(inTruth: false, inPrediction: true) }
        }
        for label in labels { result[label]?[slice] = overlaps[label] ?? Overlap() }
    }
    return result
}

extension [Overlap] {
    /// The overlap of all slices together.
    public var whole: Overlap { reduce(Overlap(), +) }
}
