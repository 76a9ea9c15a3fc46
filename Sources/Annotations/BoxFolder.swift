import Files
import Foundation
import Frames

/// Reads the boxes that were drawn on a volume's slices with OpenLabeling.
///
/// The files are named `STEM-sliceKKK.txt` (YOLO) or `.xml` (Pascal VOC), where KKK is the slice's index from
/// 000, and stand in the folder or in its subfolders `YOLO_darknet` and `PASCAL_VOC`. Files of other stems are
/// ignored. Where a slice has both formats, they must have the same boxes to within a pixel, and YOLO's, which
/// are not rounded, are the result.
///
/// - Parameters:
///   - sliceCount: how many slices the volume has.
///   - imageSize: width and height of every slice's image.
///   - classes: the names of the classes; without them, only YOLO files can be read.
/// - Returns: the slices that have files, in order; those whose files are empty too.
/// - Throws: ``FileError`` where the folder cannot be read or has no file of this stem; ``FileErrors`` with every
///   bad line of every file, and every file of a slice that does not exist, otherwise.
public func readBoxes(
    folder: String, stem: String, sliceCount: Int, imageSize: PixelSize, classes: ClassList?
) throws -> [SliceBoxes] {
    var errors: [FileError] = []
    let files = try findBoxFiles(folder: folder, stem: stem, sliceCount: sliceCount, errors: &errors)
    var result: [SliceBoxes] = []
    for (slice, files) in Dictionary(grouping: files, by: \.slice).sorted(by: { $0.key < $1.key }) {
        var boxes: [[WrittenBox]] = []
        let errorsBefore = errors.count
        for file in files {
            do {
                boxes.append(
                    try file.format.read(file.path, imageSize: imageSize, classes: classes, errors: &errors))
            } catch {
                errors.append(error)
            }
        }
        var drawn: [DrawnBox] = []
        for box in boxes.first ?? [] {
            do throws(FileError) {
                drawn.append(try DrawnBox(box, imageSize: imageSize))
            } catch {
                errors.append(error)
            }
        }
        // Where a line or a box is bad, that is what has to be mended first.
        if errors.count == errorsBefore, files.count == 2, !agree(boxes[0], boxes[1]) {
            errors.append(
                FileError(
                    .badData, file: files[0].path, "its boxes are not those of the slice's other file",
                    expected: "the same within a pixel", found: files[1].path,
                    advice: "Keep the file that is right and remove the other."))
        }
        result.append(SliceBoxes(slice: slice, files: files.map(\.path), boxes: drawn))
    }
    if !errors.isEmpty { throw FileErrors(errors) }
    return result
}

/// Whether two formats hold the same boxes, in whichever order.
///
/// OpenLabeling rounds corners to whole pixels for Pascal VOC (half a pixel), and once more where it reads its
/// own YOLO file again.
private func agree(_ first: [WrittenBox], _ second: [WrittenBox]) -> Bool {
    guard first.count == second.count else { return false }
    var left = second
    for box in first {
        let distances = left.map { $0.classID == box.classID ? distance($0.box, box.box) : .infinity }
        guard let nearest = distances.indices.min(by: { distances[$0] < distances[$1] }),
            distances[nearest] <= 1 + 1e-6  // a whole pixel, after rounding in the arithmetic
        else { return false }
        left.remove(at: nearest)
    }
    return true
}

/// The most that one of two boxes' sides is away from the other's.
private func distance(_ one: PixelBox, _ other: PixelBox) -> Double {
    max(abs(one.x0 - other.x0), abs(one.y0 - other.y0), abs(one.x1 - other.x1), abs(one.y1 - other.y1))
}

// MARK: Files

/// The formats that OpenLabeling writes, in the order in which they are read.
enum BoxFormat: Int, CaseIterable {
    case yolo
    case pascalVOC

    init?(file: String) {
        switch file.suffix(4).lowercased() {
        case ".txt": self = .yolo
        case ".xml": self = .pascalVOC
        default: return nil
        }
    }

    func read(
        _ path: String, imageSize: PixelSize, classes: ClassList?, errors: inout [FileError]
    ) throws(FileError) -> [WrittenBox] {
        switch self {
        case .yolo: try readYOLO(path, imageSize: imageSize, classes: classes, errors: &errors)
        case .pascalVOC: try readPascalVOC(path, imageSize: imageSize, classes: classes, errors: &errors)
        }
    }
}

private struct BoxFile {
    var path: String
    var slice: Int
    var format: BoxFormat
}

/// The files of a stem, a slice's YOLO file before its Pascal VOC file.
private func findBoxFiles(
    folder: String, stem: String, sliceCount: Int, errors: inout [FileError]
) throws(FileError) -> [BoxFile] {
    struct Key: Hashable {
        var slice: Int
        var format: BoxFormat
    }
    var files: [Key: BoxFile] = [:]
    var stranger: String?
    for (place, name) in try entries(of: folder) {
        guard let format = BoxFormat(file: name) else { continue }
        guard let digits = sliceDigits(name.dropLast(4), stem: stem) else {
            stranger = stranger ?? name
            continue
        }
        let path = "\(place)/\(name)"
        guard digits.count >= 3, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let slice = Int(digits) else {
            errors.append(
                FileError(
                    .badData, file: path, "not a slice's name", expected: "\(stem)-sliceKKK, KKK from 000"))
            continue
        }
        let key = Key(slice: slice, format: format)
        if slice >= sliceCount {
            errors.append(
                FileError(
                    .badData, file: path, "boxes for a slice that does not exist",
                    expected: "000 to \(String(format: "%03d", sliceCount - 1))", found: String(digits)))
        } else if let other = files[key] {
            errors.append(
                FileError(
                    .badData, file: path, "a second file of the slice's boxes", found: "also \(other.path)"))
        } else {
            files[key] = BoxFile(path: path, slice: slice, format: format)
        }
    }
    guard !files.isEmpty || !errors.isEmpty else {
        throw FileError(
            .missingInput, file: folder, "no boxes of this volume",
            expected: "\(stem)-slice000.txt or .xml and so on", found: stranger ?? "no .txt or .xml file",
            advice: "Choose another folder, or name the files' stem with --stem.")
    }
    return files.values.sorted { $0.format.rawValue < $1.format.rawValue }
}

/// What follows `STEM-slice` in a name without its ending, or nil where it is another stem's.
private func sliceDigits(_ name: Substring, stem: String) -> Substring? {
    guard let mark = name.range(of: "-slice", options: .backwards), name[..<mark.lowerBound] == stem else {
        return nil
    }
    return name[mark.upperBound...]
}

/// Everything in the folder and in OpenLabeling's subfolders of it, in the order of the names: the folder that it
/// stands in, and its name.
private func entries(of folder: String) throws(FileError) -> [(folder: String, name: String)] {
    var entries: [(folder: String, name: String)] = []
    let top = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    for place in [top, "\(top)/YOLO_darknet", "\(top)/PASCAL_VOC"] {
        if place != top, !FileManager.default.fileExists(atPath: place) { continue }
        do {
            entries += try FileManager.default.contentsOfDirectory(atPath: place).sorted().map { (place, $0) }
        } catch {
            throw FileError(
                .missingInput, file: place, "not a folder that can be read",
                advice: "Check the path of --boxes.")
        }
    }
    return entries
}
