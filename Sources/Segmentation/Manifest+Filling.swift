import Imaging
import SafeFiles

extension Manifest {
    /// Adds what was filled.
    mutating func setFilling(_ segmentation: SegmentedVolume) {
        if options.filling?.leavesOut == true { leftOut = segmentation.leftOut }
        guard options.filling?.isOn == true else { return }
        gaps = segmentation.gaps
        var filled: [UInt16: Int] = [:]
        for (label, origin) in zip(segmentation.labels.values, segmentation.origin.values)
        where origin > LabelOrigin.drawn.rawValue {
            filled[label, default: 0] += 1
        }
        for (text, var amount) in amounts {
            amount.filled = UInt16(text).flatMap { filled[$0] } ?? 0
            amounts[text] = amount
        }
    }

    /// Whether the origins of labels are those that were written with them, or there are none.
    func hasOrigin(ofLabels path: String) -> Bool {
        guard let origin else { return options.filling?.isOn != true }
        return (try? sha256(ofFile: LabelOrigin.path(besideLabels: path))) == origin.sha256
    }

    /// What people read for a label: its name, where it has none such as "label 3".
    public func name(ofLabel label: UInt16) -> String { labels["\(label)"]?.name ?? "label \(label)" }

    /// What was left as it is.
    func warningsOfGaps(file: String) -> [Warning] {
        let open = (gaps ?? []).filter { $0.way == nil }
        guard let first = open.first else { return [] }
        let name = name(ofLabel: first.place.label)
        return [
            Warning(
                file: file,
                "gaps that were not filled (longer than --fill-gap, without a mask at an end, or with --fill ends alone): "
                    + "\(open.count), the first \(name), \(first)")
        ]
    }
}
