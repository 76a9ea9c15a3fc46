import Checkpoints
import Foundation
import TestSupport
import Testing

/// The commands that run the model on a picture, and those that look at weights.
@Suite struct PredictCommandTests {
    let folder = Folder()
    let image: String

    init() throws {
        let slices = try Command(["slices", demo + "/ct.nii.gz", "-o", "slices"], in: folder.path)
        try #require(slices.status == 0)
        image = "slices/ct-slice012.png"
    }

    func predict(_ arguments: String..., model: String = randomWeights) throws -> Command {
        try Command(["predict", image, "--model", model, "-o", "m.png", "--json"] + arguments, in: folder.path)
    }

    var masks: Set<String> { folder.names.filter { $0.hasSuffix(".png") } }

    @Test func oneBoxGivesOneMask() throws {
        let json = try predict("--box", "40,30,200,180").json
        #expect(masks == ["m.png"])
        #expect((json["image"] as? [String: Int]) == ["width": 256, "height": 256])
        let prompts = try #require(json["prompts"] as? [[String: Any]])
        #expect(prompts.count == 1)
        #expect(prompts[0]["box"] as? [Double] == [40, 30, 200, 180])
        let answers = try #require(prompts[0]["masks"] as? [[String: Any]])
        #expect(answers.compactMap { $0["index"] as? Int } == [1, 2, 3])
        let scores = answers.compactMap { $0["score"] as? Double }
        #expect(answers.map { $0["chosen"] as? Bool } == scores.map { $0 == scores.max() })
        #expect(Set(answers[0].keys) == ["index", "score", "stability", "area", "box", "chosen", "file"])
        #expect(answers.map { $0["file"] as? String } == scores.map { $0 == scores.max() ? "m.png" : nil })
        #expect((json["seconds"] as? [String: Double])?.keys.sorted() == ["decode", "encode", "load"])
        #expect((json["peak_memory_bytes"] as? Int ?? 0) > 1 << 20)
    }

    @Test func severalPromptsAreNumbered() throws {
        let arguments = [
            "--box", "40,30,200,180", "--box", "10,10,90,99", "--point", "60,60,1,2", "--point", "9,9,0,3",
        ]
        let command = try Command(
            ["predict", image, "--model", randomWeights, "-o", "m.png"] + arguments, in: folder.path)
        #expect(command.status == 0)
        #expect(masks == ["m-1.png", "m-2.png", "m-3.png"])
    }

    @Test func allMasksAreNamedByPromptAndMask() throws {
        #expect(try predict("--point", "60,60,1", "--all-masks").status == 0)
        #expect(masks == ["m-1-1.png", "m-1-2.png", "m-1-3.png"])
    }

    @Test func singleMaskIsMaskZero() throws {
        let prompts = try predict("--point", "60,60,1", "--single-mask").json["prompts"] as? [[String: Any]]
        #expect((prompts?[0]["masks"] as? [[String: Any]])?.map { $0["index"] as? Int } == [0])
    }

    @Test func pointsWithoutNumbersFormOnePrompt() throws {
        let prompts = try predict("--point", "60,60,1", "--point", "9,9,0").json["prompts"] as? [[String: Any]]
        #expect(prompts?.count == 1)
        #expect((prompts?[0]["points"] as? [Any])?.count == 2)
    }

    @Test func usageErrors() throws {
        for arguments in [
            [], ["--box", "1,2,3"], ["--box", "9,9,3,3"], ["--box", "nan,0,3,3"], ["--point", "1,2,3"],
            ["--box", "1,1,9,9", "--box", "1,1,9,9", "--point", "2,2,1"], ["--box", "1,1,9,9", "--point", "2,2,1,3"],
        ] {
            let command = try Command(
                ["predict", image, "--model", randomWeights, "-o", "m.png"] + arguments, in: folder.path)
            #expect(command.status == 64, "\(arguments)")
        }
    }

    @Test func badData() throws {
        #expect(try predict("--box", "300,300,400,400").status == 65)
        #expect(try predict("--point", "-1,20,1").status == 65)
        #expect(try predict("--box", "1,1,9,9", "--mask-input", image).status == 65)
        #expect(try predict("--box", "1,1,9,9", model: image).status == 65)
        #expect(try predict("--box", "1,1,9,9", model: "nowhere").status == 66)
        folder.write("empty.png", "")
        folder.write("text.png", "no picture")
        for name in ["empty.png", "text.png"] {
            let command = try Command(
                ["predict", name, "--box", "1,1,9,9", "--model", randomWeights, "-o", "m.png"], in: folder.path)
            #expect(command.status == 65)
            #expect(command.errors.hasPrefix("error: \(name)"))
        }
        #expect(!folder.names.contains("m.png"))
    }

    @Test func noInputIsReplaced() throws {
        let predict = try Command(
            ["predict", image, "--box", "1,1,99,99", "--model", randomWeights, "-o", image], in: folder.path)
        #expect(predict.status == 64)
        let convert = try Command(["convert", randomWeights, "-o", randomWeights], in: folder.path)
        #expect(convert.status == 64)
        #expect(try Command(["convert", randomWeights, "-o", "w.pth"], in: folder.path).status == 64)
    }

    @Test func boxesBeyondTheImageAreToldAndPointsWithoutABoxHaveNull() throws {
        let beyond = try predict("--box", "-10,-10,300,300")
        #expect(beyond.status == 0)
        #expect(beyond.errors.contains("reaches beyond the image"))
        let prompts = try predict("--point", "60,60,1").json["prompts"] as? [[String: Any]]
        #expect(prompts?[0]["box"] is NSNull)
    }

    // MARK: Outputs

    /// Results alone; nothing to write is a usage error, and so is a preview without a picture.
    @Test func jsonNeedsNoOutput() throws {
        let arguments = ["predict", image, "--box", "40,30,200,180", "--model", randomWeights]
        let command = try Command(arguments + ["--json"], in: folder.path)
        #expect(command.status == 0)
        let prompts = command.json["prompts"] as? [[String: Any]]
        #expect((prompts?[0]["masks"] as? [[String: Any]])?.allSatisfy { $0["file"] is NSNull } == true)
        #expect(masks.isEmpty)
        #expect(try Command(arguments, in: folder.path).status == 64)
        let kept = ["predict", "--embedding", "e", "--box", "1,1,9,9", "--model", randomWeights, "--preview", "p.png"]
        #expect(try Command(kept, in: folder.path).status == 64)
    }

    /// What is drawn differs from the picture, and has its size.
    @Test func previewIsAPicture() throws {
        let command = try Command(
            [
                "predict", image, "--box", "40,30,200,180", "--point", "60,60,1", "--model", randomWeights, "--preview",
                "p.png",
            ],
            in: folder.path)
        #expect(command.status == 0, "\(command.errors)")
        #expect(masks == ["p.png"])
        let header = FileManager.default.contents(atPath: folder.file("p.png"))?[16..<26]
        #expect(header.map(Array.init) == [0, 0, 1, 0, 0, 0, 1, 0, 8, 2])
    }

    /// Logits of `--save-logits`, in both formats, and of `activations` give one mask, and another than none.
    @Test func logitsAreMaskInputs() throws {
        let box = ["--box", "40,30,200,180", "--model", randomWeights]
        func refined(by file: String) throws -> Data? {
            let command = try Command(
                [
                    "predict", image, "--point", "60,60,1", "--model", randomWeights, "--mask-input", file, "-o",
                    "m.png",
                ],
                in: folder.path)
            #expect(command.status == 0, "\(file): \(command.errors)")
            return FileManager.default.contents(atPath: folder.file("m.png"))
        }
        for name in ["l.npy", "l.safetensors"] {
            #expect(try Command(["predict", image, "--save-logits", name] + box, in: folder.path).status == 0)
        }
        let activations = ["activations", image] + box
        for (name, only) in [("all.safetensors", "*"), ("one.safetensors", "mask_decoder.low_res_logits")] {
            #expect(try Command(activations + ["--only", only, "-o", name], in: folder.path).status == 0)
        }
        let expected = try #require(try refined(by: "l.npy"))
        for name in ["l.safetensors", "all.safetensors", "one.safetensors"] {
            #expect(try refined(by: name) == expected)
        }
        #expect(try predict("--point", "60,60,1").status == 0)
        #expect(FileManager.default.contents(atPath: folder.file("m.png")) != expected)
    }

    /// A reference has one for all prompts; predict takes one of each.
    @Test func aReferenceHasOneMaskInput() throws {
        let boxes = ["--box", "40,30,200,180", "--box", "10,10,90,99", "--model", randomWeights]
        #expect(try Command(["predict", image, "--save-logits", "l.npy"] + boxes, in: folder.path).status == 0)
        let own = ["--mask-input", "l.npy"]
        #expect(try Command(["predict", image, "--json"] + boxes + own, in: folder.path).status == 0)
        for command in [["activations", image, "-o"], ["verify", image, "--save"]] {
            let run = try Command(command + ["r.safetensors"] + boxes + own, in: folder.path)
            #expect(run.status == 64 && run.errors.contains("mask inputs of their own"), "\(run.errors)")
            #expect(!folder.names.contains("r.safetensors"))
        }
    }

    /// One mask by MedSAM's way, from the picture or its embedding; recipes are not exchanged, nor is study for pictures.
    @Test func recipes() throws {
        let box = ["--box", "40,30,200,180"]
        let direct = try predict("--box", "40,30,200,180", "--recipe", "medsam")
        let answers = (direct.json["prompts"] as? [[String: Any]])?[0]["masks"] as? [[String: Any]]
        #expect(answers?.map { $0["index"] as? Int } == [0])
        let mask = FileManager.default.contents(atPath: folder.file("m.png"))
        #expect(try predict("--box", "40,30,200,180", "--single-mask").status == 0)
        #expect(FileManager.default.contents(atPath: folder.file("m.png")) != mask)

        let encode = ["encode", image, "--model", randomWeights, "--recipe", "medsam", "-o", "e"]
        #expect(try Command(encode, in: folder.path).status == 0)
        let kept =
            ["predict", "--embedding", "e/ct-slice012.safetensors", "--model", randomWeights, "-o", "k.png"] + box
        #expect(try Command(kept + ["--recipe", "medsam"], in: folder.path).status == 0)
        #expect(FileManager.default.contents(atPath: folder.file("k.png")) == mask)
        let other = try Command(kept, in: folder.path)
        #expect(other.status == 65 && other.errors.contains("encoded by another recipe"))
        #expect(try predict("--box", "40,30,200,180", "--recipe", "study").status == 64)
        // The bundled weights are SAM's kind.
        let bundled = try Command(["predict", image, "--json", "--recipe", "medsam"] + box, in: folder.path)
        #expect(bundled.errors.contains("--recipe medsam is for MedSAM's weights"))
    }

    @Test func depthOptions() throws {
        #expect(try predict("--box", "40,30,200,180", "--stretch").status == 0)
        #expect(try predict("--box", "40,30,200,180", "--bits", "12").status == 65)
        for options in [["--bits", "7"], ["--bits", "17"], ["--bits", "12", "--stretch"]] {
            let command = try Command(["predict", image, "--json", "--box", "1,1,9,9"] + options, in: folder.path)
            #expect(command.status == 64)
        }
    }

    /// As `predict` says it.
    @Test func activationsWarnOfBoxesBeyondTheImage() throws {
        let command = try Command(
            ["activations", image, "--box", "-10,-10,300,300", "--model", randomWeights, "-o", "a.safetensors"],
            in: folder.path)
        #expect(command.status == 0)
        #expect(command.errors.contains("reaches beyond the image"))
    }

    // MARK: Weights and activations

    /// What is no model is named, and nothing is advised that leads nowhere.
    @Test func otherFilesAreNamed() throws {
        for (contents, name) in [
            ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
            ("<!DOCTYPE html>\n<html></html>", "a web page"), ("{\"architectures\": [\"SamModel\"]}", "JSON"),
        ] {
            folder.write("w.pth", contents)
            let command = try Command(["model", "w.pth"], in: folder.path)
            #expect(command.status == 65)
            #expect(command.errors.contains("found \(name)"), "\(command.errors)")
        }
        let nowhere = try Command(["model", "slices"], in: folder.path)
        #expect(nowhere.status == 66 && nowhere.errors.contains("a folder without weights"))
    }

    @Test func activationsAreFilteredAndWritten() throws {
        let command = try Command(
            [
                "activations", image, "--box", "40,30,200,180", "--model", randomWeights, "--only",
                "image_encoder.blocks.?.attn", "-o", "a.safetensors",
            ], in: folder.path)
        #expect(command.status == 0)
        let data = try Data(contentsOf: URL(filePath: folder.path + "/a.safetensors"))
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONSerialization.jsonObject(with: data.dropFirst(8).prefix(length)) as? [String: Any]
        let names = Set(header?.keys.map { $0 } ?? []).subtracting(["__metadata__"])
        #expect(
            names.contains("image_encoder.blocks.0.attn") && names.contains("prompt.boxes") && names.contains("image"))
        #expect(!names.contains("image_encoder"))
    }

    @Test func convertedWeightsAreAModelAgain() throws {
        let convert = try Command(
            ["convert", randomWeights, "--dtype", "float16", "-o", "w.safetensors"], in: folder.path)
        #expect(convert.status == 0)
        let model = try Command(["model", "w.safetensors", "--json"], in: folder.path)
        #expect(model.json["types"] as? [String] == ["F16"])
        #expect(try Command(["model", image], in: folder.path).status == 65)
    }

    /// What is finite stays finite, and the types are those that are written.
    @Test(
        arguments: [
            (1e300, [], "too large for float32: expected what is finite in it, found 1e+300"),
            (-1e300, ["--dtype", "float16"], "too large for float16"),
            (1e5, ["--dtype", "float16"], "Use --dtype bfloat16"),
            (3.4e38, ["--dtype", "bfloat16"], "too large for bfloat16"),
            (1e5, [], ", F32"), (.infinity, [], ", F32"), (3.3e38, ["--dtype", "bfloat16"], ", BF16"),
        ] as [(Double, [String], String)])
    func whatOverflowsIsNotConverted(value: Double, type: [String], text: String) throws {
        let (file, name) = (try Checkpoint(path: randomWeights), "mask_decoder.iou_token.weight")
        try writeSafetensors(folder.file("d.safetensors"), names: file.entries.keys) { each in
            guard let entry = file.entries[each] else { preconditionFailure("no tensor \(each)") }
            if each != name { return .bytes(file.bytes(each), entry.dataType, shape: entry.shape) }
            let values: [Double] = [value] + Array(file.doubles(each).dropFirst())
            return .bytes(values.withUnsafeBytes { Array($0) }, .float64, shape: entry.shape)
        }
        let convert = try Command(["convert", "d.safetensors", "-o", "w.safetensors"] + type, in: folder.path)
        let isRefused = !text.hasPrefix(", ")
        #expect(convert.status == (isRefused ? 65 : 0), "\(convert.errors)")
        #expect((isRefused ? convert.errors : convert.output).contains(text), "\(convert.output)\(convert.errors)")
        #expect(convert.errors.contains(name) == (isRefused || value.isInfinite))
        #expect(folder.names.contains("w.safetensors") != isRefused)
        #expect(convert.errors.contains("Use --dtype") == text.contains("Use --dtype"))
    }

    @Test func theModelIsFoundByOptionThenEnvironmentThenBundle() throws {
        let bundled = try Command(["model", "--json"], in: folder.path)
        #expect((bundled.json["file"] as? String)?.hasSuffix("weights/swift-sam-small.safetensors") == true)
        let environment = ["SWIFT_SAM_MODEL": randomWeights]
        #expect(
            try Command(["model", "--json"], in: folder.path, environment: environment).json["file"] as? String
                == randomWeights)
        #expect(
            try Command(
                ["model", randomWeights, "--json"], in: folder.path,
                environment: ["SWIFT_SAM_MODEL": "nowhere"]
            ).status == 0)
        // Model takes none as an option.
        let lost = try Command(["model"], in: folder.path, environment: ["SWIFT_SAM_MODEL": "nowhere"])
        #expect(lost.status == 66 && lost.errors.contains("set it anew") && !lost.errors.contains("--model"))
    }

    /// As many measurements as runs, in seconds: together no more than the command took.
    @Test func benchMeasuresEachStage() throws {
        let start = ContinuousClock.now
        let command = try Command(["bench", "--model", randomWeights, "--runs", "2", "--json"], in: folder.path)
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        var seconds = try #require(command.json["seconds"] as? [String: Any])
        let load = try #require(seconds.removeValue(forKey: "load") as? Double)
        let runs = try #require(seconds as? [String: [Double]])
        #expect(runs.keys.sorted() == ["encode", "prompt", "prompts32"])
        #expect(load > 0 && runs.values.allSatisfy { $0.count == 2 && $0.allSatisfy { $0 > 0 } })
        #expect(load + runs.values.joined().reduce(0, +) < elapsed)
    }

    /// All survive, or a share; with fewer masks there is no more to do.
    @Test func benchMeasuresEverything() throws {
        let command = try Command(
            ["bench", "--everything", "--model", randomWeights, "--runs", "1", "--json"], in: folder.path)
        #expect(command.status == 0, "\(command.errors)")
        #expect(command.json["points"] as? Int == 1024)
        let rows = try #require(command.json["rows"] as? [[String: Any]])
        #expect(rows.map { $0["survivors"] as? Double } == [1, 0.3, 0.05])
        let masks = rows.compactMap { $0["masks"] as? Int }
        #expect(masks.count == 3 && masks == masks.sorted(by: >) && (1...3072).contains(masks[0]))
        #expect(rows.allSatisfy { ($0["seconds"] as? [Double])?.count == 1 && $0["memory_bytes"] as? Int != nil })
    }

    @Test func benchMeasuresLayers() throws {
        let command = try Command(
            ["bench", "--model", randomWeights, "--layers", "--runs", "1", "--precision", "bfloat16"], in: folder.path)
        #expect(command.status == 0)
        for name in ["attn.qkv", "attn.proj", "mlp.lin1", "mlp.lin2", "attn, ", "mask_decoder, 8"] {
            #expect(command.output.contains(name))
        }
        #expect(command.output.contains("bfloat16, "))
        let json = try Command(
            ["bench", "--model", randomWeights, "--layers", "--runs", "1", "--json"], in: folder.path
        ).json
        #expect(Set(json.keys) == ["model", "precision", "threads", "cpu", "kernels", "layers"])
        let layers = try #require(json["layers"] as? [[String: Any]])
        #expect(layers.contains { $0["name"] as? String == "mask_decoder" })
        #expect(layers.allSatisfy { ($0["seconds"] as? Double ?? 0) > 0 })
    }

    @Test(arguments: [
        ["--layers", "--save-embedding", "e"], ["--layers", "--everything"], ["--everything", "--save-embedding", "e"],
    ])
    func benchTimesOneThing(options: [String]) throws {
        let command = try Command(["bench", "--model", randomWeights] + options, in: folder.path)
        #expect(command.status == 64, "\(command.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("e")))
    }

    /// What a processor without dot products of bfloat16 does instead is said.
    @Test func bfloat16WithoutItsInstructionsIsSaid() throws {
        let command = try Command(
            ["bench", "--model", randomWeights, "--runs", "1", "--precision", "bfloat16"], in: folder.path,
            environment: ["SWIFT_SAM_CPU": "baseline"])
        #expect(command.status == 0)
        #expect(command.errors.contains("with baseline instructions the rounded numbers are multiplied as floats"))
        #expect(command.output.contains("bfloat16, ") && command.output.contains("baseline, OpenBLAS"))
    }
}
