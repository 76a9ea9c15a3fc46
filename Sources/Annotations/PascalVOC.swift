import Files
import Foundation
import Frames
import XMLCoder

/// The parts of a Pascal VOC file that matter here; numbers stay text, so that each bad one can be named.
private struct PascalVOC: Decodable {
    struct Size: Decodable {
        var width: String?
        var height: String?
    }

    struct Corners: Decodable {
        var xmin: String?
        var ymin: String?
        var xmax: String?
        var ymax: String?
    }

    struct Object: Decodable {
        var name: String?
        var bndbox: Corners?
    }

    var size: Size?
    var object: [Object]
}

/// Reads the boxes of a Pascal VOC file as OpenLabeling writes it: corners in pixels from 0, classes by name.
///
/// A file that is empty holds no boxes. Entities and document types are not accepted, nor a file made for
/// an image of another size.
///
/// - Parameter errors: receives what is wrong with objects that are left out.
func readPascalVOC(
    _ path: String, imageSize: PixelSize, classes: ClassList?, errors: inout [FileError]
) throws(FileError) -> [WrittenBox] {
    let text = try text(of: path)
    if text.allSatisfy(\.isWhitespace) { return [] }
    let annotation = try decode(text, path)
    if let size = annotation.size, size.width != nil || size.height != nil {
        let found = "\(size.width ?? "nothing")×\(size.height ?? "nothing")"
        guard found == "\(imageSize.width)×\(imageSize.height)" else {
            throw FileError(
                .badData, file: path, place: "size", "made for an image of another size",
                expected: "\(imageSize.width)×\(imageSize.height)", found: found)
        }
    }
    guard let classes else {
        throw FileError(
            .badData, file: path, "classes by name need a list of names",
            advice: "Give the list with --classes class_list.txt.")
    }
    var boxes: [WrittenBox] = []
    for (index, object) in annotation.object.enumerated() {
        let place = Place(file: path, number: index + 1)
        let name = object.name ?? ""
        guard let classID = classes.id(of: name) else {
            errors.append(
                place.error(
                    "not a class", expected: classes.names.joined(separator: ", "), found: "\"\(name)\""))
            continue
        }
        let corners = [object.bndbox?.xmin, object.bndbox?.ymin, object.bndbox?.xmax, object.bndbox?.ymax]
        let numbers = corners.compactMap { $0.flatMap(Double.init) }
        guard numbers.count == 4 else {
            errors.append(
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

private func decode(_ text: String, _ path: String) throws(FileError) -> PascalVOC {
    // The decoder asks for the root's name no more than for what it does not know, and would take any XML for
    // a file without boxes.
    let start = /\s*(<\?xml.*?\?>\s*)?(<!--.*?-->\s*)*<annotation[\s\/>]/.dotMatchesNewlines()
    guard !text.contains("<!DOCTYPE"), !text.contains("<!ENTITY"), text.prefixMatch(of: start) != nil
    else {
        throw FileError(.badData, file: path, "not a Pascal VOC file", expected: "<annotation>")
    }
    do {
        return try XMLDecoder().decode(PascalVOC.self, from: Data(text.utf8))
    } catch {
        throw FileError(
            .badData, file: path, "not a Pascal VOC file",
            found: "XML that is damaged or of another structure")
    }
}
