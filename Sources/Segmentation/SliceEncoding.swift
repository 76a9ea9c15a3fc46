import Annotations
import Imaging
import SafeFiles

/// The slices of a volume to be encoded into a cache, before or after boxes are drawn on them.
public struct SliceEncoding: Sendable {
    let images: SliceImages
    public let slices: [Int]
    /// What the person should know before.
    public let warnings: [Warning]
    let settings: SegmentationSettings

    /// The slices that have boxes.
    ///
    /// - Throws: ``FileError`` as ``SegmentationRun/init(_:_:from:)``.
    public init(_ annotated: AnnotatedVolume, _ settings: SegmentationSettings) throws(FileError) {
        let run = try SegmentationRun(annotated, settings)
        (images, self.settings) = (run.segmenter.images, settings)
        slices = run.segmenter.boxes.map(\.slice)
        warnings = run.warnings
    }

    /// All slices, turned as the record says that was chosen, else in the radiological view, as new slices are.
    ///
    /// - Parameter chosen: the slices that count; nil for all.
    /// - Throws: ``FileError`` where the volume or the record cannot be read or do not go together.
    public init(
        _ file: VolumeFile, _ settings: SegmentationSettings, slices chosen: ClosedRange<Int>? = nil
    ) throws(FileError) {
        let record = try settings.slicing.record.map { path throws(FileError) in try FoundRecord(chosen: path) }
        let volume = try Volume(contentsOf: file.path)
        var slicing = settings.slicing
        if record == nil { slicing.view = slicing.view ?? .radiological }
        let slices = try slicing.slices(of: volume.geometry, case: file.name, record: record)
        images = SliceImages(volume, slices, try slicing.intensity(of: volume, record: record?.record))
        self.settings = settings
        self.slices = (0..<slices.count).filter { chosen?.contains($0) != false }
        warnings =
            volume.warnings + slices.warnings(file: volume.file)
            + (try record?.warnings(case: file.name, volume: file.path) ?? [])
        try settings.recipe.check(slices, file: file.path)
    }

    /// What the pictures are, which `segment` finds in the cache where it takes them likewise.
    public var way: String {
        "axis \(images.slices.axis), view \(images.slices.view), intensity \(images.intensity)"
    }

    /// Encodes the slices that the cache does not have, until it can keep no more; see ``EmbeddingCache/requireKept()``.
    ///
    /// - Parameter progress: receives after each slice how many are done.
    /// - Throws: ``FileError`` as of encoding; ``Interrupted``.
    public func callAsFunction(progress: (_ done: Int) -> Void = { _ in }) throws {
        for (done, slice) in slices.enumerated() {
            _ = try settings.encode(
                settings.recipe.image(images, ofSlice: slice), name: "\(images.volume.file), slice \(slice)")
            if settings.cache?.isFull == true { return }
            progress(done + 1)
        }
    }
}
