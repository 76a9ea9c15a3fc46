import Annotations
import Foundation
import Imaging
import Segmentation

extension Manifest {
    /// A line for each label, then what was counted.
    func printTable(_ classes: ClassList?, hasPicture: Bool) {
        print("label  boxes  slices    voxels        ml  mean score  class" + (hasPicture ? " (colour)" : ""))
        for (text, amount) in amounts.sorted(by: { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }) {
            let own = boxes.filter { "\($0.label)" == text }
            let score = own.reduce(0) { $0 + Double($1.score) } / Double(max(own.count, 1))
            let names = Set(own.map(\.classID)).sorted().map { classes?.names[$0] ?? "class \($0)" }
            let colour = hasPicture ? own.first.map { " (\(LabelColour(of: $0.label).name))" } ?? "" : ""
            print(
                rightAligned(text, 5)
                    + String(
                        format: "  %5d  %6d  %8d  %8.1f  %10.3f  ", amount.boxes, amount.slices, amount.voxels,
                        amount.millilitres, score) + names.joined(separator: ", ") + colour)
        }
        let open = (gaps ?? []).count { $0.way == nil }
        if let gaps {
            let ways = FillWay.allCases.map { way in
                "\(gaps.filter { $0.way == way }.reduce(0) { $0 + $1.fills.count }) by \(way)"
            }
            print("slices filled: \(ways.joined(separator: ", ")); gaps left as they are: \(open)")
        }
        if let fillReport {
            print("drawn slices left out and filled, Dice with what was drawn (agreement, not accuracy):")
            swift_sam.printTable([FillReportRow.columns] + fillReport.map(\.cells))
        }
        if !badBoxes.isEmpty { print("malformed boxes or files left out: \(badBoxes.count)") }
        if clippedBoxes > 0 { print("boxes that reached beyond the image and were cut at its edge: \(clippedBoxes)") }
        if conflictPixels > 0 {
            print("voxels claimed by two labels, where \(options.recipe.overlap.rawValue) won: \(conflictPixels)")
        }
    }
}
