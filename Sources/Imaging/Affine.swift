import ImageFrames

/// Where voxels are in the world: millimetres to the patient's right, front and head (RAS+).
///
/// world = `origin` + i · `alongI` + j · `alongJ` + k · `alongK`: the columns of NIfTI's 4 × 4 matrix, whose
/// lowest row is always 0 0 0 1. In the unit that the file declares, nearly always millimetres.
public struct Affine: Hashable, Sendable {
    public var alongI: SIMD3<Double>
    public var alongJ: SIMD3<Double>
    public var alongK: SIMD3<Double>
    public var origin: SIMD3<Double>

    public init(
        alongI: SIMD3<Double>, alongJ: SIMD3<Double>, alongK: SIMD3<Double>, origin: SIMD3<Double>
    ) {
        self.alongI = alongI
        self.alongJ = alongJ
        self.alongK = alongK
        self.origin = origin
    }

    /// The step from one voxel to the next along an axis.
    public subscript(axis: VoxelAxis) -> SIMD3<Double> {
        switch axis {
        case .i: alongI
        case .j: alongJ
        case .k: alongK
        }
    }

    /// The distance from one voxel to the next along an axis.
    public func spacing(along axis: VoxelAxis) -> Double {
        length(self[axis])
    }

    /// The volume of a voxel, a parallelepiped; below 0 where the axes are mirrored.
    public var determinant: Double { dot(cross(alongI, alongJ), alongK) }

    /// Whether every number is finite and no voxels fall together: the determinant is not 0.
    public var isInvertible: Bool {
        let box = length(alongI) * length(alongJ) * length(alongK)
        return box.isFinite && dot(origin, origin).isFinite && box > 0 && abs(determinant) > 1e-9 * box
    }

    /// Where a voxel's centre is.
    public func position(of voxel: VoxelIndex) -> SIMD3<Double> {
        origin + alongI * Double(voxel.i) + alongJ * Double(voxel.j) + alongK * Double(voxel.k)
    }

    /// The same places in another unit.
    public func scaled(by factor: Double) -> Affine {
        Affine(
            alongI: alongI * factor, alongJ: alongJ * factor, alongK: alongK * factor, origin: origin * factor)
    }

    /// Whether the axes are as perpendicular as ITK requires: no cosine between two is above 1e-4 (read off SimpleITK 2.5,
    /// which still reads 1e-4 and does not read 1e-3).
    public var isOrthogonal: Bool { shear <= 1e-4 }

    /// The largest cosine between two axes.
    private var shear: Double {
        let i = alongI / length(alongI)
        let j = alongJ / length(alongJ)
        let k = alongK / length(alongK)
        return max(abs(dot(i, j)), abs(dot(i, k)), abs(dot(j, k)))
    }
}

private func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double {
    (a * b).sum()
}

func length(_ vector: SIMD3<Double>) -> Double {
    dot(vector, vector).squareRoot()
}

private func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
    SIMD3(
        a.y * b.z - a.z * b.y,
        a.z * b.x - a.x * b.z,
        a.x * b.y - a.y * b.x)
}
