import ArgumentParser
import Evaluation
import Foundation
import ImageFrames
import Imaging
import SafeFiles

extension Miss: ExpressibleByArgument {}

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Label volumes against the truth: Dice, surface distances, volumes.",
        discussion: """
            Example: swift-sam evaluate --truth truth.nii.gz --predicted labels.nii.gz --names 1=spleen,4=liver

            Each path is a volume, a folder of volumes, or a pattern: --truth 'label{case}.nii.gz' --predicted \
            'out/{case}/labels.nii.gz'. Volumes of the same name or {case} are compared. Both ± are 95% confidence \
            intervals: 1.96·sd/√n with the population's sd, as in Kulkarni et al., and by Student's t in --json.
            """)

    @Option(help: "The true labels: a NIfTI volume, a folder, or a pattern with {case}.", completion: .file())
    var truth: String

    @Option(help: "The labels to score, likewise.", completion: .file())
    var predicted: String

    @Option(
        help: ArgumentHelp(
            "The labels to score, and their names. (default: all of the truth's, as label1, …)",
            valueName: "1=spleen,4=liver"),
        transform: parseNames)
    var names: [Organ] = []

    @Option(
        help: ArgumentHelp("Labels of the prediction that count as others; 0 drops one.", valueName: "6=4,8=5"),
        transform: parseMap)
    var map: [UInt16: UInt16] = [:]

    @Flag(help: "Leave out volumes that only one of the two has.")
    var onlyCommon = false

    @Option(help: "How a truth without any prediction counts: zero, or nan to leave it out.")
    var miss: Miss = .zero

    @Option(help: "The axis that counts slices: i, j or k.")
    var axis: VoxelAxis = .k

    @Option(help: ArgumentHelp("Write the volumes' Dice: path, then NAME_dice of each organ.", valueName: "file"))
    var csv: String?

    @Option(help: ArgumentHelp("Write the slices' Dice: path, slice_idx, NAME_dice.", valueName: "file"))
    var sliceCSV: String?

    @Flag(help: "Print as JSON.")
    var json = false

    @Flag(help: "Print no progress and no warnings.")
    var quiet = false

    func run() throws {
        for path in [csv, sliceCSV].compactMap({ $0 }) { try requireOutput(path, besides: [truth, predicted]) }
        let volumes = (truth: try VolumeFiles(self.truth), predicted: try VolumeFiles(self.predicted))
        let paired = try VolumePairs(volumes.truth, volumes.predicted, onlyCommon: onlyCommon)
        if !quiet { printWarnings(paired.warnings) }
        let pairs = paired.pairs
        var organs = names.filter { $0.name != leftOut }
        var results: [VolumeResult] = []
        var unscored: Set<UInt16> = []
        let progress = Progress("evaluate: volumes", total: pairs.count, isQuiet: quiet || pairs.count == 1)
        for pair in pairs {
            let truth = try LabelVolume(contentsOf: pair.first.path)
            let predicted = try LabelVolume(contentsOf: pair.second.path).mapped(map)
            if !quiet { printWarnings(truth.warnings + predicted.warnings) }
            if organs.isEmpty {
                organs = Set(truth.values).subtracting([0]).sorted().map { Organ(name: "label\($0)", label: $0) }
            }
            if names.isEmpty, !quiet {
                unscored.formUnion(Set(predicted.values).subtracting(organs.map(\.label) + [0]))
            }
            results.append(
                VolumeResult(
                    path: volumes.predicted.kind == .pattern
                        ? pair.second.name : URL(filePath: pair.second.path).lastPathComponent,
                    scores: try scores(
                        of: predicted, file: pair.second.path, truth: truth, organs: organs, axis: axis, miss: miss)))
            progress.update(results.count)
        }
        guard !organs.isEmpty else {
            throw FileError(.badData, file: truth, "no labels", expected: "a voxel above 0", found: "only 0")
        }
        if let csv { try writeAtomically(csv, Data(volumeCSV(results, organs).utf8)) }
        if let sliceCSV { try writeAtomically(sliceCSV, Data(sliceDiceCSV(results, organs).utf8)) }
        if !quiet {
            if !unscored.isEmpty {
                let labels = unscored.sorted().map { "\($0)" }.joined(separator: ", ")
                printWarnings([
                    Warning(file: predicted, "labels that the truth lacks are not scored: \(labels); see --map")
                ])
            }
            let absent = organs.indices.filter { index in
                results.allSatisfy { $0.scores[index].truthMillilitres + $0.scores[index].predictedMillilitres == 0 }
            }
            printWarnings(ofAbsent: absent.map { organs[$0] }, in: truth)
        }
        let report = EvaluationReport(results, organs)
        if json { try printJSON(report) } else { report.printTable() }
    }
}

/// A volume and its organs' scores, in the organs' order.
struct VolumeResult {
    var path: String
    var scores: [OrganScore]
}

// MARK: - Arguments

private func parsePairs(_ text: String) throws -> [(Substring, Substring)] {
    try text.split(separator: ",").map { entry in
        let parts = entry.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { throw ValidationError("\"\(entry)\" is not LABEL=…") }
        return (parts[0], parts[1])
    }
}

/// The name of labels that do not count.
let leftOut = "-"

func parseNames(_ text: String) throws -> [Organ] {
    let organs = try parsePairs(text).map { label, name in
        guard let label = UInt16(label), label > 0 else {
            throw ValidationError("\"\(label)\" is not a label: a number from 1 to 65535")
        }
        return Organ(name: String(name), label: label)
    }
    let names = organs.map(\.name).filter { $0 != leftOut }
    guard Set(organs.map(\.label)).count == organs.count, Set(names).count == names.count else {
        throw ValidationError("a label or a name stands twice in \"\(text)\"")
    }
    return organs
}

private func parseMap(_ text: String) throws -> [UInt16: UInt16] {
    var map: [UInt16: UInt16] = [:]
    for (from, to) in try parsePairs(text) {
        guard let from = UInt16(from), let to = UInt16(to), map.updateValue(to, forKey: from) == nil else {
            throw ValidationError("\"\(from)=\(to)\" is not a label and what it becomes, or \(from) stands twice")
        }
    }
    return map
}

/// Tells of organs that were named and are nowhere.
func printWarnings(ofAbsent organs: [Organ], in path: String) {
    printWarnings(organs.map { Warning(file: path, "no voxel is \($0.name) (label \($0.label))") })
}

// MARK: - Results

/// A number as CSV: `nan` where it is none, as in the study's files.
private func cell(_ number: Double) -> String { number.isNaN ? "nan" : "\(number)" }

private func volumeCSV(_ results: [VolumeResult], _ organs: [Organ]) -> String {
    let header = ["path"] + organs.map { $0.name + ScoreTable.scoreEnding }
    return commaSeparated([header] + results.map { [$0.path] + $0.scores.map { cell($0.dice) } })
}

private func sliceDiceCSV(_ results: [VolumeResult], _ organs: [Organ]) -> String {
    var rows = [["path", "slice_idx"] + organs.map { $0.name + ScoreTable.scoreEnding }]
    for result in results {
        for slice in result.scores[0].sliceDice.indices {
            rows.append([result.path, "\(slice)"] + result.scores.map { cell($0.sliceDice[slice]) })
        }
    }
    return commaSeparated(rows)
}

/// What `evaluate` prints.
private struct EvaluationReport: Encodable {
    struct Row: Encodable {
        var slice: Summary
        var volume: Summary
        var hausdorff95: Summary
        var meanSurface: Summary
        var truthMillilitres: Summary
        var predictedMillilitres: Summary

        enum CodingKeys: String, CodingKey {
            case slice = "slice_dice"
            case volume = "volume_dice"
            case hausdorff95 = "hd95_mm"
            case meanSurface = "mean_surface_mm"
            case truthMillilitres = "truth_ml"
            case predictedMillilitres = "predicted_ml"
        }
    }

    var volumes: Int
    var names: [String]
    var organs: [String: Row]
    /// Of the organs' means of each slice and of each volume.
    var meanSlice: Summary
    var meanVolume: Summary

    enum CodingKeys: String, CodingKey {
        case volumes, organs
        case meanSlice = "mean_slice_dice"
        case meanVolume = "mean_volume_dice"
    }

    init(_ results: [VolumeResult], _ organs: [Organ]) {
        volumes = results.count
        names = organs.map(\.name)
        self.organs = [:]
        for (index, organ) in organs.enumerated() {
            let own = results.map { $0.scores[index] }
            self.organs[organ.name] = Row(
                slice: Summary(own.flatMap(\.sliceDice)), volume: Summary(own.map(\.dice)),
                hausdorff95: Summary(own.map { $0.surface?.hausdorff95 ?? .nan }),
                meanSurface: Summary(own.map { $0.surface?.mean ?? .nan }),
                truthMillilitres: Summary(own.map(\.truthMillilitres)),
                predictedMillilitres: Summary(own.map(\.predictedMillilitres)))
        }
        meanVolume = Summary(results.map { mean($0.scores.map(\.dice)) })
        meanSlice = Summary(
            results.flatMap { result in
                result.scores[0].sliceDice.indices.map { slice in mean(result.scores.map { $0.sliceDice[slice] }) }
            })
    }

    func printTable() {
        print(
            "organ             slice Dice          volume Dice         HD95 (mm)  mean surface (mm)  truth (ml)  predicted (ml)"
        )
        printRow("mean", meanSlice, meanVolume)
        for name in names {
            guard let row = organs[name] else { continue }
            let distances = [
                (row.hausdorff95, "%.2f", 9), (row.meanSurface, "%.2f", 19), (row.truthMillilitres, "%.1f", 12),
                (row.predictedMillilitres, "%.1f", 16),
            ]
            printRow(
                name, row.slice, row.volume,
                distances.map { rightAligned(text($0.mean, format: $1), $2) }.joined())
        }
    }

    private func printRow(_ name: String, _ slice: Summary, _ volume: Summary, _ distances: String = "") {
        func dice(_ summary: Summary) -> String {
            let interval = summary.n > 1 ? String(format: " ± %.3f", summary.ci95) : ""
            return text(summary.mean, format: "%.3f") + interval + " (\(summary.n))"
        }
        let columns = [(name, 18), (dice(slice), 20), (dice(volume), 20)]
        print(
            columns.map { $0.padding(toLength: max($1, $0.count + 1), withPad: " ", startingAt: 0) }.joined()
                + distances)
    }
}

/// A number for people; a dash where it is none.
private func text(_ number: Double, format: String) -> String {
    number.isNaN ? "-" : String(format: format, number)
}

/// The mean of those that are numbers.
private func mean(_ values: [Double]) -> Double {
    let present = values.filter { !$0.isNaN }
    return present.isEmpty ? .nan : present.reduce(0, +) / Double(present.count)
}
