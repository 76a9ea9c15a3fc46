import Foundation
import Imaging
import TestSupport
import Testing

/// Boxes of several annotators: agreement, merging, coverage.
@Suite struct SeveralAnnotatorsTests {
    let folder = Folder()

    @Test func agreementAndMergeOfTheDemosAnnotators() throws {
        let arguments = [demo + "/ct.nii.gz", "--boxes", demo + "/boxes", "--classes", demo + "/class_list.txt"]
        let agreement = try Command(["annotations", "agreement"] + arguments + ["--json"], in: folder.path)
        #expect(agreement.status == 0)
        let rows = try #require(agreement.json["annotators"] as? [[String: Any]])
        #expect(rows.compactMap { $0["name"] as? String } == (1...4).map { "annotator-\($0)" })
        // Their own list of mistakes: the second exchanged two boxes, the fourth displaced one. What they forgot is what
        // they missed, with what was displaced or exchanged.
        #expect(rows.compactMap { $0["alone"] as? Int } == [0, 2, 0, 1])
        let listed = try String(contentsOfFile: demo + "/mistakes.csv", encoding: .utf8).split(separator: "\n")
            .dropFirst()
        let mistakes = (1...4).map { number in listed.count { $0.hasPrefix("\(number),") } }
        #expect(rows.compactMap { $0["missed"] as? Int } == mistakes)
        let table = try Command(["annotations", "agreement"] + arguments, in: folder.path)
        #expect(table.output.contains("annotator-3") && table.output.contains("spleen"))

        let merge = try Command(["annotations", "merge"] + arguments + ["-o", "merged.csv"], in: folder.path)
        #expect(merge.status == 0)
        #expect(merge.output == "wrote 101 boxes to merged.csv; left out 3 that fewer than half drew\n")
        let check = try Command(
            [
                "annotations", "check", demo + "/ct.nii.gz", "--boxes", "merged.csv", "--classes",
                demo + "/class_list.txt",
            ],
            in: folder.path)
        #expect(
            check.output.split(separator: "\n").allSatisfy { $0.contains("never marked") || $0.contains("to look at") })
    }

    /// OpenLabeling's own files of three who share the slices: an empty one is no word against a box.
    private func share() throws {
        try folder.makeVolumes()
        folder.write("classes.txt", "liver\nspleen\n")
        for (index, name) in ["anna", "ben", "carl"].enumerated() {
            for slice in 0..<9 {
                folder.write(
                    "crowd/\(name)/output/YOLO_darknet/img0001-slice00\(slice).txt",
                    slice / 3 == index ? "0 0.5 0.5 0.2 0.1\n" : "")
            }
        }
    }

    @Test func emptyFilesAreNoEvidence() throws {
        try share()
        func run(_ command: String, _ more: [String]) throws -> Command {
            try Command(
                ["annotations", command, "ct/img0001.nii.gz", "--boxes", "crowd", "--classes", "classes.txt"] + more,
                in: folder.path)
        }
        let merge = try run("merge", ["-o", "m.csv"])
        #expect(merge.output == "wrote 9 boxes to m.csv; left out 0 that fewer than half drew\n")
        let strict = try run("merge", ["-o", "m.csv", "--empty-means", "nothing", "--replace-edited"])
        #expect(strict.output == "wrote 0 boxes to m.csv; left out 9 that fewer than half drew\n")
        let missed = { (command: Command) in
            (command.json["annotators"] as? [[String: Any]])?.compactMap { $0["missed"] as? Int }
        }
        #expect(missed(try run("agreement", ["--json"])) == [0, 0, 0])
        // Ben was to look at all slices as well.
        folder.write("tasks.csv", "annotator,class,case,first,last\nben,liver,img0001,0,8\n")
        #expect(missed(try run("agreement", ["--json", "--tasks", "tasks.csv"])) == [0, 6, 0])
        // The work is shared: nobody stopped, and nobody forgot the others' slices.
        let check = try run("check", ["--except", "spleen"])
        #expect(check.output == "nothing to look at\n")
        let coverage = try run("coverage", ["--json"])
        #expect(coverage.status == 1)
        let rows = try #require(coverage.json["coverage"] as? [[String: Any]])
        #expect(rows.compactMap { $0["drawn"] as? Int } == [9, 0])
        #expect(rows.compactMap { $0["complete"] as? Bool } == [true, false])
        #expect(rows[0]["annotators"] as? [String] == ["anna", "ben", "carl"])
        let complete = try run("coverage", ["--except", "spleen"])
        #expect(complete.status == 0)
        #expect(complete.output.hasSuffix("complete\n"))
    }

    @Test(arguments: ["yolo", "voc"]) func mergedFilesAreReadAgain(format: String) throws {
        try share()
        let arguments = ["annotations", "merge", "ct/img0001.nii.gz", "--classes", "classes.txt", "--boxes"]
        let merge = try Command(arguments + ["crowd", "--format", format, "-o", "m/all"], in: folder.path)
        #expect(merge.output == "wrote 9 boxes to m/all; left out 0 that fewer than half drew\n", "\(merge.errors)")
        let ending = format == "yolo" ? "txt" : "xml"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/m/all")
        // Of every slice of the volume: what an earlier merge left is replaced.
        #expect(files.count == 24 && files.allSatisfy { $0.hasSuffix(ending) })
        let again = try Command(
            ["annotations", "coverage", "ct/img0001.nii.gz", "--boxes", "m/all", "--classes", "classes.txt", "--json"],
            in: folder.path)
        #expect((again.json["coverage"] as? [[String: Any]])?.first?["drawn"] as? Int == 9)
        let wrong = try Command(arguments + ["crowd", "--format", format, "-o", "m.csv"], in: folder.path)
        #expect(wrong.status == 64)
    }

    /// Files of a volume that has no boxes now would be labelled all the same: they are other boxes.
    @Test(arguments: ["merge", "fill"]) func filesOfLostBoxesAreNamed(command: String) throws {
        try folder.makeVolumes()
        let lost = (command == "merge" ? ["crowd/anna", "crowd/ben"] : ["crowd"]).flatMap { place in
            [3, 5].map { "\(place)/img0002-slice00\($0).txt" }
        }
        for path in lost {
            for name in [path, path.replacing("img0002", with: "img0001")] { folder.write(name, "0 0.5 0.5 0.2 0.1\n") }
        }
        func run(_ more: [String] = []) throws -> Command {
            try Command(
                [
                    "annotations", command, "ct", "--boxes", "crowd", "--view", "array", "--format", "yolo", "-o", "m",
                ] + more, in: folder.path)
        }
        #expect(try run().status == 0)
        func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.file("m")) }
        #expect(try names().contains("img0002-slice003.txt"))
        // Another volume's stay, and so does what is no slice's.
        for name in ["img00021-slice003.txt", "img0002-notes.txt"] { folder.write("m/\(name)", "0 0.5 0.5 0.2 0.1\n") }
        let before = try names().sorted()
        for path in lost { try FileManager.default.removeItem(atPath: folder.file(path)) }
        // Another call may have written them: they are named, and stay.
        for more in [[], ["--replace-edited"]] {
            let again = try run(more)
            #expect(again.status == 0, "\(again.errors)")
            #expect(
                again.errors.contains("still holds boxes of volumes that have none in this call: img0002;"),
                "\(again.errors)")
            #expect(try names().sorted() == before)
        }
        if command == "fill" {
            let list = try String(contentsOfFile: folder.file("m/filled.csv"), encoding: .utf8)
            #expect(list.contains("img0001-slice004") && list.contains("img0002-slice004"), "\(list)")
        }
    }

    /// Boxes that were cut at the edge are said, and are no copies; one person may be there by two names.
    @Test(arguments: ["agreement", "merge", "fill"]) func boxesBeyondTheImageAreSaid(command: String) throws {
        folder.write(
            "b.csv",
            """
            annotator,slice,class,x0,y0,x1,y1
            anna,3,spleen,-50,10,400,60
            Anna,3,spleen,-40,10,410,60

            """)
        var words = ["annotations", command, demo + "/ct.nii.gz", "--boxes", "b.csv", "--view", "array"]
        words += ["--classes", demo + "/class_list.txt"]
        if command != "agreement" { words += ["-o", "out.csv"] }
        if command == "fill" { words += ["--annotator", "anna"] }
        let found = try Command(words, in: folder.path)
        #expect(found.status == 0, "\(found.errors)")
        let count = command == "fill" ? 1 : 2
        #expect(
            found.errors.contains("b.csv: boxes that reached beyond the image and were cut at its edge: \(count)\n"))
        #expect(!found.errors.contains("to the pixel"))
        let alike = "b.csv: annotators whose names differ in capitals alone are taken as several: Anna, anna\n"
        #expect(found.errors.contains(alike) == (command != "fill"), "\(found.errors)")
    }

    /// What tasks name and nobody drew, a folder that was copied, and a merge among what it was made of.
    @Test func whatDoesNotFitIsSaid() throws {
        try folder.makeVolumes()
        for name in ["anna", "ben"] { folder.write("crowd/\(name)/img0001-slice003.txt", "0 0.5 0.5 0.2 0.1\n") }
        folder.write("crowd/cleo/img0001-slice003.txt", "0 0.5 0.5 0.3 0.1\n")
        // OpenLabeling's empty files are of pictures that were opened: ben's is no difference, and dora and emil drew nothing.
        for name in ["ben", "dora", "emil"] { folder.write("crowd/\(name)/img0001-slice005.txt", "") }
        folder.write("tasks.csv", "annotator,class,case,first,last\nann,0,img0001,0,8\nben,0,img0001,0,99\n")
        let boxes = ["ct/img0001.nii.gz", "--boxes", "crowd", "--tasks", "tasks.csv"]
        let merge = try Command(["annotations", "merge"] + boxes + ["-o", "m.csv"], in: folder.path)
        #expect(merge.status == 0, "\(merge.errors)")
        for warning in [
            "crowd: on img0001 these have the same boxes, to the pixel: anna, ben\n",
            "tasks.csv: no boxes are of these annotators: ann\n",
            "tasks.csv: tasks go beyond the last slice of these: img0001 (23)\n",
        ] { #expect(merge.errors.contains("warning: \(warning)"), "\(merge.errors)") }
        #expect(!merge.errors.contains("dora"))
        // One's own folder says no name that tasks could have.
        let own = try Command(
            [
                "annotations", "fill", "ct/img0001.nii.gz", "--boxes", "crowd/ben", "--tasks", "tasks.csv", "-o",
                "f.csv",
            ], in: folder.path)
        #expect(own.status == 65 && own.errors.contains("no tasks of the annotator"), "\(own.errors)")
        folder.write("tasks.csv", "annotator,class,case,first,last\nben,0,img1,0,8\n")
        let other = try Command(["annotations", "merge"] + boxes + ["-o", "m.csv"], in: folder.path)
        #expect(other.errors.contains("tasks.csv: none of the volumes is one of these: img1\n"), "\(other.errors)")
        for place in ["crowd/merged", "crowd", "crowd/."] {
            let inside = try Command(
                ["annotations", "merge"] + boxes + ["--format", "yolo", "-o", place], in: folder.path)
            #expect(inside.status == 64 && inside.errors.contains("where it would be read with them"), "\(place)")
        }
    }

    @Test func jsonNamesWhatWasLeftOut() throws {
        try share()
        folder.write("crowd/anna/output/YOLO_darknet/img0001-slice001.txt", "0 0.5 0.5 0.2\n")
        for command in ["check", "coverage"] {
            let report = try Command(
                [
                    "annotations", command, "ct/img0001.nii.gz", "--boxes", "crowd", "--classes", "classes.txt",
                    "--skip-bad", "--json",
                ], in: folder.path)
            let leftOut = report.json["left_out"] as? [String]
            #expect(leftOut?.count == 1 && leftOut?[0].contains("img0001-slice001.txt") == true, "\(command)")
        }
    }

    /// What others draw need not be drawn by the one who is checked.
    @Test func oneOfSeveralIsCheckedAmongThem() throws {
        try share()
        for slice in 0..<9 { folder.write("crowd/dora/img0001-slice00\(slice).txt", "1 0.2 0.2 0.1 0.1\n") }
        func findings(_ more: [String]) throws -> [[String: Any]] {
            let check = try Command(
                [
                    "annotations", "check", "ct/img0001.nii.gz", "--boxes", "crowd", "--classes", "classes.txt",
                    "--json",
                ] + more, in: folder.path)
            return try #require(check.json["findings"] as? [[String: Any]])
        }
        let (all, own) = (try findings([]), try findings(["--annotator", "dora"]))
        #expect(all.contains { $0["annotator"] as? String == "anna" && $0["kind"] as? String == "never" })
        let hers = all.filter { $0["annotator"] as? String == "dora" }
        #expect(hers as NSArray == own as NSArray && !own.contains { $0["kind"] as? String == "never" })
    }

    /// Each volume's slices have a record of their own; what is made of several volumes has one.
    @Test func fillingKeepsHowSlicesWereTurned() throws {
        try folder.makeVolumes()
        func slices(_ name: String, _ view: String) throws {
            let slices = try Command(
                ["slices", "ct/\(name).nii.gz", "--view", view, "-o", "\(view)/\(name)"], in: folder.path)
            #expect(slices.status == 0, "\(slices.errors)")
            folder.write("\(view)/\(name)/\(name)-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        }
        func fill(_ volumes: String, _ boxes: String, _ output: String) throws -> Command {
            try Command(
                ["annotations", "fill", volumes, "--boxes", boxes, "--format", "yolo", "-o", output], in: folder.path)
        }
        try slices("img0001", "radiological")
        try slices("img0002", "array")
        try FileManager.default.moveItem(
            atPath: folder.file("array/img0002"), toPath: folder.file("radiological/img0002"))
        let mixed = try fill("ct", "radiological", "out")
        #expect(mixed.status == 65 && mixed.errors.contains("turned in another way"), "\(mixed.errors)")
        try FileManager.default.removeItem(atPath: folder.file("radiological/img0002"))
        try slices("img0002", "radiological")
        // One volume after the other, into one folder.
        for name in ["img0001", "img0002", "img0001"] {
            let one = try fill("ct/\(name).nii.gz", "radiological/\(name)", "out")
            #expect(one.status == 0, "\(one.errors)")
        }
        let record = try SlicesRecord(contentsOf: folder.file("out/slices.json"))
        #expect(record.volumes.keys.sorted() == ["img0001", "img0002"] && record.view == .radiological)
    }

    /// Two patients whose volumes have one name and size.
    @Test func slicesOfAnotherPatientAreNotTakenForThese() throws {
        var other = try LabelVolume(contentsOf: demo + "/truth.nii.gz")
        other.values[0] = 7
        try FileManager.default.createDirectory(atPath: folder.file("p1"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder.file("p2"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: demo + "/truth.nii.gz", toPath: folder.file("p1/ct.nii.gz"))
        try other.write(to: folder.file("p2/ct.nii.gz"))
        func slices(_ patient: String, _ output: String) throws -> Command {
            try Command(["slices", "\(patient)/ct.nii.gz", "--intensity", "window:4,8", "-o", output], in: folder.path)
        }
        #expect(try slices("p1", "s").status == 0 && slices("p1", "s").status == 0)
        let refused = try slices("p2", "s")
        #expect(refused.status == 73 && refused.errors.contains("slices of another volume of this name"))
        // Compressed in another way it is the same volume.
        #expect(
            try Command(shell: "gzip -dc p1/ct.nii.gz | gzip -1 > c.gz && mv c.gz p1/ct.nii.gz", in: folder.path).status
                == 0)
        #expect(try slices("p1", "s").status == 0)
        folder.write("s/ct-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        folder.write("classes.txt", "organ\n")
        func coverage(_ patient: String, _ boxes: String, _ more: [String] = []) throws -> Command {
            try Command(
                ["annotations", "coverage", "\(patient)/ct.nii.gz", "--boxes", boxes, "--classes", "classes.txt"]
                    + more,
                in: folder.path)
        }
        #expect(try !coverage("p1", "s").errors.contains("another volume"))
        try FileManager.default.removeItem(atPath: folder.file("s"))
        // A folder beside decides how boxes without a record are read, where it is of their volume.
        #expect(try slices("p2", "study/p2-slices").status == 0)
        folder.write("study/p1-boxes/ct-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        #expect(try coverage("p2", "study/p1-boxes").status == 0)
        let beside = try coverage("p1", "study/p1-boxes")
        #expect(
            beside.status == 65 && beside.errors.contains("slices of another volume of this name"), "\(beside.errors)")
        #expect(try coverage("p1", "study/p1-boxes", ["--view", "array"]).status == 0)
        #expect(try slices("p1", "study/p1-slices").status == 0)
        #expect(try coverage("p1", "study/p1-boxes").errors.contains("turned by \(folder.path)/study/p1-slices/"))
        // Nobody merges boxes on two patients.
        for (patient, name) in [("p1", "anna"), ("p2", "ben")] {
            #expect(try slices(patient, "crowd/\(name)").status == 0)
            folder.write("crowd/\(name)/ct-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        }
        let merged = try Command(
            ["annotations", "merge", "p1/ct.nii.gz", "--boxes", "crowd", "-o", "m.csv"], in: folder.path)
        #expect(
            merged.status == 65 && merged.errors.contains("slices of another volume of this name"), "\(merged.errors)")
        let chosen = try Command(
            ["annotations", "merge", "p1/ct.nii.gz", "--boxes", "crowd", "-o", "m.csv", "--view", "radiological"],
            in: folder.path)
        #expect(chosen.status == 65 && chosen.errors.contains("slices of another volume called ct"), "\(chosen.errors)")
        // A new scan of the name is not what was drawn on, also where the record is with the boxes.
        #expect(try coverage("p1", "crowd/anna").status == 0)
        let replaced = try coverage("p2", "crowd/anna")
        #expect(replaced.status == 65 && replaced.errors.contains("slices of another volume of this name"))
        #expect(try coverage("p2", "crowd/anna", ["--record", "crowd/anna"]).status == 0)
    }

    /// Nobody drew on a volume: that is missing too, and said in what machines read.
    @Test func aVolumeWithoutBoxesIsIncomplete() throws {
        try folder.makeVolumes()
        try FileManager.default.removeItem(atPath: folder.file("boxes/img0002-slice004.txt"))
        folder.write("classes.txt", "liver\n")
        let read = ["ct", "--boxes", "boxes", "--classes", "classes.txt"]
        func coverage(_ more: [String]) throws -> Command {
            try Command(["annotations", "coverage"] + read + more, in: folder.path)
        }
        let table = try coverage([])
        #expect(table.status == 1 && table.output.hasSuffix("incomplete: 1 of 2\n"), "\(table.output)")
        #expect(
            table.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") } == [
                "case class first last drawn missing by", "img0001 liver 003 003 1 - -", "img0002 liver - - 0 nobody -",
                "incomplete: 1 of 2",
            ], "\(table.output)")
        // Who was to draw what says what is missing.
        folder.write("tasks.csv", "annotator,class,case,first,last\nanna,liver,img0001,0,9\n")
        #expect(try coverage(["--tasks", "tasks.csv"]).output.hasSuffix("\ncomplete\n"))
        folder.write("tasks.csv", "annotator,class,case,first,last\nanna,liver,img0001,0,9\nanna,liver,img0002,0,9\n")
        #expect(try coverage(["--tasks", "tasks.csv"]).output.hasSuffix("\nincomplete: 1 of 2\n"))
        folder.write("tasks.csv", "annotator;class;case;first;last\nanna;liver;img0001;0;9\n")
        #expect(try coverage(["--tasks", "tasks.csv"]).errors.contains("Separate columns by commas."))
        let check = try Command(["annotations", "check"] + read + ["--json"], in: folder.path)
        #expect((check.json["warnings"] as? [String])?.contains("boxes: volumes without boxes: img0002") == true)
        let labels = ["--model", randomWeights, "-o", "{case}.nii", "--json"]
        let status = try Command(["status"] + read + labels, in: folder.path)
        #expect(status.json["without_boxes"] as? [String] == ["img0002"])
        // Of several volumes, whether or not there are boxes on them.
        let segmented = try Command(["segment"] + read + labels, in: folder.path)
        #expect((segmented.json["volumes"] as? [String: Any])?.keys.sorted() == ["img0001"], "\(segmented.errors)")
        #expect(segmented.json["without_boxes"] as? [String] == ["img0002"])
    }

    /// A folder that was never filled is named, and YOLO's classes are read by the list that they were drawn with.
    @Test func foldersOfAnnotatorsAreLookedAt() throws {
        try share()
        folder.write("crowd/carl/class_list.txt", "liver\nspleen\n")
        // As OpenLabeling makes them.
        for name in ["fritz", "ida/input", "ida/output/YOLO_darknet"] {
            try FileManager.default.createDirectory(
                atPath: folder.file("crowd/\(name)"), withIntermediateDirectories: true)
        }
        func agreement(_ classes: String) throws -> Command {
            folder.write("classes.txt", classes)
            return try Command(
                [
                    "annotations", "agreement", "ct/img0001.nii.gz", "--boxes", "crowd", "--classes", "classes.txt",
                    "--view", "array",
                ], in: folder.path)
        }
        for classes in ["liver\nspleen\n", "Leber\nspleen\n", "liver\nspleen\naorta\n", "liver\n\nspleen"] {
            let right = try agreement(classes)
            #expect(right.status == 0, "\(right.errors)")
            #expect(
                right.errors == "warning: crowd: folders without boxes: crowd/fritz, crowd/ida\n", "\(right.errors)")
        }
        for classes in ["spleen\nliver\n", "background\nliver\nspleen\n"] {
            let turned = try agreement(classes)
            #expect(
                turned.status == 65
                    && turned.errors.contains(
                        "crowd/carl/class_list.txt: has a class in another place than classes.txt: expected liver as class 1, "
                            + "found as class 0"),
                "\(turned.errors)")
        }
        // It is nobody else's list.
        let other = try Command(
            [
                "status", "ct/img0001.nii.gz", "--boxes", "crowd", "--classes", "classes.txt", "--annotator", "anna",
                "--view", "array", "--model", randomWeights, "-o", "l.nii",
            ], in: folder.path)
        #expect(other.status == 0 && !other.errors.contains("class_list.txt"), "\(other.errors)")
        // Names say what a box is, wherever they stand in the list.
        for name in ["anna", "ben", "carl/output"] {
            try FileManager.default.removeItem(atPath: folder.file("crowd/\(name)"))
        }
        for name in ["anna", "carl"] {
            folder.write(
                "crowd/\(name)/img0001-slice003.xml",
                """
                <annotation><size><width>256</width><height>256</height></size><object><name>liver</name><bndbox>\
                <xmin>3</xmin><ymin>3</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>
                """)
        }
        #expect(try agreement("spleen\nliver\n").status == 0)
    }

    /// What was made of boxes by a view that was chosen is read by that view; and by one axis only.
    @Test func aViewThatWasChosenIsRecorded() throws {
        try folder.makeVolumes()
        folder.write("crowd/anna/img0001-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        folder.write("crowd/anna/img0001-slice005.txt", "0 0.5 0.5 0.2 0.1\n")
        folder.write("classes.txt", "liver\n")
        let volume = ["ct/img0001.nii.gz", "--classes", "classes.txt", "--boxes", "crowd"]
        func fill(_ more: [String]) throws -> Command {
            try Command(
                ["annotations", "fill"] + volume + ["--view", "radiological", "-o", "f.csv"] + more, in: folder.path)
        }
        #expect(try fill([]).status == 0)
        let record = try SlicesRecord(contentsOf: folder.file("f.slices.json"))
        #expect(record.intensity == nil, "no picture was made")
        #expect(record.view == .radiological && record.axis == .k && record.volumes.keys.sorted() == ["img0001"])
        // A row that a person corrected stays.
        let table = try String(contentsOfFile: folder.file("f.csv"), encoding: .utf8)
        let corrected = table + "img0001-slice007,liver,1,1,20,20,0\n"
        folder.write("f.csv", corrected)
        let again = try fill([])
        #expect(again.status == 73 && again.errors.contains("which somebody may have corrected"), "\(again.errors)")
        #expect(try String(contentsOfFile: folder.file("f.csv"), encoding: .utf8) == corrected)
        #expect(try fill(["--replace-edited"]).status == 0)
        #expect(try String(contentsOfFile: folder.file("f.csv"), encoding: .utf8) == table)
        // Ben's slices are numbered along another axis.
        for (name, axis) in [("anna", "k"), ("ben", "coronal")] {
            let slices = try Command(
                ["slices", "ct/img0001.nii.gz", "--view", "array", "--axis", axis, "-o", "crowd/\(name)"],
                in: folder.path)
            #expect(slices.status == 0, "\(slices.errors)")
        }
        folder.write("crowd/ben/img0001-slice004.txt", "0 0.5 0.5 0.2 0.1\n")
        let mixed = try Command(["annotations", "coverage"] + volume, in: folder.path)
        #expect(mixed.status == 65 && mixed.errors.contains("along another axis"), "\(mixed.errors)")
    }

    /// A volume that one annotator's record does not fit is left out, and not merged of the others' boxes.
    @Test func aVolumeIsThereWithAllAnnotatorsOrNotAtAll() throws {
        try folder.makeVolumes()
        for name in ["anna", "ben"] {
            for slice in ["img0001-slice003", "img0002-slice004"] {
                folder.write("crowd/\(name)/\(slice).txt", "0 0.5 0.5 0.2 0.1\n")
            }
        }
        let sizes = #"{"img0001": {"i": 256, "j": 256, "k": 24}, "img0002": {"i": 9, "j": 9, "k": 9}}"#
        folder.write("crowd/ben/slices.json", #"{"axis": "k", "view": "array", "volumes": \#(sizes)}"#)
        let merge = try Command(["annotations", "merge", "ct", "--boxes", "crowd", "-o", "m.csv"], in: folder.path)
        #expect(merge.status == 65 && merge.errors.contains("slices of another volume"), "\(merge.errors)")
        let table = try String(contentsOfFile: folder.file("m.csv"), encoding: .utf8)
        #expect(table.contains("img0001-slice003") && !table.contains("img0002"))
    }

    /// As a job array makes them.
    @Test func slicesOfManyAtOnceAreAllRecorded() throws {
        let names = (0..<8).map { "v\($0)" }
        for name in names { folder.write("\(name).nii.gz", try Data(contentsOf: URL(filePath: demo + "/ct.nii.gz"))) }
        let line =
            "printf '%s\\n' \(names.joined(separator: " ")) | xargs -P 8 -I % swift-sam slices %.nii.gz -o s --quiet"
        let slices = try Command(shell: line, in: folder.path)
        #expect(slices.status == 0 && slices.errors.isEmpty, "\(slices.errors)")
        #expect(try SlicesRecord(contentsOf: folder.file("s/slices.json")).volumes.keys.sorted() == names)
    }

    @Test func mergingKeepsHowSlicesWereTurned() throws {
        try folder.makeVolumes()
        for name in ["anna", "ben"] {
            let slices = try Command(
                ["slices", "ct", "--view", "radiological", "-o", "crowd/\(name)"], in: folder.path)
            #expect(slices.status == 0)
            folder.write("crowd/\(name)/img0001-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        }
        let merge = {
            try Command(["annotations", "merge", "ct", "--boxes", "crowd", "-o", "m/merged.csv"], in: self.folder.path)
        }
        #expect(try merge().status == 0)
        // It is the table's own: boxes beside it are read as before.
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("m")).sorted() == [
                "merged.csv", "merged.slices.json",
            ])
        let command = try Command(
            [
                "segment", "ct/img0001.nii.gz", "--boxes", "m/merged.csv", "--model", randomWeights, "--json", "-o",
                "l.nii",
            ], in: folder.path)
        #expect((command.json["options"] as? [String: Any])?["view"] as? String == "radiological")
        #expect(
            try Command(["slices", "ct/img0001.nii.gz", "--view", "array", "-o", "crowd/ben"], in: folder.path).status
                == 73)
        try FileManager.default.removeItem(atPath: folder.path + "/crowd/ben/slices.json")
        let mixed = try merge()
        #expect(mixed.status == 65)
        #expect(mixed.errors.contains("turned in another way"))
        try FileManager.default.removeItem(atPath: folder.path + "/crowd/anna/slices.json")
        let other = try merge()
        #expect(other.status == 73)
        #expect(other.errors.contains("already holds a record of other slices"))
        try FileManager.default.removeItem(atPath: folder.path + "/m/merged.slices.json")
        try FileManager.default.removeItem(atPath: folder.path + "/crowd/anna")
        let alone = try merge()
        #expect(alone.status == 65)
        #expect(alone.errors.contains("one annotator alone: expected two annotators or more, found ben"))
    }
}
