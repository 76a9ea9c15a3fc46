import Foundation
import TestSupport
import Testing

/// No command replaces what it reads, whatever the names: each output of each command is laid over each of its inputs.
@Suite struct GuardTests {
    let folder = Folder()

    /// A command with everything that it reads and writes.
    struct Row: Sendable, CustomTestStringConvertible {
        var command: [String]
        var reads: [String]
        /// The arguments that name an output, and the file that is written because of them.
        var outputs: [(arguments: [String], file: String)]
        var environment: [String: String] = [:]

        var testDescription: String { command.joined(separator: " ") + environment.keys.joined() }
    }

    private static let model = ["--model", "w.safetensors"]
    private static let prompts = ["photo.png", "--box", "40,30,200,180", "--mask-input", "mask.npy"]
    private static let boxes = ["boxes/ct-slice003.txt", "boxes/ct-slice004.xml", "boxes/slices.json"]
    private static let table = ["boxes.csv", "slices.json", "ct-slice003.png"]
    private static let crowd = ["crowd/anna/ct-slice003.txt", "crowd/ben/ct-slice003.txt", "crowd/anna/slices.json"]
    private static let labelOutputs: [(arguments: [String], file: String)] = [
        (["-o", "l.nii.gz"], "l.nii.gz"), (["-o", "l.nii"], "l.json"),
        (["-o", "l.nii", "--preview", "p.png"], "p.png"), (["-o", "l.nii", "--fill", "ends"], "l-origin.nii"),
    ]

    static let rows = [
        Row(
            command: ["predict"] + prompts + model, reads: ["photo.png", "mask.npy", "w.safetensors"],
            outputs: [
                (["-o", "m.png"], "m.png"), (["-o", "m.png", "--box", "1,1,9,9"], "m-2.png"),
                (["-o", "m.png", "--all-masks"], "m-1-3.png"), (["--preview", "p.png"], "p.png"),
                (["--save-logits", "l.npy"], "l.npy"), (["--format", "coco", "-o", "m.json"], "m.json"),
                (["--format", "yolo-seg", "-o", "m.txt"], "m.txt"),
            ]),
        Row(
            command: ["predict", "photos", "--box", "40,30,200,180"] + model,
            reads: ["photos/a.png", "photos/b.jpg", "w.safetensors"],
            outputs: [
                (["-o", "m"], "m/a.png"), (["-o", "m", "--format", "labels"], "m/b.png"),
                (["-o", "m", "--format", "coco"], "m/annotations.json"), (["--preview", "p"], "p/b.png"),
                (["--save-logits", "l"], "l/a.safetensors"),
            ]),
        Row(
            command: ["predict", "--prompts", "p.jsonl"] + model, reads: ["p.jsonl", "photos/a.png", "w.safetensors"],
            outputs: [(["-o", "m"], "m/a.png"), (["-o", "m", "--format", "polygons"], "m/a.json")]),
        Row(
            command: ["predict", "photo.png", "--box", "40,30,200,180", "--model", "sharded"],
            reads: ["sharded/a.safetensors", "sharded/model.safetensors.index.json"],
            outputs: [(["-o", "m.png"], "m.png")]),
        Row(
            command: ["convert", "sharded"], reads: ["sharded/a.safetensors"],
            outputs: [(["-o", "c.safetensors"], "c.safetensors")]),
        Row(
            command: ["predict"] + prompts, reads: ["w.safetensors"], outputs: [(["-o", "m.png"], "m.png")],
            environment: ["SWIFT_SAM_MODEL": "w.safetensors"]),
        Row(
            command: ["predict", "--embedding", "e.safetensors", "--box", "40,30,200,180"] + model,
            reads: ["e.safetensors", "w.safetensors"], outputs: [(["-o", "m.png"], "m.png")]),
        Row(
            command: ["encode", "photo.png"] + model, reads: ["photo.png", "w.safetensors"],
            outputs: [(["-o", "e"], "e/photo.safetensors")]),
        Row(
            command: ["everything", "photo.png", "--points-per-side", "1"] + model,
            reads: ["photo.png", "w.safetensors"],
            outputs: [
                (["-o", "e"], "e/photo.json"), (["-o", "e", "--format", "yolo-seg"], "e/photo.txt"),
            ]),
        Row(
            command: ["activations"] + prompts + model, reads: ["photo.png", "mask.npy", "w.safetensors"],
            outputs: [(["-o", "a.safetensors"], "a.safetensors")]),
        Row(
            command: ["inspect"] + prompts + model, reads: ["photo.png", "mask.npy", "w.safetensors"],
            outputs: [(["-o", "i.html"], "i.html")]),
        Row(
            command: ["verify"] + prompts + model, reads: ["photo.png", "mask.npy", "w.safetensors"],
            outputs: [(["--save", "r.safetensors"], "r.safetensors")]),
        Row(
            command: ["bench"] + model, reads: ["w.safetensors"],
            outputs: [(["--save-embedding", "b.safetensors"], "b.safetensors")]),
        Row(
            command: ["bench"], reads: ["w.safetensors"],
            outputs: [(["--save-embedding", "b.safetensors"], "b.safetensors")],
            environment: ["SWIFT_SAM_MODEL": "./w.safetensors"]),
        Row(
            command: ["convert", "w.safetensors"], reads: ["w.safetensors"],
            outputs: [(["-o", "c.safetensors"], "c.safetensors")]),
        Row(
            command: ["segment", "ct.nii.gz", "--boxes", "boxes", "--classes", "classes.txt"] + model,
            reads: ["ct.nii.gz", "classes.txt", "w.safetensors", "boxes/ct-slice003.png"] + boxes,
            outputs: labelOutputs),
        Row(
            command: ["segment", "ct.nii.gz", "--boxes", "boxes.csv", "--labels", "0=1"],
            reads: ["w.safetensors"] + table,
            outputs: labelOutputs + [(["-o", "l.nii", "--log", "r.jsonl"], "r.jsonl")],
            environment: ["SWIFT_SAM_MODEL": "w.safetensors"]),
        Row(
            command: ["segment", "ct.nii.gz", "--boxes", "plain.csv", "--record", "records"] + model,
            reads: ["plain.csv", "records/slices.json"], outputs: labelOutputs),
        Row(
            command: ["segment", "volumes", "--boxes", "boxes"] + model,
            reads: ["volumes/ct.nii.gz", "boxes/ct-slice003.txt"],
            outputs: [(["-o", "{case}/l.nii"], "ct/l.nii"), (["-o", "l-{case}.nii"], "l-ct.json")]),
        Row(
            command: ["slices", "ct.nii.gz"], reads: ["ct.nii.gz"],
            outputs: [(["-o", "s"], "s/ct-slice023.png"), (["-o", "s"], "s/slices.json")]),
        Row(
            command: ["annotations", "check", "ct.nii.gz", "--boxes", "boxes", "--classes", "classes.txt"],
            reads: ["ct.nii.gz", "classes.txt"] + boxes, outputs: [(["--csv", "c.csv"], "c.csv")]),
        Row(
            command: ["annotations", "check", "ct.nii.gz", "--boxes", "boxes.csv", "--classes", "classes.txt"],
            reads: table, outputs: [(["--csv", "c.csv"], "c.csv")]),
        Row(
            command: ["annotations", "merge", "ct.nii.gz", "--boxes", "crowd", "--classes", "classes.txt"],
            reads: ["ct.nii.gz", "classes.txt"] + crowd, outputs: [(["-o", "m/m.csv"], "m/m.csv")]),
        Row(
            command: [
                "annotations", "merge", "ct.nii.gz", "--boxes", "crowd", "--classes", "classes.txt", "--tasks",
                "tasks.csv",
            ],
            reads: ["tasks.csv"] + crowd,
            outputs: [
                (["-o", "m/m.csv"], "m/m.csv"), (["-o", "m", "--format", "yolo"], "m/ct-slice003.txt"),
                (["-o", "m", "--format", "voc"], "m/ct-slice023.xml"),
            ]),
        Row(
            command: ["annotations", "fill", "ct.nii.gz", "--boxes", "boxes", "--classes", "classes.txt"],
            reads: ["ct.nii.gz", "classes.txt"] + boxes,
            outputs: [
                (["-o", "m/m.csv"], "m/m.csv"), (["-o", "m", "--format", "yolo"], "m/ct-slice003.txt"),
                (["-o", "m", "--format", "yolo"], "m/filled.csv"),
            ]),
        Row(
            command: ["evaluate", "--truth", "truth.nii.gz", "--predicted", "labels.nii.gz"],
            reads: ["truth.nii.gz", "labels.nii.gz", "labels.json"],
            outputs: [(["--csv", "v.csv"], "v.csv"), (["--slice-csv", "v.csv"], "v.csv")]),
        Row(
            command: ["evaluate", "--truth", "truths", "--predicted", "truths"], reads: ["truths/b.nii.gz"],
            outputs: [(["--csv", "v.csv"], "v.csv")]),
        Row(
            command: ["export", "nnunet", "--images", "volumes", "--labels", "volumes", "--names", "1=a"],
            reads: ["volumes/ct.nii.gz", "volumes/ct-origin.nii.gz"],
            outputs: [
                (["-o", "d"], "d/dataset.json"), (["-o", "d"], "d/splits_final.json"), (["-o", "d"], "d/imagesTr"),
            ]),
    ]

    /// Everything that any of the commands reads.
    private func makeInputs() throws {
        let volumes = ["ct.nii.gz": "ct.nii.gz", "volumes/ct.nii.gz": "ct.nii.gz"]
        let labels = ["truth.nii.gz", "labels.nii.gz", "truths/a.nii.gz", "truths/b.nii.gz"]
        for (name, source) in volumes.merging(labels.map { ($0, "truth.nii.gz") }, uniquingKeysWith: { $1 }) {
            folder.write(name, try Data(contentsOf: URL(filePath: "\(demo)/\(source)")))
        }
        folder.write("w.safetensors", try Data(contentsOf: URL(filePath: randomWeights)))
        folder.write("sharded/a.safetensors", "not read")
        folder.write("sharded/model.safetensors.index.json", #"{"weight_map": {"x": "a.safetensors"}}"#)
        folder.write("classes.txt", "spleen\nliver\n")
        folder.write("mask.npy", "not read")
        folder.write("e.safetensors", "not read")
        let record = """
            {"axis": "k", "intensity": "soft-tissue", "view": "array", "volumes": {"ct": {"i": 256, "j": 256, "k": 24}}}
            """
        for place in ["boxes/", "", "crowd/anna/", "crowd/ben/", "records/"] {
            folder.write(place + "slices.json", record)
        }
        for place in ["boxes", "crowd/anna", "crowd/ben"] {
            folder.write("\(place)/ct-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        }
        folder.write("boxes/ct-slice004.xml", "")
        for name in ["photo.png", "boxes/ct-slice003.png", "ct-slice003.png"] { folder.write(name, "a picture") }
        for name in ["photos/a.png", "photos/b.jpg"] { folder.write(name, "a picture") }
        folder.write("p.jsonl", #"{"image": "photos/a.png", "boxes": [[40, 30, 200, 180]]}"#)
        folder.write("boxes.csv", "slice,class,x0,y0,x1,y1\n3,0,10,20,60,70\n")
        folder.write("tasks.csv", "annotator,class,case,first,last\nanna,liver,ct,0,23\n")
        folder.write("volumes/ct-origin.nii.gz", try Data(contentsOf: URL(filePath: "\(demo)/truth.nii.gz")))
        folder.write("volumes/ct.json", #"{"origin": {}}"#)
        folder.write("plain.csv", "slice,class,x0,y0,x1,y1\n3,0,10,20,60,70\n")
        folder.write("labels.json", "{}")
        folder.write("m/readme.txt", "")
    }

    /// All files with what is in them.
    private func contents() throws -> [String: Data] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        return names.reduce(into: [:]) { $0[$1] = FileManager.default.contents(atPath: "\(folder.path)/\($1)") }
    }

    @Test(arguments: rows) func noOutputReplacesAnInput(row: Row) throws {
        try makeInputs()
        for (arguments, file) in row.outputs {
            for input in row.reads {
                // A link has the ending that the output needs, and leads to the input: writing follows it.
                let output = URL(filePath: "\(folder.path)/\(file)")
                let parent = output.deletingLastPathComponent()
                let isNew = !FileManager.default.fileExists(atPath: parent.path(percentEncoded: false))
                try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(
                    at: output, withDestinationURL: URL(filePath: "\(folder.path)/\(input)"))
                let before = try contents()
                let command = try Command(row.command + arguments, in: folder.path, environment: row.environment)
                #expect(command.status == 64, "\(arguments) over \(input): \(command.errors)")
                #expect(command.errors.contains("\(file): would replace an input: found"), "\(command.errors)")
                #expect(command.errors.contains(URL(filePath: input).lastPathComponent))
                #expect(command.errors.contains("Usage: swift-sam"))
                #expect(try contents() == before, "\(arguments) over \(input)")
                try FileManager.default.removeItem(at: isNew && parent.path() != folder.path ? parent : output)
            }
        }
    }

    /// By their own names, as people met it with 0.4.0: each exited with 0, and the file was gone.
    @Test(arguments: [
        [
            "annotations", "check", "ct.nii.gz", "--boxes", "boxes.csv", "--classes", "classes.txt", "--csv",
            "boxes.csv",
        ],
        ["activations", "photo.png", "--box", "1,1,9,9", "--model", "w.safetensors", "-o", "w.safetensors"],
        ["bench", "--model", "w.safetensors", "--save-embedding", "w.safetensors"],
        ["predict", "photo-1.png", "--box", "1,1,9,9", "--box", "1,1,9,9", "-o", "photo.png"],
        ["segment", "ct.nii.gz", "--boxes", "boxes", "-o", "boxes/slices.nii.gz"],
        ["segment", "ct.nii.gz", "--boxes", "boxes", "-o", "l.nii", "--preview", "boxes/ct-slice003.png"],
        ["segment", "ct.nii.gz", "--boxes", "boxes", "-o", "./ct.nii.gz"],
        ["segment", "volumes", "--boxes", "boxes", "-o", "volumes/../volumes/{case}.nii.gz"],
    ])
    func inputsByTheirOwnNames(arguments: [String]) throws {
        try makeInputs()
        folder.write("photo-1.png", "a picture")
        let before = try contents()
        let command = try Command(arguments, in: folder.path)
        #expect(command.status == 64)
        #expect(command.errors.contains("would replace an input"))
        #expect(try contents() == before)
    }

    @Test(arguments: [
        ["evaluate", "--truth", "truth.nii.gz", "--predicted", "labels.nii.gz", "--csv", "z", "--slice-csv", "./z"],
        ["evaluate", "--truth", "truth.nii.gz", "--predicted", "labels.nii.gz", "--csv", "z", "--slice-csv", "link/z"],
        ["evaluate", "--truth", "truth.nii.gz", "--predicted", "labels.nii.gz", "--csv", "z", "--slice-csv", "lost"],
        ["predict", "photo.png", "--box", "1,1,9,9", "--box", "1,1,9,9", "-o", "m.png"],
    ])
    func twoOutputsAreNotOneFile(arguments: [String]) throws {
        try makeInputs()
        for (link, target) in [("link", "."), ("lost", "z"), ("m-1.png", "other.png"), ("m-2.png", "other.png")] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/\(link)", withDestinationPath: target)
        }
        let command = try Command(arguments + (arguments[0] == "predict" ? Self.model : []), in: folder.path)
        #expect(command.status == 64)
        #expect(command.errors.contains("two outputs would be one file: found also"))
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/z"))
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/other.png"))
    }

    /// What is there and is no input is replaced as ever, also in the folder of the boxes.
    @Test func otherFilesAreReplaced() throws {
        try makeInputs()
        let arguments =
            ["segment", "ct.nii.gz", "--boxes", "boxes", "-o", "boxes/l.nii.gz", "--preview", "boxes/p.png"]
            + Self.model
        let first = try Command(arguments, in: folder.path)
        #expect(first.status == 0, "\(first.errors)")
        let written = try contents()
        let second = try Command(arguments, in: folder.path)
        #expect(second.status == 0, "\(second.errors)")
        #expect(try contents()["boxes/l.nii.gz"] == written["boxes/l.nii.gz"])
        let merge = ["annotations", "merge", "ct.nii.gz", "--boxes", "crowd", "-o", "m/m.csv"]
        for _ in 0..<2 { #expect(try Command(merge, in: folder.path).status == 0) }
    }
}
