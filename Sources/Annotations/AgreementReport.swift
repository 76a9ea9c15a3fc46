import SafeFiles

/// How well annotators agree, by annotator and by class; as JSON, the object of both lists.
public struct AgreementReport: Encodable, Sendable {
    /// An annotator or a class.
    public struct Row: Encodable, Sendable {
        public var name: String
        public var boxes: Int
        /// Objects that count and were not drawn: by the annotator, or summed over those who worked on the slice.
        public var missed: Int
        /// Boxes that count for no object.
        public var alone: Int
        /// The mean intersection over union of two annotators' boxes of an object.
        public var iou: OrNull<Double>
        /// The median for a box, where it was measured.
        public var seconds: OrNull<Double>

        fileprivate init(
            _ name: String, _ boxes: [DrawnBox], missed: Int, alone: Int, overlaps: [Double]
        ) {
            (self.name, self.boxes, self.missed, self.alone) = (name, boxes.count, missed, alone)
            iou = OrNull(overlaps.mean())
            seconds = OrNull(boxes.compactMap(\.seconds).median())
        }
    }

    /// By name.
    public let annotators: [Row]
    /// Those that anybody drew, in the order of their ids.
    public let classes: [Row]

    /// - Parameters:
    ///   - objects: of all volumes; see ``AgreedBox/objects(drawnBy:)``.
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
        let all = Dictionary(grouping: drawn.values.joined(), by: \.classID)
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
