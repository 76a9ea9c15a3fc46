/// One of the three axes of a volume's array; i varies fastest in the file.
public enum VoxelAxis: String, Hashable, Sendable, Codable, CaseIterable {
    case i
    case j
    case k
}

/// The index of a voxel in a volume's array, from 0.
public struct VoxelIndex: Hashable, Sendable {
    public var i: Int
    public var j: Int
    public var k: Int

    public init(i: Int, j: Int, k: Int) {
        self.i = i
        self.j = j
        self.k = k
    }

    public subscript(axis: VoxelAxis) -> Int {
        get {
            switch axis {
            case .i: i
            case .j: j
            case .k: k
            }
        }
        set {
            switch axis {
            case .i: i = newValue
            case .j: j = newValue
            case .k: k = newValue
            }
        }
    }
}

/// The number of voxels along each axis of a volume.
public struct VolumeSize: Hashable, Sendable, Codable, CustomStringConvertible {
    public var i: Int
    public var j: Int
    public var k: Int

    public init(i: Int, j: Int, k: Int) {
        self.i = i
        self.j = j
        self.k = k
    }

    public subscript(axis: VoxelAxis) -> Int {
        switch axis {
        case .i: i
        case .j: j
        case .k: k
        }
    }

    /// The number of voxels, i · j · k.
    public var count: Int { i * j * k }

    /// A voxel's index in the volume's values, of which i varies fastest.
    public func offset(of voxel: VoxelIndex) -> Int {
        voxel.i + i * (voxel.j + j * voxel.k)
    }

    /// The voxel at this index of the volume's values.
    public func voxel(at offset: Int) -> VoxelIndex {
        VoxelIndex(i: offset % i, j: offset / i % j, k: offset / (i * j))
    }

    public var description: String { "\(i)×\(j)×\(k)" }
}
