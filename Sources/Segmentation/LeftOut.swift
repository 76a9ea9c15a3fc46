import ImageFrames

/// A drawn slice that was left out, filled from those before and after, and compared with what was drawn: how much of it
/// filling gives back.
///
/// This is agreement with what the model made of the drawn boxes, not with the truth.
public struct LeftOut: Codable, Hashable, Sendable {
    public struct Place: Codable, Hashable, Sendable {
        public var classID: Int
        public var label: UInt16
        public var slice: Int
        /// The drawn slices before and after of the class.
        public var below: Int
        public var above: Int

        init(_ gap: Gap) {
            guard let below = gap.place.below, let above = gap.place.above else {
                preconditionFailure("\(gap.place) has one end")
            }
            (classID, label, slice) = (gap.place.classID, gap.place.label, gap.place.slices[0])
            (self.below, self.above) = (below, above)
        }

        var slices: [Int] { [below, slice, above] }

        enum CodingKeys: String, CodingKey {
            case label, slice, below, above
            case classID = "class"
        }
    }

    public var place: Place
    /// From the one before to the one after.
    public var millimetres: Double
    /// The Dice of each way with what was drawn; nil where the way has no answer.
    public var shape: Double?
    public var box: Double?
}

extension [LeftOut] {
    /// The way that gives more of what was drawn of a class, by the mean over its slices; ``FillWay/box`` where they are equal or
    /// nothing says.
    func betterWay(ofClass classID: Int) -> FillWay {
        let own = filter { $0.place.classID == classID }
        let pairs = own.compactMap { row in row.shape.flatMap { shape in row.box.map { (shape, $0) } } }
        let difference = pairs.reduce(0) { $0 + $1.0 - $1.1 }
        return difference > 0 ? .shape : .box
    }
}
