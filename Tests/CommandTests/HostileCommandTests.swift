import Foundation
import TestSupport
import Testing

/// What the promises in `.github/SECURITY.md` mean for the command: whatever files, folders and moments it meets, it ends
/// with its own exit code, a message, and nothing half done.
@Suite struct HostileCommandTests {
    let folder = Folder()

    private func shell(_ line: String) throws -> Command {
        try Command(
            shell: line, in: folder.path, environment: ["SWIFT_SAM_MODEL": randomWeights, "CT": demo + "/ct.nii.gz"])
    }

    @Test(arguments: [
        "predict", "encode", "segment", "slices", "annotations check", "annotations agreement", "annotations merge",
        "annotations coverage",
        "export nnunet", "evaluate", "summarize", "compare", "model", "convert", "activations", "bench", "demo",
        "verify", "everything",
    ])
    func everyCommandRaisesItsBounds(subcommand: String) throws {
        let help = try Command(subcommand.split(separator: " ").map(String.init) + ["--help"], in: folder.path)
        #expect(help.output.contains("--limit <size>"))
    }

    @Test func aBoundIsRaised() throws {
        let path = folder.write("s.csv", "path,a_dice\nx,0.5\n\n")
        #expect(truncate(path, off_t(33 << 20)) == 0)
        let refused = try shell("swift-sam summarize s.csv")
        #expect(refused.status == 65 && refused.errors.contains("--limit SIZE"), "\(refused.errors)")
        #expect(try shell("swift-sam summarize s.csv --limit 0").status == 64)
        #expect(try shell("swift-sam summarize s.csv --limit 9X").status == 64)
        #expect(try shell("swift-sam summarize s.csv --limit 99999999999T").status == 64)
    }

    /// Every test that the page of promises names is there.
    @Test func promisesNameTheirTests() throws {
        let page = try String(contentsOfFile: checkout + ".github/SECURITY.md", encoding: .utf8)
        let named = page.split(separator: "`").filter { $0.wholeMatch(of: /[A-Z]\w*Tests(\.\w+)?/) != nil }
        let sources = try FileManager.default.subpathsOfDirectory(atPath: checkout + "Tests")
            .filter { $0.hasSuffix(".swift") }
            .map { try String(contentsOfFile: checkout + "Tests/" + $0, encoding: .utf8) }
        #expect(named.count > 20)
        for name in named {
            let parts = name.split(separator: ".")
            let suites = sources.filter { $0.contains("struct \(parts[0]) {") }
            #expect(!suites.isEmpty, "\(name)")
            if parts.count == 2 { #expect(suites.contains { $0.contains("func \(parts[1])(") }, "\(name)") }
        }
    }

    @Test func noModuleKnowsOfANetwork() throws {
        let files = try FileManager.default.subpathsOfDirectory(atPath: checkout + "Sources")
            .filter { [".swift", ".c", ".h"].contains(where: $0.hasSuffix) }
        #expect(files.count > 100)
        for file in files {
            let text = try String(contentsOfFile: checkout + "Sources/" + file, encoding: .utf8)
            for word in ["FoundationNetworking", "URLSession", "socket(", "getaddrinfo", "gethostbyname"] {
                #expect(!text.contains(word), "\(file): \(word)")
            }
        }
    }

    /// Replaced, the file that standard output goes to would be gone for what is printed later.
    @Test func standardOutputIsNoOutput() throws {
        let truth = demo + "/truth.nii.gz"
        for line in ["--csv /dev/stdout > file", "--csv file > file", "--csv /proc/self/fd/1 > file"] {
            let command = try shell("swift-sam evaluate --truth \(truth) --predicted \(truth) \(line)")
            #expect(command.status == 73, "\(line)")
            #expect(command.errors.contains("standard output goes there"), "\(command.errors)")
        }
    }

    @Test func namesThatAreNotUTF8() throws {
        let command = try shell(
            "mkdir ct && cp $CT ct/a.nii.gz && cp $CT \"ct/$(printf '\\377\\376').nii.gz\" && swift-sam slices ct -o out --quiet"
        )
        let skipped = "a name that is not UTF-8, skipped: found \u{FFFD}\u{FFFD}"
        #expect(command.status == 65 && command.errors.contains("error: ct: \(skipped).nii.gz"))
        #expect(FileManager.default.fileExists(atPath: folder.file("out/a-slice000.png")))

        // Volumes by a pattern, boxes, annotators, pairs: each is named, the others run, and the end says so.
        let setup = """
            n="$(printf '\\377\\376')"; mkdir -p "c/$n" c/a t boxes/x "boxes/$n"; cp $CT c/a/ct.nii.gz
            cp '\(demo)/truth.nii.gz' t/a.nii.gz; cp t/a.nii.gz "t/$n.nii.gz"
            printf '0 0.5 0.5 0.2 0.1\\n' > boxes/x/a-slice004.txt; cp boxes/x/a-slice004.txt "boxes/x/$n-slice005.txt"
            printf 'spleen\\n' > c.txt
            """
        for (line, names) in [
            (
                "segment 'c/{case}/ct.nii.gz' --boxes boxes --view array -o 'l/{case}.nii.gz'",
                ["c/{case}/ct.nii.gz: \(skipped)/", "boxes: \(skipped)/", "boxes/x: \(skipped)-slice005.txt"]
            ),
            ("annotations check c/a/ct.nii.gz --stem a --boxes boxes --classes c.txt", ["boxes: \(skipped)/"]),
            ("evaluate --truth t --predicted t --no-distances", ["error: t: \(skipped).nii.gz"]),
        ] {
            let command = try shell("\(setup)\nswift-sam \(line)")
            #expect(command.status == 65, "\(line): \(command.errors)")
            for name in names { #expect(command.errors.contains(name), "\(line): \(command.errors)") }
        }
        #expect(FileManager.default.fileExists(atPath: folder.file("l/a.nii.gz")))
        // As an argument: no file of a name that only looks like it is written.
        let named = try shell("swift-sam slices $CT -o \"$(printf 'o\\377')\"")
        #expect(named.status == 64 && named.errors.contains("error: o\u{FFFD}: not UTF-8"))
        #expect(folder.names.allSatisfy { !$0.hasPrefix("o\u{FFFD}") })
    }

    /// Boxes drawn on pictures without a record, or beside one of another view, would land elsewhere.
    @Test func picturesOfAnInterruptedRunHaveTheirRecord() throws {
        folder.write("out/ct-slice002.png/x", "")
        let first = try shell("swift-sam slices $CT --view array -o out --quiet")
        #expect(first.status == 73)
        let record = try String(contentsOfFile: folder.file("out/slices.json"), encoding: .utf8)
        #expect(record.contains("array"))
        #expect(FileManager.default.fileExists(atPath: folder.file("out/ct-slice001.png")))
        // In another view: what is left of the first is gone.
        folder.write("out/ct-slice003.png", "of the first view")
        let second = try shell("swift-sam slices $CT --view radiological -o out --quiet")
        #expect(second.status == 73)
        #expect(try String(contentsOfFile: folder.file("out/slices.json"), encoding: .utf8).contains("radiological"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("out/ct-slice003.png")))
    }

    @Test func aMappedFileThatShrinksIsAnError() throws {
        let command = try shell("swift-sam bench --runs 100000 & sleep 2; kill -BUS $!; wait $!")
        #expect(command.status == 74)
        #expect(command.errors.contains("error: a file became shorter while it was read"))
    }

    /// At whatever moment, also while outputs are written.
    @Test func aMappedFileThatShrinksLeavesNoTemporaries() throws {
        let command = try shell(
            """
            for moment in 04 08 12 16 20; do
                swift-sam slices $CT --view array -o out-$moment --quiet & sleep 0.$moment; kill -BUS $!; wait $!
            done
            find out-* -name '.*' -type f
            """)
        #expect(command.output.isEmpty, "\(command.output)")
    }

    @Test func whatIsEndedLeavesNoTemporaries() throws {
        for signal in ["TERM", "INT", "HUP"] {
            let command = try shell("timeout -s \(signal) 2 swift-sam bench --runs 100000; echo $?")
            #expect(command.output.hasSuffix("124\n"), "\(signal)")
        }
        #expect(folder.names.isEmpty)
    }

    @Test func tooLittleMemoryIsAnErrorAndNoHang() throws {
        let command = try shell("ulimit -v 300000; timeout -s KILL 60 swift-sam model")
        #expect(command.status == 74)
        #expect(command.errors.contains("error: not enough memory"))
    }
}
