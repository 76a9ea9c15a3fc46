import Foundation
import TestSupport
import Testing

/// Several volumes in one run, as a person with a folder of them works.
@Suite struct SeveralVolumesTests {
    let folder = Folder()

    private func segment(_ volume: String, _ more: [String], boxes: String = "boxes") throws -> Command {
        try Command(
            ["segment", volume, "--boxes", boxes, "--model", randomWeights, "--json"] + more, in: folder.path)
    }

    /// How many boxes each volume's manifest has.
    private func boxCounts(_ command: Command) -> [String: Int] {
        let volumes = command.json["volumes"] as? [String: [String: Any]]
        return volumes?.mapValues { ($0["boxes"] as? [Any])?.count ?? -1 } ?? [:]
    }

    @Test func aFolderOfVolumes() throws {
        try folder.makeVolumes()
        let command = try segment("ct", ["-o", "labels/{case}.nii.gz"])
        #expect(command.status == 0)
        #expect(boxCounts(command) == ["img0001": 1, "img0002": 2])
        for name in ["img0001.nii.gz", "img0001.json", "img0002.nii.gz", "img0002.json"] {
            #expect(FileManager.default.fileExists(atPath: folder.path + "/labels/\(name)"))
        }
        // Each alone gives the same labels.
        let alone = try Command(
            ["segment", "ct/img0002.nii.gz", "--boxes", "boxes", "--model", randomWeights, "-o", "alone.nii.gz"],
            in: folder.path)
        #expect(alone.status == 0)
        let files = ["/labels/img0002.nii.gz", "/alone.nii.gz"].map {
            FileManager.default.contents(atPath: folder.path + $0)
        }
        #expect(files[0] != nil && files[0] == files[1])
    }

    @Test(arguments: ["ct/img{case}.nii.gz", "{case}/ct.nii.gz", "./{case}/{case}_ct_{case}.nii.gz"])
    func aPattern(volume: String) throws {
        for name in ["0001", "0002", "0003"] {
            let path = folder.path + "/" + volume.replacing("{case}", with: name)
            try FileManager.default.createDirectory(
                at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: demo + "/ct.nii.gz", toPath: path)
        }
        folder.write("boxes/img0001-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        folder.write("boxes/img0003-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        folder.write("boxes/img0009-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        let command = try segment(volume, ["--pattern", "img{case}-slice{slice}", "-o", "out/{case}.nii"])
        #expect(command.status == 0)
        #expect(boxCounts(command) == ["0001": 1, "0003": 1])
        #expect(command.errors.contains("volumes without boxes: 0002"))
        #expect(command.errors.contains("boxes without a volume: 0009"))
    }

    /// Labels of boxes that nobody has any more are not finished; those of other volumes are made.
    @Test func aVolumeThatLostAllItsBoxesIsRefused() throws {
        try folder.makeVolumes()
        let output = ["-o", "l/{case}.nii"]
        #expect(try segment("ct", output).status == 0)
        let labels = FileManager.default.contents(atPath: folder.file("l/img0002.nii"))
        try FileManager.default.removeItem(atPath: folder.file("boxes/img0002-slice004.txt"))
        let what = "l/img0002.nii: has labels on slices that there are no boxes for now"
        for more in [[], ["--quiet"], ["--force"]] {
            let refused = try segment("ct", output + more)
            #expect(refused.status == 73 && refused.errors.contains(what), "\(more): \(refused.errors)")
            #expect(refused.errors.contains("--update") && boxCounts(refused) == ["img0001": 1])
            #expect((refused.json["failed"] as? [String: String])?.keys.sorted() == ["ct/img0002.nii.gz"])
        }
        func status(_ more: [String]) throws -> Command {
            try Command(
                ["status", "ct", "--boxes", "boxes", "--model", randomWeights] + output + more, in: folder.path)
        }
        let listed = try status([])
        #expect(listed.output.contains("failed       0  img0002: \(what)"), "\(listed.output)")
        #expect(listed.output.contains("1 done, 0 stale, 0 missing, 0 claimed, 1 failed"))
        #expect(listed.output.contains("--array=2"))
        let kept = try segment("ct", output + ["--update"])
        #expect(kept.status == 0 && boxCounts(kept) == ["img0001": 1], "\(kept.errors)")
        #expect(try status(["--update"]).output.contains("1 done, 0 stale, 0 missing, 0 claimed, 0 failed"))
        #expect(labels != nil && FileManager.default.contents(atPath: folder.file("l/img0002.nii")) == labels)
        // Boxes that are elsewhere are another call's.
        folder.write("elsewhere/img0002-slice004.txt", "0 0.5 0.5 0.2 0.1\n")
        try FileManager.default.removeItem(atPath: folder.file("l/img0002.nii"))
        let other = try Command(
            ["segment", "ct/img0002.nii.gz", "--boxes", "elsewhere", "--model", randomWeights, "-o", "l/img0002.nii"],
            in: folder.path)
        #expect(other.status == 0, "\(other.errors)")
        #expect(try segment("ct", output).status == 0)
        // What is not known to be made from boxes is nothing that a run would lose.
        try FileManager.default.removeItem(atPath: folder.file("l/img0002.json"))
        #expect(try segment("ct", output).status == 0)
    }

    /// The next run would take them for volumes, and stop.
    @Test func labelsAmongTheVolumesAreRefused() throws {
        try folder.makeVolumes()
        try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "ct")
        for (volume, output) in [
            ("ct", "ct/{case}_seg.nii.gz"), ("ct/", "./link/{case}_seg.nii"),
            ("ct/{case}.nii.gz", "ct/l-{case}.nii.gz"), ("link/{case}.nii.gz", "ct/../ct/{case}_seg.nii.gz"),
        ] {
            let refused = try segment(volume, ["-o", output])
            #expect(refused.status == 64, "\(volume), \(output): \(refused.errors)")
            #expect(refused.errors.contains("would be one of the volumes of the next run: found \(volume)"))
        }
        // Of other names by the pattern.
        let beside = try segment("ct/{case}.nii.gz", ["-o", "ct/{case}.nii"])
        #expect(beside.status == 0 && boxCounts(beside) == ["img0001": 1, "img0002": 2], "\(beside.errors)")
    }

    @Test func eachVolumeGoesToTheAnnotatorWhoDrewOnIt() throws {
        try folder.makeVolumes()
        folder.write("crowd/anna/img0001-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        folder.write("crowd/ben/img0002-slice004.txt", "0 0.5 0.5 0.2 0.1\n")
        let command = try segment("ct", ["-o", "{case}.nii"], boxes: "crowd")
        #expect(command.status == 0)
        let volumes = command.json["volumes"] as? [String: [String: Any]]
        #expect(volumes?.mapValues { $0["annotator"] as? String } == ["img0001": "anna", "img0002": "ben"])
        folder.write("crowd/ben/img0001-slice005.txt", "0 0.5 0.5 0.2 0.1\n")
        let both = try segment("ct", ["-o", "{case}.nii"], boxes: "crowd")
        #expect(both.status == 65)
        #expect(both.errors.contains("anna, ben") && both.errors.contains("--annotator"))
        // The first labels have a slice that ben did not draw: they are not replaced by the way.
        let refused = try segment("ct", ["-o", "{case}.nii", "--annotator", "ben"], boxes: "crowd")
        #expect(refused.status == 73 && refused.errors.contains("--force"))
        let chosen = try segment("ct", ["-o", "{case}.nii", "--annotator", "ben", "--force"], boxes: "crowd")
        #expect(boxCounts(chosen) == ["img0001": 1, "img0002": 1])
    }

    @Test func aTableOfBoxes() throws {
        try folder.makeVolumes()
        folder.write(
            "boxes.csv",
            "slice,class,x0,y0,x1,y1,seconds\nimg0001-slice003,0,10,20,60,70,4\nimg0002-slice004,0,1,2,30,40,\n")
        let command = try segment("ct", ["-o", "{case}.nii"], boxes: "boxes.csv")
        #expect(command.status == 0)
        #expect(boxCounts(command) == ["img0001": 1, "img0002": 1])
    }

    @Test func eachVolumesOutputsMayHaveAFolder() throws {
        try folder.makeVolumes()
        // One without boxes, for which nothing is made.
        try FileManager.default.copyItem(atPath: demo + "/ct.nii.gz", toPath: folder.path + "/ct/img0003.nii.gz")
        #expect(try segment("ct", ["-o", "out/{case}/labels.nii", "--preview", "{case}/look.png"]).status == 0)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/out/img0003"))
        #expect(folder.names == ["ct", "boxes", "out", "img0001", "img0002"])
        for name in ["img0001", "img0002"] {
            #expect(FileManager.default.fileExists(atPath: folder.path + "/out/\(name)/labels.json"))
        }
    }

    @Test func whatIsNotReadIsTold() throws {
        try folder.makeVolumes()
        for name in ["img0001-slic005.txt", "img0001_slice006.xml", "class_list.txt"] {
            folder.write("boxes/\(name)", "0 0.5 0.5 0.2 0.1\n")
        }
        let command = try segment("ct/img0001.nii.gz", ["-o", "l.nii"])
        #expect(command.status == 0)
        #expect(command.errors.contains("boxes of other volumes, not used: img0002"))
        let files = "boxes/img0001-slic005.txt, boxes/img0001_slice006.xml\n"
        #expect(command.errors.contains("files without a slice's name, not read: \(files)"))
    }

    @Test func rowsOfNoSliceAreCountedOnce() throws {
        try folder.makeVolumes()
        folder.write("boxes.csv", "slice,class,x0,y0,x1,y1\n3,0,10,20,60,70\nx,0,1,2,3,4\n4,0,1,2,30,y\n")
        let wrong = try segment("ct/img0001.nii.gz", ["-o", "l.nii"], boxes: "boxes.csv")
        #expect(wrong.status == 65)
        let places = wrong.errors.split(separator: "\n").compactMap { $0.firstMatch(of: /boxes.csv:(\d)/)?.output.1 }
        #expect(places == ["3", "4"])
        let skipping = try segment("ct/img0001.nii.gz", ["-o", "l.nii", "--skip-bad"], boxes: "boxes.csv")
        #expect(skipping.errors.contains("left out: 2"))
        #expect((skipping.json["bad_boxes"] as? [Any])?.count == 2)
        let several = try segment("ct", ["-o", "{case}.nii"], boxes: "boxes.csv")
        #expect(several.errors.contains("such as img0001-slice000, since there are several volumes"))
    }

    @Test func aTableWhoseOnlyRowIsBadIsBadDataAndNotMissing() throws {
        try folder.makeVolumes()
        folder.write("boxes.csv", "slice,class,x0,y0,x1,y1\n2,0,10,5,25,20,75,15,5,5\n")
        let command = try segment("ct/img0001.nii.gz", ["-o", "l.nii"], boxes: "boxes.csv")
        #expect(command.status == 65)
        #expect(command.errors.contains("boxes.csv:2: more cells than columns"))
    }

    @Test func malformedBoxesOfAllVolumesAreToldAtOnce() throws {
        try folder.makeVolumes()
        folder.write("boxes/img0001-slice005.txt", "0 0.5 0.5 0.2 0.1\n0 0.5\n")
        folder.write("boxes/img0002-slice099.txt", "0 0.5 0.5 0.2 0.1\n")
        let command = try segment("ct", ["-o", "labels/{case}.nii.gz"])
        #expect(command.status == 65)
        #expect(command.errors.contains("img0001-slice005.txt:2") && command.errors.contains("img0002-slice099.txt"))
        #expect(!folder.names.contains("labels"), "what fails leaves nothing")
        let model = try Command(
            ["segment", "ct", "--boxes", "boxes", "--skip-bad", "--model", "nowhere", "-o", "labels/{case}.nii"],
            in: folder.path)
        #expect(model.status == 66)
        #expect(!folder.names.contains("labels"))
        let skipping = try segment("ct", ["-o", "labels/{case}.nii.gz", "--skip-bad"])
        #expect(skipping.status == 0)
        #expect(skipping.errors.contains("malformed boxes or files left out: 2"))
        #expect(boxCounts(skipping) == ["img0001": 2, "img0002": 2])
        let volumes = skipping.json["volumes"] as? [String: [String: Any]]
        #expect(volumes?.mapValues { ($0["bad_boxes"] as? [Any])?.count } == ["img0001": 1, "img0002": 1])
    }

    /// The others' labels are worth as much without the one that cannot be made.
    @Test func oneVolumeThatCannotBeReadStopsNoOther() throws {
        try folder.makeVolumes()
        let path = folder.path + "/ct/img0001.nii.gz"
        let whole = try Data(contentsOf: URL(filePath: path))
        try whole.dropLast(whole.count / 2).write(to: URL(filePath: path))
        let command = try segment("ct", ["-o", "{case}.nii"])
        #expect(command.status == 65)
        #expect(command.errors.contains("img0001.nii.gz") && command.errors.contains("could not be labelled: found 1"))
        #expect(boxCounts(command) == ["img0002": 2])
        #expect(folder.names.isSuperset(of: ["img0002.nii", "img0002.json"]))
        #expect(!folder.names.contains("img0001.nii"))
    }

    /// Neither does one whose header is none, whatever reads the others.
    @Test func oneVolumeWithoutAHeaderStopsNoOther() throws {
        try folder.makeVolumes()
        folder.write("ct/img0001.nii.gz", "a page that the download gave")
        let failure = "error: ct/img0001.nii.gz: not a NIfTI volume"
        func run(_ command: String, _ more: [String]) throws -> Command {
            let command = try Command([command, "ct"] + more, in: folder.path)
            #expect(command.status == 65 && command.errors.contains(failure), "\(command.errors)")
            return command
        }
        let boxes = ["--boxes", "boxes", "--model", randomWeights]
        let labels = ["-o", "out/{case}.nii", "--log", "runs.jsonl", "--json"]
        let segmented = try run("segment", boxes + labels)
        #expect(segmented.errors.contains("ct: volumes that could not be labelled: found 1: ct/img0001.nii.gz"))
        #expect(boxCounts(segmented) == ["img0002": 2])
        let failed = segmented.json["failed"] as? [String: String]
        #expect(failed?.count == 1 && failed?["ct/img0001.nii.gz"]?.contains("not a NIfTI volume") == true)
        let log = try String(contentsOfFile: folder.file("runs.jsonl"), encoding: .utf8).split(separator: "\n")
        #expect(log.count == 2 && log[0].contains(#""case":"img0001""#) && log[0].contains(#""outcome":"failed""#))
        let status = try Command(["status", "ct"] + boxes + labels, in: folder.path)
        let rows = status.json["volumes"] as? [[String: Any]]
        let states = rows?.map { [$0["case"], $0["state"]].compactMap { $0 as? String }.joined(separator: " ") }
        #expect(Set(states ?? []) == ["img0001 failed", "img0002 done"] && status.json["array"] as? String == "1")
        // It is not of the second part.
        let part = try Command(["segment", "ct", "--part", "2/2"] + boxes + labels, in: folder.path)
        #expect(part.status == 0, "\(part.errors)")
        #expect(try run("precompute", boxes + ["--cache", "cache"]).errors.contains("could not be encoded"))
        #expect(try run("slices", ["-o", "slices"]).status == 65)
        #expect(FileManager.default.fileExists(atPath: folder.file("slices/img0002-slice000.png")))
        folder.write("class_list.txt", "spleen\n")
        for name in ["check", "coverage"] {
            let command = try Command(
                ["annotations", name, "ct", "--boxes", "boxes", "--classes", "class_list.txt"], in: folder.path)
            #expect(command.status == 65 && command.errors.contains(failure) && command.output.contains("img0002"))
        }
        // Alone it is the error.
        let alone = try Command(["segment", "ct/img0001.nii.gz", "-o", "x.nii"] + boxes, in: folder.path)
        #expect(alone.status == 65 && alone.errors.contains(failure) && !alone.errors.contains("could not be"))
    }

    /// Their masks would take more memory than the machine has.
    @Test func aSliceHasABoundOfBoxes() throws {
        try folder.makeVolumes()
        folder.write("boxes/img0001-slice003.txt", String(repeating: "0 0.5 0.5 0.2 0.1\n", count: 1025))
        let command = try segment("ct", ["-o", "labels/{case}.nii.gz"])
        #expect(command.status == 65)
        #expect(
            command.errors.contains(
                "boxes/img0001-slice003.txt: slice 3: too many boxes on one slice: expected at most 1024, found 1025\nIf you trust"
            ), "\(command.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("labels")))
    }

    @Test func slicesOfSeveralVolumesShareARecord() throws {
        try folder.makeVolumes()
        let arguments = ["slices", "ct", "--view", "radiological", "-o", "boxes"]
        let refused = try Command(arguments, in: folder.path)
        #expect(refused.status == 73)
        #expect(
            refused.errors.contains(
                "boxes: holds boxes on slices that are turned in another way: expected axis k, view radiological, found axis k, view array"
            ), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("boxes/slices.json")))
        // Boxes are drawn afterwards.
        try FileManager.default.moveItem(atPath: folder.file("boxes"), toPath: folder.file("drawn"))
        let command = try Command(arguments, in: folder.path)
        #expect(command.status == 0)
        for name in ["img0001-slice003.txt", "img0002-slice004.txt"] {
            try FileManager.default.moveItem(
                atPath: folder.file("drawn/\(name)"), toPath: folder.file("boxes/\(name)"))
        }
        let text = try Data(contentsOf: URL(filePath: folder.path + "/boxes/slices.json"))
        let record = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
        #expect((record["volumes"] as? [String: Any])?.keys.sorted() == ["img0001", "img0002"])
        #expect(record["view"] as? String == "radiological")
        #expect(try segment("ct", ["-o", "{case}.nii"]).status == 0)
        let other = try Command(["slices", demo + "/ct.nii.gz", "--view", "array", "-o", "boxes"], in: folder.path)
        #expect(other.status == 73)
        #expect(other.errors.contains("made in another way"))
        // What would be left of a longer one of this name would be taken for its slices.
        let written = try String(contentsOfFile: folder.path + "/boxes/slices.json", encoding: .utf8)
        folder.write("boxes/slices.json", written.replacing("24", with: "30"))
        let longer = try Command(
            ["slices", "ct/img0001.nii.gz", "--view", "radiological", "-o", "boxes"], in: folder.path)
        #expect(longer.status == 73)
        #expect(longer.errors.contains("another volume of this name"))
        folder.write("boxes/slices.json", written)
        // The same ones may be made anew.
        let again = try Command(
            ["slices", "ct/img0001.nii.gz", "--view", "radiological", "-o", "boxes"], in: folder.path)
        #expect(again.status == 0)
    }

    @Test func theListNamesVolumeAndAnnotator() throws {
        try folder.makeVolumes()
        let whole = (3...6).map { "boxes/img0001-slice00\($0).txt" }
        for path in whole where !path.contains("005") { folder.write(path, "0 0.5 0.5 0.2 0.1\n") }
        folder.write("classes.txt", "liver\n")
        let command = try Command(
            ["annotations", "check", "ct", "--boxes", "boxes", "--classes", "classes.txt", "--csv", "list.csv"],
            in: folder.path)
        #expect(command.status == 1)
        let csv = try String(contentsOfFile: folder.path + "/list.csv", encoding: .utf8)
        #expect(
            csv.split(separator: "\n").map(String.init) == [
                "case,annotator,kind,class,slice,file,last,other", "img0002,,begun,,,,,", "img0001,,gap,liver,5,,5,",
            ])
    }

    @Test func classesThatNobodyWasAskedForMayBeMissing() throws {
        try folder.makeVolumes()
        for slice in 4...6 { folder.write("boxes/img0001-slice00\(slice).txt", "0 0.5 0.5 0.2 0.1\n") }
        folder.write("classes.txt", "liver\nstomach\nspleen\n")
        func check(_ more: [String]) throws -> Command {
            try Command(
                ["annotations", "check", "ct/img0001.nii.gz", "--boxes", "boxes", "--classes", "classes.txt"] + more,
                in: folder.path)
        }
        #expect(try check([]).output == "stomach: never marked\nspleen: never marked\nto look at: 2\n")
        #expect(try check(["--except", "stomach"]).output == "spleen: never marked\nto look at: 1\n")
        let none = try check(["--except", "stomach, 2"])
        #expect(none.status == 0)
        #expect(none.output == "nothing to look at\n")
        let unknown = try check(["--except", "kidney"])
        #expect(unknown.status == 64)
        #expect(unknown.errors.contains("error: --except: \"kidney\""))
        #expect(unknown.errors.contains("swift-sam annotations check"))
    }

    static let wrong: [(more: [String], status: Int32, says: String)] = [
        (["-o", "labels.nii"], 64, "{case}"), (["-o", "{case}.nii", "--preview", "p.png"], 64, "{case}"),
        (["-o", "{case}.nii", "--stem", "ct"], 64, "--pattern"),
        (["-o", "{case}.nii", "--pattern", "{case}"], 64, "then {slice}"),
        (["-o", "ct/{case}.nii.gz"], 64, "would replace an input"),
        (["-o", "{case}.nii", "--annotator", "a"], 66, "no boxes"),
    ]

    @Test(arguments: wrong.indices) func wrongOptions(index: Int) throws {
        let wrong = Self.wrong[index]
        try folder.makeVolumes()
        let command = try segment("ct", wrong.more)
        #expect(command.status == wrong.status)
        #expect(command.errors.contains(wrong.says))
    }

    @Test(arguments: ["nowhere", "empty", "x{case}.nii", "nowhere/{case}.nii"]) func noVolumes(volume: String) throws {
        folder.write("empty/readme.txt", "")
        let command = try segment(volume, ["-o", "{case}.nii"])
        #expect(command.status == 66)
    }

    @Test func everyThirdSliceIsHandedOut() throws {
        try folder.makeVolumes()
        #expect(try Command(["slices", "ct/img0001.nii.gz", "--every", "3", "-o", "s"], in: folder.path).status == 0)
        let pictures = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/s").filter {
            $0.hasSuffix(".png")
        }
        #expect(pictures.sorted() == (0..<8).map { String(format: "img0001-slice%03d.png", 3 * $0) })
        #expect(try Command(["slices", "ct/img0001.nii.gz", "--every", "0", "-o", "s"], in: folder.path).status == 64)
        // 3, 9, 15 and 21 are not among those of every second.
        let mixed = try Command(["slices", "ct/img0001.nii.gz", "--every", "2", "-o", "s"], in: folder.path)
        #expect(mixed.errors.contains("warning: s: pictures of 4 other slices of img0001 are there"), "\(mixed.errors)")
        // Pictures of others stay.
        for slice in 1...2 { folder.write("own/img0001-slice00\(slice).png", "mine") }
        let refused = try Command(["slices", "ct/img0001.nii.gz", "--every", "3", "-o", "own"], in: folder.path)
        #expect(refused.status == 73)
        #expect(
            refused.errors.contains("own/img0001-slice001.png: is there, and no slices.json"), "\(refused.errors)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("own")).sorted()
                == ["img0001-slice001.png", "img0001-slice002.png"])
    }

    @Test func theDemoShowsItAll() throws {
        let command = try Command(["demo", "-o", "d"], in: folder.path)
        #expect(command.status == 0)
        for name in [
            "slices/ct-slice023.png", "merged.csv", "labels.nii.gz", "labels.json", "labels.png", "annotator-2.png",
        ] {
            #expect(FileManager.default.fileExists(atPath: folder.path + "/d/\(name)"))
        }
        #expect(command.output.contains("Look at d/labels.png"))
        let means = command.output.matches(of: /mean +([0-9.]+) ±/).compactMap { Double($0.output.1) }
        // The boxes of one annotator who makes mistakes, and what all four agree on.
        #expect(means.count == 2 && means[0] < means[1] && means[1] > 0.85)
    }
}

extension Folder {
    /// Two volumes of one size, and boxes that tell them apart: one slice each.
    func makeVolumes() throws {
        write("ct/readme.txt", "")
        for name in ["img0001", "img0002"] {
            try FileManager.default.copyItem(atPath: demo + "/ct.nii.gz", toPath: path + "/ct/\(name).nii.gz")
        }
        write("boxes/img0001-slice003.txt", "0 0.5 0.5 0.2 0.1\n")
        write("boxes/img0002-slice004.txt", "0 0.5 0.5 0.2 0.1\n0 0.2 0.2 0.1 0.1\n")
    }
}
