import ImageFrames

/// The images of a volume's slices.
public struct SliceImages: Sendable {
    public let volume: Volume
    public let slices: SliceGeometry
    public let intensity: Intensity
    /// The volume's own range, where the intensity asks for it.
    private let volumeRange: ClosedRange<Float>?

    public init(_ volume: Volume, _ slices: SliceGeometry, _ intensity: Intensity) {
        precondition(slices.volumeSize == volume.size, "slices of \(slices.volumeSize) for \(volume.size)")
        self.volume = volume
        self.slices = slices
        self.intensity = intensity
        volumeRange = intensity == .minmaxVolume ? volume.range : nil
    }

    /// A slice as 8-bit grey values `[height, width]`, row by row; see ``Intensity``.
    public func grey(ofSlice slice: Int) -> [UInt8] {
        let values = volume.values(ofSlice: slice, slices)
        switch intensity {
        case .window(let level, let width): return eightBits(values, level: level, width: width)
        case .minmaxVolume: return eightBits(values, from: volumeRange)
        case .minmaxSlice: return eightBits(values, from: finiteRange(values))
        }
    }

    /// A slice with its grey values in all three channels.
    public func image(ofSlice slice: Int) -> RGBImage {
        RGBImage(size: slices.imageSize, grey: grey(ofSlice: slice))
    }
}

extension Volume {
    /// The values of a slice's image `[height, width]`, row by row.
    public func values(ofSlice slice: Int, _ slices: SliceGeometry) -> [Float] {
        slices.offsets(ofSlice: slice).map { values[$0] }
    }
}

extension LabelVolume {
    /// The labels of a slice's image `[height, width]`, row by row.
    public func labels(ofSlice slice: Int, _ slices: SliceGeometry) -> [UInt16] {
        slices.offsets(ofSlice: slice).map { values[$0] }
    }

    /// Replaces the labels of a slice's image `[height, width]`, row by row.
    ///
    /// - Precondition: there is a label for each pixel, and the slices are of this volume's size.
    public mutating func setLabels(_ labels: [UInt16], ofSlice slice: Int, _ slices: SliceGeometry) {
        precondition(slices.volumeSize == size, "slices of \(slices.volumeSize) for \(size)")
        precondition(labels.count == slices.imageSize.area, "\(labels.count) labels for \(slices.imageSize)")
        for (offset, label) in zip(slices.offsets(ofSlice: slice), labels) { values[offset] = label }
    }
}
