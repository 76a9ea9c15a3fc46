import Annotations
import Foundation
import Imaging
import SafeFiles
import Segmentation

extension Manifest {
    /// A line for each label, then what was counted.
    func printSummary(_ classes: ClassList?, hasPicture: Bool) {
        print("label  boxes  slices    voxels        ml  mean score  class" + (hasPicture ? " (colour)" : ""))
        for (text, amount) in amounts.sorted(by: { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }) {
            let own = boxes.filter { "\($0.label)" == text }
            let score = own.reduce(0) { $0 + Double($1.score) } / Double(max(own.count, 1))
            let names = Set(own.map(\.classID)).sorted().map { classes.name(ofClass: $0) }
            let colour = hasPicture ? own.first.map { " (\(LabelColour(of: $0.label).name))" } ?? "" : ""
            print(
                rightAligned(text, 5)
                    + String(
                        format: "  %5d  %6d  %8d  %8.1f  %10.3f  ", amount.boxes, amount.slices, amount.voxels,
                        amount.millilitres, score) + names.joined(separator: ", ") + colour)
        }
        printGaps()
        printFillReport()
        if !badBoxes.isEmpty { print("malformed boxes or files left out: \(badBoxes.count)") }
        if clippedBoxes > 0 { print("boxes that reached beyond the image and were cut at its edge: \(clippedBoxes)") }
        if conflictPixels > 0 {
            print("voxels claimed by two labels, where \(options.recipe.overlap.rawValue) won: \(conflictPixels)")
        }
    }

    /// How many slices were filled in each way, on which the model saw nothing to fill, and what was left.
    private func printGaps() {
        guard let gaps else { return }
        let ways = FillWay.allCases.map { way in
            "\(gaps.filter { $0.way == way }.reduce(0) { $0 + $1.fills.count { $0.area > 0 } }) by \(way)"
        }
        let empty = gaps.flatMap { gap in
            gap.fills.filter { $0.area == 0 }.map { "\(name(ofLabel: gap.place.label)) on \($0.slice)" }
        }
        print(
            "slices filled: \(ways.joined(separator: ", "))"
                + (empty.isEmpty ? "" : "; without a pixel: \(empty.count) (\(listed(empty)))")
                + "; gaps left as they are: \(gaps.count { $0.way == nil })")
    }

    /// What was left out, filled and compared, where that was asked.
    func printFillReport() {
        guard let fillReport else { return }
        print("drawn slices left out and filled, Dice with what was drawn (agreement, not accuracy):")
        printTable([FillReportRow.columns] + fillReport.map(\.cells))
    }
}
