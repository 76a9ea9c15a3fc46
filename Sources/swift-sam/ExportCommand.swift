import ArgumentParser
import Foundation
import Imaging
import SafeFiles
import Segmentation

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Data sets for training other networks.", subcommands: [ExportNNUNet.self])
}

struct ExportNNUNet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nnunet",
        abstract: "An nnU-Net v2 dataset from volumes and their labels.",
        discussion: """
            Example: swift-sam export nnunet --images ct/ --labels labels/ --names 1=spleen,4=liver \
            -o $nnUNet_raw/Dataset001_Abdomen

            Volumes and labels pair by name, and every pair is checked before anything is written. Labels become \
            consecutive. splits_final.json holds five folds by case (fewer of fewer cases): copy it into nnU-Net's folder of \
            preprocessed data.

            With --ignore-gaps, nnU-Net 2.8.1 counts ignored voxels where it measures the intensities to normalise by; \
            tools/nnunet/run has it measure the same labels without them first.
            """)

    @Option(help: "The folder of the volumes (.nii.gz).", completion: .directory)
    var images: String

    @Option(help: "The folder of their label volumes, of the same names.", completion: .directory)
    var labels: String

    @Option(
        help: ArgumentHelp(
            "The labels and their names, in the dataset's order; - makes a label background.",
            valueName: "1=spleen,4=liver,6=-"),
        transform: parseNames)
    var names: [Organ]

    @Flag(help: "Ignore the background of slices on which an organ was forgotten: before and after, it is there.")
    var ignoreGaps = false

    @Flag(help: "Print no progress.")
    var quiet = false

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The folder to write, such as Dataset001_Abdomen.", valueName: "dir"))
    var output: String

    func run() throws {
        let cases = try pairedVolumes(truth: images, predicted: labels).map {
            NNUNetDataset.Case(name: withoutVolumeExtension($0.name), image: $0.truth, labels: $0.predicted)
        }
        let organs = names.filter { $0.name != leftOut }
        guard !organs.isEmpty else { throw ValidationError("--names leaves out every label.") }
        let dataset = NNUNetDataset(
            cases: cases, organs: organs, leftOut: Set(names.filter { $0.name == leftOut }.map(\.label)),
            ignoresGaps: ignoreGaps)
        let progress = Progress("\(output): cases", total: cases.count, isQuiet: quiet)
        // Each is checked, then each is written.
        let missing = try dataset.write(to: output) { progress.update($0 / 2) }
        if !quiet { printWarnings(ofAbsent: missing, in: labels) }
        print("wrote \(cases.count) cases to \(output)")
    }
}
