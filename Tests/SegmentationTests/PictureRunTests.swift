// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import PictureFiles
import TestSupport
import Testing

@testable import SegmentAnything
@testable import Segmentation

/// Predictions on pictures, written in each format: all say the same.
@Suite struct PictureRunTests {
    let folder = Folder()
    let sam = try! Sam(path: randomWeights)
    let size = PixelSize(width: 41, height: 30)
    let prompts = PromptList(
        boxes: [PixelBox(x0: 3, y0: 4, x1: 30, y1: 25), PixelBox(x0: 20, y0: 1, x1: 40, y1: 20)],
        points: [.init(position: PixelPoint(x: 9, y: 8), isForeground: true, prompt: 1)])

    init() throws {
        for (name, seed) in [("in/a.png", 3), ("in/b.png", 5)] {
            var random = SplitMix(seed: UInt64(seed))
            let image = RGBImage(
                size: size, pixels: (0..<3 * size.area).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            try FileManager.default.createDirectory(atPath: folder.file("in"), withIntermediateDirectories: true)
            try writePNG(folder.file(name), image)
        }
        try FileManager.default.createDirectory(atPath: folder.file("out"), withIntermediateDirectories: true)
    }

    private func request(_ name: String = "in/a.png") -> PictureRequest {
        PictureRequest(.picture(folder.file(name)), prompts)
    }

    /// The masks of a picture by the model itself.
    private func expected(threshold: Float = 0) throws -> [Mask] {
        let image = try readImage(folder.file("in/a.png")).image
        let encoded = try sam.encode(image, name: "a")
        return try sam.predict(try prompts.prompts(on: size, name: "a"), on: encoded).map { masks in
            let logits = masks.best!.logits
            return Mask(size: size, values: logits.values.map { $0 > threshold })
        }
    }

    private func mask(_ name: String) throws -> Mask {
        let image = try readImage(folder.file(name)).image
        return Mask(
            size: image.size, values: stride(from: 0, to: image.pixels.count, by: 3).map { image.pixels[$0] == 255 })
    }

    /// Runs on one picture, and gives what was written.
    private func run(_ format: MaskFormat, to name: String, threshold: Float = 0) throws -> Data {
        var outputs = PictureOutputs(isSeveral: false)
        (outputs.format, outputs.masks) = (format, folder.file(name))
        #expect(outputs.files([request()], masks: 0...0).allSatisfy { !FileManager.default.fileExists(atPath: $0) })
        var run = PictureRun(sam, to: outputs)
        run.threshold = threshold
        let report = try run(request()) { #expect($0.isEmpty) }
        #expect(report.prompts.map { $0.masks.count { $0.file.value != nil } } == [1, 1])
        for file in outputs.files([request()], masks: 0...0) {
            #expect(FileManager.default.fileExists(atPath: file), "\(file)")
        }
        return FileManager.default.contents(atPath: folder.file(name)) ?? Data()
    }

    @Test(arguments: [Float(0), 0.5, -0.25]) func picturesAreTheModelsMasks(_ threshold: Float) throws {
        _ = try run(.png, to: "out/m.png", threshold: threshold)
        let expected = try expected(threshold: threshold)
        #expect(try [mask("out/m-1.png"), mask("out/m-2.png")] == expected)
        #expect(expected.allSatisfy { $0.area > 0 && $0.area < size.area }, "nothing to see")
    }

    /// Whatever the weights say of useful scores.
    @Test func emptyMasksAreNamed() throws {
        var outputs = PictureOutputs(isSeveral: false)
        (outputs.format, outputs.masks) = (.labels, folder.file("out/a.png"))
        var run = PictureRun(sam, to: outputs)
        run.threshold = 1e6
        var warnings: [String] = []
        _ = try run(request()) { warnings += $0.map(\.what) }
        #expect(
            warnings == (1...2).map { "the mask of prompt \($0) is empty: no logit is above 1000000.0" })
    }

    @Test func runsAreTheMasks() throws {
        let expected = try expected()
        let records = try JSONSerialization.jsonObject(with: run(.cocoRLE, to: "out/m.json")) as? [[String: Any]]
        for (record, mask) in zip(try #require(records), expected) {
            let counts = (record["segmentation"] as? [String: Any])?["counts"] as? String
            #expect(RunLengths(size: size, text: try #require(counts)).map { Mask(rle: $0) } == mask)
        }
        #expect(records?.map { ($0["point_coords"] as? [[Double]])?.count } == [1, 0])
        let coco = try JSONSerialization.jsonObject(with: run(.coco, to: "out/c.json")) as? [String: [[String: Any]]]
        #expect(coco?["annotations"]?.map { $0["area"] as? Int } == expected.map(\.area))
        #expect(coco?["images"]?.map { $0["file_name"] as? String } == ["a.png"])
    }

    @Test func labelsArePromptsNumbers() throws {
        _ = try run(.labels, to: "out/l.png")
        let image = try readImage(folder.file("out/l.png"), samples: .bits(8)).image
        let labels = stride(from: 0, to: image.pixels.count, by: 3).map { Int(image.pixels[$0]) }
        let masks = try expected()
        let order = masks.indices.sorted { masks[$0].area > masks[$1].area }
        var numbers = [Int](repeating: 0, count: size.area)
        for index in order {
            for (pixel, isInside) in masks[index].values.enumerated() where isInside { numbers[pixel] = index + 1 }
        }
        #expect(labels == numbers && Set(labels) == [0, 1, 2])
    }

    @Test func polygonsAreTheMasks() throws {
        let file = try JSONSerialization.jsonObject(with: run(.polygons, to: "out/p.json")) as? [String: Any]
        let shapes = try #require(file?["shapes"] as? [[String: Any]])
        for (number, mask) in try expected().enumerated() {
            let polygons = shapes.filter { $0["group_id"] as? Int == number + 1 }.map { shape in
                MaskPolygon(
                    (shape["points"] as! [[Double]]).map { .init(x: Int($0[0]), y: Int($0[1])) },
                    isHole: shape["label"] as? String == "hole")
            }
            #expect(Mask(size: size, polygons: polygons) == mask)
        }
        let yolo = String(decoding: try run(.yolo, to: "out/y.txt"), as: UTF8.self)
        #expect(yolo.split(separator: "\n").count == 2)
    }

    /// What is written of each in a folder is what is written of it alone; a bad one stops at its error.
    @Test func severalPicturesAreAsEachAlone() throws {
        for format in MaskFormat.allCases where format != .coco {
            let name = "out/\(format)" + format.ending
            let alone = try run(format, to: name)
            var outputs = PictureOutputs(isSeveral: true)
            (outputs.format, outputs.masks) = (format, folder.file("many-\(format)"))
            let requests = [request("in/a.png"), request("in/b.png")]
            let files = outputs.files(requests, masks: 0...0)
            #expect(files.count == (format == .png ? 4 : 2))
            try FileManager.default.createDirectory(
                atPath: folder.file("many-\(format)"), withIntermediateDirectories: true)
            var run = PictureRun(sam, to: outputs)
            for request in requests { _ = try run(request) { _ in } }
            try run.finish()
            #expect(folder.names(in: "many-\(format)") == Set(files.map { URL(filePath: $0).lastPathComponent }))
            if format != .png {
                #expect(FileManager.default.contents(atPath: folder.file("many-\(format)/a" + format.ending)) == alone)
            }
        }
    }

    @Test func cocoIsOneFileOfAll() throws {
        var outputs = PictureOutputs(isSeveral: true)
        (outputs.format, outputs.masks) = (.coco, folder.file("out"))
        #expect(outputs.files([request(), request("in/b.png")], masks: 0...0) == [folder.file("out/annotations.json")])
        var run = PictureRun(sam, to: outputs)
        for name in ["in/a.png", "in/b.png"] { _ = try run(request(name)) { _ in } }
        #expect(folder.names(in: "out").isEmpty)
        try run.finish()
        let data = try #require(FileManager.default.contents(atPath: folder.file("out/annotations.json")))
        let coco = try JSONSerialization.jsonObject(with: data) as? [String: [[String: Any]]]
        #expect(coco?["annotations"]?.map { $0["image_id"] as? Int } == [1, 1, 2, 2])
    }

    /// As lines of `--prompts` may name them: one picture twice, and pictures of two folders by one name.
    @Test func cocosPicturesAreToldApart() throws {
        var masks = MaskFolder(folder.file("out"), .coco)
        for picture in ["x/a.png", "y/a.png", "x/a.png"] { try masks.write([], of: picture, size: size) }
        try masks.finish()
        let data = try #require(FileManager.default.contents(atPath: folder.file("out/annotations.json")))
        let coco = try JSONSerialization.jsonObject(with: data) as? [String: [[String: Any]]]
        #expect(coco?["images"]?.map { $0["file_name"] as? String } == ["x/a.png", "y/a.png"])
    }

    /// Two files, though Swift takes their names for the same.
    @Test func cocosPicturesDifferInHowAccentsAreComposed() throws {
        var masks = MaskFolder(folder.file("out"), .coco)
        for picture in ["\u{E9}.png", "e\u{301}.png"] { try masks.write([], of: picture, size: size) }
        try masks.finish()
        let data = try #require(FileManager.default.contents(atPath: folder.file("out/annotations.json")))
        let coco = try JSONSerialization.jsonObject(with: data) as? [String: [[String: Any]]]
        #expect(coco?["images"]?.map { $0["id"] as? Int } == [1, 2])
    }

    /// Of masks in a folder none is left of an earlier run that had more; a picture that is not ours stays.
    @Test func aFolderHasTheMasksOfTheLastRun() throws {
        var masks = MaskFolder(folder.file("masks"), .png)
        let mask = Mask(size: size, values: (0..<size.area).map { $0 % 7 == 0 })
        let record = MaskRecord(
            mask: mask.rle, bounds: PixelBounds(mask.boundingBox), predictedIoU: 1, stability: 1, points: [],
            crop: PixelBounds(x0: 0, y0: 0, x1: size.width, y1: size.height))
        for count in [3, 1] { try masks.write([MaskRecord](repeating: record, count: count), of: "a.png", size: size) }
        #expect(folder.names(in: "masks/a") == ["0.png", "metadata.csv"])
        try FileManager.default.createDirectory(atPath: folder.file("masks/b"), withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: folder.file("masks/b/1.png")))
        try masks.write([record], of: "b.png", size: size)
        #expect(folder.names(in: "masks/b") == ["0.png", "1.png", "metadata.csv"])
    }

    // MARK: JSON lines

    @Test func linesAreRequests() throws {
        let path = folder.write(
            "p.jsonl",
            """
            {"image": "a.png", "boxes": [[1, 2, 3, 4], [2, 2, 9, 9]], "points": [[5, 6, 0, 2]]}

            {"image": "b.png", "points": [[5, 6]]}\r
            {"image": "c.png"}
            {"image": "c.png", "boxes": [[3, 2, 1, 4]]}
            nonsense
            {"boxes": [[1, 2, 3, 4]]}
            {"image": "-", "points": [[5, 6]]}
            \t \r
            {"image": "d.png", "boxes": [[1, 2, 3, 4]], "boxes": [[2, 2, 9, 9]]}
            {"image": "d.png", "points": [[5, 6]], "im\\u0061ge": "e.png"}
            """)
        let (requests, errors) = try PictureRequest.lines(of: path)
        #expect(requests.map(\.name) == ["a.png", "b.png"])
        #expect(requests[0].prompts.boxes.count == 2 && requests[0].prompts.points[0].prompt == 2)
        #expect(!requests[0].prompts.points[0].isForeground && requests[1].prompts.points[0].isForeground)
        #expect(requests.map(\.line) == [1, 3])
        #expect(errors.map(\.line) == [4, 5, 6, 7, 8, 10, 11])
        #expect(errors[5].what == "not a request: the key \"boxes\" stands twice")
        #expect(errors[6].what == "not a request: the key \"image\" stands twice")
        #expect(errors[1].what.contains("x0 < x1"))
        expectError(.badData, "holds no requests") { _ = try PictureRequest.lines(of: folder.write("e.jsonl", "\n\n")) }
        expectErrorsOfUnreadablePaths(in: folder) { _ = try PictureRequest.lines(of: $0) }
    }

    /// Both lines are named; nothing is said where no file is written of each picture.
    @Test func linesAboutOnePicture() throws {
        func clash(_ third: String, _ format: MaskFormat = .png) throws -> FileError? {
            let lines = ["in/a.png", "in/b.png", third].map { name in
                #"{"image": "\#(folder.file(name))", "points": [[5, 6]]}"#
            }
            let path = folder.write("p.jsonl", lines.joined(separator: "\n"))
            var outputs = PictureOutputs(isSeveral: true)
            (outputs.format, outputs.masks) = (format, "out")
            do throws(FileError) {
                let requests = try PictureRequest.lines(of: path).requests
                try PictureRequest.requireDistinctFiles(of: requests, in: path, outputs.file(of:))
                return nil
            } catch {
                return error
            }
        }
        let twice = try #require(try clash("in/./b.png"))
        #expect(twice.kind == .usage && twice.file == folder.file("p.jsonl") && twice.line == 3)
        #expect(twice.what == "\(folder.file("in/./b.png")) is asked in line 2 as well")
        let namesake = try #require(try clash("other/a.png"))
        #expect(namesake.line == 3)
        #expect(
            namesake.what
                == "\(folder.file("other/a.png")) would be written to out/a.png, as \(folder.file("in/a.png")) of line 1"
        )
        #expect(try clash("in/c.png") == nil)
        #expect(try clash("in/b.png", .coco) == nil)
    }

    @Test func endingsSayWhatIsInAFile() throws {
        for (format, path) in [(MaskFormat.png, "m.json"), (.coco, "m.png"), (.yolo, "m"), (.labels, "m.txt")] {
            var outputs = PictureOutputs(isSeveral: false)
            (outputs.format, outputs.masks) = (format, path)
            expectError(.usage, "another ending", about: path) { try outputs.checkEndings() }
            outputs.masks = "-"
            try outputs.checkEndings()
        }
        var outputs = PictureOutputs(isSeveral: false)
        outputs.logits = "l.pth"
        expectError(.usage, "expected .npy or .safetensors") { try outputs.checkEndings() }
    }
}

extension Folder {
    fileprivate func names(in name: String) -> Set<String> {
        Set(try! FileManager.default.contentsOfDirectory(atPath: file(name)))
    }
}
