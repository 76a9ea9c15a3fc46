import SafeFiles

/// Where a voxel of a label volume comes from: the values of `labels-origin.nii.gz` beside `labels.nii.gz`, 0 where there is no
/// label.
public enum LabelOrigin: UInt16, Sendable, CaseIterable {
    /// A box on the slice.
    case drawn = 1
    /// Slices with boxes on both sides.
    case interpolated = 2
    /// A slice with boxes on one side.
    case propagated = 3

    /// Where the origins of a label volume stand.
    public static func path(besideLabels labels: String) -> String {
        let end = labels.dropFirst(withoutVolumeExtension(labels).count)
        return "\(withoutVolumeExtension(labels))\(suffix)\(end)"
    }

    private static let suffix = "-origin"

    /// Whether a volume is the origins of another's labels, by that one's record; where that is damaged, who reads it says so.
    static func isOrigin(_ path: String) -> Bool {
        let name = withoutVolumeExtension(path)
        guard name.hasSuffix(suffix) else { return false }
        let labels = name.dropLast(suffix.count) + path.dropFirst(name.count)
        do throws(FileError) { return try LabelsRecord(besideLabels: String(labels))?.hasOrigin == true } catch {
            return true
        }
    }
}
