import Foundation
import FoundationXML
import ImageFrames
import SafeFiles

/// Reads the boxes of a Pascal VOC file as OpenLabeling writes it: corners in pixels from 0, classes by name.
///
/// A file that is empty holds no boxes. Entities, document types and processing instructions are not accepted, nor a file made for
/// an image of another size.
///
/// - Parameter errors: receives what is wrong with objects that are left out.
func readPascalVOC(
    _ path: String, imageSize: PixelSize, classes: ClassList?, errors: inout [FileError]
) throws(FileError) -> [WrittenBox] {
    let text = try text(of: path)
    if text.allSatisfy(\.isWhitespace) { return [] }
    let annotation = try PascalVOC.parse(text, file: path)
    try annotation.checkSize(imageSize, file: path)
    var boxes: [WrittenBox] = []
    for (index, object) in annotation.objects.enumerated() {
        guard let classes else {
            throw FileError(
                .badData, file: path, "classes by name need a list of names",
                advice: "Give the list with --classes class_list.txt.")
        }
        let place = Place(file: path, line: object.line, object: index + 1)
        let name = object.parts["name"] ?? ""
        guard let classID = classes.id(of: name) else {
            try errors.add(
                place.error("not a class", expected: classes.listing(besides: name), found: "\"\(name)\""))
            continue
        }
        let corners = ["xmin", "ymin", "xmax", "ymax"].map { object.parts[$0] }
        let numbers = corners.compactMap { $0.flatMap { decimal($0) } }
        guard numbers.count == 4 else {
            try errors.add(
                place.error(
                    "not a Pascal VOC box", expected: "xmin, ymin, xmax and ymax",
                    found: corners.map { $0 ?? "nothing" }.joined(separator: ", ")))
            continue
        }
        let box = PixelBox(x0: numbers[0], y0: numbers[1], x1: numbers[2], y1: numbers[3])
        boxes.append(WrittenBox(classID: classID, box: box, place: place))
    }
    return boxes
}

/// The parts of a Pascal VOC file that matter here, collected as the parser meets them; numbers stay text, so that
/// each bad one can be named.
private final class PascalVOC: NSObject, XMLParserDelegate {
    struct Object {
        /// The line on which it begins.
        var line: Int
        /// Of `name`, `xmin`, `ymin`, `xmax` and `ymax`.
        var parts = Values()
    }

    /// The texts of elements by their names. Those of one name are joined, and so are no number.
    struct Values {
        private var texts: [String: [String]] = [:]

        mutating func add(_ text: String, to name: String) { texts[name, default: []].append(text) }

        subscript(name: String) -> String? { texts[name]?.joined(separator: " and ") }
    }

    private(set) var size = Values()
    private(set) var objects: [Object] = []

    /// The names of the open elements, the root's first.
    private var open: [String] = []
    /// The text of the innermost open element so far.
    private var text = ""
    private var rootIsAnnotation = false
    private var rootIsClosed = false

    /// - Throws: ``FileError`` `badData` where the text is no XML, has another root, a document type or processing
    ///   instructions.
    static func parse(_ text: String, file: String) throws(FileError) -> PascalVOC {
        // The text is UTF-8 by now: this declaration overrides one in the file that says otherwise.
        var body = Substring(text)
        if let declaration = text.prefixMatch(of: /\s*<\?xml\s[^>]*\?>/) {
            body = text[declaration.range.upperBound...]
        }
        let data = Data(body.utf8)
        // FoundationXML's parser ends the process at a processing instruction without data, `<?p?>`.
        for unaccepted in ["<!DOCTYPE", "<?"] where data.range(of: Data(unaccepted.utf8)) != nil {
            throw FileError(
                .badData, file: file, "not a Pascal VOC file", expected: "<annotation> to </annotation>",
                found: "\(unaccepted), which is not accepted")
        }
        let parser = XMLParser(data: Data(#"<?xml version="1.0" encoding="UTF-8"?>"#.utf8) + data)
        let annotation = PascalVOC()
        parser.delegate = annotation
        // It calls a file that ends early, or goes on after its root, a success.
        guard parser.parse(), parser.parserError == nil, annotation.rootIsClosed else {
            throw FileError(
                .badData, file: file, line: max(parser.lineNumber, 1), "not a Pascal VOC file",
                expected: "<annotation> to </annotation>", found: "damaged XML")
        }
        guard annotation.rootIsAnnotation else {
            throw FileError(
                .badData, file: file, "not a Pascal VOC file", expected: "<annotation> to </annotation>",
                found: "another root")
        }
        return annotation
    }

    /// - Throws: ``FileError`` `badData` where the file says that its image has another size.
    func checkSize(_ imageSize: PixelSize, file: String) throws(FileError) {
        let (width, height) = (size["width"], size["height"])
        if width == nil, height == nil { return }
        guard width.flatMap({ decimal($0) }) == Double(imageSize.width),
            height.flatMap({ decimal($0) }) == Double(imageSize.height)
        else {
            throw FileError(
                .badData, file: file, place: "size", "made for an image of another size",
                expected: "\(imageSize.width)×\(imageSize.height)",
                found: "\(width ?? "nothing")×\(height ?? "nothing")")
        }
    }

    // MARK: XMLParserDelegate

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        if open.isEmpty { rootIsAnnotation = name == "annotation" }
        open.append(name)
        text = ""
        if open == ["annotation", "object"] { objects.append(Object(line: parser.lineNumber)) }
    }

    func parser(_ parser: XMLParser, foundCharacters characters: String) {
        text += characters
    }

    func parser(_ parser: XMLParser, foundCDATA block: Data) {
        text += String(decoding: block, as: UTF8.self)
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
        let value = text.trimmingCharacters(in: .whitespacesAndNewlines)
        switch open.dropFirst() {
        case ["size", "width"], ["size", "height"]: size.add(value, to: name)
        case ["object", "name"], ["object", "bndbox", "xmin"], ["object", "bndbox", "ymin"],
            ["object", "bndbox", "xmax"], ["object", "bndbox", "ymax"]:
            if let last = objects.indices.last { objects[last].parts.add(value, to: name) }
        default: break
        }
        _ = open.popLast()
        text = ""
        rootIsClosed = open.isEmpty
    }
}
