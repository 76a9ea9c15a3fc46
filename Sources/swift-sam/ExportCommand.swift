import ArgumentParser
import Foundation
import Imaging
import SafeFiles

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Data sets for training other networks.", subcommands: [ExportNNUNet.self])
}

struct ExportNNUNet: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        commandName: "nnunet",
        abstract: "An nnU-Net v2 dataset from volumes and their labels.",
        discussion: """
            Example: swift-sam export nnunet --images ct/ --labels labels/ --names 1=spleen,4=liver \
            -o $nnUNet_raw/Dataset001_Abdomen

            Volumes and labels pair by their names or by {case}, Case_0001_0000.nii.gz also with Case_0001.nii.gz, and \
            every pair is checked before anything is written. Labels become consecutive; one called ignore is the one that \
            nnU-Net ignores. Images lose the text of their headers, which may hold patients' names. splits_final.json holds \
            five folds by case, or as many as there are cases where these are fewer: copy it into nnU-Net's folder of \
            preprocessed data.

            With --ignore-gaps, nnU-Net 2.8.1 counts ignored voxels where it measures the intensities to normalise by; \
            tools/nnunet/run has it measure the same labels without them first.
            """)

    @Option(help: "The volumes: a folder, or a pattern with {case}.", completion: .directory)
    var images: String

    @Option(help: "Their label volumes, likewise.", completion: .directory)
    var labels: String

    @Option(
        help: ArgumentHelp(
            "The labels and their names, in the dataset's order; - makes a label background. (default: those in labels.json)",
            valueName: "1=spleen,4=liver,6=-"),
        transform: NamedLabels.init(_:))
    var names = NamedLabels()

    @Option(
        help: ArgumentHelp(
            "What the volumes are, such as MRI. nnU-Net normalises CT by the intensities of all cases, anything else case by case, "
                + "but for its own noNorm, rescale_to_0_1 and rgb_to_0_1.",
            valueName: "name"))
    var channel = "CT"

    @Flag(help: "Leave out volumes without labels, and labels without a volume.")
    var onlyCommon = false

    @Flag(
        help: ArgumentHelp(
            "Ignore the background of slices on which an organ was forgotten: before and after it is there, or it is nowhere, "
                + "or work stopped half-way."))
    var ignoreGaps = false

    @Option(
        help: ArgumentHelp(
            "Ignore what segment --fill put where nobody drew, by the labels' -origin.nii.gz.", valueName: "filled"))
    var ignore: Ignored?

    @Flag(help: "Write cases also where an organ is nowhere or work stopped half-way; there it becomes background.")
    var allowMissing = false

    @Flag(help: "Leave out cases where an organ is nowhere or work stopped half-way.")
    var excludeIncomplete = false

    @Flag(help: "Keep the text and the extensions of the images' headers.")
    var keepHeader = false

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The folder to write, such as Dataset001_Abdomen.", valueName: "dir"))
    var output: String

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard !(allowMissing && excludeIncomplete) else {
            throw ValidationError("--allow-missing and --exclude-incomplete exclude each other.")
        }
    }

    func run() throws {
        let paired = try VolumePairs(
            try VolumeFiles(images), try VolumeFiles(labels), hasChannels: true, onlyCommon: onlyCommon)
        printSkipped(paired.errors)
        printWarnings(paired.warnings)
        if (output.split(separator: "/").last ?? "").wholeMatch(of: /Dataset\d{3}_.+/) == nil {
            printWarnings([
                Warning(
                    file: output, "nnU-Net finds folders that are called DatasetNNN_NAME, such as Dataset001_Abdomen")
            ])
        }
        let organs = names.organs.isEmpty ? try recordedOrgans(paired) : names.organs
        guard !organs.isEmpty else {
            throw ValidationError(
                names.leftOut.isEmpty
                    ? "No labels.json beside the labels has their names: give --names."
                    : "--names leaves out every label.")
        }
        let dataset = NNUNetDataset(
            cases: paired.pairs, organs: organs, leftOut: names.leftOut, ignoresGaps: ignoreGaps,
            ignoresFilled: ignore == .filled,
            unfinished: excludeIncomplete ? .leftOut : allowMissing ? .written : .refused, keepsHeader: keepHeader,
            channel: channel)
        try requireDistinct(
            reads: paired.pairs.flatMap {
                [$0.first, $0.second, LabelOrigin.path(besideLabels: $0.second)] + labelsRecords($0.second)
            },
            writes: NNUNetDataset.outputs(in: output))
        let progress = Progress("\(output): cases", total: paired.pairs.count)
        // Each is checked, then each is written.
        let written = try dataset.write(
            to: output, warn: printWarnings, progress: { progress.update($0 / 2) })
        print("wrote \(written.count) cases to \(output)")
    }

    /// The labels that the records beside the labels name, but for those that `--names` leaves out, by their numbers.
    private func recordedOrgans(_ pairs: VolumePairs) throws(FileError) -> [Organ] {
        let recorded = try LabelsRecord.names(besideLabels: pairs.pairs.map(\.second))
        return try Organ.named(
            recorded.keys.filter { !names.leftOut.contains($0) }.sorted(), recorded, file: pairs.second.argument)
    }
}

/// What `--ignore` has nnU-Net ignore.
enum Ignored: String, ExpressibleByArgument, CaseIterable {
    case filled
}
