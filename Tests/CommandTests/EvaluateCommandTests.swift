import Foundation
import Imaging
import TestSupport
import Testing

/// `evaluate`, `summarize` and `compare` as a person runs them.
@Suite struct EvaluateCommandTests {
    let folder = Folder()
    let truth = demo + "/truth.nii.gz"

    @Test func theTruthIsPerfect() throws {
        let command = try Command(
            [
                "evaluate", "--truth", truth, "--predicted", truth, "--names", "1=spleen, 4=liver", "--csv", "v.csv",
                "--slice-csv", "s.csv", "--json",
            ], in: folder.path)
        #expect(command.status == 0)
        let organs = try #require(command.json["organs"] as? [String: [String: [String: Any]]])
        for organ in ["spleen", "liver"] {
            #expect(organs[organ]?["volume_dice"]?["mean"] as? Double == 1)
            #expect(organs[organ]?["hd95_mm"]?["mean"] as? Double == 0)
        }
        let cases = try #require(command.json["cases"] as? [[String: Any]])
        #expect(cases.count == 1 && cases[0]["case"] as? String == "truth")
        let scores = (cases[0]["organs"] as? [String: [String: Double]])?["liver"]
        #expect(scores?["dice"] == 1 && scores?["hd95_mm"] == 0 && scores?["mean_surface_mm"] == 0)
        #expect(scores?["truth_ml"] == scores?["predicted_ml"] && scores?["truth_ml"] != 0)
        let table = String(decoding: try Data(contentsOf: URL(filePath: folder.file("v.csv"))), as: UTF8.self)
        #expect(
            table.hasPrefix(
                "path,spleen_dice,liver_dice,spleen_hd95_mm,spleen_mean_surface_mm,spleen_truth_ml,spleen_predicted_ml,"
                    + "liver_hd95_mm,"))
        #expect(table.contains("\ntruth.nii.gz,1.0,1.0,0.0,0.0,") && table.hasSuffix(",truth\n"))
        // What is no Dice can be compared as well.
        let distances = try Command(["summarize", "v.csv", "--columns", "liver_hd95_mm", "--json"], in: folder.path)
        #expect((distances.json["columns"] as? [String: [String: Any]])?["liver_hd95_mm"]?["mean"] as? Double == 0)
        let summary = try Command(["summarize", "s.csv", "--json"], in: folder.path)
        let columns = try #require(summary.json["columns"] as? [String: [String: Any]])
        #expect(columns["liver_dice"]?["mean"] as? Double == 1)
        let compare = try Command(["compare", "v.csv", "v.csv", "--json"], in: folder.path)
        #expect((compare.json["mean"] as? [String: Any])?["n"] as? Int == 1)
    }

    @Test func mapsLabelsOfThePrediction() throws {
        func liver(_ more: [String]) throws -> Double? {
            let command = try Command(
                ["evaluate", "--truth", truth, "--predicted", truth, "--names", "4=liver", "--json"] + more,
                in: folder.path)
            let organs = command.json["organs"] as? [String: [String: [String: Any]]]
            return organs?["liver"]?["volume_dice"]?["mean"] as? Double
        }
        #expect(try liver([]) == 1)
        #expect(try liver(["--map", "4=0"]) == 0)
        let united = try #require(try liver(["--map", "1=4"]))
        #expect(united < 1 && united > 0.5)
    }

    @Test func refusesAnotherPlace() throws {
        // The truth, with the last number of its affine's first row (NIfTI-1, bytes 292 to 295) off by a millimetre.
        #expect(try Command(shell: "gzip -dc '\(truth)' > moved.nii", in: folder.path).status == 0)
        var bytes = try Data(contentsOf: URL(filePath: folder.file("moved.nii")))
        let before = bytes[292..<296].withUnsafeBytes { $0.loadUnaligned(as: Float.self) }
        withUnsafeBytes(of: before + 1) { bytes.replaceSubrange(292..<296, with: $0) }
        folder.write("moved.nii", bytes)
        let command = try Command(["evaluate", "--truth", truth, "--predicted", "moved.nii"], in: folder.path)
        #expect(command.status == 65)
        #expect(command.errors.contains("moved.nii"))
        for (predicted, says) in [(demo, "a file"), ("nowhere", "No such file"), (truth + "/x", "Not a directory")] {
            let command = try Command(["evaluate", "--truth", truth, "--predicted", predicted], in: folder.path)
            #expect(command.status == 66)
            #expect(command.errors.contains(says))
        }
        let names = ["--names", "0=background"]
        #expect(
            try Command(["evaluate", "--truth", truth, "--predicted", truth] + names, in: folder.path).status == 64)
    }

    /// One prediction that cannot be read costs no other's scores; where all fail, that is the error.
    @Test func aDamagedPredictionIsSkipped() throws {
        #expect(
            try Command(
                shell: """
                    mkdir t p; cp '\(truth)' t/a.nii.gz; cp '\(truth)' t/b.nii.gz; cp '\(truth)' p/b.nii.gz
                    head -c 2000 '\(truth)' > p/a.nii.gz
                    """, in: folder.path
            ).status == 0)
        let arguments = ["evaluate", "--truth", "t", "--predicted", "p", "--no-distances"]
        let command = try Command(arguments + ["--csv", "s.csv", "--json"], in: folder.path)
        #expect(command.status == 65 && command.errors.contains("p/a.nii.gz: the compressed data is damaged"))
        #expect(command.json["volumes"] as? Int == 1 && command.json["skipped"] as? [String] == ["p/a.nii.gz"])
        let table = try String(contentsOfFile: folder.file("s.csv"), encoding: .utf8)
        #expect(table.split(separator: "\n").count == 2 && table.contains("\nb.nii.gz,1.0,"))
        #expect(try Command(shell: "cp p/a.nii.gz p/b.nii.gz", in: folder.path).status == 0)
        let none = try Command(arguments + ["--csv", "none.csv"], in: folder.path)
        #expect(none.status == 65 && !FileManager.default.fileExists(atPath: folder.file("none.csv")))
    }

    @Test func aLabelThatNoVolumeHasIsToldAndHasNoNumbers() throws {
        let command = try Command(
            ["evaluate", "--truth", truth, "--predicted", truth, "--names", "4=liver,9=foo,1=-"], in: folder.path)
        #expect(command.status == 0)
        #expect(command.errors.contains("no voxel is foo (label 9)") && !command.errors.contains("liver"))
        #expect(!command.output.contains("nan") && !command.output.contains("spleen"))
        let row = command.output.split(separator: "\n").first { $0.hasPrefix("foo") }
        #expect(row?.split(separator: " ").suffix(4) == ["-", "-", "0.0", "0.0"])
    }

    @Test func labelsThatTheTruthLacksAreTold() throws {
        func evaluate(_ more: [String]) throws -> String {
            try Command(
                ["evaluate", "--truth", truth, "--predicted", truth, "--map", "4=6,5=8"] + more, in: folder.path
            ).errors
        }
        #expect(try evaluate([]).contains("not scored: 6, 8; see --map"))
        #expect(try !evaluate(["--names", "1=spleen"]).contains("not scored"))
    }

    /// Copies of the truth, or of the CT, under several names.
    private func make(_ names: String..., from file: String) throws {
        for name in names {
            let url = URL(filePath: folder.path).appending(path: name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: file, toPath: url.path(percentEncoded: false))
        }
    }

    @Test func volumesPairByCase() throws {
        try make("truth/label1.nii.gz", "truth/label2.nii.gz", "out/1/l.nii.gz", "out/3/l.nii.gz", from: truth)
        folder.write("truth/._label1.nii.gz", "")
        let arguments = [
            "evaluate", "--truth", "truth/label{case}.nii.gz", "--predicted", "out/{case}/l.nii.gz", "--names",
            "1=spleen",
            "--csv", "v.csv",
        ]
        let all = try Command(arguments, in: folder.path)
        #expect(all.status == 66)
        #expect(all.errors.contains("without a partner: truth/label2.nii.gz, out/3/l.nii.gz\nLeave them out"))
        let common = try Command(arguments + ["--only-common"], in: folder.path)
        #expect(common.status == 0)
        #expect(common.errors.contains("left out: truth/label2.nii.gz, out/3/l.nii.gz"))
        #expect(common.errors.contains("hidden files") == false, "what does not fit the pattern is not meant")
        #expect(try String(contentsOfFile: folder.path + "/v.csv", encoding: .utf8).contains("\n1,1.0,"))
        let quiet = try Command(arguments + ["--only-common", "--quiet"], in: folder.path)
        #expect(quiet.errors == "")
    }

    /// As `segment` shares its volumes: together the parts have every pair once.
    @Test func partsOfPairs() throws {
        let names = ["a", "b", "c", "d", "e"]
        for name in names { try make("truth/\(name).nii.gz", "out/\(name).nii.gz", from: truth) }
        func rows(_ part: String, environment: [String: String] = [:]) throws -> [String] {
            let command = try Command(
                [
                    "evaluate", "--truth", "truth", "--predicted", "out", "--names", "1=spleen", "--no-distances",
                    "--csv", "v.csv", "--part", part,
                ], in: folder.path, environment: environment)
            guard command.status == 0 else { return ["\(command.status)"] }
            let table = try String(contentsOfFile: folder.file("v.csv"), encoding: .utf8)
            return table.split(separator: "\n").dropFirst().map { row in
                row.split(separator: ",").prefix(2).joined(separator: ",")
            }
        }
        #expect(try rows("1/2") == ["a.nii.gz,1.0", "c.nii.gz,1.0", "e.nii.gz,1.0"])
        #expect(try rows("2/2") == ["b.nii.gz,1.0", "d.nii.gz,1.0"])
        #expect(try rows("slurm/3", environment: ["SLURM_ARRAY_TASK_ID": "3"]) == ["c.nii.gz,1.0"])
        for part in ["3/2", "0/2", "slurm/2", "1/0", "x"] { #expect(try rows(part) == ["64"], "\(part)") }
        #expect(try rows("6/6") == [], "a part of no pairs")
        // Of an organ that no truth of the part has, too.
        var labels = try LabelVolume(contentsOf: truth)
        labels.values = labels.values.map { $0 == 1 ? 1 : 0 }
        try labels.write(to: folder.file("truth/b.nii.gz"))
        let part = [
            "evaluate", "--truth", "truth", "--predicted", "out", "--no-distances", "--part", "2/5", "--csv", "v.csv",
        ]
        #expect(try Command(part, in: folder.path).status == 0)
        let head = try String(contentsOfFile: folder.file("v.csv"), encoding: .utf8).prefix { $0 != "\n" }
        #expect(head.hasPrefix("path,label1_dice,label2_dice,label3_dice,label4_dice,label5_dice,label1_truth_ml,"))
    }

    /// The labels are those of all truths, also of one that is not the first and of none that is all 0.
    @Test func whatOneTruthHasIsScoredInAll() throws {
        let (nothing, spleen, both) = ("truth/a.nii.gz", "truth/b.nii.gz", "truth/c.nii.gz")
        try make(nothing, spleen, both, "predicted/a.nii.gz", "predicted/b.nii.gz", "predicted/c.nii.gz", from: truth)
        let whole = try LabelVolume(contentsOf: truth)
        for (name, kept) in [(nothing, []), (spleen, [1]), (both, [1, 4])] as [(String, [UInt16])] {
            var labels = whole
            labels.values = labels.values.map { kept.contains($0) ? $0 : 0 }
            try labels.write(to: folder.path + "/" + name)
        }
        func evaluate(_ more: [String]) throws -> Command {
            try Command(
                ["evaluate", "--truth", "truth", "--predicted", "predicted", "--csv", "v.csv"] + more, in: folder.path)
        }
        let all = try evaluate([])
        #expect(all.status == 0)
        #expect(all.errors.contains("labels that no truth has are not scored: 2, 3, 5; see --map"))
        #expect(
            try String(contentsOfFile: folder.path + "/v.csv", encoding: .utf8).split(separator: "\n").map {
                $0.split(separator: ",").prefix(3).joined(separator: ",")
            } == ["path,label1_dice,label4_dice", "a.nii.gz,0.0,0.0", "b.nii.gz,1.0,0.0", "c.nii.gz,1.0,1.0"])
        let most = try evaluate(["--names", "4=-,3=-"])
        #expect(most.errors.contains("not scored: 2, 5; see --map"))
        #expect(
            try String(contentsOfFile: folder.path + "/v.csv", encoding: .utf8).hasPrefix(
                "path,label1_dice,label1_hd95_mm,"))
        #expect(try evaluate(["--names", "4=-,4=liver"]).status == 64)
        try FileManager.default.removeItem(atPath: folder.path + "/" + both)
        try FileManager.default.removeItem(atPath: folder.path + "/" + spleen)
        let none = try evaluate(["--only-common"])
        #expect(none.status == 65 && none.errors.contains("truth: no labels: expected a voxel above 0"))
    }

    // MARK: Export

    private func export(_ names: String, _ more: String...) throws -> Command {
        try Command(
            ["export", "nnunet", "--images", "ct", "--labels", "labels", "--names", names, "-o", "set"] + more,
            in: folder.path)
    }

    @Test func exportsOnceAndNamesWhatItLacks() throws {
        for (path, file) in [("ct", demo + "/ct.nii.gz"), ("labels", truth)] {
            try FileManager.default.createDirectory(atPath: folder.path + "/" + path, withIntermediateDirectories: true)
            for name in ["a", "b"] {
                try FileManager.default.copyItem(atPath: file, toPath: folder.path + "/\(path)/\(name).nii.gz")
            }
        }
        let unnamed = try export("1=spleen,4=liver")
        #expect(unnamed.status == 65)
        #expect(unnamed.errors.contains("found 2, 3, 5") && unnamed.errors.contains("LABEL=-"))
        #expect(try export("1=-,4=-").status == 64)
        let names = "4=liver,1=spleen,2=-,3=-,5=-,9=foo"
        let refused = try export(names)
        #expect(refused.status == 65)
        for name in ["a", "b"] {
            #expect(refused.errors.contains("labels/\(name).nii.gz: unfinished: found no foo\n"), "\(refused.errors)")
        }
        #expect(refused.errors.contains("--allow-missing"))
        #expect(try export(names, "--exclude-incomplete").errors.contains("too few cases"))
        let first = try export(names, "--allow-missing")
        #expect(first.status == 0)
        #expect(first.errors.contains("no voxel is foo (label 9)") && first.errors.contains("cases: 2 in"))
        let text = try Data(contentsOf: URL(filePath: folder.path + "/set/dataset.json"))
        let description = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
        #expect(description["labels"] as? [String: Int] == ["background": 0, "liver": 1, "spleen": 2, "foo": 3])
        // Cases of an earlier export would be trained on too.
        let again = try export(names, "--allow-missing")
        #expect(again.status == 73)
        #expect(again.errors.contains("already holds a dataset"))
    }

    /// A full disk, here by the largest file that a shell allows: 74, and the next try finds nothing.
    @Test func aFullDiskLeavesNothing() throws {
        try make("ct/a.nii.gz", "ct/b.nii.gz", from: demo + "/ct.nii.gz")
        try make("labels/a.nii.gz", "labels/b.nii.gz", from: truth)
        let line = "swift-sam export nnunet --images ct --labels labels --names 1=a,2=b,3=c,4=d,5=e -o set --quiet"
        let full = try Command(shell: "trap '' XFSZ; ulimit -f 64; \(line)", in: folder.path)
        #expect(full.status == 74, "\(full.errors)")
        #expect(
            full.errors.hasPrefix("error: set/imagesTr/a_0000.nii.gz") && full.errors.split(separator: "\n").count < 3)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/set"))
        #expect(try Command(shell: line, in: folder.path).status == 0)
    }

    // MARK: Distances

    /// One of two volumes is missed: what each number stands for is beside it.
    @Test func distancesSayHowManyVolumesTheyStandFor() throws {
        try make("truth/a.nii.gz", "truth/b.nii.gz", "predicted/a.nii.gz", from: truth)
        var labels = try LabelVolume(contentsOf: truth)
        labels.values = labels.values.map { $0 == 1 ? 0 : $0 }
        try labels.write(to: folder.path + "/predicted/b.nii.gz")
        func evaluate(_ more: [String]) throws -> Command {
            try Command(
                ["evaluate", "--truth", "truth", "--predicted", "predicted", "--names", "1=spleen"] + more,
                in: folder.path)
        }
        let table = try evaluate(["--hd95", "larger"])
        #expect(table.output.contains("HD95 (mm, larger)"))
        #expect(table.output.contains("0.500 ± 0.693 (2)") && table.output.contains("0.00 (1)"))
        #expect(table.errors.contains("spleen: missed in 1 of 2 volumes, so no surface distance there"))
        let json = try evaluate(["--json", "--quiet"])
        #expect(json.json["hd95"] as? String == "pooled" && json.errors == "")
        let spleen = try #require((json.json["organs"] as? [String: [String: [String: Any]]])?["spleen"])
        #expect(spleen["volumes"] as? [String: Int] == ["both": 1, "missed": 1, "invented": 0, "absent": 0])
        #expect(spleen["hd95_mm"]?["n"] as? Int == 1)
        let without = try evaluate(["--no-distances"])
        #expect(!without.output.contains("HD95") && without.output.contains("0.500 ± 0.693 (2)"))
        #expect(try evaluate(["--no-distances", "--json"]).json["hd95"] == nil)
        #expect(try evaluate(["--no-distances", "--hd95", "pooled"]).status == 64)
    }

    // MARK: Tables

    @Test func twoModelsOfOneTable() throws {
        folder.write("v.csv", "model,path,dice\nA,x,0.9\nA,y,0.8\nB,x,0.7\nB,y,0.7\n")
        let models = ["compare", "v.csv", "v.csv", "--where-first", "model=A", "--where-second", "model=B"]
        let json = try Command(models + ["--json"], in: folder.path)
        let mean = try #require(json.json["mean"] as? [String: Any])
        #expect(mean["higher"] as? String == "first" && mean["n"] as? Int == 2)
        let markdown = try Command(models + ["--markdown"], in: folder.path)
        // 1.96 · 0.05 / √2
        #expect(markdown.output.contains("| dice | 2 | 0.850 ± 0.069 | 0.700 ± 0.000 | +0.150 | 0.5 |"))
        #expect(try Command(models + ["--markdown", "--latex"], in: folder.path).status == 64)
        #expect(try Command(models + ["--where-first", "model"], in: folder.path).status == 64)
        folder.write("german.csv", "path;dice\nx;0.9\n")
        #expect(
            try Command(["summarize", "german.csv"], in: folder.path).errors.contains("Separate columns by commas."))
        let itself = try Command(["compare", "v.csv", "v.csv", "--where", "model=A"], in: folder.path)
        #expect(itself.errors.contains("every score is the same as in v.csv"))
        let latex = try Command(["summarize", "v.csv", "--columns", "dice", "--latex"], in: folder.path)
        #expect(latex.output.contains("dice & 4 & 0.775 $\\pm$ 0.081"))
    }

    /// nnU-Net's own names of images, beside labels in a folder for each case.
    @Test func exportsImagesWithChannels() throws {
        try make("ct/a_0000.nii.gz", "ct/b_0000.nii.gz", from: demo + "/ct.nii.gz")
        try make("labels/a/l.nii.gz", "labels/b/l.nii.gz", from: truth)
        let command = try Command(
            [
                "export", "nnunet", "--images", "ct", "--labels", "labels/{case}/l.nii.gz", "--names",
                "1=spleen,2=-,3=-,4=-,5=-", "-o", "set",
            ], in: folder.path)
        #expect(command.status == 0)
        for path in ["imagesTr/a_0000.nii.gz", "imagesTr/b_0000.nii.gz", "labelsTr/a.nii.gz", "labelsTr/b.nii.gz"] {
            #expect(FileManager.default.fileExists(atPath: folder.path + "/set/" + path))
        }
    }
}
