import Foundation
import TestSupport
import Testing

/// Runs that go on where they were: what is done, what is shared, what was killed.
@Suite(.serialized) struct ResumeCommandTests {
    let folder = Folder()
    let names = ["img0001", "img0002", "img0003"]

    init() throws {
        folder.write("ct/readme.txt", "")
        for (number, name) in names.enumerated() {
            try FileManager.default.copyItem(atPath: demo + "/ct.nii.gz", toPath: folder.path + "/ct/\(name).nii.gz")
            for slice in 3...4 {
                folder.write("boxes/\(name)-slice00\(slice).txt", "0 0.5 0.\(4 + number) 0.2 0.1\n")
            }
        }
    }

    private let arguments = ["ct", "--boxes", "boxes", "--view", "array", "--model", randomWeights]

    private func run(_ more: [String], as command: String = "segment", environment: [String: String] = [:]) throws
        -> Command
    {
        try Command([command] + arguments + more, in: folder.path, environment: environment)
    }

    private func data(_ name: String) -> Data? { FileManager.default.contents(atPath: folder.file(name)) }

    /// The label volumes of an undisturbed run.
    private func expected() throws -> [Data?] {
        #expect(try run(["-o", "expected/{case}.nii"]).status == 0)
        return names.map { data("expected/\($0).nii") }
    }

    @Test func nothingIsDoneTwice() throws {
        let output = ["-o", "out/{case}.nii"]
        let first = try run(output)
        #expect(first.status == 0 && !first.errors.contains("to do"), "\(first.errors)")
        let written = try FileManager.default.attributesOfItem(atPath: folder.file("out/img0002.nii"))
        let again = try run(output + ["--json"])
        #expect(again.status == 0 && again.errors.contains("0 of 3 to do"), "\(again.errors)")
        #expect((again.json["volumes"] as? [String: Any])?.count == 3)
        folder.write("boxes/img0002-slice004.txt", "0 0.3 0.3 0.2 0.1\n")
        let changed = try run(output)
        #expect(changed.errors.contains("1 of 3 to do") && changed.errors.contains("ct/img0002.nii.gz: slices: 1 in"))
        let rewritten = try FileManager.default.attributesOfItem(atPath: folder.file("out/img0002.nii"))
        #expect(written[.systemFileNumber] as? Int != rewritten[.systemFileNumber] as? Int)
        let few = try run(output + ["--slices", "3"])
        #expect(few.status == 73 && few.errors.contains("--update") && few.errors.contains("could not be labelled"))
        #expect(try run(output + ["--slices", "3", "--update"]).status == 0)
        #expect(try run(output + ["--slices", "3", "--update"]).errors.contains("0 of 3 to do"))
        #expect(try run(output).status == 0)
        #expect(try expected() == names.map { data("out/\($0).nii") })
        #expect(try run(output + ["--force"]).errors.contains("img0003.nii.gz (3 of 3"))
        #expect(try run(output + ["--slices", "9-4"]).status == 64)
        #expect(try run(output + ["--slices", "9"]).status == 64, "no boxes there")
        #expect(try run(output + ["--force", "--update"]).status == 64)
    }

    /// What --update kept has no boxes now: there is nothing to compute again with.
    @Test func verifyingLeavesOutWhatWasKept() throws {
        let output = ["-o", "out/{case}.nii"]
        #expect(try run(output).status == 0)
        try FileManager.default.removeItem(atPath: folder.file("boxes/img0001-slice003.txt"))
        #expect(try run(output + ["--update"]).status == 0)
        let status = try run(output + ["--update", "--verify", "6"], as: "status")
        #expect(status.status == 0 && status.output.contains("computed again: 5 slices, of which 0 differ"))
    }

    /// Of labels that are done, without a slice computed.
    @Test func otherSlicesAreDrawnOfLabelsThatAreDone() throws {
        let output = ["-o", "out/{case}.nii", "--preview", "out/{case}.png"]
        #expect(try run(output + ["--preview-slices", "3"]).status == 0)
        let (first, labels) = (data("out/img0001.png"), data("out/img0001.nii"))
        let again = try run(output + ["--preview-slices", "4"])
        #expect(again.status == 0 && again.errors.contains("0 of 3 to do"), "\(again.errors)")
        #expect(again.output.contains("wrote out/img0001.png"))
        let second = data("out/img0001.png")
        #expect(second != nil && second != first && data("out/img0001.nii") == labels)
        #expect(try run(output + ["--preview-slices", "3"]).status == 0)
        #expect(data("out/img0001.png") == first, "as the run that labelled drew it")
        #expect(try run(output + ["--preview-slices", "4", "--force"]).status == 0)
        #expect(data("out/img0001.png") == second)
    }

    @Test func partsAndClaimsShareAStudy() throws {
        let output = ["-o", "out/{case}.nii", "--log", "runs.jsonl"]
        #expect(try run(output + ["--part", "2/2"]).errors.contains("0 of") == false)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).sorted() == [
                "img0002.json", "img0002.nii",
            ])
        let status = try run(output + ["--part", "slurm/2", "--json"], as: "status")
        #expect(status.status == 0 && status.json["array"] as? String == "1", "\(status.errors)")
        let states = (status.json["volumes"] as? [[String: Any]])?.map { $0["state"] as? String }
        #expect(states == ["missing", "done", "missing"])
        #expect((status.json["seconds_left"] as? Double ?? 0) > 0)
        for variable in [[:], ["SLURM_ARRAY_TASK_ID": "3"]] {
            #expect(try run(output + ["--part", "slurm/2"], environment: variable).status == 64)
        }
        #expect(try run(output + ["--part", "3/2"]).status == 64)
        // Two processes with one list, and a volume that cannot be read.
        folder.write(
            "ct/img0003.nii.gz", Data(try Data(contentsOf: URL(filePath: demo + "/ct.nii.gz")).prefix(700_000)))
        let line = "swift-sam segment " + (arguments + output + ["--claim"]).joined(separator: " ")
        let both = try Command(shell: "\(line) & \(line); a=$?; wait $!; echo $a $?", in: folder.path)
        #expect(both.output.split(separator: "\n").last?.contains("65") == true, "\(both.output)\(both.errors)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("out"))
        #expect(names.sorted() == ["img0001.json", "img0001.nii", "img0002.json", "img0002.nii"])
        let log = try String(contentsOfFile: folder.file("runs.jsonl"), encoding: .utf8)
        #expect(log.components(separatedBy: #""case":"img0001""#).count == 2, "computed once")
        let failed = try run(output, as: "status")
        #expect(failed.output.contains("failed       2  img0003: ct/img0003.nii.gz"), "\(failed.output)")
        #expect(failed.output.contains("2 done, 0 stale, 0 missing, 0 claimed, 1 failed"))
        #expect(failed.output.contains("--array=3"))
    }

    /// Where files are locked for each machine by itself, what another one writes looks left over: its claim says otherwise.
    @Test func whatAnotherMachineWritesStays() throws {
        let output = ["-o", "out/{case}.nii", "--claim"]
        folder.write("out/.0A1B2C3D-img0001.nii", "half")
        folder.write(
            "out/img0001.claim",
            #"{"host": "node7", "process": 1, "since": "now", "began": "1", "machine": "another"}"#)
        let others = try run(output + ["--json"])
        #expect(others.status == 0, "\(others.errors)")
        #expect(others.errors.contains("claimed by other processes: ct/img0001.nii.gz\n"), "\(others.errors)")
        #expect(others.json["claimed"] as? [String] == ["img0001"])
        #expect((others.json["volumes"] as? [String: Any])?.keys.sorted() == ["img0002", "img0003"])
        #expect(data("out/.0A1B2C3D-img0001.nii") != nil)
        // Its machine was switched off.
        try FileManager.default.removeItem(atPath: folder.file("out/img0001.claim"))
        let all = try run(output + ["--json"])
        #expect(all.status == 0 && all.json["claimed"] as? [String] == [], "\(all.errors)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).sorted()
                == names.flatMap { ["\($0).json", "\($0).nii"] })
        let again = try run(output + ["--force"])
        #expect(again.status == 64 && again.errors.contains("--part"), "\(again.errors)")
    }

    /// While boxes are read nothing is computed yet, and the signal is the same.
    @Test(arguments: ["segment", "segment --force", "precompute"])
    func aSignalEndsARunThatHasHardlyBegun(_ command: String) throws {
        // Named before any box is read, of which there are many.
        folder.write("ct/.hidden.nii.gz", "")
        var rows = "slice,class,x0,y0,x1,y1\n"
        for name in names {
            for slice in 3...9 { rows += String(repeating: "\(name)-slice00\(slice),0,10,20,60,70\n", count: 900) }
        }
        folder.write("boxes.csv", rows)
        let line =
            "swift-sam \(command) ct --boxes boxes.csv --view array --model \(randomWeights) --cache cache"
            + (command == "precompute" ? "" : " -o 'out/{case}.nii'")
        let wait = "for i in $(seq 3000); do [ -s err ] && break; sleep 0.01; done"
        let stopped = try Command(
            shell: "\(line) 2> err & \(wait); kill -TERM $!; wait $!; code=$?; cat err >&2; exit $code",
            in: folder.path)
        #expect(stopped.status == 75, "\(stopped.errors)")
        let says =
            command.contains("--force")
            ? "with --force the same command computes all again" : "the same command goes on where this one was"
        #expect(stopped.errors.contains("interrupted: \(says)"), "\(stopped.errors)")
    }

    /// What was encoded ahead for nothing is said, and what was.
    @Test func precomputeSaysWhatItEncodesAndWhatTheLimitHolds() throws {
        let whole = try run(["--cache", "cache", "--cache-limit", "1GB"], as: "precompute")
        #expect(whole.output == "ct/img0001.nii.gz: axis k, view array, intensity window:40,400\n", "\(whole.output)")
        #expect(!whole.errors.contains("the limit holds"), "\(whole.errors)")
        let small = try run(["--cache", "small", "--cache-limit", "1K"], as: "precompute")
        #expect(small.status == 0 && small.errors.contains("small: the limit holds 0 of"), "\(small.errors)")
        let without = try Command(
            ["precompute", "ct", "--slices", "3", "--model", randomWeights, "--cache", "cache"], in: folder.path)
        #expect(without.output.contains("view radiological"), "\(without.output)")
    }

    @Test func encodedSlicesAreKept() throws {
        let expected = try expected()
        #expect(try run(["--cache", "cache"], as: "precompute").status == 0)
        let entries = try FileManager.default.subpathsOfDirectory(atPath: folder.file("cache"))
        #expect(try run(["-o", "out/{case}.nii", "--cache", "cache", "--cache-limit", "1GB"]).status == 0)
        #expect(names.map { data("out/\($0).nii") } == expected)
        #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.file("cache")) == entries)
        for wrong in [
            ["--cache", "boxes/img0001-slice003.txt"], ["--cache-limit", "1GB"],
            ["--cache", "c", "--cache-limit", "x"],
        ] {
            #expect([64, 73].contains(try run(["-o", "other/{case}.nii"] + wrong).status))
        }
        let verified = try run(["-o", "out/{case}.nii", "--verify", "2"], as: "status")
        #expect(verified.status == 0 && verified.output.contains("computed again: 2 slices, of which 0 differ"))
        let json = try run(["-o", "out/{case}.nii", "--verify", "2", "--json"], as: "status").json
        #expect(json["verified"] as? [String: Int] == ["slices": 2, "differ": 0])
    }

    /// The signal of a batch system: what is in hand is kept, and the code says to try again.
    @Test(arguments: ["INT", "TERM", "USR1"]) func aSignalEndsARunThatGoesOn(_ name: String) throws {
        let expected = try expected()
        // A shell has its jobs in the background ignore SIGINT.
        let line =
            "env --default-signal=INT swift-sam segment "
            + (arguments + ["-o", "out/{case}.nii", "--cache", "cache"]).joined(separator: " ")
        // As soon as the first slice is kept, or a minute later.
        let wait = "for i in $(seq 3000); do ls cache/?/*.safetensors > /dev/null 2>&1 && break; sleep 0.02; done"
        let stopped = try Command(shell: "\(line) & \(wait); kill -\(name) $!; wait $!", in: folder.path)
        #expect(stopped.status == 75, "\(stopped.errors)")
        #expect(stopped.errors.contains("interrupted: the same command goes on"))
        #expect(try run(["-o", "out/{case}.nii", "--cache", "cache"]).status == 0)
        #expect(names.map { data("out/\($0).nii") } == expected)
    }

    /// The short form of `tools/pull-the-plug`.
    @Test func killedAtAnyMomentARunGoesOnToTheSameBytes() throws {
        let expected = try expected()
        let line =
            "swift-sam segment " + (arguments + ["-o", "out/{case}.nii", "--cache", "cache"]).joined(separator: " ")
        var random = SplitMix(seed: 200)
        for round in 0..<12 {
            let seconds = Double(random.next() % 1000) / 500
            let killed = try Command(shell: "\(line) & sleep \(seconds); kill -KILL $!; wait $!", in: folder.path)
            #expect([0, 137].contains(killed.status), "\(killed.errors)")
            guard round % 4 == 3 else { continue }
            let after = try run(["-o", "out/{case}.nii", "--cache", "cache"])
            #expect(after.status == 0, "\(after.errors)")
            #expect(names.map { data("out/\($0).nii") } == expected)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).sorted()
                    == names.flatMap { ["\($0).json", "\($0).nii"] })
            try FileManager.default.removeItem(atPath: folder.file("out"))
            if round == 7 { try FileManager.default.removeItem(atPath: folder.file("cache")) }
        }
    }
}
