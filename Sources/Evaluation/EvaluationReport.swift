import Foundation
import ImageFrames
import Imaging
import SafeFiles

/// A pair of volumes and its organs' scores, in the order of the report's organs.
public struct VolumeResult: Sendable {
    /// The prediction's file, or of a pattern its case.
    public let name: String
    /// What both are of: the truth's name.
    public let caseName: String
    public let scores: [OrganScore]
}

/// Predicted label volumes scored against the truth.
public struct EvaluationReport: Sendable {
    /// The organs that are scored.
    public let organs: [Organ]
    /// One for each pair, in the order of the pairs.
    public let results: [VolumeResult]
    /// Labels of the predictions that no truth has; empty where the organs were chosen.
    public let unscored: Set<UInt16>
    /// The predictions that could not be scored.
    public let skipped: [String]
    /// Which Hausdorff distance; nil where no distances were computed.
    public let distances: Hausdorff95?

    /// Scores pairs of label volumes, the truth first.
    ///
    /// - Parameters:
    ///   - pairs: of which a part may be kept: the tables of all parts have the same organs.
    ///   - organs: the labels to score, and their names; without any, all labels of all truths, by the names that the
    ///     ``LabelsRecord`` beside truths or predictions has, else as label1, ….
    ///   - leftOut: labels that are not scored even so.
    ///   - map: labels of the predictions that count as others.
    ///   - axis: the axis that counts slices; without one, the records', else k.
    ///   - distances: which Hausdorff distance; without one, no distances are computed.
    ///   - skip: receives why one of several pairs cannot be scored; the others are.
    ///   - warn: receives what the person should know about each pair.
    ///   - progress: receives after each pair how many are done.
    /// - Throws: ``FileError`` where the only pair, or the first of pairs that all fail, cannot be read or is not in the same
    ///   place (`badData`), where a truth cannot be read, or no truth has a label.
    public init(
        _ pairs: VolumePairs, organs: [Organ] = [], leftOut: Set<UInt16> = [], map: [UInt16: UInt16] = [:],
        axis: SliceAxis? = nil, miss: Miss = .zero, distances: Hausdorff95? = .pooled,
        skip: (FileError) -> Void = { _ in }, warn: ([Warning]) -> Void = { _ in },
        progress: (_ done: Int) -> Void = { _ in }
    ) throws(FileError) {
        var scored = organs
        if organs.isEmpty {
            // All labels are known before the first pair is scored: a label that only the last truth has counts in all pairs.
            var labels: Set<UInt16> = []
            for pair in pairs.allPairs { labels.formUnion(try LabelVolume(contentsOf: pair.first).values) }
            // What --map makes of a prediction's labels goes by the truth's names.
            let named = map.isEmpty ? pairs.allPairs.flatMap { [$0.first, $0.second] } : pairs.allPairs.map(\.first)
            scored = try Organ.named(
                labels.subtracting(leftOut).subtracting([0]).sorted(), try LabelsRecord.names(besideLabels: named),
                file: pairs.first.argument)
            guard !scored.isEmpty else {
                throw FileError(
                    .badData, file: pairs.first.argument, "no labels", expected: "a voxel above 0", found: "only 0")
            }
        }
        let known = leftOut.union(scored.map(\.label)).union([0])
        var (results, unscored, skipped): ([VolumeResult], Set<UInt16>, [String]) = ([], [], [])
        var axes: [VoxelAxis: String] = [:]
        var failure: FileError?
        for (index, pair) in pairs.pairs.enumerated() {
            do throws(FileError) {
                let truth = try LabelVolume(contentsOf: pair.first)
                let predicted = try LabelVolume(contentsOf: pair.second).mapped(map)
                let slices = try SliceGeometry(pair, truth.geometry, axis: axis)
                let scores = try Evaluation.scores(
                    of: predicted, file: pair.second, truth: truth, organs: scored, axis: slices.axis, miss: miss,
                    distances: distances)
                if organs.isEmpty { unscored.formUnion(Set(predicted.values).subtracting(known)) }
                warn(
                    truth.warnings + predicted.warnings(besides: truth)
                        + (axis == nil ? slices.warnings(file: pair.second) : []))
                axes[slices.axis] = axes[slices.axis] ?? pair.name
                let name =
                    pairs.second.kind == .pattern
                    ? pair.name : URL(filePath: pair.second).lastPathComponent
                let caseName =
                    pairs.first.kind == .file
                    ? withoutVolumeExtension(URL(filePath: pair.first).lastPathComponent) : pair.name
                results.append(VolumeResult(name: name, caseName: caseName, scores: scores))
            } catch {
                failure = failure ?? error
                guard pairs.pairs.count > 1 else { throw error }
                skipped.append(pair.second)
                skip(error)
            }
            progress(index + 1)
        }
        if results.isEmpty, let failure { throw failure }
        if axes.count > 1 {
            let found = axes.sorted { $0.value < $1.value }.map { "\($0.key) in \(printable($0.value))" }
            warn([
                Warning(
                    file: pairs.second.argument,
                    "slices are counted along different axes: \(found.joined(separator: ", ")); --axis counts all along one"
                )
            ])
        }
        (self.organs, self.results, self.unscored, self.distances) = (scored, results, unscored, distances)
        self.skipped = skipped
    }

    /// What the person should know: labels that are not scored, and organs that volumes lack.
    ///
    /// - Parameters: what the warnings are about.
    public func warnings(truth: String, predicted: String) -> [Warning] {
        var warnings: [Warning] = []
        if !unscored.isEmpty {
            let labels = unscored.sorted().map { "\($0)" }.joined(separator: ", ")
            warnings.append(
                Warning(file: predicted, "labels that no truth has are not scored: \(labels); see --map"))
        }
        for (organ, row) in zip(organs, summaries) where !results.isEmpty {
            if row.volumes.absent == results.count {
                warnings.append(Warning(file: truth, "no voxel is \(organ.name) (label \(organ.label))"))
            }
            let counts = [("missed", row.volumes.missed), ("predicted where the truth has none", row.volumes.invented)]
            for (what, count) in counts where count > 0 {
                let ending = distances == nil ? "" : ", so no surface distance there"
                warnings.append(
                    Warning(file: predicted, "\(organ.name): \(what) in \(count) of \(results.count) volumes\(ending)"))
            }
        }
        return warnings
    }
}

extension LabelVolume {
    /// What the person should know of this volume and does not know of another in the same place.
    fileprivate func warnings(besides other: LabelVolume) -> [Warning] {
        let known = Set(other.warnings.map(\.what))
        return warnings.filter { !known.contains($0.what) }
    }
}

extension SliceGeometry {
    /// The slices of a pair's truth: along an axis that was chosen, else the one by which either was drawn, else k.
    fileprivate init(_ pair: VolumePair, _ geometry: Geometry, axis: SliceAxis?) throws(FileError) {
        var known = axis?.axis(in: geometry)
        for labels in [pair.second, pair.first] where known == nil {
            known = try LabelsRecord(besideLabels: labels)?.axis
        }
        self.init(geometry, axis: known ?? .k)
    }
}

// MARK: Summaries

extension EvaluationReport {
    /// An organ's scores over all volumes.
    public struct OrganSummary: Encodable, Sendable {
        public let slice: Summary
        public let volume: Summary
        /// In millimetres; nil where no distances were computed.
        public let hausdorff95: Summary?
        /// In millimetres; nil where no distances were computed.
        public let meanSurface: Summary?
        public let truthMillilitres: Summary
        public let predictedMillilitres: Summary
        public let volumes: VolumeCounts

        enum CodingKeys: String, CodingKey {
            case slice = "slice_dice"
            case volume = "volume_dice"
            case hausdorff95 = "hd95_mm"
            case meanSurface = "mean_surface_mm"
            case truthMillilitres = "truth_ml"
            case predictedMillilitres = "predicted_ml"
            case volumes
        }
    }

    /// In how many volumes truth and prediction have an organ.
    public struct VolumeCounts: Encodable, Sendable {
        /// With Dice and distances.
        public let both: Int
        /// Only the truth: Dice 0 (or none, by ``Miss``), and no distance.
        public let missed: Int
        /// Only the prediction: Dice 0, and no distance.
        public let invented: Int
        /// Neither: neither Dice nor a distance.
        public let absent: Int
    }

    /// One for each organ, in their order.
    public var summaries: [OrganSummary] {
        organs.indices.map { index in
            let own = results.map { $0.scores[index] }
            func count(truth: Bool, predicted: Bool) -> Int {
                own.count { ($0.truthMillilitres > 0) == truth && ($0.predictedMillilitres > 0) == predicted }
            }
            func ofSurfaces(_ value: (SurfaceDistance) -> Double) -> Summary? {
                distances == nil ? nil : Summary(own.map { $0.surface.map(value) ?? .nan })
            }
            return OrganSummary(
                slice: Summary(own.flatMap(\.sliceDice)), volume: Summary(own.map(\.dice)),
                hausdorff95: ofSurfaces(\.hausdorff95), meanSurface: ofSurfaces(\.mean),
                truthMillilitres: Summary(own.map(\.truthMillilitres)),
                predictedMillilitres: Summary(own.map(\.predictedMillilitres)),
                volumes: VolumeCounts(
                    both: count(truth: true, predicted: true), missed: count(truth: true, predicted: false),
                    invented: count(truth: false, predicted: true), absent: count(truth: false, predicted: false)))
        }
    }

    /// Of the organs' mean Dice on each slice.
    public var meanSlice: Summary {
        Summary(
            results.flatMap { result in
                result.scores[0].sliceDice.indices.map { slice in mean(result.scores.map { $0.sliceDice[slice] }) }
            })
    }

    /// Of the organs' mean Dice in each volume.
    public var meanVolume: Summary { Summary(results.map { mean($0.scores.map(\.dice)) }) }
}

extension EvaluationReport: Encodable {
    enum CodingKeys: String, CodingKey {
        case volumes, organs, cases, skipped
        case distances = "hd95"
        case unscored = "not_scored"
        case meanSlice = "mean_slice_dice"
        case meanVolume = "mean_volume_dice"
    }

    /// The number of volumes, which Hausdorff distance, the predictions' labels that no truth has, the predictions that were skipped, each organ's summary by its name,
    /// and each volume's scores as in ``volumeTable``.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(results.count, forKey: .volumes)
        try container.encodeIfPresent(distances, forKey: .distances)
        try container.encode(unscored.sorted(), forKey: .unscored)
        try container.encode(skipped, forKey: .skipped)
        try container.encode(meanSlice, forKey: .meanSlice)
        try container.encode(meanVolume, forKey: .meanVolume)
        let rows = zip(organs.map(\.name), summaries)
        try container.encode(Dictionary(uniqueKeysWithValues: rows), forKey: .organs)
        try container.encode(results.map { CaseScores($0, organs, measures) }, forKey: .cases)
    }
}

/// The mean of those that are numbers.
func mean(_ values: [Double]) -> Double {
    let present = values.filter { !$0.isNaN }
    return present.isEmpty ? .nan : present.reduce(0, +) / Double(present.count)
}

// MARK: Tables

extension EvaluationReport {
    /// The volumes' scores: `path`, `NAME_dice` of each organ, then of each `NAME_hd95_mm` and `NAME_mean_surface_mm` where
    /// distances were computed, `NAME_truth_ml` and `NAME_predicted_ml`, and `case`.
    public var volumeTable: [[String]] {
        let others = organs.flatMap { organ in measures.map { "\(organ.name)_\($0.name)" } }
        return [["path"] + scoreColumns + others + ["case"]]
            + results.map { result in
                [result.name] + result.scores.map { cell($0.dice) }
                    + result.scores.flatMap { score in measures.map { cell($0.value(score)) } } + [result.caseName]
            }
    }

    /// The slices' Dice: `path`, `slice_idx`, then `NAME_dice` of each organ.
    public var sliceTable: [[String]] {
        [["path", "slice_idx"] + scoreColumns]
            + results.flatMap { result in
                result.scores[0].sliceDice.indices.map { slice in
                    [result.name, "\(slice)"] + result.scores.map { cell($0.sliceDice[slice]) }
                }
            }
    }

    /// What is known of an organ in a volume besides its Dice.
    private var measures: [Measure] {
        let ofSurfaces: [Measure] = [
            ("hd95_mm", { $0.surface?.hausdorff95 ?? .nan }), ("mean_surface_mm", { $0.surface?.mean ?? .nan }),
        ]
        return (distances == nil ? [] : ofSurfaces)
            + [("truth_ml", \.truthMillilitres), ("predicted_ml", \.predictedMillilitres)]
    }

    private var scoreColumns: [String] { organs.map { $0.name + ScoreTable.scoreEnding } }

    /// `nan` where it is no number, as in the study's files.
    private func cell(_ number: Double) -> String { number.isNaN ? "nan" : "\(number)" }
}

private typealias Measure = (name: String, value: (OrganScore) -> Double)

/// A volume's scores in JSON.
private struct CaseScores: Encodable {
    let path: String
    let `case`: String
    let organs: [String: [String: OrNull<Double>]]

    init(_ result: VolumeResult, _ organs: [Organ], _ measures: [Measure]) {
        (path, `case`) = (result.name, result.caseName)
        let all = [("dice", \.dice)] + measures
        let rows = zip(organs, result.scores).map { organ, score in
            let values = all.map { (name: $0.name, value: $0.value(score)) }
            return (
                organ.name,
                Dictionary(uniqueKeysWithValues: values.map { ($0.name, OrNull($0.value.isNaN ? nil : $0.value)) })
            )
        }
        self.organs = Dictionary(uniqueKeysWithValues: rows)
    }
}
