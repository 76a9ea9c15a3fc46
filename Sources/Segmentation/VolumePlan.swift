import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles

/// What a call would do about a volume: nothing where its labels are what the call would write, else the slices that differ.
///
/// That a volume is done is proven by its manifest's digests: of the volume, the boxes, their record, the list of classes
/// and the weights, which must be those of the files now, of the labels, and by the options.
public struct VolumePlan: Sendable {
    /// What a call does with labels that are there.
    public enum Mode: Sendable {
        /// Slices that differ are computed.
        case changes
        /// Likewise, and slices that the call has no boxes for are kept.
        case update
        /// All are computed.
        case all
    }

    public let annotated: AnnotatedVolume
    /// What is not as the call would have it, such as "the boxes changed"; empty where the volume is done.
    public let reasons: [String]
    /// Whether labels are there.
    public let hasLabels: Bool
    /// How many slices are to be encoded.
    public let sliceCount: Int
    /// The manifest that is there, where nothing is to be done.
    public let manifest: Manifest?
    /// What is taken over.
    public let earlier: EarlierLabels?

    public var isDone: Bool { reasons.isEmpty }

    /// Compares the labels at a path with what a call would write there.
    ///
    /// - Parameters:
    ///   - outputs: the other files that the call writes.
    ///   - replacesEdited: whether labels are replaced that a person may have edited.
    /// - Throws: ``FileError`` `cannotCreate` as ``requireUnedited(labels:)``, and where labels have slices that the call has no
    ///   boxes for and would lose; as of ``Manifest/init(besideLabels:)``, unless all are computed; `missingInput` and
    ///   `inputOutput` where a source cannot be read.
    public init(
        _ annotated: AnnotatedVolume, _ settings: SegmentationSettings, labels path: String, outputs: [String] = [],
        mode: Mode = .changes, replacesEdited: Bool = false
    ) async throws {
        let prompts = settings.recipe.prompts(annotated.boxes, settings.labels)
        self.annotated = annotated
        hasLabels = FileManager.default.fileExists(atPath: path)
        if !replacesEdited { try requireUnedited(labels: path) }
        let manifest = hasLabels && mode != .all ? try Manifest(besideLabels: path) : nil
        guard let manifest else {
            reasons = [hasLabels ? "all is to be done again" : "no labels yet"]
            sliceCount = GapPlan(annotated, settings).encodedCount(drawing: prompts, besides: nil)
            (self.manifest, earlier) = (nil, nil)
            return
        }
        let isEdited = try manifest.output?.sha256 != sha256(ofFile: path)
        let changes = try await manifest.changes(annotated, settings)
        let drawn = Set(annotated.boxes.filter { !$0.boxes.isEmpty }.map(\.slice))
        let known = Dictionary(grouping: manifest.boxes, by: \.slice)
        let lost = Set(known.keys).subtracting(drawn)
        let hasOrigin = manifest.hasOrigin(ofLabels: path)
        let canKeep =
            !isEdited && hasOrigin && changes.ofSlices.isEmpty
            && lost.allSatisfy((0..<annotated.slices.count).contains)
        guard lost.isEmpty || mode == .update && canKeep && !manifest.contradicts(settings, annotated) else {
            let obstacles = mode == .update ? (isEdited ? ["they were edited"] : changes.all + ["other labels"]) : []
            throw Self.refusal(
                lost, path,
                advice: obstacles.isEmpty
                    ? "Keep those slices with --update, or compute all anew without them with --force."
                    : "They cannot be kept (\(obstacles.joined(separator: ", "))): compute all anew without them with "
                        + "--force.")
        }
        let asked = prompts.filter { slice in
            slice.boxes.map { .init($0, settings.labels) } == known[slice.slice]?.map(\.question)
        }
        let foreign = manifest.slices(notBy: settings.version)
        let same = canKeep ? asked.filter { !foreign.contains($0.slice) } : []
        var reasons = changes.all
        if isEdited { reasons.append("edited labels are to be replaced") }
        if asked.count < prompts.count || known.count - lost.count > prompts.count {
            reasons.append("the boxes on some slices differ")
        }
        let plan = GapPlan(annotated, settings, kept: manifest.boxes.filter { lost.contains($0.slice) })
        if !hasOrigin { reasons.append("the origins of its labels changed") }
        if Set(plan.gaps.map(\.place)) != Set((manifest.gaps ?? []).map(\.place)) {
            reasons.append("other slices are filled")
        }
        reasons += outputs.filter { !FileManager.default.fileExists(atPath: $0) }.map { "\($0) is missing" }
        self.reasons = reasons
        self.manifest = reasons.isEmpty ? manifest : nil
        var earlier = EarlierLabels(path: path, manifest: manifest, same: Set(same.map(\.slice)), kept: lost)
        if canKeep, !manifest.isForeign(to: settings.version) {
            let taken = earlier.same.union(lost)
            let known = manifest.origin == nil ? [] : manifest.gaps ?? []
            earlier.gaps = plan.unchanged(in: known, by: manifest.options.filling, same: taken)
            earlier.leftOut = plan.unchanged(in: manifest.leftOut ?? [], same: taken)
        }
        sliceCount = reasons.isEmpty ? 0 : plan.encodedCount(drawing: prompts, besides: earlier)
        self.earlier = same.isEmpty && lost.isEmpty ? nil : earlier
    }

    /// Throws `cannotCreate` where a volume that a call has no boxes of has labels whose boxes are gone: they would count as finished,
    /// and nobody has what they were made from. With ``Mode/update`` they are kept; to compute there is nothing. Labels that are
    /// another annotator's, or of boxes that are still elsewhere, are not this call's.
    ///
    /// - Parameters:
    ///   - path: of the labels.
    ///   - boxes: what the call reads boxes from.
    ///   - annotator: whose boxes it reads, where one was chosen.
    ///   - mode: of the call.
    public static func requireNoLabels(at path: String, boxes: String, annotator: String?, mode: Mode) throws(FileError)
    {
        guard mode != .update, FileManager.default.fileExists(atPath: path),
            let manifest = (try? Manifest(besideLabels: path)) ?? nil, !manifest.boxes.isEmpty,
            manifest.annotator == nil || annotator == nil || manifest.annotator == annotator
        else { return }
        let record = LabelsRecord.path(besideLabels: path)
        let files = Set(manifest.boxes.map { FileNaming.path(named: $0.file, in: record) })
        let isElsewhere = files.contains { file in
            FileManager.default.fileExists(atPath: file) && withoutLinkedFolders(file) != withoutLinkedFolders(boxes)
        }
        guard !isElsewhere else { return }
        throw refusal(
            Set(manifest.boxes.map(\.slice)), path,
            advice:
                "Put the boxes back, keep the labels with --update, or move them away: there is nothing to compute from."
        )
    }

    private static func refusal(_ lost: Set<Int>, _ path: String, advice: String) -> FileError {
        let slices = listed(lost.sorted().map(String.init))
        return FileError(
            .cannotCreate, file: path, "has labels on slices that there are no boxes for now",
            expected: "boxes on all of them", found: "none on \(lost.count): \(slices)", advice: advice)
    }
}
