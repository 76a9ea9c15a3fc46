import Foundation

/// How much of drawn slices filling gives back: a class at one distance, or at all; see ``LeftOut``.
public struct FillReportRow: Encodable, Sendable {
    public let label: UInt16
    public let name: String?
    /// From the drawn slice before to the one after; nil for all distances.
    public let millimetres: Double?
    public let slices: Int
    /// The mean Dice; nil where nothing was filled.
    public let shape: Double?
    public let box: Double?
    /// What `auto` takes; nil at single distances.
    public let better: FillWay?

    /// The heads of the table's columns.
    public static let columns = ["filled", "mm", "slices", "shape", "box", "auto takes"]

    /// The cells of the table's row.
    public var cells: [String] {
        func text(_ number: Double?, _ format: String) -> String { number.map { String(format: format, $0) } ?? "-" }
        return [
            name ?? "label \(label)", millimetres.map { String(format: "%.1f", $0) } ?? "all", "\(slices)",
            text(shape, "%.3f"), text(box, "%.3f"), better?.rawValue ?? "",
        ]
    }
}

extension Manifest {
    /// What was left out, filled and compared, by class and distance; nil where that was not asked.
    public var fillReport: [FillReportRow]? {
        leftOut.map { all in
            Dictionary(grouping: all, by: \.place.classID).sorted { $0.key < $1.key }.flatMap { classID, own in
                let byDistance = Dictionary(grouping: own) { ($0.millimetres * 10).rounded() / 10 }
                return byDistance.sorted { $0.key < $1.key }.map { row($1, millimetres: $0, better: nil) }
                    + [row(own, millimetres: nil, better: all.betterWay(ofClass: classID))]
            }
        }
    }

    private func row(_ leftOut: [LeftOut], millimetres: Double?, better: FillWay?) -> FillReportRow {
        let label = leftOut[0].place.label
        return FillReportRow(
            label: label, name: labels["\(label)"]?.name, millimetres: millimetres, slices: leftOut.count,
            shape: leftOut.compactMap(\.shape).mean(), box: leftOut.compactMap(\.box).mean(), better: better)
    }
}
