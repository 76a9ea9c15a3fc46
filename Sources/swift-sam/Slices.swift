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

    @Option(help: "How slices are turned: array (rot90 of the array) or radiological (by the affine).")
    var view: SliceView = .array

    @Flag(help: "Print no progress and no warnings.")
    var quiet = false

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; made where missing.", valueName: "dir"))
    var output: String

    func run() throws {
        let volume = try Volume(contentsOf: volume)
        let slices = SliceGeometry(volume.geometry, axis: slicing.axis, view: view)
        if !quiet { printWarnings(volume.warnings + slices.warnings(file: volume.file)) }
        let intensity = try slicing.intensity(of: volume)
        do {
            try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        } catch {
            throw FileError(.cannotCreate, file: output, "cannot make the folder", found: error.localizedDescription)
        }
        let images = SliceImages(volume, slices, intensity)
        let stem = slicing.stem ?? "x"
        let folder = URL(filePath: output)
        let progress = Progress("\(volume.file): slices", total: slices.count, isQuiet: quiet)
        for slice in 0..<slices.count {
            let path = folder.appending(path: "\(stem)-slice\(slice).png").path(percentEncoded: false)
            try writePNG(path, size: slices.imageSize, grey: images.grey(ofSlice: slice))
            progress.update(slice + 1)
        }
        try SlicesRecord(
            volume: URL(filePath: volume.file).lastPathComponent, axis: slicing.axis, view: view,
            intensity: intensity, size: volume.size
        ).write(to: folder.appending(path: SlicesRecord.fileName).path(percentEncoded: false))
    }
}
