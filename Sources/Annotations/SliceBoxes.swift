import Foundation
import ImageFrames
import SafeFiles

/// A box that a person drew on the image of a slice.
public struct DrawnBox: Hashable, Sendable {
    public var classID: Int
    /// In pixels of the slice's image, cut at the image's edge.
    public var box: PixelBox
    /// Whether a part of the box as drawn was outside the image.
    public var isClipped: Bool
    /// How long it took to draw, in seconds, where it was measured.
    public var seconds: Double?
    var place: Place

    var area: Double { box.width * box.height }

    /// The file that holds it.
    public var file: String { place.file }
    /// Which line of a YOLO file or CSV, or which object of a Pascal VOC file, from 1.
    public var number: Int { place.object ?? place.line }
}

/// What the files of one slice say: the boxes on it, none where the files are empty.
public struct SliceBoxes: Hashable, Sendable {
    /// The slice's index, from 0.
    public var slice: Int
    /// The files that were read: one, or two that agree.
    public var files: [String]
    public var boxes: [DrawnBox]
    /// Whether all that the files say is among the boxes. Where something of it could not be read, what is missing may be
    /// there.
    public var isWhole = true
}

extension [SliceBoxes] {
    /// The slices on which each class has a box.
    var slicesByClass: [Int: Set<Int>] {
        reduce(into: [:]) { found, slice in
            for box in slice.boxes { found[box.classID, default: []].insert(slice.slice) }
        }
    }
}

/// A box as a file has it: nothing about it is checked yet.
struct WrittenBox {
    var classID: Int
    var box: PixelBox
    var place: Place
    var seconds: Double?
}

/// A box's place in a file, for errors to name.
struct Place: Hashable {
    var file: String
    /// From 1.
    var line: Int
    /// Which object of a Pascal VOC file, from 1.
    var object: Int?

    func error(
        _ what: String, expected: String? = nil, found: String? = nil, advice: String? = nil
    ) -> FileError {
        FileError(
            .badData, file: file, line: line, place: object.map { "object \($0)" }, what, expected: expected,
            found: found, advice: advice)
    }
}

/// What counts as nothing, in pixels: relative coordinates rounded to a few digits are off by far less than a pixel,
/// and so may pass the image's edge.
private let tolerance = 0.01

extension DrawnBox {
    /// Checks a box and cuts it at the image's edge.
    ///
    /// - Throws: ``FileError`` `badData` where it is not finite, inverted, of no area or wholly outside.
    init(_ written: WrittenBox, imageSize: PixelSize) throws(FileError) {
        let box = written.box
        let corners = [box.x0, box.y0, box.x1, box.y1]
        let found = corners.map { String(format: "%g", $0) }.joined(separator: ", ")
        guard corners.allSatisfy(\.isFinite) else {
            throw written.place.error("a corner is not a number", found: found)
        }
        guard box.width >= 0, box.height >= 0 else {
            throw written.place.error("the box is inverted", found: found)
        }
        guard box.width > tolerance, box.height > tolerance else {
            throw written.place.error("the box has no area", found: found)
        }
        guard let inside = box.clipped(to: imageSize), inside.width > tolerance, inside.height > tolerance else {
            throw written.place.error(
                "the box is outside the image",
                expected: "within \(imageSize.width)×\(imageSize.height) pixels", found: found)
        }
        let isClipped =
            inside.x0 - box.x0 > tolerance || inside.y0 - box.y0 > tolerance
            || box.x1 - inside.x1 > tolerance || box.y1 - inside.y1 > tolerance
        self.init(
            classID: written.classID, box: inside, isClipped: isClipped, seconds: written.seconds,
            place: written.place)
    }
}
