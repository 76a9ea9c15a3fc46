import ArgumentParser
import Imaging
import PictureFiles
import SafeFiles
import Segmentation

struct Slices: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "The PNG slices of volumes that annotators draw boxes on.",
        discussion: """
            Example: swift-sam slices ct.nii.gz -o slices/

            Writes STEM-slice000.png, … and slices.json, which says how the slices are turned: keep it with the pictures or the \
            boxes, where segment finds it. Slices that boxes were drawn on are not turned anew: boxes without a slices.json are \
            read as --view array. A folder means its volumes, and 'ct/{case}/ct.nii.gz' for all that fit. \
            --view array is the way of the study (Kulkarni et al. 2024), and --every 3 hands out every third slice.
            """)

    @OptionGroup var slicing: SlicingOptions

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Write only every Nth slice, from 000.", valueName: "N"))
    var every = 1

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; made where missing.", valueName: "dir"))
    var output: String

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard every > 0 else { throw ValidationError("--every must be at least 1, not \(every).") }
    }

    func run() throws {
        let cases = try slicing.cases()
        let folder = SliceFolder(output, pattern: slicing.pattern)
        var ways = slicing.slicing
        ways.view = ways.view ?? .radiological
        let geometries = cases.compactMap { item in
            skipping { () throws(FileError) in (item, try Geometry(ofVolume: item.path)) }
        }
        let pictures = try geometries.flatMap { item, geometry in
            handedOut(try ways.slices(of: geometry, case: item.name, record: nil)).map {
                folder.picture(ofSlice: $0, case: item.name)
            }
        }
        if ways.view == .array {
            let orientations = geometries.map { ($0.name, $1.source == .none ? nil : $1.orientation) }
            printWarnings(warningsOfMixedOrientations(orientations, file: slicing.volume))
        }
        try requireDistinct(reads: cases.map(\.path), writes: pictures + [SlicesRecord.path(in: output)])
        for (item, _) in geometries {
            let read = skipping { () throws(FileError) in
                let volume = try Volume(contentsOf: item.path)
                let slices = try ways.slices(of: volume.geometry, case: item.name, record: nil)
                return SliceImages(volume, slices, try ways.intensity(of: volume, record: nil))
            }
            guard let images = read else { continue }
            let (volume, slices) = (images.volume, images.slices)
            printWarnings(volume.warnings + slices.warnings(file: volume.file) + slices.warningsOfUpsideDown(volume))
            try makeFolder(output)
            try folder.prepare(for: images, axis: ways.axis ?? .k, case: item.name)
            let chosen = handedOut(slices)
            let others = (0..<slices.count).filter { !$0.isMultiple(of: every) }
                .filter { isOtherThanFolder(folder.picture(ofSlice: $0, case: item.name)) }
            if !others.isEmpty {
                let what = "pictures of \(others.count) other slices of \(item.name) are there, as of another --every"
                printWarnings([Warning(file: output, what)])
            }
            let progress = Progress("\(volume.file): slices", total: chosen.count)
            for (done, slice) in chosen.enumerated() {
                try writePNG(
                    folder.picture(ofSlice: slice, case: item.name), size: slices.imageSize,
                    grey: images.grey(ofSlice: slice))
                progress.update(done + 1)
            }
        }
    }

    private func handedOut(_ slices: SliceGeometry) -> [Int] { Array(stride(from: 0, to: slices.count, by: every)) }
}
