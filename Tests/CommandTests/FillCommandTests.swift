// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import Imaging
import TestSupport
import Testing

/// Filling as a person asks for it, on the demo's volume, whose slices are 5 mm apart.
@Suite struct FillCommandTests {
    let folder = Folder()
    private static let table = """
        slice,class,x0,y0,x1,y1
        3,0,90,100,150,150
        6,0,96,100,156,160
        6,1,20,20,60,60
        12,0,90,100,150,150

        """

    init() throws {
        folder.write("ct/a.nii.gz", try Data(contentsOf: URL(filePath: demo + "/ct.nii.gz")))
        folder.write("boxes.csv", Self.table)
        folder.write("classes.txt", "spleen\nliver\n")
    }

    private func run(_ arguments: [String]) throws -> Command {
        try Command(arguments, in: folder.path, environment: ["SWIFT_SAM_MODEL": randomWeights])
    }

    private func segment(_ more: [String]) throws -> Command {
        try run(
            ["segment", "ct/a.nii.gz", "--boxes", "boxes.csv", "--view", "array", "--classes", "classes.txt"] + more)
    }

    private func bytes(_ name: String) -> Data? { FileManager.default.contents(atPath: folder.file(name)) }

    @Test func slicesThatNobodyDrewAreFilled() throws {
        let filled = try segment(["--fill", "box,ends", "--fill-report", "-o", "labels/a.nii.gz"])
        #expect(filled.status == 0, "\(filled.errors)")
        // Between 3 and 6; from 6 to 12 it is 30 mm.
        #expect(filled.output.contains("slices filled: 0 by shape, 2 by box"), "\(filled.output)")
        #expect(filled.output.contains("gaps left as they are: 1"))
        #expect(filled.errors.contains("gaps that were not filled (longer than --fill-gap"), "\(filled.errors)")
        #expect(filled.errors.contains("1, the first spleen, slices 6 to 12, 30.0 mm"))
        #expect(filled.output.contains("Dice with what was drawn (agreement, not accuracy)"))
        #expect(try LabelVolume(contentsOf: folder.file("labels/a-origin.nii.gz")).values.contains(2))
        // Nothing is to be done, and the report is there.
        let again = try segment(["--fill", "box,ends", "--fill-report", "-o", "labels/a.nii.gz"])
        #expect(again.errors.contains("0 of 1 to do"))
        let report = again.output.split(separator: "\n").map(String.init)
        #expect(report.count > 2 && report.allSatisfy(filled.output.contains), "\(again.output)")
        // Origins are no case of the folder.
        let scores = try run(["evaluate", "--truth", "labels", "--predicted", "labels", "--csv", "scores.csv"])
        #expect(scores.status == 0, "\(scores.errors)")
        #expect(String(decoding: bytes("scores.csv")!, as: UTF8.self).split(separator: "\n").count == 2)
        let json = try segment(["--fill", "ends", "--fill-gap", "5.5", "--json", "-o", "j.nii.gz"]).json
        // Of what lies between the length is known, and nothing was filled.
        let between = (json["gaps"] as? [[String: Any]])?.filter { $0["millimetres"] != nil }
        #expect(between?.count == 2 && between?.allSatisfy { ($0["fills"] as? [Any])?.isEmpty == true } == true)
        #expect((json["origin"] as? [String: Any])?["path"] as? String == "j-origin.nii.gz")
    }

    @Test(arguments: [
        ["--fill", "boxes"], ["--fill", "box,shape"], ["--fill", ""], ["--fill-gap", "0"], ["--fill-gap=-3"],
    ])
    func whatIsNoWayOfFilling(arguments: [String]) throws {
        #expect(try segment(arguments + ["-o", "l.nii.gz"]).status == 64)
    }

    @Test func exportsIgnoreWhatWasFilled() throws {
        for name in ["a", "b"] {
            folder.write("ct/\(name).nii.gz", try Data(contentsOf: URL(filePath: demo + "/ct.nii.gz")))
            folder.write("boxes.csv", Self.table)
            let command = try run([
                "segment", "ct/\(name).nii.gz", "--boxes", "boxes.csv", "--view", "array", "--classes", "classes.txt",
                "--fill", "shape", "-o", "labels/\(name).nii.gz",
            ])
            #expect(command.status == 0, "\(command.errors)")
        }
        let export = ["export", "nnunet", "--images", "ct", "--labels", "labels", "--allow-missing"]
        let plain = try run(export + ["-o", "plain"])
        #expect(plain.status == 0, "\(plain.errors)")
        #expect(try run(export + ["--ignore", "filled", "-o", "ignored"]).status == 0)
        func labels(_ name: String) throws -> [UInt16] { try LabelVolume(contentsOf: folder.file(name)).values }
        let (all, some) = (try labels("plain/labelsTr/a.nii.gz"), try labels("ignored/labelsTr/a.nii.gz"))
        let origin = try labels("labels/a-origin.nii.gz")
        #expect(origin.contains(2))
        // Spleen and liver are 1 and 2, what is ignored 3.
        #expect(some == zip(all, origin).map { $1 == 2 ? 3 : $0 })
        #expect(String(decoding: bytes("ignored/dataset.json")!, as: UTF8.self).contains(#""ignore" : 3"#))
        try FileManager.default.removeItem(atPath: folder.file("labels/a-origin.nii.gz"))
        #expect(try run(export + ["--ignore", "filled", "-o", "lost"]).status == 66)
    }

    @Test func aManifestRepeatsItsRun() throws {
        let options = ["--fill", "box", "--fill-gap", "40", "--labels", "spleen=300,liver=-", "--slices", "0-20"]
        #expect(try segment(options + ["--intensity", "window:50,350", "-o", "first/l.nii.gz"]).status == 0)
        let again = try run(["segment", "--from-manifest", "first/l.json", "-o", "second/l.nii.gz", "--threads", "1"])
        #expect(again.status == 0, "\(again.errors)")
        for name in ["l.nii.gz", "l-origin.nii.gz"] { #expect(bytes("first/\(name)") == bytes("second/\(name)")) }
        func manifest(_ name: String) throws -> NSDictionary {
            var json = try JSONSerialization.jsonObject(with: bytes(name)!) as! [String: Any]
            json["seconds"] = nil
            return json as NSDictionary
        }
        #expect(try manifest("first/l.json") == manifest("second/l.json"))
        #expect(try run(["segment", "--from-manifest=first/l.json"]).errors.contains("0 of 1 to do"))
        #expect(try run(["status", "--from-manifest", "first/l.json"]).output.contains("1 done"))
        // Values that begin with - are no options.
        let table = Self.table.split(separator: "\n")
        folder.write(
            "by.csv",
            (["\(table[0]),annotator"] + table.dropFirst().map { "\($0),-x" }).map { $0 + "\n" }.joined())
        let one = try run([
            "segment", "ct/a.nii.gz", "--boxes", "by.csv", "--view", "array", "--annotator=-x", "-o", "by/l.nii.gz",
        ])
        #expect(one.status == 0, "\(one.errors)")
        #expect(try run(["segment", "--from-manifest", "by/l.json"]).errors.contains("0 of 1 to do"))
        // What it was made from must be that; options too, and no other file may be lost.
        let other = try run(["segment", "--from-manifest", "first/l.json", "--single-mask", "-o", "third/l.nii.gz"])
        #expect(other.status == 65 && other.errors.contains("cannot be repeated"), "\(other.errors)")
        let sliced = try run([
            "segment", "--from-manifest", "first/l.json", "--slices", "3-6", "-o", "third/l.nii.gz",
        ])
        #expect(sliced.status == 64 && sliced.errors.contains("Leave out --slices"), "\(sliced.errors)")
        let over = try run(["segment", "--from-manifest", "first/l.json", "-o", "first/l.nii"])
        #expect(over.status == 64 && over.errors.contains("would replace an input"), "\(over.errors)")
        folder.write("boxes.csv", Self.table.replacing("96", with: "97"))
        let changed = try run(["segment", "--from-manifest", "first/l.json", "-o", "third/l.nii.gz"])
        #expect(changed.status == 65 && changed.errors.contains("the boxes changed"), "\(changed.errors)")
        folder.write("none.json", "{}")
        for (name, status) in [("none.json", 65), ("missing.json", 66)] {
            let command = try run(["segment", "--from-manifest", name])
            #expect(command.status == status && !command.errors.contains("Fatal"), "\(command.errors)")
        }
        #expect(try run(["segment", "--from-manifest"]).status == 64)
    }

    @Test func boxesBetweenAreWrittenAndMarked() throws {
        let fill = [
            "annotations", "fill", "ct/a.nii.gz", "--boxes", "boxes.csv", "--view", "array", "--classes", "classes.txt",
        ]
        let command = try run(fill + ["-o", "filled.csv"])
        #expect(command.status == 0, "\(command.errors)")
        #expect(command.output.contains("wrote 6 boxes to filled.csv, of which nobody drew 2"))
        #expect(command.output.contains("longer than 16.0 mm: a, spleen, slices 6 to 12, 30.0 mm"))
        let text = String(decoding: bytes("filled.csv")!, as: UTF8.self)
        #expect(
            text == """
                slice,class,x0,y0,x1,y1,filled
                a-slice003,spleen,90,100,150,150,0
                a-slice004,spleen,92,100,152,153.33,1
                a-slice005,spleen,94,100,154,156.67,1
                a-slice006,spleen,96,100,156,160,0
                a-slice006,liver,20,20,60,60,0
                a-slice012,spleen,90,100,150,150,0

                """)
        #expect(try run(fill + ["--format", "yolo", "-o", "yolo", "--fill-gap", "30"]).status == 0)
        let list = String(decoding: bytes("yolo/filled.csv")!, as: UTF8.self).split(separator: "\n")
        #expect(list.count == 1 + 2 + 5 && list[1] == "a-slice004,spleen,92,100,152,153.33,1")
        // The same again is no loss; what a person corrected is one.
        #expect(try run(fill + ["--format", "yolo", "-o", "yolo", "--fill-gap", "30"]).status == 0)
        let corrected = "0 0.5 0.5 0.25 0.25\n"
        folder.write("yolo/a-slice004.txt", corrected)
        let lost = try run(fill + ["--format", "yolo", "-o", "yolo", "--fill-gap", "30"])
        #expect(lost.status == 73 && lost.errors.contains("a-slice004.txt: holds other boxes"), "\(lost.errors)")
        #expect(bytes("yolo/a-slice004.txt") == Data(corrected.utf8))
        let replaced = fill + ["--format", "yolo", "-o", "yolo", "--fill-gap", "30", "--replace-edited"]
        #expect(try run(replaced).status == 0 && bytes("yolo/a-slice004.txt") != Data(corrected.utf8))
        #expect(try run(fill + ["--format", "voc", "-o", "voc"]).status == 0)
        #expect(String(decoding: bytes("voc/a-slice004.xml")!, as: UTF8.self).contains("<filled>1</filled>"))
        #expect(!String(decoding: bytes("voc/a-slice003.xml")!, as: UTF8.self).contains("filled"))
        // segment reads each.
        for boxes in ["filled.csv", "yolo", "voc"] {
            let read = try run([
                "annotations", "coverage", "ct/a.nii.gz", "--boxes", boxes, "--view", "array", "--classes",
                "classes.txt",
                "--except", "liver",
            ])
            #expect([0, 1].contains(read.status), "\(read.errors)")
        }
        #expect(try run(fill + ["-o", "f.csv", "--fill-gap", "0"]).status == 64)
    }

    /// A folder that gets one volume after the other lists what nobody drew of all of them.
    @Test func listsOfVolumesAreOne() throws {
        folder.write("ct/b.nii.gz", try Data(contentsOf: URL(filePath: demo + "/ct.nii.gz")))
        func fill(_ name: String, _ gap: String = "16") throws -> Command {
            try run([
                "annotations", "fill", "ct/\(name).nii.gz", "--boxes", "boxes.csv", "--view", "array", "--format",
                "yolo",
                "-o", "yolo", "--fill-gap", gap,
            ])
        }
        for name in ["a", "b", "a"] {
            let command = try fill(name)
            #expect(command.status == 0, "\(command.errors)")
        }
        let list = String(decoding: bytes("yolo/filled.csv")!, as: UTF8.self).split(separator: "\n").dropFirst()
        #expect(list.map { $0.prefix(10) }.sorted() == ["a-slice004", "a-slice005", "b-slice004", "b-slice005"])
        // Also where they come at once.
        for name in ["c", "d", "e", "f"] {
            folder.write("ct/\(name).nii.gz", try Data(contentsOf: URL(filePath: demo + "/ct.nii.gz")))
        }
        let all = try Command(
            shell:
                "ls ct | xargs -P 6 -I % swift-sam annotations fill ct/% --boxes boxes.csv --view array --format yolo "
                + "-o all/ --quiet", in: folder.path)
        #expect(all.status == 0, "\(all.errors)")
        #expect(String(decoding: bytes("all/filled.csv")!, as: UTF8.self).split(separator: "\n").count == 1 + 6 * 2)
        let longer = try fill("b", "30")
        #expect(longer.status == 73 && longer.errors.contains("filled.csv: holds other boxes"), "\(longer.errors)")
    }
}
