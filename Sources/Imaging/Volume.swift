import ImageFrames
import SafeFiles

/// A volume of real numbers, such as a CT in Hounsfield units.
public struct Volume: Sendable {
    /// The path that the volume was read from, or what messages call it.
    public let file: String
    public let geometry: Geometry
    /// One value for each voxel, i fastest, then j, then k; slope and intercept are applied.
    public var values: [Float]
    /// What the person should know about the file.
    public let warnings: [Warning]

    public var size: VolumeSize { geometry.size }

    /// A volume made in memory.
    ///
    /// - Parameters:
    ///   - file: what messages call it.
    ///   - values: one for each voxel, i fastest, then j, then k.
    public init(file: String, geometry: Geometry, values: [Float], warnings: [Warning] = []) {
        precondition(values.count == geometry.size.count, "\(values.count) values for \(geometry.size) voxels")
        self.file = file
        self.geometry = geometry
        self.values = values
        self.warnings = warnings
    }

    public subscript(voxel: VoxelIndex) -> Float {
        values[size.offset(of: voxel)]
    }

    /// The least and the greatest finite value, or nil where there is none.
    public var range: ClosedRange<Float>? { finiteRange(values) }
}

/// The least and the greatest finite value, or nil where there is none.
func finiteRange(_ values: [Float]) -> ClosedRange<Float>? {
    var least = Float.infinity
    var greatest = -Float.infinity
    for value in values where value.isFinite {
        least = min(least, value)
        greatest = max(greatest, value)
    }
    return least <= greatest ? least...greatest : nil
}
