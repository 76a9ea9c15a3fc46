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
/// - Throws: ``FileError`` `badData` where the two volumes are not in the same place.
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
    let overlaps = overlaps(truth: truth, predicted: predicted, labels: organs.map(\.label), slices: slices)
    let boxes = distances == nil ? [:] : VoxelBox.boxes(of: truth, predicted)
    return organs.map { organ in
        let own = overlaps[organ.label] ?? []
        return OrganScore(
            dice: own.whole.dice(miss: miss), sliceDice: own.map { $0.dice(miss: miss) },
            surface: boxes[organ.label].flatMap { box in
                SurfaceDistance(
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
