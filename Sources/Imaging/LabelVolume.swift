import ImageFrames
import SafeFiles

/// A volume of labels: 0 for nothing, and a number for each kind of object.
public struct LabelVolume: Sendable {
    public let geometry: Geometry
    /// One label for each voxel, i fastest, then j, then k.
    public var values: [UInt16]
    /// What the person should know about the file it was read from.
    public let warnings: [Warning]

    public var size: VolumeSize { geometry.size }

    public subscript(voxel: VoxelIndex) -> UInt16 {
        get { values[size.offset(of: voxel)] }
        set { values[size.offset(of: voxel)] = newValue }
    }

    /// Labels in the same place of the world as another volume, all of them 0.
    public init(geometry: Geometry) {
        self.init(geometry: geometry, values: [UInt16](repeating: 0, count: geometry.size.count))
    }

    /// Labels made in memory, one for each voxel, i fastest, then j, then k.
    public init(geometry: Geometry, values: [UInt16]) {
        precondition(values.count == geometry.size.count, "\(values.count) labels for \(geometry.size) voxels")
        self.geometry = geometry
        self.values = values
        warnings = []
    }

    /// Reads labels from a NIfTI volume; see ``Volume/init(contentsOf:)``.
    ///
    /// A label is slope · stored + intercept, rounded: files of labels stored as 0, 51, 102… with a slope of
    /// 1/51 exist.
    ///
    /// - Throws: ``FileError`` as for a volume, and `badData` where a value is not within 0.001 of a whole number
    ///   from 0 to 65535.
    public init(contentsOf path: String) throws(FileError) {
        let volume = try Volume(contentsOf: path)
        geometry = volume.geometry
        warnings = volume.warnings
        let isLabel: (Float) -> Bool = { value in
            abs(value - value.rounded()) <= 1e-3 && (0...65535).contains(value.rounded())
        }
        if let offset = volume.values.firstIndex(where: { !isLabel($0) }) {
            let voxel = geometry.size.voxel(at: offset)
            throw FileError(
                .badData, file: path, place: "voxel (\(voxel.i), \(voxel.j), \(voxel.k))", "not a label",
                expected: "a whole number from 0 to 65535", found: "\(volume.values[offset])")
        }
        values = volume.values.map { UInt16($0.rounded()) }
    }
}

/// A label with the name that tables, CSV columns and data sets give it.
public struct Organ: Hashable, Sendable {
    public let name: String
    public let label: UInt16

    public init(name: String, label: UInt16) {
        self.name = name
        self.label = label
    }
}

// MARK: Writing

extension LabelVolume {
    /// Writes the labels as a NIfTI, whole or not at all, compressed with gzip where the path ends in `.nii.gz`.
    ///
    /// Of the header that the geometry was read from, the version, the dimensions and every byte that says where the
    /// voxels are stay as they were (both forms and their codes, voxel sizes, units, the offset in time), in this
    /// machine's byte order; nothing else of it goes on, no text and no extensions. A geometry made in memory gets a
    /// header of its own. The labels are unscaled uint8 (slope 1), or uint16 where one is above 255. The same labels
    /// give the same bytes.
    ///
    /// - Throws: ``FileError`` `cannotCreate` where the path cannot be written, `inputOutput` where the disk is
    ///   full or fails.
    public func write(to path: String) throws {
        try writeAtomically(path) { temporary in
            try write(to: temporary, for: path)
        }
    }

    /// Writes at `temporary` what errors call `path`, where several files are to appear together.
    public func write(to temporary: String, for path: String) throws(FileError) {
        let file = try GzipWriter(temporary, for: path, compressed: VolumeEnding(of: path) == .compressed)
        let bytesPerLabel = (values.max() ?? 0) > 255 ? 2 : 1
        try file.write(geometry.labelsHeader(bytesPerLabel: bytesPerLabel))
        let longest = 1 << 18
        for start in stride(from: 0, to: values.count, by: longest) {
            let part = values[start..<min(start + longest, values.count)]
            try file.write(bytesPerLabel == 1 ? part.map { UInt8($0) } : part.withUnsafeBytes { Array($0) })
        }
        try file.close()
    }
}
