import Annotations
import Foundation
import Imaging
import SafeFiles

extension Manifest {
    /// The manifest beside labels; nil where nothing there has their digest.
    ///
    /// - Throws: ``FileError`` `badData` where this version cannot read it: which slices have labels, and why, is not known then.
    public init?(besideLabels labels: String) throws(FileError) {
        let path = LabelsRecord.path(besideLabels: labels)
        guard isOtherThanFolder(path) else { return nil }
        let data = try readFile(path, limit: .record)
        do { self = try JSONDecoder().decode(Manifest.self, from: data) } catch {
            guard try LabelsRecord(besideLabels: labels)?.sha256 != nil else { return nil }
            throw FileError(
                .badData, file: path, "a record of labels that this version cannot read", found: explanation(of: error),
                advice: "Use the version that wrote it, or compute all slices anew with --force.")
        }
        if output == nil { return nil }
    }

    /// What of the sources and options is not what a call would use.
    ///
    /// - Returns: all of it, and of that what every slice depends on.
    func changes(
        _ annotated: AnnotatedVolume, _ settings: SegmentationSettings
    ) async throws -> (all: [String], ofSlices: [String]) {
        func isSame(_ old: Source?, _ new: Source?) -> Bool { old?.sha256 == new?.sha256 && old?.files == new?.files }
        var slices: [String] = []
        if input.sha256 != (try sha256(ofFile: annotated.file.path)) { slices.append("the volume changed") }
        if weights.sha256 != (try await settings.weights.value.sha256) { slices.append("the weights are others") }
        let new = Options(
            settings, annotated,
            settings.slicing.intensity ?? annotated.record?.record.intensity ?? .softTissue)
        slices += new.differences(from: options)
        var all = slices
        if new.filling != options.filling { all.append("the filling is another") }
        if !isSame(boxFiles, annotated.boxFiles) { all.append("the boxes changed") }
        if !isSame(record, annotated.recordFile) { all.append("the record of slices changed") }
        if !isSame(classes, annotated.classFile) { all.append("the list of classes changed") }
        if annotator ?? "" != annotated.annotator { all.append("another annotator") }
        let names = settings.labels.names(of: annotated.boxes, classes: settings.classes)
        let named = names.allSatisfy { labels["\($0.key)"].map(\.name) == .some($0.value) }
        if !named || kept == nil && labels.count != names.count { all.append("the labels' names changed") }
        if badBoxes.count != annotated.errors.count { all.append("other malformed boxes") }
        return (all, slices)
    }

    /// The drawn slices of the call that it is of, in order, without those that were kept of earlier ones.
    public var ownSlices: [Int] { Set(boxes.map(\.slice)).subtracting((kept ?? []).flatMap(\.slices)).sorted() }

    /// Whether another version or other kernels made it.
    func isForeign(to version: String) -> Bool { kernels != .current || self.version != version }

    /// The slices that this process would perhaps compute to other bytes.
    func slices(notBy version: String) -> Set<Int> {
        let foreign = (kept ?? []).filter { $0.kernels != .current || $0.version != version }.flatMap(\.slices)
        return Set(foreign).union(isForeign(to: version) ? ownSlices : [])
    }

    /// Whether a class has another label now than kept slices have of it.
    func contradicts(_ settings: SegmentationSettings, _ annotated: AnnotatedVolume) -> Bool {
        let labels = settings.labels.labels(of: annotated.boxes)
        return boxes.contains { box in labels[box.classID].map { $0 != box.label } ?? false }
    }
}

extension Manifest.Options {
    /// What differs, but for the labels of classes: those of each box are compared with it.
    fileprivate func differences(from old: Self) -> [String] {
        func change<Value: Equatable>(_ name: String, _ old: Value, _ new: Value) -> [String] {
            old == new ? [] : ["\(name) was \(old), is \(new)"]
        }
        return change("the recipe", old.recipe.name, recipe.name)
            + change("the precision", old.precision, precision) + change("the axis", old.axis, axis)
            + change("the view", old.view, view) + change("the intensity", old.intensity, intensity)
            + change("the single mask", old.singleMask, singleMask)
    }
}
