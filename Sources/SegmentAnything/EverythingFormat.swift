import Foundation
import ImageFrames

/// How all masks of a picture are written.
public enum EverythingFormat: String, CaseIterable, Sendable {
    /// `NAME.json`: the official script's records with COCO's compressed runs.
    case cocoRLE = "coco-rle"
    /// One `annotations.json` of all pictures, as COCO's instances.
    case coco
    /// `NAME/0.png`, … and `NAME/metadata.csv`, as the official script.
    case png
    /// `NAME.png`: one picture of 16 bits with the mask's number from 1, smaller masks over larger ones.
    case labels
    /// `NAME.json`: LabelMe's polygons; borders of holes have the label "hole".
    case polygons
}

// MARK: - The official script's table

extension [EverythingMask] {
    /// The rows of the official script's `metadata.csv`.
    public var metadata: [[String]] {
        let head = [
            "id", "area", "bbox_x0", "bbox_y0", "bbox_w", "bbox_h", "point_input_x", "point_input_y", "predicted_iou",
            "stability_score", "crop_box_x0", "crop_box_y0", "crop_box_w", "crop_box_h",
        ]
        return [head]
            + enumerated().map { number, mask in
                let (box, crop) = (mask.box.map(String.init), mask.cropBox.map(String.init))
                return ["\(number)", "\(mask.mask.area)"] + box + ["\(mask.point.x)", "\(mask.point.y)"]
                    + ["\(mask.predictedIoU)", "\(mask.stability)"] + crop
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
            for (index, isInside) in Mask(self[number].mask).values.enumerated() where isInside {
                labels[index] = UInt16(number + 1)
            }
        }
        return labels
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

    /// - Parameter label: what each mask is called.
    public init(_ masks: [EverythingMask], label: String = "object", image: String, size: PixelSize) {
        shapes = masks.enumerated().flatMap { number, mask in
            Mask(mask.mask).polygons.map { polygon in
                Shape(
                    label: polygon.isHole ? "hole" : label,
                    points: polygon.vertices.map { [Double($0.x), Double($0.y)] }, groupID: number + 1)
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
    let categories: [Category]

    public init(category: String = "object") { categories = [Category(name: category)] }

    /// Adds a picture and its masks.
    public mutating func add(_ masks: [EverythingMask], image: String, size: PixelSize) {
        let id = images.count + 1
        images.append(Image(id: id, fileName: image, width: size.width, height: size.height))
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
}
