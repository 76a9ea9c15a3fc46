import Annotations
import ArgumentParser
import Imaging
import SafeFiles
import Segmentation

struct Precompute: AsyncParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Encode slices ahead into a cache, for instance while people still draw.",
        discussion: """
            Example: swift-sam precompute ct/ --view radiological --cache cache/

            segment with the same --cache, model and precision then needs the decoder alone. With --boxes only slices that \
            have some are encoded, and turned as they were drawn on; without, all are, in the radiological view unless \
            --view or --record says otherwise.
            """)

    @OptionGroup var slicing: SlicingOptions

    @Option(help: "Encode the slices that have boxes here, as segment reads them.", completion: .file())
    var boxes: String?

    @OptionGroup var reading: BoxReadingOptions

    @OptionGroup var classes: ClassOptions

    @Option(help: ArgumentHelp("Only these slices.", valueName: "20-30"), transform: parseSliceRange)
    var slices: ClosedRange<Int>?

    @Option(help: "How the model is to be used.")
    var recipe = Recipe.sam

    @OptionGroup var options: ModelOptions
    @OptionGroup var cache: CacheOptions

    @Option(
        help: ArgumentHelp("Do one of several parts of all volumes, as segment does.", valueName: "3/8"),
        transform: parsePart)
    var part: Part?

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard cache.cache != nil else { throw ValidationError("Name the folder to fill with --cache.") }
        guard boxes != nil || reading.tasks == nil && !reading.skipBad else {
            throw ValidationError("--tasks and --skip-bad need --boxes.")
        }
        slicing.intensity = recipe.intensity ?? slicing.intensity
    }

    func run() async throws {
        // First of all: reading many boxes takes a while too.
        let stop = Signals.askToStop()
        let files = try slicing.cases()
        var ways = slicing.slicing
        ways.record = reading.record
        let classList = try classes.list()
        let annotated = try boxes.map {
            try reading.read($0, on: files, slicing, classes: classList, slices: slices)
        }
        if let annotated, annotated.volumes.allSatisfy({ $0.boxes.allSatisfy(\.boxes.isEmpty) }) {
            throw ValidationError("--boxes holds no boxes on these volumes and slices: nothing to encode.")
        }
        var settings = SegmentationSettings(
            sam: try options.open(), recipe: recipe, slicing: ways, classes: classList, version: version)
        settings.cache = try await cache.open(weights: settings.weightsDigest)
        settings.stop = stop
        var work = SharedWork(isAlone: files.count == 1)
        var (count, said): (Int, Set<String>) = (0, [])
        for file in try chosen(files, by: part) {
            try stop.check()
            try await work.attempt(file) { _ in
                if let unreadable = annotated?.unreadable.first(where: { $0.file == file }) { throw unreadable.error }
                let drawn = annotated?.volumes.filter { $0.file == file }
                let encodings =
                    try drawn?.map { annotated throws(FileError) in try SliceEncoding(annotated, settings) }
                    ?? [SliceEncoding(file, settings, slices: slices)]
                for encoding in encodings {
                    printWarnings(encoding.warnings)
                    if said.insert(encoding.way).inserted { print("\(file.path): \(encoding.way)") }
                    let progress = Progress("\(file.path): slices", total: encoding.slices.count)
                    try encoding(progress: progress.update)
                    count += encoding.slices.count
                }
                return nil
            }
            try settings.cache?.requireKept()
            printWarnings(settings.cache?.takeWarnings() ?? [])
        }
        if let cache = settings.cache, case (let held, let all) = cache.usedEntries(), held < all {
            printWarnings([
                Warning(
                    file: cache.folder,
                    "the limit holds \(held) of \(all) different slices, and segment encodes the others again: raise "
                        + "--cache-limit")
            ])
        }
        try work.finish(slicing.volume, "encoded")
        guard count > 0 || part != nil else { throw ValidationError("--slices: no volume has any of these.") }
    }
}
