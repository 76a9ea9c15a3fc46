import Foundation
import SafeFiles

/// One set of boxes from several annotators': the objects that at least half drew, as a table that ``BoxSource`` reads.
public struct MergedBoxes: Sendable {
    private var rows = [["slice", "class", "x0", "y0", "x1", "y1"]]
    /// How many objects fewer than half drew.
    public private(set) var leftOut = 0

    /// How many objects are in the table.
    public var count: Int { rows.count - 1 }

    /// - Throws: ``FileError`` `badData` where a class's name would be read as another's id.
    public init(
        _ cases: [(case: String, objects: [AgreedBox])], pattern: SlicePattern, classes: ClassList?
    ) throws(FileError) {
        for (name, objects) in cases {
            for object in objects {
                guard object.isAgreed else {
                    leftOut += 1
                    continue
                }
                let (box, className) = (object.box, classes?.names[object.classID])
                if let className { _ = try classes?.id(ofNameOrNumber: className) }
                rows.append(
                    [
                        pattern.name(ofSlice: object.slice, case: name),
                        className ?? "\(object.classID)",
                    ] + [box.x0, box.y0, box.x1, box.y1].map { "\($0)" })
            }
        }
    }

    /// The table as CSV.
    public var csv: Data { Data(commaSeparated(rows).utf8) }
}
