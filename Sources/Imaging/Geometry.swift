import Frames

/// A volume's array and where it is in the world, with the bytes that said so.
public struct Geometry: Sendable {
    /// Which part of a NIfTI header says where the voxels are.
    public enum Source: Sendable {
        /// The affine matrix; used first.
        case sform
        /// The rotation, offset and voxel size; used where there is no sform.
        case qform
        /// Neither: only the voxel size is known. Then the axes count as pointing right, anterior and
        /// superior from the first voxel (the standard's "method 1"), which not all tools agree on.
        case none
    }

    public let size: VolumeSize
    public let affine: Affine
    public let source: Source
    /// Where each axis points in the patient, by the closest world axis; no two point along the same one.
    public let directions: [PatientDirection]
    /// How many millimetres the unit of the affine is: 1, or 1000 for metres and 0.001 for micrometres.
    public let millimetresPerUnit: Double
    let header: NIfTIHeader

    /// Where an axis points in the patient.
    public func direction(of axis: VoxelAxis) -> PatientDirection {
        switch axis {
        case .i: directions[0]
        case .j: directions[1]
        case .k: directions[2]
        }
    }

    /// Where the axes i, j and k point, such as "RAS".
    public var orientation: String { directions.map(\.letter).joined() }

    /// The distance from one voxel to the next along an axis, in millimetres.
    public func spacing(along axis: VoxelAxis) -> Double {
        affine.spacing(along: axis) * millimetresPerUnit
    }
}

/// Where an axis of a volume points in the patient; raw values are libnifti's.
public enum PatientDirection: Int32, Sendable {
    case right = 1
    case left
    case anterior
    case posterior
    case superior
    case inferior

    /// R, L, A, P, S or I.
    public var letter: String {
        switch self {
        case .right: "R"
        case .left: "L"
        case .anterior: "A"
        case .posterior: "P"
        case .superior: "S"
        case .inferior: "I"
        }
    }

    /// Whether world coordinates grow in this direction.
    public var isPositive: Bool { self == .right || self == .anterior || self == .superior }

    /// Whether this is the direction of the body's length, superior or inferior.
    public var isAxial: Bool { self == .superior || self == .inferior }
}
