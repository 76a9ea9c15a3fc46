import ArgumentParser
import Files
import Foundation
import Imaging

struct Slices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The PNG slices of a volume that annotators draw boxes on.",
        discussion: """
            Example: swift-sam slices ct.nii.gz -o slices/

            Writes STEM-slice000.png, … and slices.json, which segment reads when it stands with the boxes.
            """)

    @Argument(help: "A NIfTI volume.", completion: .file(extensions: ["nii", "gz"]))
    var volume: String

    @OptionGroup var slicing: SlicingOptions

    @Flag(help: "Print no progress and no warnings.")
    var quiet = false

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; made where missing.", valueName: "dir"))
    var output: String

    func run() throws {
        let volume = try Volume(contentsOf: volume)
        let record = try slicing.slicing(of: volume)
        let slices = SliceGeometry(volume.geometry, axis: record.axis, view: record.view)
        if !quiet { printWarnings(volume.warnings + slices.warnings(file: volume.file)) }
        try makeFolder(output)
        let images = SliceImages(volume, slices, record.intensity)
        let stem = slicing.stem(of: volume)
        let folder = URL(filePath: output)
        let progress = Progress("\(volume.file): slices", total: slices.count, isQuiet: quiet)
        for slice in 0..<slices.count {
            let name = stem + String(format: "-slice%03d.png", slice)
            let path = folder.appending(path: name).path(percentEncoded: false)
            try writePNG(path, size: slices.imageSize, grey: images.grey(ofSlice: slice))
            progress.update(slice + 1)
        }
        try record.write(to: SlicesRecord.path(in: output))
    }
}
