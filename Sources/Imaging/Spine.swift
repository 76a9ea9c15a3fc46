import ImageFrames
import SafeFiles

extension SliceGeometry {
    /// Whether axial slices of a CT in Hounsfield units show the patient upside down: the spine on top, and air in the body
    /// (stomach and bowel, which it rises in) not above it.
    ///
    /// The spine is what is above 200 HU in the middle third of the body, as wide as its slices are; it must lie a twelfth of
    /// the body's height from its middle, as a mean over up to 16 slices. (On the CT at hand it lies a fifth away.)
    public func showsUpsideDown(_ volume: Volume) -> Bool {
        guard isAxial, volume.looksLikeHounsfield else { return false }
        let places = spread(Array(0..<count), count: 16).compactMap { place(ofSpine: $0, volume) }
        guard !places.isEmpty else { return false }
        let bone = places.reduce(0) { $0 + $1.bone } / Double(places.count)
        let gas = places.compactMap(\.gas)
        let isGasAbove = !gas.isEmpty && gas.reduce(0, +) / Double(gas.count) <= bone
        return bone < -1.0 / 12 && !isGasAbove
    }

    /// What the person should know where slices are upside down: by their view, or because the affine is not true.
    public func warningsOfUpsideDown(_ volume: Volume) -> [Warning] {
        guard showsUpsideDown(volume) else { return [] }
        let reason =
            view == .array
            ? "the array's view shows it upside down, and --view radiological does not where the affine is true"
            : "the affine says that its front is there: was the volume flipped without it?"
        return [Warning(file: volume.file, "the patient's spine is on top: \(reason)")]
    }

    /// How far below the middle of the body its bones lie in a slice, as a share of its height, and the air in it; nil where
    /// there is no bone.
    private func place(ofSpine slice: Int, _ volume: Volume) -> (bone: Double, gas: Double?)? {
        // Some 128 pixels a side are enough.
        let step = max(1, max(imageSize.width, imageSize.height) / 128)
        var pixels: [(x: Int, y: Int, value: Float)] = []
        for y in stride(from: 0, to: imageSize.height, by: step) {
            for x in stride(from: 0, to: imageSize.width, by: step) {
                pixels.append((x, y, volume[voxel(at: SlicePixel(x: x, y: y, slice: slice))]))
            }
        }
        let body = pixels.filter { $0.value > -300 }
        guard body.count > 50 else { return nil }
        func range(_ values: [Int]) -> ClosedRange<Double> {
            let sorted = values.sorted()
            return Double(sorted[sorted.count / 50])...Double(sorted[sorted.count - 1 - sorted.count / 50])
        }
        let (across, down) = (range(body.map(\.x)), range(body.map(\.y)))
        let (width, height) = (across.upperBound - across.lowerBound, down.upperBound - down.lowerBound)
        guard width > 0, height > 0 else { return nil }
        func mean(_ isIncluded: ((x: Int, y: Int, value: Float)) -> Bool) -> Double? {
            let rows = pixels.filter(isIncluded).map { (Double($0.y) - down.lowerBound) / height - 0.5 }
            return rows.count < 5 ? nil : rows.reduce(0, +) / Double(rows.count)
        }
        let centre = across.lowerBound + width / 2
        guard let bone = mean({ $0.value > 200 && abs(Double($0.x) - centre) < width / 6 }) else { return nil }
        let gas = mean {
            $0.value < -400 && abs(Double($0.x) - centre) < width / 4
                && abs(Double($0.y) - down.lowerBound - height / 2) < 0.45 * height
        }
        return (bone, gas)
    }
}
