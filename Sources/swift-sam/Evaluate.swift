import ArgumentParser
import Evaluation
import Foundation
import Imaging
import SafeFiles

extension Miss: ExpressibleByArgument {}
extension Hausdorff95: ExpressibleByArgument {}

struct Evaluate: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Label volumes against the truth: Dice, surface distances, volumes.",
        discussion: """
            Example: swift-sam evaluate --truth truth.nii.gz --predicted labels.nii.gz --names 1=spleen,4=liver

            The names of labels and the axis of the slices are those in labels.json beside the labels, where segment wrote \
            it. Each path is a volume, a folder of volumes, or a pattern: --truth 'label{case}.nii.gz' --predicted \
            'out/{case}/labels.nii.gz'. Volumes of the same name or {case} are compared. Both ± are 95% confidence \
            intervals: 1.96·sd/√n with the population's sd, as in Kulkarni et al., and by Student's t in --json. In \
            parentheses: how many slices or volumes a number stands for. Where truth and prediction lack an organ there is \
            neither Dice nor distance, and where one lacks it Dice is 0 and there is no distance.
            """)

    @Option(help: "The true labels: a NIfTI volume, a folder, or a pattern with {case}.", completion: .file())
    var truth: String

    @Option(help: "The labels to score, likewise.", completion: .file())
    var predicted: String

    @Option(
        help: ArgumentHelp(
            "The labels to score, and their names; - leaves one out. (default: all of the truth's, by the names in labels.json)",
            valueName: "1=spleen,4=liver"),
        transform: NamedLabels.init(_:))
    var names = NamedLabels()

    @Option(
        help: ArgumentHelp("Labels of the prediction that count as others; 0 drops one.", valueName: "6=4,8=5"),
        transform: parseMap)
    var map: [UInt16: UInt16] = [:]

    @Flag(help: "Leave out volumes that only one of the two has.")
    var onlyCommon = false

    @Option(
        help: ArgumentHelp("Score one of several parts of all pairs, as segment does.", valueName: "3/8"),
        transform: parsePart)
    var part: Part?

    @Option(help: "How a truth without any prediction counts: zero, or nan to leave it out.")
    var miss: Miss = .zero

    @Option(help: "Percentiles of distances both ways: pooled, as MedPy, or the larger of each way's, as MONAI.")
    var hd95: Hausdorff95?

    @Flag(help: "Compute no surface distances, which take most of the time.")
    var noDistances = false

    @Option(help: "The slices: i, j, k, axial, coronal or sagittal. (default: as in labels.json, else k)")
    var axis: SliceAxis?

    @Option(
        help: ArgumentHelp(
            "Write the volumes' scores: path, NAME_dice of each organ, then its distances and volumes, and the case.",
            valueName: "file"))
    var csv: String?

    @Option(help: ArgumentHelp("Write the slices' Dice: path, slice_idx, NAME_dice.", valueName: "file"))
    var sliceCSV: String?

    @Flag(help: "Print as JSON.")
    var json = false

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        if noDistances, hd95 != nil { throw ValidationError("--no-distances leaves nothing for --hd95 to say.") }
    }

    func run() throws {
        let volumes = (truth: try VolumeFiles(truth), predicted: try VolumeFiles(predicted))
        try requireOutputs(
            [csv, sliceCSV].compactMap { $0 },
            besides: (volumes.truth.files + volumes.predicted.files).flatMap { [$0.path] + labelsRecords($0.path) })
        var pairs = try VolumePairs(volumes.truth, volumes.predicted, onlyCommon: onlyCommon)
        if let part { try pairs.keep(part, environment: ProcessInfo.processInfo.environment) }
        printSkipped(pairs.errors)
        printWarnings(pairs.warnings)
        let count = pairs.pairs.count
        let progress = Progress("evaluate: volumes", total: count, isQuiet: count == 1)
        let report = try EvaluationReport(
            pairs, organs: names.organs, leftOut: names.leftOut, map: map, axis: axis, miss: miss,
            distances: noDistances ? nil : hd95 ?? .pooled, skip: { printSkipped([$0]) }, warn: printWarnings,
            progress: progress.update)
        if let csv { try writeAtomically(csv, Data(commaSeparated(report.volumeTable).utf8)) }
        if let sliceCSV { try writeAtomically(sliceCSV, Data(commaSeparated(report.sliceTable).utf8)) }
        printWarnings(report.warnings(truth: truth, predicted: predicted))
        if json { try printJSON(report) } else { report.printScores() }
    }
}

// MARK: - Arguments

private func parsePairs(_ text: String) throws -> [(String, String)] {
    try text.split(separator: ",").map { entry in
        let parts = entry.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        guard parts.count == 2 else { throw ValidationError("\"\(entry)\" is not LABEL=…") }
        return (parts[0], parts[1])
    }
}

/// The labels that `--names` names, and those that it leaves out by the name "-".
struct NamedLabels {
    var organs: [Organ] = []
    var leftOut: Set<UInt16> = []

    init() {}

    init(_ text: String) throws {
        for (first, second) in try parsePairs(text) {
            // The number may be on either side, where only one side is one.
            let isReversed = UInt16(first) == nil && UInt16(second) != nil
            let (number, name) = isReversed ? (second, first) : (first, second)
            guard let label = UInt16(number), label > 0 else {
                throw ValidationError("\"\(number)\" is not a label: a number from 1 to 65535")
            }
            let isLeftOut = name == "-"
            guard !leftOut.contains(label),
                !organs.contains(where: { $0.label == label || !isLeftOut && $0.name == name })
            else { throw ValidationError("a label or a name is there twice in \"\(text)\"") }
            if isLeftOut { leftOut.insert(label) } else { organs.append(Organ(name: name, label: label)) }
        }
    }
}

private func parseMap(_ text: String) throws -> [UInt16: UInt16] {
    var map: [UInt16: UInt16] = [:]
    for (from, to) in try parsePairs(text) {
        guard let from = UInt16(from), let to = UInt16(to), map.updateValue(to, forKey: from) == nil else {
            throw ValidationError("\"\(from)=\(to)\" is not a label and what it becomes, or \(from) is there twice")
        }
    }
    return map
}

/// The path of the record beside labels, if one is there.
func labelsRecords(_ labels: String) -> [String] {
    [LabelsRecord.path(besideLabels: labels)].filter(FileManager.default.fileExists)
}

// MARK: - The table

extension EvaluationReport {
    fileprivate func printScores() {
        let kind = distances.map { ["HD95 (mm, \($0))", "mean surface (mm)"] } ?? []
        let head = ["organ", "slice Dice", "volume Dice"] + kind + ["truth (ml)", "predicted (ml)"]
        func scores(_ name: String, _ slice: Summary, _ volume: Summary) -> [String] {
            [name, counted(slice, format: "%.3f"), counted(volume, format: "%.3f")]
        }
        let rows = zip(organs, summaries).map { organ, row in
            let surfaces = [row.hausdorff95, row.meanSurface].prefix(kind.count).map { summary in
                summary.map { counted($0, format: "%.2f") } ?? "-"
            }
            let volumes = [row.truthMillilitres, row.predictedMillilitres].map { millilitres($0.mean) }
            return scores(organ.name, row.slice, row.volume) + surfaces + volumes
        }
        let mean = scores("mean", meanSlice, meanVolume) + Array(repeating: "-", count: head.count - 3)
        printTable([head, mean] + rows)
    }

    /// A mean, of several numbers with its interval, and of how many it is.
    private func counted(_ summary: Summary, format: String) -> String {
        guard summary.n > 0 else { return "-" }
        let interval = summary.n > 1 ? " ± " + String(format: format, summary.ci95) : ""
        return String(format: format, summary.mean) + interval + " (\(summary.n))"
    }
}

/// A volume for people, with a decimal or, where it is small, three digits; a dash where it is none.
private func millilitres(_ number: Double) -> String {
    number.isNaN ? "-" : String(format: 0 < number && number < 10 ? "%.3g" : "%.1f", number)
}
