// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry, AlwaysUseLowerCamelCase

import Foundation
import ImageFrames
import Testing

@testable import SegmentAnything

/// Everything-mode is the official generator's: the same masks in the same order (`tools/oracle/export_everything.py`).
@Suite struct EverythingTests {
    /// A run of the official generator.
    struct Run: Decodable, CustomTestStringConvertible {
        struct Options: Decodable {
            var points_per_side: Int
            var crop_n_layers: Int?
            var crop_n_points_downscale_factor: Int?
            var min_mask_region_area: Int?
            var stability_score_offset: Float?
            var pred_iou_thresh: Float
            var stability_score_thresh: Float
            var box_nms_thresh: Double
            var crop_nms_thresh: Double
        }
        struct Record: Decodable {
            struct Runs: Decodable { var counts: String }
            var segmentation: Runs
            var area: Int
            var bbox: [Int]
            var predicted_iou: Float
            var point_coords: [[Double]]
            var stability_score: Float
            var crop_box: [Int]
        }
        var model: String
        var height: Int
        var width: Int
        var pixels: Data
        var options: Options
        var records: [Record]

        static let all = ["wide", "high-crops", "two-layers", "regions", "offset"].map { try! Run($0) }

        private init(_ name: String) throws {
            let data = try Data(contentsOf: URL(filePath: Fixture.path("everything/\(name).json")))
            self = try JSONDecoder().decode(Run.self, from: data)
        }

        var testDescription: String { "\(model) \(width)×\(height)" }
        var image: RGBImage { RGBImage(size: PixelSize(width: width, height: height), pixels: [UInt8](pixels)) }

        var everythingOptions: EverythingOptions {
            var result = EverythingOptions()
            result.pointsPerSide = options.points_per_side
            result.cropLayers = options.crop_n_layers ?? 0
            result.pointsDownscaleFactor = options.crop_n_points_downscale_factor ?? 1
            result.leastRegionArea = options.min_mask_region_area ?? 0
            result.stabilityOffset = options.stability_score_offset ?? 1
            result.predictedIoU = options.pred_iou_thresh
            result.stability = options.stability_score_thresh
            result.boxNMS = options.box_nms_thresh
            result.cropNMS = options.crop_nms_thresh
            return result
        }
    }

    /// Scores differ by the rounding of the model in single precision, and so does a pixel whose logit is within it of a
    /// threshold: at most one of a mask's pixels, and of those that its stability counts.
    @Test(arguments: Run.all) func masksAreTheOfficialOnes(_ run: Run) throws {
        let sam = try Sam(path: Fixture.weights(run.model))
        var progress: [Int] = []
        let masks = try sam.everything(in: run.image, name: "picture", run.everythingOptions) { done, _ in
            progress.append(done)
        }
        #expect(run.records.count >= 25)
        #expect(progress == progress.sorted() && !progress.isEmpty)
        #expect(masks.count == run.records.count)
        #expect(masks.map(\.box) == run.records.map(\.bbox))
        #expect(masks.map(\.cropBox) == run.records.map(\.crop_box))
        #expect(masks.map { [$0.points[0].x, $0.points[0].y] } == run.records.map { $0.point_coords[0] })
        var different = 0
        for (mask, record) in zip(masks, run.records) {
            let official = try #require(RunLengths(size: run.image.size, text: record.segmentation.counts))
            #expect(official.area == record.area)
            let pixels = zip(Mask(rle: mask.mask).values, Mask(rle: official).values).count { $0 != $1 }
            #expect(pixels <= 1)
            different += pixels
            #expect(abs(mask.predictedIoU - record.predicted_iou) < 2e-5)
            #expect(abs(mask.stability - record.stability_score) < 1.5 / Float(max(record.area, 1)))
        }
        #expect(different <= 2, "\(different) pixels differ")
    }

    /// Also where a layer has more crops than the picture has pixels: each is inside of it.
    @Test(arguments: [1, 3, 100]) func cropsOfSmallPicturesHoldPixels(side: Int) {
        let crops = crops(of: PixelSize(width: side, height: 2 * side), layers: 5, overlap: 512.0 / 1500)
        #expect(Set(crops.map(\.layer)) == Set(0...5))
        for (bounds, _) in crops {
            #expect(0 <= bounds.x0 && bounds.x0 < bounds.x1 && bounds.x1 <= side)
            #expect(0 <= bounds.y0 && bounds.y0 < bounds.y1 && bounds.y1 <= 2 * side)
        }
    }

    /// Of an embedding, on one thread or several, and as a stream: the same.
    @Test func embeddingsAndStreamsGiveTheSame() async throws {
        let run = Run.all[0]
        let sam = try Sam(path: Fixture.weights(run.model))
        let masks = try sam.everything(in: run.image, name: "picture", run.everythingOptions) { _, _ in }
        let encoded = try await sam.encode(run.image, name: "picture")
        #expect(try Threads.with(3) { try sam.everything(on: encoded, run.everythingOptions) } == masks)
        var streamed: [MaskRecord] = []
        for try await mask in sam.everything(in: run.image, name: "picture", run.everythingOptions) {
            streamed.append(mask)
        }
        #expect(streamed == masks)
    }

    /// Whoever stops waiting does not wait for the encoder: it tells of each block.
    @Test func encodingCanBeStopped() throws {
        let run = Run.all[0]
        let sam = try Sam(path: Fixture.weights(run.model))
        var calls = 0
        #expect(throws: CancellationError.self) {
            try sam.everything(in: run.image, name: "picture") { done, _ in
                calls += 1
                if done == 0 { throw CancellationError() }
            }
        }
        #expect(calls == 1)
    }

    /// A mask that the predicted IoU rejects is not upscaled: of those that are left, all are the same as without.
    @Test func rejectedMasksAreNotMade() throws {
        let run = Run.all[0]
        let sam = try Sam(path: Fixture.weights(run.model))
        let encoded = try sam.encode(run.image, name: "picture")
        let prompts = (0..<11).map { index in
            Prompt(points: [.init(PixelPoint(x: Double(6 * index), y: 20), isForeground: true)])
        }
        let all = try sam.predict(prompts, on: encoded)
        let least = all.joined().map(\.score).sorted()[20]
        var some: [Int: [PredictedMask]] = [:]
        try sam.predict(
            prompts, on: encoded, where: { $0 > least },
            eachBatch: { batch, masks in
                for (prompt, masks) in zip(batch, masks) { some[prompt] = masks }
            })
        #expect(some.values.reduce(0) { $0 + $1.count } == 12)
        for (prompt, masks) in some {
            let expected = all[prompt].filter { $0.score > least }
            #expect(masks.map(\.index) == expected.map(\.index))
            #expect(masks.map(\.lowResLogits.values) == expected.map(\.lowResLogits.values))
        }
    }

    /// Rows that cannot be above a threshold are left out, and no other: counted in all of the logits.
    @Test(arguments: [Float(0.25), 1, 3]) func areasAreThoseOfTheLogits(_ offset: Float) throws {
        for fixture in Fixture.all {
            let sam = try fixture.sam()
            let encoded = try sam.encode(fixture.image, name: fixture.name)
            for mask in try sam.predict(fixture.prompts, on: encoded).joined() {
                // Moved down, so that much of the picture is far below.
                let low = PredictedMask(
                    index: mask.index, score: mask.score,
                    lowResLogits: Tensor(mask.lowResLogits.values.map { 4 * $0 - 5 }, shape: mask.lowResLogits.shape),
                    transform: encoded.transform)
                for mask in [mask, low] {
                    let logits = mask.logits.values
                    let result = mask.thresholded(offset: offset) { _, _ in false }
                    #expect(result.mask.values == logits.map { $0 > 0 })
                    #expect(result.intersection == logits.count { $0 > offset })
                    #expect(result.union == logits.count { $0 > -offset })
                }
            }
        }
    }

    @Test func duplicatesAreTorchvisions() throws {
        struct Duplicates: Decodable {
            var boxes: [[Int]]
            var scores: [Float]
            var kept: [String: [Int]]
        }
        let data = try Data(contentsOf: URL(filePath: Fixture.path("everything/duplicates.json")))
        let duplicates = try JSONDecoder().decode(Duplicates.self, from: data)
        let boxes = duplicates.boxes.map { PixelBounds(x0: $0[0], y0: $0[1], x1: $0[2], y1: $0[3]) }
        #expect(duplicates.kept.count == 5)
        for (threshold, kept) in duplicates.kept {
            #expect(suppressed(boxes, duplicates.scores, above: Double(threshold)!) == kept)
        }
        #expect(suppressed([], [], above: 0.5).isEmpty)
    }
}

/// Masks as runs, polygons and regions, held to pycocotools, OpenCV and the official package.
@Suite struct MaskFormatTests {
    struct Example: Decodable {
        struct Polygon: Decodable, Hashable {
            var isHole: Bool
            var vertices: [Int]
        }
        var height: Int
        var width: Int
        var pixels: String
        var counts: String
        var polygons: [Polygon]
        var holes: String
        var islands: String

        var mask: Mask { Mask(size: PixelSize(width: width, height: height), values: pixels.map { $0 == "1" }) }
    }

    static let examples = try! JSONDecoder().decode(
        [Example].self, from: Data(contentsOf: URL(filePath: Fixture.path("everything/masks.json"))))

    @Test func runsArePycocotools() {
        #expect(Self.examples.count == 33)
        for example in Self.examples {
            let runs = example.mask.rle
            #expect(runs.text == example.counts)
            #expect(runs.area == example.mask.area)
            #expect(Mask(rle: runs) == example.mask)
            #expect(RunLengths(size: runs.size, text: runs.text) == runs)
        }
        let size = PixelSize(width: 3, height: 4)
        for wrong in ["", "Z", "\u{7f}", "<1", "PPPPPPPPPPPPPPP", "=", "0P"] {
            #expect(RunLengths(size: size, text: wrong) == nil, "\(wrong)")
        }
        for (width, height) in [(-2, -2), (Int.max, Int.max), (-1, 0)] {
            #expect(RunLengths(size: PixelSize(width: width, height: height), text: "4") == nil)
        }
    }

    /// The same borders; where a closed border begins and in which order they come is each library's own.
    @Test func polygonsAreOpenCVs() {
        for example in Self.examples {
            let polygons = example.mask.polygons
            let flat = polygons.map { polygon in
                Example.Polygon(isHole: polygon.isHole, vertices: polygon.vertices.flatMap { [$0.x, $0.y] })
            }
            #expect(Set(flat.map(canonical)) == Set(example.polygons.map(canonical)))
            #expect(flat.count == example.polygons.count)
            #expect(Mask(size: example.mask.size, polygons: polygons) == example.mask)
        }
    }

    /// As people draw them: edges of any slope, vertices outside of the picture, borders that cross themselves.
    @Test func polygonsOfAnySlopeAreFilled() {
        let size = PixelSize(width: 12, height: 8)
        var random = SplitMix64(seed: 7)
        for _ in 0..<300 {
            let vertices = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                MaskPolygon.Vertex(
                    x: Int.random(in: -5...17, using: &random), y: Int.random(in: -5...13, using: &random))
            }
            let filled = Mask(size: size, polygons: [MaskPolygon(vertices, isHole: false)])
            let expected = (0..<size.area).map { covers(vertices, x: $0 % 12, y: $0 / 12) }
            #expect(filled.values == expected, "\(vertices)")
            // A hole clears what a border of the same vertices fills, without the border.
            let whole = Mask(size: size, values: [Bool](repeating: true, count: size.area)).polygons
            let hole = Mask(size: size, polygons: whole + [MaskPolygon(vertices, isHole: true)])
            let edges = (0..<size.area).map { isOnBorder(vertices, x: $0 % 12, y: $0 / 12) }
            #expect(hole.values == zip(expected, edges).map { !$0 || $1 }, "\(vertices)")
        }
        let far = [(Int.min, 0), (Int.max, 3), (0, Int.max)].map { MaskPolygon.Vertex(x: $0.0, y: $0.1) }
        #expect(Mask(size: size, polygons: [MaskPolygon(far, isHole: false)]).values.count == size.area)
    }

    /// Whether a pixel's centre lies on an edge: by the cross product of whole numbers.
    private func isOnBorder(_ vertices: [MaskPolygon.Vertex], x: Int, y: Int) -> Bool {
        vertices.indices.contains { index in
            let (a, b) = (vertices[index], vertices[(index + 1) % vertices.count])
            return (b.x - a.x) * (y - a.y) == (x - a.x) * (b.y - a.y)
                && (min(a.x, b.x)...max(a.x, b.x)).contains(x) && (min(a.y, b.y)...max(a.y, b.y)).contains(y)
        }
    }

    /// The same, or within: by the number of edges that a ray to the right crosses.
    private func covers(_ vertices: [MaskPolygon.Vertex], x: Int, y: Int) -> Bool {
        let crossed = vertices.indices.count { index in
            let (a, b) = (vertices[index], vertices[(index + 1) % vertices.count])
            guard (a.y > y) != (b.y > y) else { return false }
            // x < a.x + (b.x − a.x) · (y − a.y) / (b.y − a.y), multiplied out.
            let (left, right) = ((x - a.x) * (b.y - a.y), (b.x - a.x) * (y - a.y))
            return b.y > a.y ? left < right : left > right
        }
        return crossed % 2 == 1 || isOnBorder(vertices, x: x, y: y)
    }

    @Test func smallRegionsAreRemovedAsOfficially() {
        for example in Self.examples {
            let mask = example.mask
            #expect((mask.removingRegions(.holes, below: 6) ?? mask).rle.text == example.holes)
            #expect((mask.removingRegions(.islands, below: 6) ?? mask).rle.text == example.islands)
        }
    }

    /// Turned so that its least vertex comes first, in one direction.
    private func canonical(_ polygon: Example.Polygon) -> Example.Polygon {
        let count = polygon.vertices.count / 2
        let vertices = (0..<count).map { [polygon.vertices[2 * $0], polygon.vertices[2 * $0 + 1]] }
        let turned = (0..<count).flatMap { start in
            let forwards = (0..<count).map { vertices[(start + $0) % count] }
            return [forwards, [forwards[0]] + forwards.dropFirst().reversed()]
        }
        let least = turned.map { $0.flatMap { $0 } }.min { $0.lexicographicallyPrecedes($1) }
        return .init(isHole: polygon.isHole, vertices: least ?? [])
    }
}
