import ArgumentParser
import Foundation
import Segmentation

/// What becomes of slices that nobody drew.
struct FillOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Fill slices that nobody drew: between two that somebody did by the masks' shape, by the model's answer to a box between "
                + "(box), or by whichever gives back more of the class's drawn slices (auto); ends goes on from the first and the last.",
            valueName: "shape|box|auto|ends"),
        transform: FillWays.init(_:))
    var fill: FillWays?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The longest gap that is filled, in mm from one drawn slice to the next, and the farthest that ends goes. Longer ones "
                + "are listed. 16 is for every fifth slice of 3 mm.",
            valueName: "mm"))
    var fillGap = Filling.defaultGap

    @Flag(
        help: ArgumentHelp(
            "Leave each drawn slice out, fill it, and print the Dice with what was drawn: agreement with what the model made of "
                + "boxes, not accuracy."))
    var fillReport = false

    mutating func validate() throws {
        try requireGap(fillGap)
    }

    var filling: Filling {
        Filling(between: fill?.between, ends: fill?.ends == true, longestGap: fillGap, reports: fillReport)
    }
}

/// Ways of filling, such as `box,ends`.
struct FillWays: Sendable {
    var between: Filling.Between?
    var ends = false

    init(_ text: String) throws {
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            if word == "ends", !ends {
                ends = true
            } else if let way = Filling.Between(rawValue: String(word)), between == nil {
                between = way
            } else {
                throw ValidationError(
                    "\"\(text)\": expected shape, box, auto or ends, or one of the first three with ends, such as box,ends."
                )
            }
        }
    }
}

func requireGap(_ millimetres: Double) throws {
    guard millimetres > 0, millimetres.isFinite else {
        throw ValidationError("--fill-gap must be millimetres above 0, not \(millimetres).")
    }
}
