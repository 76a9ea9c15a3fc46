import SafeFiles

/// How well annotators agree, by annotator and by class; as JSON, the object of both lists.
public struct AgreementReport: Encodable, Sendable {
    /// An annotator or a class.
    public struct Row: Encodable, Sendable {
        public var name: String
        public var boxes: Int
        /// Objects that count and were not drawn: by the annotator, or summed over those who looked at the slice.
        public var missed: Int
        /// Boxes that count for no object.
        public var alone: Int
        /// The mean intersection over union of two annotators' boxes of an object.
        public var iou: OrNull<Double>
        /// The arithmetic mean for a box, over the boxes whose time was measured, as the paper reports it.
        public var meanSeconds: OrNull<Double>
        /// The median over the same boxes.
        public var medianSeconds: OrNull<Double>
        /// The sum over the same boxes.
        public var totalSeconds: OrNull<Double>

        enum CodingKeys: String, CodingKey {
            case name, boxes, missed, alone, iou
            case meanSeconds = "seconds_mean"
            case medianSeconds = "seconds_median"
            case totalSeconds = "seconds_total"
        }

        fileprivate init(
            _ name: String, _ boxes: [DrawnBox], missed: Int, alone: Int, overlaps: [Double]
        ) {
            (self.name, self.boxes, self.missed, self.alone) = (name, boxes.count, missed, alone)
            iou = OrNull(overlaps.mean())
            let seconds = boxes.compactMap(\.seconds)
            (meanSeconds, medianSeconds) = (OrNull(seconds.mean()), OrNull(seconds.median()))
            totalSeconds = OrNull(seconds.isEmpty ? nil : seconds.reduce(0, +))
        }
    }

    /// By name.
    public let annotators: [Row]
    /// Those that anybody drew, in the order of their ids.
    public let classes: [Row]

    /// - Parameters:
    ///   - objects: of all volumes; see ``AgreedBox/objects(drawnBy:case:evidence:)``.
    ///   - drawn: the boxes of each annotator on all volumes.
    public init(_ objects: [AgreedBox], drawn: [String: [DrawnBox]], classes: ClassList) {
        annotators = drawn.sorted { $0.key < $1.key }.map { annotator, boxes in
            Row(
                annotator, boxes,
                missed: objects.count {
                    $0.isAgreed && $0.own[annotator] == nil && $0.workers.contains(annotator)
                },
                alone: objects.count { !$0.isAgreed && $0.own[annotator] != nil },
                overlaps: objects.flatMap { $0.overlaps(of: annotator) })
        }
        // In order, since sums of seconds are rounded.
        let all = Dictionary(grouping: drawn.sorted { $0.key < $1.key }.flatMap(\.value), by: \.classID)
        let byClass = Dictionary(grouping: objects, by: \.classID)
        self.classes = all.sorted { $0.key < $1.key }.map { classID, boxes in
            let own = byClass[classID] ?? []
            return Row(
                classes.names[classID], boxes,
                missed: own.filter(\.isAgreed).reduce(0) { $0 + $1.workers.count - $1.own.count },
                alone: own.filter { !$0.isAgreed }.reduce(0) { $0 + $1.own.count },
                overlaps: own.flatMap { $0.overlaps() })
        }
    }
}
