import ImageFrames
import SafeFiles

/// How a slice lies in the image that people see.
public enum SliceView: String, Hashable, Sendable, Codable, CaseIterable {
    /// numpy's `rot90` of the slice's array, whatever it shows: `rot90(volume[:, :, k])` for the axis k.
    case array
    /// Turned by the affine, as radiologists look: the patient's right on the left, front or head on top; in a
    /// slice from the side, the front on the left.
    case radiological
}

/// A pixel of one slice's image: x to the right, y down, from the top left.
public struct SlicePixel: Hashable, Sendable {
    public var x: Int
    public var y: Int
    /// The slice's index along the axis of slicing, from 0.
    public var slice: Int

    public init(x: Int, y: Int, slice: Int) {
        self.x = x
        self.y = y
        self.slice = slice
    }
}

/// The exact relation of a volume's voxels to the pixels of its slices.
public struct SliceGeometry: Hashable, Sendable {
    public let volumeSize: VolumeSize
    /// The axis that counts the slices.
    public let axis: VoxelAxis
    public let view: SliceView
    /// The axis along an image's width, and whether it runs from right to left.
    public let across: VoxelAxis
    private let acrossIsReversed: Bool
    /// The axis along an image's height, and whether it runs from the bottom up.
    public let down: VoxelAxis
    private let downIsReversed: Bool
    /// Whether the slices lie across the length of the body, or the volume does not say.
    public let isAxial: Bool
    /// The direction in an image, x and y, towards the patient's right; nil where slices are from the side, or the volume
    /// does not say.
    public let towardsRight: SIMD2<Double>?
    /// The same towards the patient's front.
    public let towardsFront: SIMD2<Double>?
    /// The axis along the length of the body, by the volume's own word.
    private let axialAxis: VoxelAxis?

    /// The slices of a volume along an axis.
    ///
    /// In the array view of axis k, the pixel in row y and column x is voxel i = x, j = size j − 1 − y; along the
    /// other axes likewise, the first of the two axes left runs to the right and the second one up.
    public init(_ geometry: Geometry, axis: VoxelAxis = .k, view: SliceView = .array) {
        volumeSize = geometry.size
        self.axis = axis
        self.view = view
        isAxial = geometry.source == .none || geometry.direction(of: axis).isAxial
        axialAxis = VoxelAxis.allCases.first { geometry.direction(of: $0).isAxial }
        let axes = VoxelAxis.allCases.filter { $0 != axis }
        switch view {
        case .array:
            (across, down) = (axes[0], axes[1])
            (acrossIsReversed, downIsReversed) = (false, true)
        case .radiological:
            // Left-right before front-back before head-foot, and towards left, back and foot: that is where
            // world coordinates fall.
            let ordered = axes.sorted {
                geometry.direction(of: $0).rawValue < geometry.direction(of: $1).rawValue
            }
            (across, down) = (ordered[0], ordered[1])
            acrossIsReversed = geometry.direction(of: across).isPositive
            downIsReversed = geometry.direction(of: down).isPositive
        }
        let sides = [(across, acrossIsReversed), (down, downIsReversed)]
        func towards(_ positive: PatientDirection, _ negative: PatientDirection) -> SIMD2<Double>? {
            let steps = sides.map { axis, isReversed -> Double in
                let direction = geometry.direction(of: axis)
                guard direction == positive || direction == negative else { return 0 }
                return direction.isPositive == isReversed ? -1 : 1
            }
            return geometry.source == .none || steps == [0, 0] ? nil : SIMD2(steps[0], steps[1])
        }
        towardsRight = towards(.right, .left)
        towardsFront = towards(.anterior, .posterior)
    }

    /// How many slices there are.
    public var count: Int { volumeSize[axis] }

    /// Width and height of every slice's image.
    public var imageSize: PixelSize { PixelSize(width: volumeSize[across], height: volumeSize[down]) }

    public func voxel(at pixel: SlicePixel) -> VoxelIndex {
        var voxel = VoxelIndex(i: 0, j: 0, k: 0)
        voxel[axis] = pixel.slice
        voxel[across] = acrossIsReversed ? volumeSize[across] - 1 - pixel.x : pixel.x
        voxel[down] = downIsReversed ? volumeSize[down] - 1 - pixel.y : pixel.y
        return voxel
    }

    public func pixel(at voxel: VoxelIndex) -> SlicePixel {
        SlicePixel(
            x: acrossIsReversed ? volumeSize[across] - 1 - voxel[across] : voxel[across],
            y: downIsReversed ? volumeSize[down] - 1 - voxel[down] : voxel[down],
            slice: voxel[axis])
    }

    /// The index in the volume's values of each pixel of a slice's image, row by row.
    public func offsets(ofSlice slice: Int) -> [Int] {
        precondition((0..<count).contains(slice), "slice \(slice) of \(count)")
        let origin = volumeSize.offset(of: voxel(at: SlicePixel(x: 0, y: 0, slice: slice)))
        let stepRight = stride(of: across) * (acrossIsReversed ? -1 : 1)
        let stepDown = stride(of: down) * (downIsReversed ? -1 : 1)
        var offsets: [Int] = []
        offsets.reserveCapacity(imageSize.area)
        for y in 0..<imageSize.height {
            for x in 0..<imageSize.width { offsets.append(origin + x * stepRight + y * stepDown) }
        }
        return offsets
    }

    private func stride(of axis: VoxelAxis) -> Int {
        switch axis {
        case .i: 1
        case .j: volumeSize.i
        case .k: volumeSize.i * volumeSize.j
        }
    }

    /// What the person should know: that the slices do not lie across the length of the body.
    public func warnings(file: String) -> [Warning] {
        guard !isAxial else { return [] }
        let other = axialAxis.map { "; --axis \($0) does" } ?? ""
        return [
            Warning(file: file, "axis \(axis) is not the axial one: its slices do not lie across the body\(other)")
        ]
    }
}

/// What the person should know where arrays of volumes lie in different ways, so that their slices in the array's view are
/// turned differently.
///
/// - Parameter volumes: each with where its axes point, which is nil where it does not say.
public func warningsOfMixedOrientations(
    _ volumes: [(case: String, orientation: String?)], file: String
) -> [Warning] {
    let groups = Dictionary(grouping: volumes.filter { $0.orientation != nil }, by: { $0.orientation ?? "" })
    guard groups.count > 1 else { return [] }
    let list = groups.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map { orientation, volumes in
        "\(orientation) (\(listed(Set(volumes.map(\.case)).sorted(), most: 3)))"
    }
    return [
        Warning(
            file: file,
            "volumes of mixed orientations, whose slices the array's view turns differently: "
                + list.joined(separator: "; ") + "; --view radiological turns all alike")
    ]
}
