import Foundation
import Tensors
import TestSupport
import Testing

/// `segment` and `slices` on the shipped case, as a person runs them.
@Suite struct SegmentCommandTests {
    let folder = Folder()

    func segment(_ more: [String] = [], boxes: String = demo + "/boxes/annotator-2") throws -> Command {
        try Command(
            ["segment", demo + "/ct.nii.gz", "--boxes", boxes, "--model", randomWeights, "-o", "l.nii.gz"] + more,
            in: folder.path)
    }

    @Test func writesLabelsAndManifestAndTheSameBytesAgain() throws {
        func files() throws -> [Data] {
            let manifest = try String(contentsOfFile: folder.path + "/l.json", encoding: .utf8)
            let withoutSeconds = manifest.replacing(/"seconds" : \{[^}]*\}/, with: "")
            #expect(withoutSeconds != manifest)
            return [try Data(contentsOf: URL(filePath: folder.path + "/l.nii.gz")), Data(withoutSeconds.utf8)]
        }
        let command = try segment(["--classes", demo + "/class_list.txt"])
        #expect(command.status == 0)
        #expect(command.output.contains("left kidney"))
        #expect(folder.names == ["l.nii.gz", "l.json"])
        let first = try files()
        #expect(try segment(["--classes", demo + "/class_list.txt", "--threads", "1"]).status == 0)
        #expect(try files() == first)
    }

    /// The labels are hours of work, and the picture is not.
    @Test func aPictureThatCannotBeWrittenCostsNoLabels() throws {
        let line =
            "swift-sam segment \(demo)/ct.nii.gz --boxes \(demo)/boxes/annotator-2 --model \(randomWeights) --quiet "
        folder.write("look.png", "of other labels")
        let full = try Command(
            shell: "trap '' XFSZ; ulimit -f 330; " + line + "--preview look.png -o l.nii.gz", in: folder.path)
        #expect(full.status == 74 && full.errors.hasPrefix("error: look.png: cannot be written"), "\(full.errors)")
        #expect(folder.names == ["l.json", "l.nii.gz"], "an earlier picture is none of these labels")
        let again = try Command(shell: line + "--json --preview look.png -o l.nii.gz", in: folder.path)
        #expect(again.status == 0 && folder.names == ["l.nii.gz", "l.json", "look.png"], "\(again.errors)")
    }

    @Test func quietPrintsNoProgressAndJSONPrintsTheManifest() throws {
        let command = try segment(["--json", "--quiet"])
        #expect(command.errors.isEmpty)
        let manifest = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(filePath: folder.path + "/l.json")))
        #expect(command.json as NSDictionary == manifest as? NSDictionary)
        #expect(command.json["version"] != nil && command.json["seconds"] != nil)
    }

    @Test func slicesAndTheirRecordMapBoxesBack() throws {
        let volume = demo + "/ct.nii.gz"
        let slices = try Command(["slices", volume, "--view", "radiological", "-o", "s"], in: folder.path)
        #expect(slices.status == 0)
        #expect(FileManager.default.fileExists(atPath: folder.path + "/s/ct-slice023.png"))
        folder.write("s/ct-slice010.txt", "0 0.5 0.5 0.2 0.1\n")
        #expect(try segment(["--json"], boxes: "s").json["options"].map { "\($0)" }?.contains("radiological") == true)
        let contradicting = try segment(["--view", "array"], boxes: "s")
        #expect(contradicting.status == 65)
        #expect(contradicting.errors.contains("slices.json"))
    }

    // MARK: Recipes

    @Test(arguments: ["sam", "study", "medsam"]) func recipesAreInTheManifest(name: String) throws {
        let command = try segment(["--recipe", name, "--json", "--quiet"])
        #expect(command.status == 0, "\(command.errors)")
        let options = try #require(command.json["options"] as? [String: Any])
        #expect(options["recipe"] as? String == name)
        #expect(options["single_mask"] as? Bool == (name == "medsam"))
        #expect(options["intensity"] as? String == (name == "study" ? "minmax-slice" : "window:40,400"))
        let masks = Set((command.json["boxes"] as? [[String: Any]] ?? []).compactMap { $0["mask"] as? Int })
        #expect(name == "medsam" ? masks == [0] : !masks.isEmpty && masks.isSubset(of: [1, 2, 3]))
    }

    /// Slices along i have 24 rows or columns of 256.
    @Test func theStudyTakesSquareSlicesAlone() throws {
        let command = try segment(["--recipe", "study", "--axis", "i"])
        #expect(command.status == 65)
        #expect(command.errors.contains("256×24"))
        #expect(!command.errors.contains("slices:"), "nothing was encoded")
        #expect(folder.names.isEmpty)
    }

    // MARK: Checking

    /// The bundled model's labels, by the numbers of its products and by each instruction set that the processor has.
    ///
    /// Rounding moves pixels at borders alone: the issue asks for a Dice of 0.99 in bfloat16; other orders of summation
    /// change one pixel in thousands.
    @Test func labelsDoNotDependOnHowTheyAreComputed() throws {
        func labels(_ name: String, precision: String = "float32", set: String? = nil) throws {
            let command = try Command(
                [
                    "segment", demo + "/ct.nii.gz", "--boxes", demo + "/boxes/annotator-1", "--model", bundledWeights,
                    "--precision", precision, "--quiet", "-o", "\(name).nii.gz",
                ], in: folder.path, environment: set.map { ["SWIFT_SAM_CPU": $0] } ?? [:])
            #expect(command.status == 0, "\(command.errors)")
            let manifest = try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(filePath: folder.path + "/\(name).json")))
            let options = (manifest as? [String: Any])?["options"] as? [String: Any]
            #expect(options?["precision"] as? String == precision)
        }
        func dice(_ name: String) throws -> [Double] {
            let command = try Command(
                [
                    "evaluate", "--truth", "exact.nii.gz", "--predicted", "\(name).nii.gz", "--slice-csv", "s.csv",
                    "--quiet",
                ],
                in: folder.path)
            #expect(command.status == 0, "\(command.errors)")
            let rows = try String(contentsOfFile: folder.path + "/s.csv", encoding: .utf8).split(separator: "\n")
            return rows.dropFirst().flatMap { $0.split(separator: ",").dropFirst(2).compactMap { Double($0) } }
                .filter(\.isFinite)
        }
        try labels("exact")
        try labels("rounded", precision: "bfloat16")
        let rounded = try dice("rounded")
        #expect(rounded.count > 60 && rounded.reduce(0, +) / Double(rounded.count) >= 0.99)
        #expect(rounded.contains { $0 < 1 })
        for set in InstructionSet.available {
            try labels(set.rawValue, set: set.rawValue)
            let same = try dice(set.rawValue)
            #expect(same.reduce(0, +) / Double(same.count) >= 0.9999, "\(set)")
        }
    }

    @Test func anInstructionSetThatIsNoneIsAnError() throws {
        let command = try Command(["bench"], in: folder.path, environment: ["SWIFT_SAM_CPU": "avx9"])
        #expect(command.status == 64)
        #expect(command.errors.contains("SWIFT_SAM_CPU is 'avx9', but this processor has: baseline"))
    }

    /// The demo case's own list of what its annotators did, but for classes that nobody marks.
    @Test func checkFindsTheDemosMistakes() throws {
        let command = try Command(
            [
                "annotations", "check", demo + "/ct.nii.gz", "--boxes", demo + "/boxes", "--classes",
                demo + "/class_list.txt", "--csv", "check.csv", "--json",
            ], in: folder.path)
        #expect(command.status == 1)
        let findings = try #require(command.json["findings"] as? [[String: Any]])
        let kinds = ["exchanged": "swapped", "jump": "displaced", "gap": "gap"]
        let found = findings.flatMap { finding -> [String] in
            guard let kind = (finding["kind"] as? String).flatMap({ kinds[$0] }), let slice = finding["slice"] as? Int,
                let last = finding["last"] as? Int, let annotator = finding["annotator"] as? String,
                let name = finding["class"] as? String
            else { return [] }
            return (slice...last).map { "\(annotator.suffix(1)),\(kind),\(name),\($0)" }
        }
        let listed = try String(contentsOfFile: demo + "/mistakes.csv", encoding: .utf8).split(separator: "\n")
            .dropFirst()
        // Exchanged kidneys are one finding, and two lines of the list.
        #expect(Set(found) == Set(listed.map(String.init).filter { $0 != "2,swapped,left kidney,9" }))
        #expect(Set(findings.compactMap { $0["kind"] as? String }) == ["exchanged", "jump", "gap", "never"])
        let csv = try String(contentsOfFile: folder.path + "/check.csv", encoding: .utf8)
        #expect(csv.split(separator: "\n").count == findings.count + 1)
    }

    /// What a check knows is told where labels are made, and a malformed line that was left out is named.
    @Test func segmentSaysThatACheckFindsMistakes() throws {
        let boxes = demo + "/boxes/annotator-2"
        let command = try Command(
            [
                "segment", demo + "/ct.nii.gz", "--boxes", boxes, "--classes", demo + "/class_list.txt", "--slices",
                "8-10",
                "-o", "part.nii.gz",
            ], in: folder.path)
        #expect(command.status == 0 && !command.errors.contains("annotations check finds"), "of a part nobody knows")
        let whole = try Command(
            [
                "segment", demo + "/ct.nii.gz", "--boxes", boxes, "--classes", demo + "/class_list.txt", "-o",
                "l.nii.gz",
            ], in: folder.path, environment: ["SWIFT_SAM_MODEL": randomWeights])
        #expect(whole.errors.contains("to look at: exchanged 1, gap "), "\(whole.errors)")
        folder.write("boxes/ct-slice003.txt", "0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 nan\n")
        let check = [
            "annotations", "check", demo + "/ct.nii.gz", "--boxes", "boxes", "--classes", demo + "/class_list.txt",
        ]
        #expect(
            try Command(check, in: folder.path).errors.contains(
                "\nMend the lines, or go on without their boxes: --skip-bad"))
        let skipping = try Command(check + ["--skip-bad"], in: folder.path)
        #expect(skipping.errors.contains("left out: boxes/ct-slice003.txt:2: "), "\(skipping.errors)")
    }

    // MARK: Bad input

    /// What makes `segment` refuse boxes, by the name of the file and its text, and what the error must say.
    static let badBoxes: [(file: String, text: String, says: String)] = [
        ("ct-slice003.txt", "0 0.5 0.5 0.2 nan", "ct-slice003.txt:1"),
        ("ct-slice003.txt", "0 0.5 0.5 0.2 0.2\n0 0.5 0.5 -0.2 0.2", "ct-slice003.txt:2"),
        ("ct-slice003.txt", "0 0.5 0.5 0 0.2", "no area"),
        ("ct-slice003.txt", "0 1.5 0.5 0.2 0.2", "outside"),
        ("ct-slice003.txt", "0 0.5 0.5 0.2", "not a YOLO box"),
        ("ct-slice003.txt", "9 0.5 0.5 0.2 0.2", "not a class"),
        ("ct-slice024.txt", "0 0.5 0.5 0.2 0.2", "does not exist"),
        ("ct-slice3.txt", "0 0.5 0.5 0.2 0.2", "KKK"),
        ("ct-slice003.xml", "<annotation><object>", "Pascal VOC"),
        (
            "ct-slice003.xml", "<!DOCTYPE a [<!ENTITY b SYSTEM \"/etc/passwd\">]><annotation>&b;</annotation>",
            "Pascal VOC"
        ),
        ("other-slice003.txt", "0 0.5 0.5 0.2 0.2", "no boxes of this volume"),
    ]

    @Test(arguments: badBoxes.indices) func badBoxesAreRefusedBeforeAnythingIsWritten(index: Int) throws {
        let bad = Self.badBoxes[index]
        folder.write("boxes/\(bad.file)", bad.text)
        let command = try segment(["--classes", demo + "/class_list.txt"], boxes: "boxes")
        #expect(command.status == (bad.says.hasPrefix("no boxes") ? 66 : 65))
        #expect(command.errors.contains(bad.says))
        #expect(command.errors.split(separator: "\n").count <= 2)
        #expect(command.output.isEmpty)
        #expect(folder.names == ["boxes"])
    }

    /// Whatever else is wrong, a volume that is not there comes first.
    @Test func aMissingVolumeIsToldFirst() throws {
        let command = try Command(
            ["segment", "nowhere.nii.gz", "--boxes", demo + "/boxes", "-o", "l.nii"], in: folder.path)
        #expect(command.status == 66)
        #expect(command.errors.contains("nowhere.nii.gz: No such file"))
        folder.write("photo.png", "")
        let picture = try Command(["segment", "photo.png", "--boxes", demo + "/boxes", "-o", "l.nii"], in: folder.path)
        #expect(picture.status == 65)
        #expect(picture.errors.contains("not a NIfTI volume"))
        try FileManager.default.copyItem(atPath: demo + "/ct.nii.gz", toPath: folder.path + "/CT.NII.GZ")
        #expect(try Command(["slices", "CT.NII.GZ", "-o", "capitals"], in: folder.path).status == 0)
    }

    @Test func allBadLinesAreToldAtOnce() throws {
        folder.write("boxes/ct-slice003.txt", "0 0.5\n0 2 2 0.1 0.1\n")
        folder.write("boxes/ct-slice004.txt", "x 0.5 0.5 0.1 0.1\n")
        let command = try segment(boxes: "boxes")
        for place in ["ct-slice003.txt:1", "ct-slice003.txt:2", "ct-slice004.txt:1"] {
            #expect(command.errors.contains(place))
        }
    }

    @Test func aClassWithoutALabelIsRefused() throws {
        let command = try segment(["--labels", "0=1"])
        #expect(command.status == 65)
        #expect(command.errors.contains("--labels"))
        #expect(try segment(["--labels", "0=1,1=-,2=-,5=-,7=-"]).status == 0)
        #expect(try segment(["--labels", "0=zero"]).status == 64)
    }

    static let badOptions: [(more: [String], status: Int32)] = [
        (["-o", "labels.png"], 64), (["-o", demo + "/ct.nii.gz/l.nii"], 73), (["--boxes", "nowhere"], 66),
        (["--classes", "nowhere"], 66), (["--model", "nowhere"], 66), (["--intensity", "bright"], 64),
        (["--threads", "0"], 64), (["--preview", "p.jpg"], 64), (["--recipe", "other"], 64),
        (["--recipe", "study", "--intensity", "soft-tissue"], 64), (["--recipe", "study", "--single-mask"], 64),
        (["--annotator", "anna"], 66),
    ]

    @Test(arguments: badOptions.indices) func badPathsAndOptions(index: Int) throws {
        let (more, status) = Self.badOptions[index]
        let command = try segment(more)
        #expect(command.status == status)
        #expect(!command.errors.isEmpty)
        #expect(folder.names.isEmpty)
    }

    @Test func theVolumeIsNeverReplaced() throws {
        try FileManager.default.copyItem(atPath: demo + "/ct.nii.gz", toPath: folder.path + "/ct.nii.gz")
        let command = try Command(
            ["segment", "ct.nii.gz", "--boxes", demo + "/boxes/annotator-1", "-o", "./ct.nii.gz"], in: folder.path)
        #expect(command.status == 64)
        #expect(command.errors.contains("would replace an input"))
    }

    /// Neither of the two outputs appears without the other, and nothing is encoded for an output that cannot be.
    @Test(arguments: ["l.json", "l.nii.gz"]) func aFolderInAnOutputsPlaceIsToldFirst(name: String) throws {
        folder.write(name + "/file", "")
        let command = try segment()
        #expect(command.status == 73)
        #expect(!command.errors.contains("slices:"), "no slice was encoded")
        #expect(folder.names == [name])
    }

    /// A full log disk stops no overnight run; a result that does not arrive is an error.
    @Test func streamsThatCannotBeWritten() throws {
        let arguments =
            "segment \(demo)/ct.nii.gz --boxes \(demo)/boxes/annotator-1 --model \(randomWeights) -o l.nii.gz"
        for (redirection, status) in [
            ("2>/dev/full", Int32(0)), ("2>&-", 0), (">/dev/full", 74), ("--json >/dev/full", 74), (">&-", 0),
        ] {
            let command = try Command.shell("\(arguments) \(redirection)", in: folder.path)
            #expect(command == status, "\(redirection)")
            #expect(folder.names == ["l.nii.gz", "l.json"], "\(redirection)")
            for name in folder.names { try FileManager.default.removeItem(atPath: folder.path + "/" + name) }
        }
        let check = "annotations check \(demo)/ct.nii.gz --boxes \(demo)/boxes --classes \(demo)/class_list.txt"
        #expect(try Command.shell("\(check) >/dev/full", in: folder.path) == 74)
        #expect(try Command.shell(check, in: folder.path) == 1)
    }

    @Test func valuesThatAreNotHounsfieldUnitsNeedAnIntensity() throws {
        let volume = demo + "/truth.nii.gz"
        let command = try Command(["slices", volume, "-o", "s"], in: folder.path)
        #expect(command.status == 65)
        #expect(command.errors.contains("--intensity"))
        #expect(try Command(["slices", volume, "--intensity", "minmax-slice", "-o", "s"], in: folder.path).status == 0)
    }
}
