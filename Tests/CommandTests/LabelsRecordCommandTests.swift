import Foundation
import Imaging
import TestSupport
import Testing

/// What `labels.json` spares people: names and axes once more, and labels that they edited.
@Suite struct LabelsRecordCommandTests {
    let folder = Folder()

    /// The demo's truth as labels, drawn along j with these names.
    private func makeLabels(_ name: String, _ names: [Int: String], axis: String = "j") throws {
        folder.write(name + ".nii.gz", try Data(contentsOf: URL(filePath: demo + "/truth.nii.gz")))
        let labels = names.map { #""\#($0)": {"name": "\#($1)", "colour": "grey"}"# }.joined(separator: ", ")
        folder.write(name + ".json", #"{"labels": {\#(labels)}, "options": {"axis": "\#(axis)"}}"#)
    }

    private let organs = [1: "spleen", 2: "right kidney", 3: "left kidney", 4: "liver", 5: "aorta"]

    @Test func evaluateTakesNamesAndAxis() throws {
        try makeLabels("predicted/a", organs)
        folder.write("truth/a.nii.gz", try Data(contentsOf: URL(filePath: demo + "/truth.nii.gz")))
        func rows(_ more: [String] = []) throws -> [Substring] {
            let command = try Command(
                ["evaluate", "--truth", "truth", "--predicted", "predicted", "--slice-csv", "s.csv"] + more,
                in: folder.path)
            #expect(command.status == 0, "\(command.errors)")
            return try String(contentsOfFile: folder.file("s.csv"), encoding: .utf8).split(separator: "\n")
        }
        let recorded = try rows()
        #expect(recorded[0] == "path,slice_idx,spleen_dice,right kidney_dice,left kidney_dice,liver_dice,aorta_dice")
        #expect(recorded.count == 1 + 256, "rows along j")
        // What is given wins; a name may stand on either side.
        #expect(
            try rows(["--axis", "axial", "--names", "liver=4,1=spleen"])[0] == "path,slice_idx,liver_dice,spleen_dice")
        #expect(try rows(["--axis", "axial"]).count == 1 + 24)
        folder.write("predicted/a-origin.nii.gz", try Data(contentsOf: URL(filePath: demo + "/truth.nii.gz")))
        folder.write("predicted/a.json", #"{"amounts": {"1": {"boxes": 3, "mil"#)
        let damaged = try Command(["evaluate", "--truth", "truth", "--predicted", "predicted"], in: folder.path)
        #expect(damaged.status == 65 && damaged.errors.contains("the record of labels is damaged"), "\(damaged.errors)")
        try FileManager.default.removeItem(atPath: folder.file("predicted/a-origin.nii.gz"))
        folder.write("predicted/a.json", #"{"Modality": "CT"}"#)
        let without = try rows()
        #expect(without[0].hasPrefix("path,slice_idx,label1_dice,") && without.count == 1 + 24)
        for names in ["liver=liver", "4=liver,liver=5", "0=liver"] {
            #expect(
                try Command(
                    ["evaluate", "--truth", "truth", "--predicted", "predicted", "--names", names], in: folder.path
                ).status == 64)
        }
    }

    @Test func exportTakesNames() throws {
        for name in ["a", "b"] {
            try makeLabels("labels/\(name)", organs, axis: "k")
            folder.write("ct/\(name).nii.gz", try Data(contentsOf: URL(filePath: demo + "/ct.nii.gz")))
        }
        let arguments = ["export", "nnunet", "--images", "ct", "--labels", "labels", "-o", "set"]
        let command = try Command(arguments, in: folder.path)
        #expect(command.status == 0, "\(command.errors)")
        let text = try Data(contentsOf: URL(filePath: folder.file("set/dataset.json")))
        let labels = (try JSONSerialization.jsonObject(with: text) as? [String: Any])?["labels"] as? [String: Int]
        #expect(
            labels == ["background": 0, "spleen": 1, "right kidney": 2, "left kidney": 3, "liver": 4, "aorta": 5])
        try makeLabels("labels/b", [1: "liver"], axis: "k")
        let differing = try Command(arguments, in: folder.path)
        #expect(differing.status == 65 && differing.errors.contains("label 1 is liver"))
        for name in ["a", "b"] { try FileManager.default.removeItem(atPath: folder.file("labels/\(name).json")) }
        let none = try Command(arguments, in: folder.path)
        #expect(none.status == 64 && none.errors.contains("give --names"))
        let gaps = try Command(
            arguments.dropLast() + ["other", "--names", "1=a,2=b,3=c,4=d,5=e", "--ignore-gaps", "--allow-missing"],
            in: folder.path)
        #expect(gaps.errors.contains("along which axis its slices were drawn: taken as k"), "\(gaps.errors)")
    }

    /// Labels that a person has edited, and labels that nothing is known of, are kept unless that is asked for.
    @Test func editedLabelsAreKept() throws {
        folder.write("boxes/ct-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        func segment(_ more: [String] = []) throws -> Command {
            try Command(
                [
                    "segment", demo + "/ct.nii.gz", "--boxes", "boxes", "--view", "array", "--model", randomWeights,
                    "-o", "new/l.nii",
                ] + more, in: folder.path)
        }
        #expect(try segment().status == 0)
        #expect(try segment().status == 0, "what it wrote itself, it replaces")
        let written = try Data(contentsOf: URL(filePath: folder.file("new/l.nii")))
        var edited = written
        edited[edited.count - 1] ^= 1
        folder.write("new/l.nii", edited)
        let refused = try segment()
        #expect(refused.status == 73 && refused.errors.contains("new/l.nii: edited since swift-sam wrote it"))
        #expect(refused.errors.contains("--replace-edited") && !refused.errors.contains("slices:"))
        #expect(try Data(contentsOf: URL(filePath: folder.file("new/l.nii"))) == edited)
        #expect(try segment(["--replace-edited"]).status == 0)
        #expect(try Data(contentsOf: URL(filePath: folder.file("new/l.nii"))) == written)
        try FileManager.default.removeItem(atPath: folder.file("new/l.json"))
        #expect(try segment().status == 73, "labels without a recorded digest count as edited")
    }

    /// The record that `slices` writes is found from OpenLabeling's folder; without one, what is assumed is said.
    @Test func slicesAreRadiologicalAndTheirRecordIsFound() throws {
        let slices = try Command(["slices", demo + "/ct.nii.gz", "--axis", "axial", "-o", "input"], in: folder.path)
        #expect(slices.status == 0)
        let record = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(filePath: folder.file("input/slices.json"))))
        #expect((record as? [String: Any])?["view"] as? String == "radiological")
        #expect((record as? [String: Any])?["axis"] as? String == "axial")
        folder.write("output/YOLO_darknet/ct-slice010.txt", "0 0.5 0.5 0.2 0.1\n")
        func segment(_ more: [String] = []) throws -> Command {
            try Command(
                [
                    "segment", demo + "/ct.nii.gz", "--boxes", "output", "--model", randomWeights, "-o", "l.nii",
                    "--json",
                ] + more, in: folder.path)
        }
        let found = try segment()
        #expect(found.status == 0 && !found.errors.contains("warning"), "\(found.errors)")
        let options = found.json["options"] as? [String: Any]
        #expect(options?["view"] as? String == "radiological" && options?["axis"] as? String == "k")
        #expect((found.json["record"] as? [String: Any])?["path"] as? String == "input/slices.json")
        try FileManager.default.moveItem(atPath: folder.file("input"), toPath: folder.file("other"))
        try FileManager.default.removeItem(atPath: folder.file("other/slices.json"))
        let assumed = try segment()
        #expect(assumed.status == 0 && assumed.errors.contains("taken as --axis k --view array, as in the study"))
        #expect((assumed.json["options"] as? [String: Any])?["view"] as? String == "array")
    }

    /// What `precompute` assumes of boxes, and what it leaves out, is said as by `segment`.
    @Test func precomputeReadsBoxesAsSegmentDoes() throws {
        folder.write("boxes/ct-slice010.txt", "0 0.5 0.5 0.2 0.1\n0 0.5\n")
        func precompute(_ more: [String], cache: String = "cache") throws -> Command {
            try Command(
                ["precompute", demo + "/ct.nii.gz", "--model", randomWeights, "--cache", cache] + more,
                in: folder.path)
        }
        #expect(try precompute(["--boxes", "boxes"]).status == 65)
        let command = try precompute(["--boxes", "boxes", "--skip-bad"])
        #expect(command.status == 0, "\(command.errors)")
        #expect(command.errors.contains("taken as --axis k --view array, as in the study"))
        #expect(command.errors.contains("malformed boxes or files left out: 1"))
        #expect(try precompute(["--skip-bad"]).status == 64)
        // What would encode nothing says so.
        #expect(try precompute(["--slices", "98-99"]).status == 64)
        #expect(try precompute(["--boxes", "boxes", "--skip-bad", "--slices", "20-21"]).status == 64)
        for shard in 0..<16 { folder.write("full/\(String(shard, radix: 16))", "") }
        let full = try precompute(["--slices", "0-3"], cache: "full")
        #expect(full.status == 73 && full.errors.contains("nothing more is kept in the cache"), "\(full.errors)")
    }
}
