import ImageFrames

/// The size of a volume and where its voxels are in the world.
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

    /// The unit of an affine; the raw value is its length in millimetres.
    public enum Unit: Double, Sendable {
        case metre = 1000
        case millimetre = 1
        case micrometre = 0.001
    }

    public let size: VolumeSize
    public let affine: Affine
    public let unit: Unit
    public let source: Source
    /// Where each axis points in the patient, by the closest world axis; no two point along the same one.
    public let directions: [PatientDirection]
    /// The header that the geometry was read from; nil for one made in memory.
    let header: NIfTIHeader?

    /// A geometry made in memory.
    ///
    /// - Parameter source: what a file with this geometry says; with `none` it has no affine, only voxel sizes.
    /// - Precondition: there is a voxel, and the affine is invertible.
    public init(size: VolumeSize, affine: Affine, unit: Unit = .millimetre, source: Source = .sform) {
        precondition(size.i > 0 && size.j > 0 && size.k > 0, "a volume of \(size) voxels")
        guard let geometry = Geometry(size: size, affine: affine, unit: unit, source: source, header: nil) else {
            preconditionFailure("not three independent finite axes: \(affine)")
        }
        self = geometry
    }

    /// Nil where the affine is not invertible.
    init?(size: VolumeSize, affine: Affine, unit: Unit, source: Source, header: NIfTIHeader?) {
        guard affine.isInvertible, let directions = affine.directions else { return nil }
        self.size = size
        self.affine = affine
        self.unit = unit
        self.source = source
        self.directions = directions
        self.header = header
    }

    /// How many millimetres the unit of the affine is: 1, or 1000 for metres and 0.001 for micrometres.
    public var millimetresPerUnit: Double { unit.rawValue }

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

    /// The volume of a voxel in millilitres, by the determinant: also where axes are sheared.
    public var millilitresPerVoxel: Double {
        1e-3 * abs(affine.determinant) * millimetresPerUnit * millimetresPerUnit * millimetresPerUnit
    }

    /// The least distance between neighbouring voxels in millimetres, along axes that have neighbours.
    var leastSpacing: Double {
        VoxelAxis.allCases.filter { size[$0] > 1 }.map(spacing).min() ?? spacing(along: .k)
    }

    /// The voxels at the corners: between them places are interpolated.
    var corners: [VoxelIndex] {
        (0..<8).map { corner in
            VoxelIndex(
                i: corner & 1 == 0 ? 0 : size.i - 1, j: corner & 2 == 0 ? 0 : size.j - 1,
                k: corner & 4 == 0 ? 0 : size.k - 1)
        }
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
    public var letter: String { ["R", "L", "A", "P", "S", "I"][Int(rawValue) - 1] }

    /// Whether world coordinates grow in this direction.
    public var isPositive: Bool { self == .right || self == .anterior || self == .superior }

    /// Whether this is the direction of the body's length, superior or inferior.
    public var isAxial: Bool { self == .superior || self == .inferior }
}
