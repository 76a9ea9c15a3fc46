import ImageFrames

/// Which slices of a volume are meant: along an axis of its array, or of the body by its affine.
public enum SliceAxis: String, Hashable, Sendable, Codable, CaseIterable {
    case i
    case j
    case k
    /// Slices across the length of the body.
    case axial
    /// Slices from the front.
    case coronal
    /// Slices from the side.
    case sagittal

    /// The axis of a volume's array that counts these slices; a volume that does not say where its axes point has them as
    /// ``Geometry/Source/none`` says.
    public func axis(in geometry: Geometry) -> VoxelAxis {
        func pointing(_ directions: PatientDirection...) -> VoxelAxis {
            guard let axis = VoxelAxis.allCases.first(where: { directions.contains(geometry.direction(of: $0)) }) else {
                preconditionFailure("no axis points \(directions[0]): \(geometry.orientation)")
            }
            return axis
        }
        switch self {
        case .i: return .i
        case .j: return .j
        case .k: return .k
        case .axial: return pointing(.superior, .inferior)
        case .coronal: return pointing(.anterior, .posterior)
        case .sagittal: return pointing(.right, .left)
        }
    }
}
