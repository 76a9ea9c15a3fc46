import Foundation
import ImageFrames

/// What files of shapes and instances call each mask.
private let objectName = "object"

/// How the masks of a picture are written.
public enum MaskFormat: String, CaseIterable, Sendable {
    /// `NAME.json`: the official script's records with COCO's compressed runs.
    case cocoRLE = "coco-rle"
    /// One `annotations.json` of all pictures, as COCO's instances.
    case coco
    /// A picture of 0 and 255 for each mask; of everything `NAME/0.png`, … and `NAME/metadata.csv`, as the official script.
    case png
    /// `NAME.png`: one picture of 16 bits with the mask's number from 1, smaller masks over larger ones.
    case labels
    /// `NAME.json`: LabelMe's polygons; borders of holes have the label "hole".
    case polygons
    /// `NAME.txt`: YOLO's polygons, a line for each mask.
    case yolo = "yolo-seg"

    /// What the name of a file of it ends with.
    public var ending: String {
        switch self {
        case .cocoRLE, .coco, .polygons: ".json"
        case .png, .labels: ".png"
        case .yolo: ".txt"
        }
    }
}

// MARK: - The official script's table

extension [MaskRecord] {
    /// The rows of the official script's `metadata.csv`.
    public var metadata: [[String]] {
        let head = [
            "id", "area", "bbox_x0", "bbox_y0", "bbox_w", "bbox_h", "point_input_x", "point_input_y", "predicted_iou",
            "stability_score", "crop_box_x0", "crop_box_y0", "crop_box_w", "crop_box_h",
        ]
        return [head]
            + enumerated().map { number, mask in
                let (box, crop) = (mask.box.map(String.init), mask.cropBox.map(String.init))
                // The table has room for one point.
                let point = mask.points.count == 1 ? ["\(mask.points[0].x)", "\(mask.points[0].y)"] : ["", ""]
                return ["\(number)", "\(mask.mask.area)"] + box + point + ["\(mask.predictedIoU)", "\(mask.stability)"]
                    + crop
            }
    }

    /// The number of the smallest mask at each pixel, from 1; 0 where none is.
    ///
    /// - Precondition: at most 65,535 masks.
    public func labels(size: PixelSize) -> [UInt16] {
        precondition(count <= Int(UInt16.max), "\(count) masks in 16 bits")
        var labels = [UInt16](repeating: 0, count: size.area)
        // Of equal areas the first stays above.
        for number in indices.sorted(by: { (self[$0].mask.area, $0) > (self[$1].mask.area, $1) }) {
            for (index, isInside) in Mask(rle: self[number].mask).values.enumerated() where isInside {
                labels[index] = UInt16(number + 1)
            }
        }
        return labels
    }
}

// MARK: - YOLO

extension [MaskRecord] {
    /// A line for each mask that is not empty, of class 0 and a polygon: shares of width and height at the centres of pixels.
    ///
    /// A mask of several borders, islands or holes, is one closed path, as Ultralytics joins the parts of COCO's: from each
    /// border's first vertex along the border, then back to where the first one began. Filled by the even-odd rule, that path
    /// is the mask.
    public func yoloLines(size: PixelSize) -> String {
        map { record in
            let borders = Mask(rle: record.mask).polygons.map(\.vertices)
            guard let start = borders.first?.first else { return "" }
            var path = borders[0]
            for border in borders.dropFirst() { path += [start] + border + border.prefix(1) }
            // Fewer than three vertices are no polygon to its readers.
            path += [MaskPolygon.Vertex](repeating: start, count: Swift.max(3 - path.count, 0))
            let shares = path.map { vertex in
                String(
                    format: "%.6f %.6f", (Double(vertex.x) + 0.5) / Double(size.width),
                    (Double(vertex.y) + 0.5) / Double(size.height))
            }
            return "0 " + shares.joined(separator: " ") + "\n"
        }.joined()
    }
}

// MARK: - LabelMe

/// A picture's masks as LabelMe's polygons, through the centres of pixels.
public struct LabelMeFile: Encodable, Sendable {
    struct Shape: Encodable, Sendable {
        var label: String
        var points: [[Double]]
        /// The mask's number from 1.
        var groupID: Int
        var shapeType = "polygon"
        var flags: [String: Bool] = [:]

        enum CodingKeys: String, CodingKey {
            case label, points, flags
            case groupID = "group_id"
            case shapeType = "shape_type"
        }
    }

    let version = "5.0.1"
    let flags: [String: Bool] = [:]
    let shapes: [Shape]
    let imagePath: String
    let imageData = OrNull<String>(nil)
    let imageHeight: Int
    let imageWidth: Int

    /// - Parameters:
    ///   - masks: of one picture.
    ///   - image: the picture's path, as the file is to name it.
    ///   - size: of the picture.
    public init(_ masks: [MaskRecord], image: String, size: PixelSize) {
        shapes = masks.enumerated().flatMap { number, mask in
            Mask(rle: mask.mask).polygons.map { polygon in
                var points = polygon.vertices.map { [Double($0.x), Double($0.y)] }
                // LabelMe draws no polygon of fewer than three.
                while points.count < 3, let last = points.last { points.append(last) }
                return Shape(label: polygon.isHole ? "hole" : objectName, points: points, groupID: number + 1)
            }
        }
        (imagePath, imageHeight, imageWidth) = (image, size.height, size.width)
    }
}

// MARK: - COCO

/// Masks of several pictures as COCO's instances, all of one category.
public struct COCOFile: Encodable, Sendable {
    struct Image: Encodable, Sendable {
        var id: Int
        /// As it was given; not written.
        var path: String
        var fileName: String
        var width: Int
        var height: Int

        enum CodingKeys: String, CodingKey {
            case id, width, height
            case fileName = "file_name"
        }
    }
    struct Category: Encodable, Sendable {
        var id = 1
        var name: String
    }
    struct Annotation: Encodable, Sendable {
        var id: Int
        var imageID: Int
        var categoryID = 1
        var segmentation: RunLengths
        var area: Int
        /// x, y, width and height, of whole pixels.
        var bbox: [Int]
        var isCrowd = 0
        /// The predicted IoU.
        var score: Float

        enum CodingKeys: String, CodingKey {
            case id, segmentation, area, bbox, score
            case imageID = "image_id"
            case categoryID = "category_id"
            case isCrowd = "iscrowd"
        }
    }

    private(set) var images: [Image] = []
    private(set) var annotations: [Annotation] = []
    let categories = [Category(name: objectName)]
    /// The place in `images` of each path, and of the first of each name, by their bytes: Swift takes texts for the same whose
    /// accents are composed in another way.
    private var places: [[UInt8]: Int] = [:]
    private var firstOfName: [[UInt8]: Int] = [:]

    enum CodingKeys: String, CodingKey {
        case images, annotations, categories
    }

    public init() {}

    /// Adds masks, and their picture where it is new.
    ///
    /// - Parameters:
    ///   - masks: in the picture.
    ///   - image: the picture's path. The file has its last component, unless pictures of several folders share it: then it has
    ///     their paths as they were given.
    ///   - size: of the picture.
    public mutating func add(_ masks: [MaskRecord], image: String, size: PixelSize) {
        let id = images[place(of: image, size: size)].id
        for mask in masks {
            let (bounds, area) = (mask.bounds, mask.mask.area)
            let box =
                area == 0
                ? [0, 0, 0, 0] : [bounds.x0, bounds.y0, bounds.x1 - bounds.x0 + 1, bounds.y1 - bounds.y0 + 1]
            annotations.append(
                Annotation(
                    id: annotations.count + 1, imageID: id, segmentation: mask.mask, area: area, bbox: box,
                    score: mask.predictedIoU))
        }
    }

    /// The place of a picture in `images`, at the end where it is new.
    private mutating func place(of path: String, size: PixelSize) -> Int {
        if let place = places[Array(path.utf8)] { return place }
        let (place, name) = (images.count, URL(filePath: path).lastPathComponent)
        var image = Image(id: place + 1, path: path, fileName: name, width: size.width, height: size.height)
        if let namesake = firstOfName[Array(name.utf8)] {
            images[namesake].fileName = images[namesake].path
            image.fileName = path
        } else {
            firstOfName[Array(name.utf8)] = place
        }
        images.append(image)
        places[Array(path.utf8)] = place
        return place
    }
}
