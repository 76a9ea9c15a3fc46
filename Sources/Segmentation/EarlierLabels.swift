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

    /// Puts the labels of these slices into a volume, and what is known of their boxes.
    ///
    /// - Parameter boxes: of this call, whose files may have other names now.
    /// - Throws: ``FileError`` `badData` where the labels are not those of the manifest any more.
    func hand(to result: inout SegmentedVolume, boxes: [SliceBoxes], _ images: SliceImages) throws(FileError) {
        let labels = try LabelVolume(contentsOf: path)
        guard labels.size == images.volume.size, try sha256(ofFile: path) == manifest.output?.sha256 else {
            throw FileError(.badData, file: path, "changed while it was used", advice: "Run again.")
        }
        let taken = same.union(kept)
        for slice in taken {
            result.labels.setLabels(
                labels.labels(ofSlice: slice, images.slices), ofSlice: slice, images.slices)
        }
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

extension FileNaming {
    /// The file that a manifest calls by a name; see ``name(of:in:)``.
    static func path(named name: String, in manifest: String) -> String {
        name.hasPrefix("/") ? name : folder(of: manifest) + name
    }
}
