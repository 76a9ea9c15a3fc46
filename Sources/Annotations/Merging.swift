import Foundation
import ImageFrames
import SafeFiles

/// One set of boxes from several annotators': the objects that at least half drew, in the order in which people drew them.
public struct MergedBoxes: Sendable {
    /// The formats that it is written in, each read by ``BoxSource``.
    public enum Format: String, CaseIterable, Sendable {
        /// One table.
        case csv
        /// A file for each slice of each volume, as OpenLabeling makes them; of slices without boxes, empty ones.
        case yolo
        /// The same as Pascal VOC.
        case voc
    }

    /// A volume whose boxes are merged.
    public struct Case: Sendable {
        public var name: String
        public var sliceCount: Int
        /// Of every slice's image.
        public var imageSize: PixelSize
        public var objects: [AgreedBox]

        public init(name: String, sliceCount: Int, imageSize: PixelSize, objects: [AgreedBox]) {
            (self.name, self.sliceCount, self.imageSize, self.objects) = (name, sliceCount, imageSize, objects)
        }
    }

    /// Those that at least half drew, slice by slice in the drawing order, corners rounded to a hundredth of a pixel: people
    /// draw whole pixels, and files hold them to no more than that.
    private let cases: [Case]
    private let pattern: SlicePattern
    private let classes: ClassList?
    /// Whether what is written says which boxes nobody drew.
    public let marksFilled: Bool
    /// How many objects fewer than half drew.
    public let leftOut: Int
    /// How many objects only one of two annotators drew: half of two is one.
    public let majoritiesOfOne: Int

    /// How many objects are kept.
    public var count: Int { cases.reduce(0) { $0 + $1.objects.count } }

    /// - Parameter marksFilled: whether what is written says which boxes nobody drew.
    /// - Throws: ``FileError`` `badData` where a class's name would be read as another's id.
    public init(
        _ cases: [Case], pattern: SlicePattern, classes: ClassList?, marksFilled: Bool = false
    ) throws(FileError) {
        (self.pattern, self.classes, self.marksFilled) = (pattern, classes, marksFilled)
        let all = cases.flatMap(\.objects)
        leftOut = all.count { !$0.isAgreed }
        majoritiesOfOne = all.count { $0.own.count == 1 && $0.workers.count == 2 }
        self.cases = cases.map { item in
            var item = item
            item.objects = item.objects.filter(\.isAgreed).map(\.rounded)
                .sorted { ($0.slice, $0.place) < ($1.slice, $1.place) }
            return item
        }
        if let classes {
            for classID in Set(all.map(\.classID)).sorted() {
                _ = try classes.id(ofNameOrNumber: classes.names[classID])
            }
        }
    }

    /// The table as CSV.
    public var csv: Data {
        Data(commaSeparated([columns] + rows(of: { _ in true })).utf8)
    }

    /// The table of the boxes that nobody drew; nil where such boxes are not marked.
    ///
    /// - Parameter standing: the table of earlier calls, of which the rows of other volumes are kept.
    /// - Returns: the table, and whether the standing one has other rows of these volumes.
    public func filled(after standing: CSV?) -> (table: Data, isOther: Bool)? {
        guard marksFilled else { return nil }
        let names = Set(cases.map(\.name))
        let before = (standing?.rows ?? []).map { row in columns.map { row.cells[$0] ?? "" } }
        func isOwn(_ row: [String]) -> Bool {
            pattern.parts(of: row[0][...]).map { names.contains(String($0.case)) } == true
        }
        let (own, replaced) = (rows(of: \.isFilled), before.filter(isOwn))
        let table = commaSeparated([columns] + before.filter { !isOwn($0) } + own)
        return (Data(table.utf8), !replaced.isEmpty && replaced != own)
    }

    /// How many nobody drew.
    public var filledCount: Int { cases.flatMap(\.objects).count(where: \.isFilled) }

    private var columns: [String] { ["slice", "class", "x0", "y0", "x1", "y1"] + (marksFilled ? ["filled"] : []) }

    private func rows(of isWanted: (AgreedBox) -> Bool) -> [[String]] {
        cases.flatMap { item in
            item.objects.filter(isWanted).map { object in
                [
                    pattern.name(ofSlice: object.slice, case: item.name),
                    classes?.names[object.classID] ?? "\(object.classID)",
                ] + corners(object.box) + (marksFilled ? [object.isFilled ? "1" : "0"] : [])
            }
        }
    }

    /// The names of the files of a format, in the order of ``contents(_:)``.
    ///
    /// - Precondition: a format of files.
    public func names(_ format: Format) -> [String] {
        let ending = format == .yolo ? "txt" : "xml"
        return cases.flatMap { item in
            (0..<item.sliceCount).map { "\(pattern.name(ofSlice: $0, case: item.name)).\(ending)" }
        }
    }

    /// What the files of a format hold.
    ///
    /// - Precondition: a format of files; for Pascal VOC, with a list of classes.
    public func contents(_ format: Format) -> [Data] {
        cases.flatMap { item in
            let objects = Dictionary(grouping: item.objects, by: \.slice)
            return (0..<item.sliceCount).map { slice in
                let own = objects[slice] ?? []
                let name = pattern.name(ofSlice: slice, case: item.name)
                let text = format == .yolo ? yolo(own, item.imageSize) : pascalVOC(own, item.imageSize, name)
                return Data(text.utf8)
            }
        }
    }

    private func yolo(_ objects: [AgreedBox], _ size: PixelSize) -> String {
        let (width, height) = (Double(size.width), Double(size.height))
        return objects.map { object in
            let box = object.box
            let numbers = [
                (box.x0 + box.x1) / 2 / width, (box.y0 + box.y1) / 2 / height, box.width / width, box.height / height,
            ]
            return "\(object.classID) \(numbers.map { "\($0)" }.joined(separator: " "))\n"
        }.joined()
    }

    private func pascalVOC(_ objects: [AgreedBox], _ size: PixelSize, _ name: String) -> String {
        guard let classes else { preconditionFailure("Pascal VOC without names of classes") }
        if objects.isEmpty { return "" }
        let parts = objects.map { object in
            let sides = zip(["xmin", "ymin", "xmax", "ymax"], corners(object.box))
            let box = sides.map { "<\($0)>\($1)</\($0)>" }.joined()
            let mark = object.isFilled ? "<filled>1</filled>" : ""
            return
                "  <object><name>\(escaped(classes.names[object.classID]))</name>\(mark)<bndbox>\(box)</bndbox></object>\n"
        }
        return """
            <annotation>
              <filename>\(escaped(name)).png</filename>
              <size><width>\(size.width)</width><height>\(size.height)</height><depth>3</depth></size>
            \(parts.joined())</annotation>

            """
    }
}

extension AgreedBox {
    /// The same with corners to a hundredth of a pixel.
    fileprivate var rounded: AgreedBox {
        func rounded(_ side: Double) -> Double { (side * 100).rounded() / 100 }
        var object = self
        object.box = PixelBox(x0: rounded(box.x0), y0: rounded(box.y0), x1: rounded(box.x1), y1: rounded(box.y1))
        return object
    }
}

/// x0, y0, x1 and y1, whole numbers without a point.
private func corners(_ box: PixelBox) -> [String] {
    [box.x0, box.y0, box.x1, box.y1].map { side in Int(exactly: side).map { "\($0)" } ?? "\(side)" }
}

private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
}
