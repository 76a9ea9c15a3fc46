// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import TestSupport
import Testing

/// `predict`, `everything` and `encode` on several pictures in one run, and on standard input.
@Suite struct SeveralPicturesTests {
    let folder = Folder()

    init() throws {
        let slices = try Command(["slices", demo + "/ct.nii.gz", "-o", "slices"], in: folder.path)
        try #require(slices.status == 0)
        for (name, slice) in [("a.png", "012"), ("c.png", "015")] {
            folder.write("photos/\(name)", contents("slices/ct-slice\(slice).png")!)
        }
        folder.write("photos/b.jpg", "no picture")
        folder.write("photos/.hidden.png", "not looked at")
    }

    private func contents(_ name: String) -> Data? { FileManager.default.contents(atPath: folder.file(name)) }

    private func shell(_ line: String) throws -> Command {
        try Command(shell: line, in: folder.path, environment: ["SWIFT_SAM_MODEL": randomWeights])
    }

    /// Each as alone; the bad one and the name that is none are reported, and the end says so.
    @Test func aFolder() throws {
        let command = try shell(
            "cp photos/a.png \"photos/$(printf '\\377').png\"; swift-sam predict photos --point 90,80 --preview look -o masks"
        )
        #expect(command.status == 65)
        #expect(command.errors.contains("error: photos/b.jpg: not an image that can be read"), "\(command.errors)")
        #expect(command.errors.contains("error: photos: a name that is not UTF-8, skipped: found \u{FFFD}.png"))
        #expect(command.output.split(separator: "\n").map { $0.prefix(13) } == ["photos/a.png:", "photos/c.png:"])
        for name in ["a", "c"] {
            #expect(
                try shell("swift-sam predict photos/\(name).png --point 90,80 --preview p.png -o m.png").status == 0)
            #expect(contents("masks/\(name).png") == contents("m.png"))
            #expect(contents("look/\(name).png") == contents("p.png"))
        }
        #expect(contents("masks/a.png") != contents("masks/c.png"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("masks/b.png")))
    }

    /// Pictures of other formats in a folder are not passed over in silence, and a line of JSON says which line asked it.
    @Test func whatIsLeftOutAndWhichLineAsked() throws {
        folder.write("photos/x.webp", "RIFF")
        folder.write("photos/y.TIFF", "II")
        let command = try shell("swift-sam predict photos --point 90,80 -o masks")
        #expect(
            command.errors.contains("photos: pictures that are neither PNG nor JPEG, left out: 2, the first x.webp"),
            "\(command.errors)")
        folder.write(
            "p.jsonl",
            """

            {"image": "photos/b.jpg", "points": [[9, 9]]}
            {"image": "photos/a.png", "points": [[9, 9]]}

            """)
        let lines = try shell("swift-sam predict --prompts p.jsonl --json")
        let objects = lines.output.split(separator: "\n").map {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        #expect(objects.map { $0?["line"] as? Int } == [2, 3] && objects[0]?["error"] != nil, "\(lines.output)")
    }

    @Test func linesInAndOut() throws {
        folder.write(
            "p.jsonl",
            """
            {"image": "photos/a.png", "boxes": [[40, 30, 200, 180], [10, 10, 90, 99]]}
            {"image": "photos/none.png", "points": [[90, 80]]}
            {"image": "photos/c.png"}
            {"image": "photos/c.png", "points": [[90, 80, 1], [9, 9, 0]]}
            """)
        let command = try shell("swift-sam predict --prompts - --json --format labels -o out < p.jsonl")
        #expect(command.status == 65)
        #expect(command.errors.contains("error: standard input:3: not a request: Nothing to predict"))
        let lines = try command.output.split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
        // What is no request comes first: by its line.
        #expect(lines.map { $0["picture"] as? String } == [nil, "photos/a.png", "photos/none.png", "photos/c.png"])
        #expect(lines.map { $0["line"] as? Int } == [3, 1, 2, 4])
        #expect(lines.map { ($0["prompts"] as? [Any])?.count } == [nil, 2, nil, 1])
        #expect((lines[0]["error"] as? String)?.contains("not a request") == true)
        #expect((lines[2]["error"] as? String)?.contains("No such file") == true)
        let alone = try shell(
            "swift-sam predict photos/a.png --box 40,30,200,180 --box 10,10,90,99 --format labels -o l.png")
        #expect(alone.status == 0 && contents("out/a.png") == contents("l.png"))
    }

    /// A key that nobody knows is a prompt that would not be asked; each fault is told by its place.
    @Test(arguments: [
        (#"{"image": "a.png", "pionts": [[9, 9, 0]]}"#, "expected the keys image, boxes, points, found \"pionts\""),
        (#"{"image": "a.png", "boxes": [[1, 2, 3, "4"]]}"#, "boxes[0][3] is of another type: expected {"),
        (#"{"image": 3}"#, "image is of another type"), ("[1]", "the line is of another type"),
        (#"{"image": "a.png", "boxes": [[1, 2, 3, 4]], "boxes": []}"#, "the key \"boxes\" stands twice"),
        (#"{"boxes": []}"#, "no \"image\": expected {"), (#"{"image": "a.png""#, "not JSON: expected {"),
    ])
    func whatIsNoRequest(_ line: String, error: String) throws {
        folder.write("p.jsonl", line + "\n")
        let command = try shell("swift-sam predict --prompts p.jsonl --json")
        #expect(
            command.status == 65 && command.errors.contains("p.jsonl:1: not a request: \(error)"), "\(command.errors)")
    }

    /// Read as options, `-h.png` would print the help and succeed.
    @Test func aFilesNameIsNoOption() throws {
        #expect(try shell("cp photos/a.png ./-h.png").status == 0)
        let command = try shell("swift-sam predict -h.png --point 9,8 -o m.png")
        #expect(command.status == 64 && command.errors == "error: -h.png: begins as an option does; write ./-h.png\n")
        #expect(try shell("swift-sam predict --point 9,8 -o m.png -- -h.png").status == 0)
    }

    @Test func standardStreams() throws {
        let pipe = try shell("swift-sam predict - --point 90,80 -o - < photos/a.png > piped.png")
        #expect(pipe.status == 0 && pipe.errors.isEmpty, "\(pipe.errors)")
        #expect(try shell("swift-sam predict photos/a.png --point 90,80 -o m.png").status == 0)
        #expect(contents("piped.png") == contents("m.png"))
        let one = try shell(
            "swift-sam predict photos/a.png --point 90,80 --single-mask --all-masks -o - > one.png")
        #expect(one.status == 0 && contents("one.png")?.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]), "\(one.errors)")
        let runs = try shell("swift-sam predict - --point 90,80 --format coco-rle -o - < photos/a.png")
        #expect((try JSONSerialization.jsonObject(with: Data(runs.output.utf8)) as? [Any])?.count == 1)
        let bad = try shell("swift-sam predict - --point 90,80 -o - < photos/b.jpg")
        #expect(bad.status == 65 && bad.errors.hasPrefix("error: standard input: not an image"))
        #expect(try shell("swift-sam predict photos/a.png --point 90,80 -o - > /dev/full").status == 74)
    }

    /// Above all logits nothing is left, below all everything.
    @Test func thresholds() throws {
        func area(_ threshold: String) throws -> Int? {
            let json = try shell("swift-sam predict photos/a.png --point 90,80 --threshold=\(threshold) --json").json
            let masks = (json["prompts"] as? [[String: Any]])?[0]["masks"] as? [[String: Any]]
            return masks?.first { $0["chosen"] as? Bool == true }?["area"] as? Int
        }
        #expect(try area("1e9") == 0)
        #expect(try area("-1e9") == 256 * 256)
        let spaced = try shell("swift-sam predict photos/a.png --point 90,80 --threshold -1 --json")
        #expect(spaced.status == 0, "\(spaced.errors)")
        #expect(try area("0") != 0)
    }

    @Test(arguments: [
        "photos --point 9,9 --mask-input x.npy -o m", "photos --point 9,9 -o -", "photos/a.png - --point 9,9 --json",
        "photos/a.png --point 9,9 --format coco -o m.png", "photos/a.png --point 9,9 --threshold nan --json",
        "--prompts p.jsonl --point 9,9 --json", "photos/a.png --prompts p.jsonl --json", "--point 9,9 --json",
        "photos/a.png --box 1,1,9,9 --box 1,1,8,8 -o -", "photos/a.png --box 1,1,9,9 --json -o -",
        "photos/a.png photos/a.png --box 1,1,9,9 -o m", "photos/a.png --box 1,1,9,9 --save-logits l.pth",
        "photos/a.png --box 1,1,9,9 --format coco --json", "photos/a.png --box 1,1,9,9 --preview -",
        "photos/a.png --box 1,1,9,9 --preview - -o -",
        "photos --point 9,9 -o m.png", "photos/a.png --point 9,9 --mask-input x.npy --mask-input y.npy --json",
        "--embedding e.safetensors --point 9,9 --bits 12 --json",
        "--embedding e.safetensors --point 9,9 --stretch --json",
        "--embedding e.safetensors --point 9,9 --cache m --json",
    ])
    func usageErrors(_ arguments: String) throws {
        folder.write("p.jsonl", #"{"image": "photos/a.png", "points": [[9, 9]]}"#)
        let command = try shell("swift-sam predict \(arguments)")
        #expect(command.status == 64, "\(command.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("m")))
    }

    @Test(arguments: [
        "everything photos/a.png --stability-score-thresh 3 -o m", "everything photos/a.png --pred-iou-thresh nan -o m",
        "everything photos/a.png --crop-overlap-ratio 5 -o m", "everything photos/a.png --box-nms-thresh -1 -o m",
        "everything photos/a.png --stability-score-offset -1 -o m", "encode photos/a.png -o m.safetensors",
        "verify photos/a.png --box 1,1,9,9 --save m.png", "verify photos/a.png --box 1,1,9,9 --save -",
        "verify photos/a.png --box 1,1,9,9 --save m.safetensors --heatmaps m",
        "verify \(demo)/../swift-sam-small.reference.safetensors --heatmaps m", "everything photos/a.png -o -",
        "encode photos/a.png -o -", "encode photos/a.png --output=-", "slices \(demo)/ct.nii.gz -o -",
        "demo -o -", "annotations merge \(demo)/ct.nii.gz --boxes \(demo)/boxes --format yolo -o -",
        "verify --only input", "verify --heatmaps m", "verify --single-mask", "verify r.safetensors --single-mask",
        "inspect photos/a.png --box 1,1,9,9 --query 5,9999 -o m.html",
        "inspect photos/a.png --box 1,1,9,9 --query 5,5,0,3 -o m.html",
        "verify photos/a.png --box 1,1,9,9 --point 5,5,1,2 --save m.safetensors",
        "verify --self photos/a.png --box 1,1,9,9 --point 5,5,1,2",
        "activations photos/a.png --box 1,1,9,9 --point 5,5,1,2 -o m.safetensors", "bench --save-embedding m",
    ])
    func usageErrorsOfOthers(_ arguments: String) throws {
        let command = try shell("swift-sam \(arguments)")
        #expect(command.status == 64, "\(command.errors)")
        for name in ["m", "m.safetensors", "m.png", "m.html"] { #expect(contents(name) == nil) }
        #expect(!folder.names.contains("-"))
    }

    /// An ending in capitals is the same ending.
    @Test func endingsInCapitals() throws {
        #expect(try shell("swift-sam convert $SWIFT_SAM_MODEL -o W.SAFETENSORS").status == 0)
        #expect(
            try shell("swift-sam activations photos/a.png --point 9,9 --model W.SAFETENSORS -o A.SAFETENSORS").status
                == 0)
        let verified = try shell("swift-sam verify A.SAFETENSORS")
        #expect(verified.status == 0, "\(verified.errors)")
    }

    /// A minus sign begins a number, and what is wrong with it is said.
    @Test(arguments: [
        ("everything photos/a.png --crop-n-layers -1 -o m", "--crop-n-layers must be from 0 to 5, not -1"),
        ("everything photos/a.png --min-mask-region-area -5 -o m", "--min-mask-region-area must not be negative"),
        ("inspect photos/a.png --box 1,1,9,9 --query -1,4 -o m.html", "--query -1.0,4.0 is outside of photos/a.png"),
        ("predict photos/a.png --point 9,9 --threads -1 --json", "--threads must be at least 1, not -1"),
        ("predict photos/a.png --point 9,9 --bits -1 --json", "--bits must be from 8 to 16, not -1"),
        ("slices photos --every -1 -o m", "--every must be at least 1, not -1"),
        ("segment photos --boxes photos --fill box --fill-gap -3 -o m.nii", "--fill-gap must be"),
        ("bench --runs -1", "--runs must be at least 1, not -1"),
        ("verify photos/a.png --point 9,9 --save m.safetensors --sketch -1", "--sketch goes with --save"),
    ])
    func negativeNumbers(_ arguments: String, error: String) throws {
        let command = try shell("swift-sam \(arguments)")
        #expect(command.status == 64 && command.errors.contains(error), "\(command.errors)")
    }

    /// Pictures of one name are told apart where nothing is written of each alone.
    @Test func picturesOfOneName() throws {
        folder.write("more/a.png", contents("photos/c.png")!)
        let both = try shell("swift-sam predict photos/a.png more/a.png --point 90,80 --json")
        #expect(both.status == 0 && both.output.split(separator: "\n").count == 2, "\(both.errors)")
        for command in ["predict --point 90,80", "encode"] {
            let clash = try shell("swift-sam \(command) photos/a.png more/a.png -o m")
            #expect(clash.status == 64, "\(clash.errors)")
            #expect(clash.errors.contains("error: more/a.png: would be written to m/a."), "\(clash.errors)")
            #expect(clash.errors.contains("as another picture: found photos/a.png"))
        }
        let twice = try shell("swift-sam predict photos/a.png ./photos/a.png --point 90,80 -o m")
        #expect(twice.status == 64 && twice.errors.contains("./photos/a.png: named twice: found also photos/a.png"))
        let line = #"{"image": "photos/a.png", "points": [[90, 80]]}"# + "\n"
        folder.write("two.jsonl", line + line)
        let lines = try shell("swift-sam predict --prompts two.jsonl -o m")
        #expect(lines.status == 64)
        #expect(lines.errors.contains("error: two.jsonl:2: photos/a.png is asked in line 1 as well\nPut its boxes"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("m")))
        #expect(try shell("swift-sam predict --prompts two.jsonl --format coco -o m").status == 0)
    }

    @Test func everythingAndEncodeSkipToo() throws {
        let everything = try shell(
            "swift-sam everything photos --points-per-side 2 --pred-iou-thresh=-9 --stability-score-thresh 0 --stretch -o all"
        )
        #expect(everything.status == 65)
        #expect(everything.errors.contains("error: photos/b.jpg: "))
        #expect(everything.errors.contains("skipped: 1 of 3"))
        #expect(contents("all/a.json") != nil && contents("all/c.json") != nil)
        let drawn = try shell(
            "swift-sam everything photos/a.png --points-per-side 2 --pred-iou-thresh=-9 --stability-score-thresh 0 "
                + "--preview look.png -o one")
        #expect(drawn.status == 0 && contents("look.png") != nil && contents("look.png") != contents("photos/a.png"))
        #expect(contents("one/a.json") != nil, "\(drawn.errors)")
        let nothing = try shell("swift-sam everything photos/a.png --points-per-side 2 --pred-iou-thresh 9 -o none")
        #expect(nothing.status == 0 && nothing.errors.contains("no mask has a predicted IoU above 9.0"))
        let encode = try shell("swift-sam encode photos -o kept")
        #expect(encode.status == 65)
        #expect(contents("kept/a.safetensors") != nil && contents("kept/b.safetensors") == nil)
        let kept = try shell(
            "swift-sam predict --embedding kept/c.safetensors --point 90,80 --format polygons -o p.json")
        #expect(kept.status == 0 && contents("p.json") != nil, "\(kept.errors)")
    }

    /// A picture of 12 bits in 16 is read with the same options by all.
    @Test func depthOptionsOfAll() throws {
        for command in [
            "everything photos/a.png --points-per-side 1 -o e",
            "verify photos/a.png --box 1,1,9,9 --save r.safetensors",
        ] {
            let narrow = try shell("swift-sam \(command) --bits 12")
            #expect(narrow.status == 65 && narrow.errors.contains("--bits is for samples of 16 bits"))
            #expect(try shell("swift-sam \(command) --stretch").status == 0)
        }
    }
}
