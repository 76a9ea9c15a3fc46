import ImageFrames
import Imaging
import SafeFiles

/// How one organ of a predicted label volume compares with the truth.
public struct OrganScore: Sendable {
    /// Of the whole volume; see ``Overlap/dice(miss:)``.
    public let dice: Double
    /// Of each slice.
    public let sliceDice: [Double]
    /// In millimetres; nil where either volume lacks the organ, or distances were not asked for.
    public let surface: SurfaceDistance?
    public let truthMillilitres: Double
    public let predictedMillilitres: Double
}

/// Scores a predicted label volume against the truth, organ by organ.
///
/// - Parameter distances: which Hausdorff distance; without one, no distances are computed.
/// - Throws: ``FileError`` `badData` where the two volumes are not in the same place, or there are more scores of slices than
///   ``Limit/scores`` lets be.
public func scores(
    of predicted: LabelVolume, file: String, truth: LabelVolume, organs: [Organ], axis: VoxelAxis, miss: Miss,
    distances: Hausdorff95? = .pooled
) throws(FileError) -> [OrganScore] {
    if let difference = truth.geometry.difference(from: predicted.geometry) {
        throw FileError(
            .badData, file: file, "not in the truth's place", found: difference,
            advice: "Resample it to the truth's grid first.")
    }
    let geometry = truth.geometry
    let affine = geometry.affine.scaled(by: geometry.millimetresPerUnit)
    let millilitres = geometry.millilitresPerVoxel
    let slices = SliceGeometry(geometry, axis: axis)
    try Limit.scores.check(organs.count * slices.count, ofSize: 32, of: file, "too many labels on too many slices")
    let overlaps = overlaps(truth: truth, predicted: predicted, labels: organs.map(\.label), slices: slices)
    let boxes = distances == nil ? [:] : VoxelBox.boxes(of: truth, predicted)
    let scattered = Set(boxes.filter(\.value.isSparse).keys)
    let places = [truth, predicted].map { scattered.isEmpty ? [:] : $0.surfaces(of: scattered, affine: affine) }
    return organs.map { organ in
        let own = overlaps[organ.label] ?? []
        return OrganScore(
            dice: own.whole.dice(miss: miss), sliceDice: own.map { $0.dice(miss: miss) },
            surface: boxes[organ.label].flatMap { box in
                if box.isSparse {
                    return SurfaceDistance(
                        truth: places[0][organ.label] ?? [], predicted: places[1][organ.label] ?? [],
                        hausdorff: distances ?? .pooled)
                }
                return SurfaceDistance(
                    truth: box.mask(truth, organ.label), predicted: box.mask(predicted, organ.label), size: box.size,
                    affine: affine, hausdorff: distances ?? .pooled)
            },
            truthMillilitres: Double(own.whole.truth) * millilitres,
            predictedMillilitres: Double(own.whole.predicted) * millilitres)
    }
}

extension LabelVolume {
    /// Gives voxels of some labels other labels; labels that are not named stay.
    public func mapped(_ map: [UInt16: UInt16]) -> LabelVolume {
        var result = self
        if !map.isEmpty { result.values = values.map { map[$0] ?? $0 } }
        return result
    }
}
