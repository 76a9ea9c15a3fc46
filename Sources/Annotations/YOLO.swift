import Foundation
import ImageFrames
import SafeFiles

/// The highest class id: without a map its label is one more, which has to fit 16 bits.
let highestClassID = 65534

/// Reads the boxes of a YOLO file, a line each: `class xCentre yCentre width height`, relative to the image.
///
/// x0 = (xCentre − width / 2) · image width, and so on. Empty lines do not count. A class may be written as `0.000e+00`, as
/// NumPy saves it.
///
/// - Parameter errors: receives what is wrong with lines that are left out.
func readYOLO(
    _ path: String, imageSize: PixelSize, classes: ClassList?, errors: inout [FileError]
) throws(FileError) -> [WrittenBox] {
    var boxes: [WrittenBox] = []
    for (index, line) in try lines(of: path).enumerated() {
        let fields = line.split(whereSeparator: \.isWhitespace)
        if fields.isEmpty { continue }
        let place = Place(file: path, line: index + 1)
        let numbers = fields.dropFirst().compactMap(decimal)
        guard fields.count == 5, numbers.count == 4 else {
            try errors.add(
                place.error(
                    "not a YOLO box", expected: "class xCentre yCentre width height", found: String(line)))
            continue
        }
        let limit = classes.map { $0.names.count - 1 } ?? highestClassID
        guard let classID = decimal(fields[0]).flatMap({ Int(exactly: $0) }), (0...limit).contains(classID) else {
            try errors.add(
                place.error("not a class", expected: "a number from 0 to \(limit)", found: String(fields[0])))
            continue
        }
        let (width, height) = (Double(imageSize.width), Double(imageSize.height))
        let box = PixelBox(
            x0: (numbers[0] - numbers[2] / 2) * width, y0: (numbers[1] - numbers[3] / 2) * height,
            x1: (numbers[0] + numbers[2] / 2) * width, y1: (numbers[1] + numbers[3] / 2) * height)
        boxes.append(WrittenBox(classID: classID, box: box, place: place))
    }
    return boxes
}
