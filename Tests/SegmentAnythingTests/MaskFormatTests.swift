// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import Testing

@testable import SegmentAnything

/// Masks as files: numbers by hand on a picture of 6 × 4, and paths against the masks of ``MaskFormatTests``.
@Suite struct MaskFileTests {
    let size = PixelSize(width: 6, height: 4)

    /// The record of a mask that is given as rows of text, `#` inside.
    private func record(_ rows: String, points: [PixelPoint] = []) -> MaskRecord {
        let mask = Mask(size: size, values: rows.filter { $0 != "\n" }.map { $0 == "#" })
        let transform = try! ImageTransform(size, imageSize: 64, file: "")
        let predicted = PredictedMask(
            index: 1, score: 0.75, lowResLogits: Tensor([Float(0)], shape: [1, 1]), transform: transform)
        return MaskRecord(predicted, mask, stability: 0.5, points: points)
    }

    private var large: MaskRecord {
        record("......\n.####.\n.####.\n.####.", points: [PixelPoint(x: 2, y: 1)])
    }
    private var small: MaskRecord { record("##....\n##....\n......\n......") }
    private var empty: MaskRecord { record("......\n......\n......\n......") }

    private func json(_ value: some Encodable) throws -> Any {
        try JSONSerialization.jsonObject(with: encodedJSON(value))
    }

    /// The official record: its box counts between the outermost pixels.
    @Test func recordsAreTheOfficialOnes() throws {
        let object = try #require(try json(large) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "segmentation", "area", "bbox", "predicted_iou", "point_coords", "stability_score", "crop_box",
            ])
        #expect(object["area"] as? Int == 12)
        #expect(object["bbox"] as? [Int] == [1, 1, 3, 2])
        #expect(object["crop_box"] as? [Int] == [0, 0, 6, 4])
        #expect(object["point_coords"] as? [[Double]] == [[2, 1]])
        #expect(object["predicted_iou"] as? Double == 0.75 && object["stability_score"] as? Double == 0.5)
        // 5 outside in the first column and above, then three inside and one outside, four times.
        #expect(large.mask.counts == [5, 3, 1, 3, 1, 3, 1, 3, 4])
        #expect(empty.box == [0, 0, 0, 0] && empty.mask.counts == [24])
    }

    @Test func metadataHasARowOfEach() {
        let rows = [large, empty].metadata
        #expect(rows[0].count == 14 && rows.count == 3)
        #expect(
            rows[1] == ["0", "12", "1", "1", "3", "2", "2.0", "1.0", "0.75", "0.5", "0", "0", "6", "4"])
        #expect(rows[2].prefix(8) == ["1", "0", "0", "0", "0", "0", "", ""])
    }

    /// The smaller above the larger, whichever comes first; of equal areas the first.
    @Test func labelsAreNumbers() {
        let expected: [UInt16] = [
            2, 2, 0, 0, 0, 0,
            2, 2, 1, 1, 1, 0,
            0, 1, 1, 1, 1, 0,
            0, 1, 1, 1, 1, 0,
        ]
        #expect([large, small].labels(size: size) == expected)
        #expect([small, large].labels(size: size) == expected.map { $0 == 0 ? 0 : 3 - $0 })
        #expect([small, small, empty].labels(size: size).max() == 1)
        #expect([MaskRecord]().labels(size: size) == Array(repeating: 0, count: 24))
    }

    @Test func cocoHasPicturesCategoriesAndScores() throws {
        var file = COCOFile()
        file.add([large, empty], image: "a.png", size: size)
        file.add([small], image: "b.png", size: PixelSize(width: 6, height: 4))
        let object = try #require(try json(file) as? [String: [[String: Any]]])
        #expect(object["images"]?.compactMap { $0["file_name"] as? String } == ["a.png", "b.png"])
        #expect(object["images"]?[1]["id"] as? Int == 2)
        #expect(object["categories"]?.count == 1 && object["categories"]?[0]["name"] as? String == "object")
        let annotations = try #require(object["annotations"])
        #expect(annotations.compactMap { $0["id"] as? Int } == [1, 2, 3])
        #expect(annotations.compactMap { $0["image_id"] as? Int } == [1, 1, 2])
        // COCO's own box: of whole pixels.
        #expect(annotations.map { $0["bbox"] as? [Int] } == [[1, 1, 4, 3], [0, 0, 0, 0], [0, 0, 2, 2]])
        #expect(annotations[0]["score"] as? Double == 0.75 && annotations[0]["iscrowd"] as? Int == 0)
        let runs = try #require(annotations[0]["segmentation"] as? [String: Any])
        #expect(runs["size"] as? [Int] == [4, 6])
        #expect(RunLengths(size: size, text: try #require(runs["counts"] as? String)) == large.mask)
    }

    /// A picture that comes twice is one image, and pictures of several folders are told apart.
    @Test func cocosPicturesAreTheirPaths() throws {
        var file = COCOFile()
        for path in ["x/a.png", "x/b.png", "y/a.png", "x/a.png", "z/a.png"] {
            file.add([small], image: path, size: size)
        }
        let object = try #require(try json(file) as? [String: [[String: Any]]])
        let images = try #require(object["images"])
        #expect(images.compactMap { $0["file_name"] as? String } == ["x/a.png", "b.png", "y/a.png", "z/a.png"])
        #expect(images.compactMap { $0["id"] as? Int } == [1, 2, 3, 4])
        #expect(Set(images[0].keys) == ["id", "file_name", "width", "height"])
        #expect(object["annotations"]?.compactMap { $0["image_id"] as? Int } == [1, 2, 3, 1, 4])
        #expect(Set(object.keys) == ["images", "annotations", "categories"])
    }

    @Test func labelMeHasHoles() throws {
        let ring = record("####..\n#..#..\n####..\n......")
        let object = try #require(try json(LabelMeFile([large, ring], image: "a.png", size: size)) as? [String: Any])
        let shapes = try #require(object["shapes"] as? [[String: Any]])
        #expect(shapes.compactMap { $0["label"] as? String } == ["object", "object", "hole"])
        #expect(shapes.compactMap { $0["group_id"] as? Int } == [1, 2, 2])
        #expect(shapes[0]["points"] as? [[Double]] == [[1, 1], [1, 3], [4, 3], [4, 1]])
        #expect(object["imagePath"] as? String == "a.png" && object["imageData"] is NSNull)
        #expect(object["imageWidth"] as? Int == 6 && object["imageHeight"] as? Int == 4)
    }

    /// LabelMe's `shape_to_mask` asserts more than two points; one pixel, and two in a row, as it would draw them.
    @Test func labelMeHasThreePointsOrMore() throws {
        let small = [record("......\n.#....\n......\n......"), record("......\n.##...\n......\n......")]
        let object = try #require(try json(LabelMeFile(small, image: "a.png", size: size)) as? [String: Any])
        let shapes = try #require(object["shapes"] as? [[String: Any]])
        #expect(
            shapes.compactMap { $0["points"] as? [[Double]] } == [
                [[1, 1], [1, 1], [1, 1]], [[1, 1], [2, 1], [2, 1]],
            ])
    }

    @Test func yoloHasALineOfEachMask() throws {
        let pixel = record("......\n......\n...#..\n......")
        let text = [large, empty, pixel].yoloLines(size: size)
        // (1.5, 1.5), (1.5, 3.5), (4.5, 3.5), (4.5, 1.5) of 6 × 4; a pixel as a triangle without area.
        #expect(
            text == """
                0 0.250000 0.375000 0.250000 0.875000 0.750000 0.875000 0.750000 0.375000
                0 0.583333 0.625000 0.583333 0.625000 0.583333 0.625000

                """)
        #expect([MaskRecord]().yoloLines(size: size).isEmpty)
    }

    /// By the even-odd rule the path holds the corner between four pixels of the mask, and none between four others.
    @Test func yolosPathsAreTheMasks() throws {
        var (inside, outside) = (0, 0)
        for example in MaskFormatTests.examples where example.mask.area > 0 {
            let size = example.mask.size
            let record = MaskRecord(
                mask: example.mask.rle, bounds: PixelBounds(example.mask.boundingBox), predictedIoU: 1, stability: 1,
                points: [], crop: PixelBounds(x0: 0, y0: 0, x1: size.width, y1: size.height))
            let numbers = [record].yoloLines(size: size).split { " \n".contains($0) }.compactMap { Double($0) }
            let path = stride(from: 1, to: numbers.count, by: 2).map {
                // As Ultralytics reads them: truncated to whole pixels.
                (x: Int(numbers[$0] * Double(size.width)), y: Int(numbers[$0 + 1] * Double(size.height)))
            }
            func isInside(_ x: Double, _ y: Double) -> Bool {
                path.indices.count { place in
                    let (from, to) = (path[place], path[(place + 1) % path.count])
                    guard (Double(from.y) > y) != (Double(to.y) > y) else { return false }
                    let share = (y - Double(from.y)) / Double(to.y - from.y)
                    return Double(from.x) + share * Double(to.x - from.x) > x
                } % 2 == 1
            }
            for y in 0..<size.height - 1 {
                for x in 0..<size.width - 1 {
                    let around = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)].count {
                        example.mask.values[$0.1 * size.width + $0.0]
                    }
                    guard around == 0 || around == 4 else { continue }
                    #expect(isInside(Double(x) + 0.5, Double(y) + 0.5) == (around == 4))
                    if around == 4 { inside += 1 } else { outside += 1 }
                }
            }
        }
        #expect(inside > 500 && outside > 500)
    }
}
