import ArgumentParser
import Files
import Foundation
import Imaging
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
            consecutive. splits_final.json holds five folds by case: copy it into nnU-Net's folder of preprocessed data.

            With --ignore-gaps, nnU-Net 2.8.1 counts ignored voxels where it measures the intensities to normalise by; \
            tools/nnunet/run has it measure the same labels without them first.
            """)

    @Option(help: "The folder of the volumes (.nii.gz).", completion: .directory)
    var images: String

    @Option(help: "The folder of their label volumes, of the same names.", completion: .directory)
    var labels: String

    @Option(
        help: ArgumentHelp("The labels and their names, in the dataset's order.", valueName: "1=spleen,4=liver"),
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
        let dataset = NNUNetDataset(cases: cases, organs: names, ignoresGaps: ignoreGaps)
        let progress = Progress("\(output): cases checked, then written", total: 2 * cases.count, isQuiet: quiet)
        try dataset.write(to: output, progress: progress.update)
        print("wrote \(cases.count) cases to \(output)")
    }
}
