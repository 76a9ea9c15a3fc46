import Foundation

/// What becomes of slices that nobody drew, between and beyond those that somebody did.
public struct Filling: Hashable, Sendable, Codable {
    /// How slices between two that are drawn are filled.
    public enum Between: String, Hashable, Sendable, Codable, CaseIterable {
        /// By the two masks alone: ``SignedDistances/masks(between:_:spacing:at:)``.
        case shape
        /// By the model, asked on each slice about a box between the two.
        case box
        /// For each class by that of the two which gives more of what was drawn, slice by slice left out: see ``LeftOut``.
        case auto
    }

    /// Nil where they are not filled.
    public var between: Between?
    /// Whether slices beyond the first and the last one are.
    public var ends: Bool
    /// The most from one drawn slice to the next, in millimetres, and from a drawn slice to the last one beyond it.
    public var longestGap: Double
    /// Whether each drawn slice is left out, filled and compared with what was drawn.
    public var reports: Bool

    /// What `--fill-gap` is by default.
    public static let defaultGap = 16.0

    public init(
        between: Between? = nil, ends: Bool = false, longestGap: Double = Self.defaultGap, reports: Bool = false
    ) {
        (self.between, self.ends, self.longestGap, self.reports) = (between, ends, longestGap, reports)
    }

    /// Whether anything is filled.
    public var isOn: Bool { between != nil || ends }
    /// Whether anything is done besides labelling what was drawn.
    public var isAsked: Bool { isOn || reports }

    /// How many slices it is at most from a drawn one to the next, and from a drawn one to the last beyond it.
    ///
    /// - Parameters:
    ///   - spacing: from one slice to the next, in millimetres.
    ///   - sliceCount: of the volume, which no gap is longer than.
    func longestStep(spacing: Double, sliceCount: Int) -> Int {
        // By half a thousandth more, since headers hold single precision.
        Int(min(Double(sliceCount), longestGap * 1.0005 / spacing))
    }

    /// Whether drawn slices are left out, filled and compared.
    var leavesOut: Bool { reports || between == .auto }

    enum CodingKeys: String, CodingKey {
        case between, ends, reports
        case longestGap = "longest_gap"
    }
}

/// How a slice was filled.
public enum FillWay: String, Hashable, Sendable, Codable, CaseIterable {
    case shape
    case box
    /// From the slice before, beyond the first or the last that is drawn.
    case ends
}

/// A slice that was filled with a class.
public struct Fill: Codable, Hashable, Sendable {
    public var slice: Int
    /// How well the estimates agree that the model gives of the slice: the mean Dice of each two; nil where there is one.
    public var quality: Double?
    /// The predicted IoU, of several parts the least; nil where no model was asked.
    public var score: Float?
    /// The mask's pixels.
    public var area: Int
    /// How many of them have another label: what was drawn there, or is filled with a higher quality.
    public var lost: Int
}

/// Slices of one class that nobody drew: between two that somebody did, or beyond the first or last.
public struct Gap: Codable, Hashable, Sendable, CustomStringConvertible {
    /// What a gap is: those of two runs are the same where this is.
    public struct Place: Codable, Hashable, Sendable {
        public var classID: Int
        public var label: UInt16
        /// The drawn slices at its ends; one of them nil where the gap is beyond the other.
        public var below: Int?
        public var above: Int?
        /// Its slices, in order. Of those beyond a drawn slice, all that could be filled.
        public var slices: [Int]
        /// Those on which other classes were drawn.
        public var others: [Int]

        enum CodingKeys: String, CodingKey {
            case label, below, above, slices, others
            case classID = "class"
        }
    }

    public var place: Place
    /// From one drawn slice to the other; nil beyond the first or last.
    public var millimetres: Double?
    /// Nil where it was left as it is: too long, or without a mask at one end.
    public var way: FillWay?
    public internal(set) var fills: [Fill] = []

    /// Such as "slices 10 to 20, 18.0 mm".
    public var description: String {
        let length = millimetres.map { String(format: ", %.1f mm", $0) } ?? ""
        return "slices \(ends.map(String.init).joined(separator: " to "))\(length)"
    }

    /// The drawn slices at its ends.
    var ends: [Int] { [place.below, place.above].compactMap { $0 } }
    /// The last slice that must be done before the gap can be filled.
    var lastSlice: Int { (place.slices + ends).max() ?? 0 }
    /// Whether the model is asked.
    var needsModel: Bool { way == .box || way == .ends }
    /// How far a slice is from the lower end to the upper one, 0…1.
    func part(of slice: Int) -> Double {
        guard let below = place.below, let above = place.above else { preconditionFailure("\(place) has one end") }
        return Double(slice - below) / Double(above - below)
    }
}
