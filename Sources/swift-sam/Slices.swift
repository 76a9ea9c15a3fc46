import ArgumentParser
import Foundation
import Imaging
import PictureFiles
import SafeFiles

struct Slices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The PNG slices of volumes that annotators draw boxes on.",
        discussion: """
            Example: swift-sam slices ct.nii.gz -o slices/

            Writes STEM-slice000.png, … and slices.json, which segment reads when it is with the boxes. A folder \
            means its volumes, and 'ct/{case}/ct.nii.gz' for all that fit.
            """)

    @OptionGroup var slicing: SlicingOptions

    @Flag(help: "Print no progress and no warnings.")
    var quiet = false

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; made where missing.", valueName: "dir"))
    var output: String

    func run() throws {
        let cases = try slicing.cases(isQuiet: quiet)
        let pictures = try cases.flatMap { item in
            let slices = try slicing.slicing.slices(of: try Geometry(ofVolume: item.path), case: item.name, record: nil)
            return (0..<slices.count).map { path(ofSlice: $0, item) }
        }
        try requireDistinct(reads: cases.map(\.path), writes: pictures + [SlicesRecord.path(in: output)])
        for item in cases {
            let volume = try Volume(contentsOf: item.path)
            let slices = try slicing.slicing.slices(of: volume.geometry, case: item.name, record: nil)
            if !quiet { printWarnings(volume.warnings + slices.warnings(file: volume.file)) }
            let images = SliceImages(volume, slices, try slicing.slicing.intensity(of: volume, record: nil))
            try makeFolder(output)
            let record = try SlicesRecord(of: images, case: item.name, in: output)
            let progress = Progress("\(volume.file): slices", total: slices.count, isQuiet: quiet)
            for slice in 0..<slices.count {
                try writePNG(
                    path(ofSlice: slice, item), size: slices.imageSize, grey: images.grey(ofSlice: slice))
                progress.update(slice + 1)
            }
            try record.write(to: SlicesRecord.path(in: output))
        }
    }

    private func path(ofSlice slice: Int, _ item: VolumeFile) -> String {
        let name = slicing.pattern.name(ofSlice: slice, case: item.name) + ".png"
        return URL(filePath: output).appending(path: name).path(percentEncoded: false)
    }
}
