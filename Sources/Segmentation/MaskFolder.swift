import Foundation
import ImageFrames
import PictureFiles
import SafeFiles
import SegmentAnything

extension MaskFormat {
    /// The one file that holds all masks of a picture.
    ///
    /// - Parameters:
    ///   - image: the picture's name, which some formats state.
    ///   - path: what the file is called in an error.
    /// - Precondition: the format is not `png`, which has a file for each mask.
    /// - Throws: ``FileError`` `cannotCreate`; `badData` for more masks than `labels` has numbers.
    public func contents(
        _ masks: [MaskRecord], image: String, size: PixelSize, path: String
    ) throws -> Data {
        switch self {
        case .png: preconditionFailure("png has a file for each mask")
        case .cocoRLE: return try encodedJSON(masks)
        case .coco:
            var file = COCOFile()
            file.add(masks, image: image, size: size)
            return try encodedJSON(file)
        case .polygons: return try encodedJSON(LabelMeFile(masks, image: image, size: size))
        case .yolo: return Data(masks.yoloLines(size: size).utf8)
        case .labels:
            guard masks.count <= Int(UInt16.max) else {
                throw FileError(
                    .badData, file: path, "more masks than 16 bits can number", found: "\(masks.count)",
                    advice: "Choose another --format.")
            }
            return try encodedPNG(path, size: size, labels: masks.labels(size: size))
        }
    }
}

/// A folder with the masks of pictures, in one format.
public struct MaskFolder: Sendable {
    public let path: String
    public let format: MaskFormat
    private var coco = COCOFile()

    public init(_ path: String, _ format: MaskFormat) { (self.path, self.format) = (path, format) }

    /// The file, or with `png` the folder, that is written for each picture; with `coco` the one file of all.
    public func files(of pictures: [String]) -> [String] {
        format == .coco ? [annotations] : pictures.map(file(of:))
    }

    /// The file, or with `png` the folder, of a picture's masks.
    public func file(of picture: String) -> String {
        switch format {
        case .coco: annotations
        case .png: SafeFiles.path(of: pictureName(picture), in: path)
        case .cocoRLE, .labels, .polygons, .yolo:
            SafeFiles.path(of: pictureName(picture) + format.ending, in: path)
        }
    }

    private var annotations: String { SafeFiles.path(of: "annotations.json", in: path) }

    /// Writes the masks of a picture, in place of those of an earlier run; with `coco` they are kept for ``finish()``.
    ///
    /// - Throws: ``FileError`` `cannotCreate`, `inputOutput`; as ``MaskFormat/contents(_:image:size:path:)``.
    public mutating func write(_ masks: [MaskRecord], of picture: String, size: PixelSize) throws {
        let (file, image) = (file(of: picture), URL(filePath: picture).lastPathComponent)
        switch format {
        case .coco: coco.add(masks, image: picture, size: size)
        case .png:
            try makeFolder(file)
            let (metadata, isOurs) = ("\(file)/metadata.csv", access("\(file)/metadata.csv", F_OK) == 0)
            for (number, mask) in masks.enumerated() { try writePNG("\(file)/\(number).png", Mask(rle: mask.mask)) }
            try writeAtomically(metadata, Data(commaSeparated(masks.metadata).utf8))
            // An earlier run may have had more.
            var left = masks.count
            while isOurs, unlink("\(file)/\(left).png") == 0 { left += 1 }
        case .cocoRLE, .labels, .polygons, .yolo:
            try writeAtomically(file, try format.contents(masks, image: image, size: size, path: file))
        }
    }

    /// Writes what is one file for all pictures.
    ///
    /// - Throws: ``FileError`` `cannotCreate`, `inputOutput`.
    public func finish() throws {
        if format == .coco { try writeAtomically(annotations, try encodedJSON(coco)) }
    }
}
