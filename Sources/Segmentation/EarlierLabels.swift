import Annotations
import Foundation
import Imaging
import SafeFiles

/// Labels that an earlier call wrote, of which another takes over some slices instead of computing them; see ``VolumePlan``.
public struct EarlierLabels: Sendable {
    /// The path of the label volume.
    let path: String
    let manifest: Manifest
    /// The slices whose boxes and all else are the same: computed again they would be the same to the byte.
    let same: Set<Int>
    /// The slices that this call has no boxes for, and keeps.
    let kept: Set<Int>
    /// The gaps that are filled alike.
    var gaps: [Gap] = []
    /// The slices that are left out alike.
    var leftOut: [LeftOut] = []

    /// What was drawn on the slices that are kept.
    var keptBoxes: [SegmentedBox] { manifest.boxes.filter { kept.contains($0.slice) } }

    /// Puts the labels of these slices into a volume, and what is known of their boxes.
    ///
    /// - Parameter boxes: of this call, whose files may have other names now.
    /// - Throws: ``FileError`` `badData` where the labels are not those of the manifest any more.
    func hand(to result: inout SegmentedVolume, boxes: [SliceBoxes], _ images: SliceImages) throws(FileError) {
        let (labels, origin) = (try LabelVolume(contentsOf: path), try LabelOrigin.volume(besideLabels: path, manifest))
        guard labels.size == images.volume.size, try sha256(ofFile: path) == manifest.output?.sha256,
            manifest.hasOrigin(ofLabels: path)
        else {
            throw FileError(.badData, file: path, "changed while it was used", advice: "Run again.")
        }
        let taken = same.union(kept)
        for slice in taken {
            let pixels = labels.drawn(onSlice: slice, by: origin, images.slices)
            result.draw(pixels, ofSlice: slice, images.slices)
        }
        result.takeOver(gaps, from: labels, origin, images.slices)
        result.leftOut = leftOut
        result.conflicts += manifest.conflicts.filter { taken.contains($0.slice) }
        let known = Dictionary(grouping: manifest.boxes, by: \.slice)
        for slice in boxes where same.contains(slice.slice) {
            for (box, var segmented) in zip(slice.boxes, known[slice.slice] ?? []) {
                (segmented.file, segmented.number, segmented.isClipped) = (box.file, box.number, box.isClipped)
                result.boxes.append(segmented)
            }
        }
        for var box in manifest.boxes where kept.contains(box.slice) {
            box.file = FileNaming.path(named: box.file, in: LabelsRecord.path(besideLabels: path))
            result.boxes.append(box)
        }
    }

    /// Adds to a manifest what it must say of the slices that were kept.
    ///
    /// - Parameter file: the volume.
    /// - Throws: ``FileError`` `badData` where the volume is not the one that the slices are of.
    func complete(_ manifest: inout Manifest, file: String) throws(FileError) {
        guard manifest.input.sha256 == self.manifest.input.sha256 else {
            throw FileError(.badData, file: file, "changed while it was used", advice: "Run again.")
        }
        guard !kept.isEmpty else { return }
        manifest.labels.merge(self.manifest.labels) { new, _ in new }
        manifest.options.labels.merge(self.manifest.options.labels) { new, _ in new }
        var (own, entries) = (kept, [Manifest.Kept]())
        for var entry in self.manifest.kept ?? [] {
            entry.slices = entry.slices.filter(kept.contains)
            own.subtract(entry.slices)
            if !entry.slices.isEmpty { entries.append(entry) }
        }
        if !own.isEmpty {
            entries.append(
                .init(
                    version: self.manifest.version, kernels: self.manifest.kernels, boxFiles: self.manifest.boxFiles,
                    slices: own.sorted()))
        }
        manifest.kept = entries
    }
}

// MARK: Fillings

extension LabelOrigin {
    /// The origins of a label volume; nil where nothing of it was filled.
    static func volume(besideLabels path: String, _ manifest: Manifest) throws(FileError) -> LabelVolume? {
        guard manifest.origin != nil else { return nil }
        return try LabelVolume(contentsOf: LabelOrigin.path(besideLabels: path))
    }
}

extension LabelVolume {
    /// The labels of a slice without what was filled.
    func drawn(onSlice slice: Int, by origin: LabelVolume?, _ slices: SliceGeometry) -> [UInt16] {
        let pixels = labels(ofSlice: slice, slices)
        guard let origin else { return pixels }
        return zip(pixels, origin.labels(ofSlice: slice, slices)).map {
            $1 == LabelOrigin.drawn.rawValue ? $0 : 0
        }
    }
}

extension SegmentedVolume {
    /// Takes over gaps that were filled before, whose slices have no other fillings.
    fileprivate mutating func takeOver(
        _ filled: [Gap], from labels: LabelVolume, _ origin: LabelVolume?, _ slices: SliceGeometry
    ) {
        guard let origin else { return }
        for slice in Set(filled.flatMap(\.fills).map(\.slice)) {
            for offset in slices.offsets(ofSlice: slice) where origin.values[offset] > LabelOrigin.drawn.rawValue {
                self.labels.values[offset] = labels.values[offset]
                self.origin.values[offset] = origin.values[offset]
            }
        }
        let byPlace = Dictionary(filled.map { ($0.place, $0) }, uniquingKeysWith: { one, _ in one })
        gaps = gaps.map { byPlace[$0.place] ?? $0 }
    }
}
