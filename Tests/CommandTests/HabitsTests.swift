import Foundation
import Synchronization
import TestSupport
import Testing

@testable import swift_sam

/// What people expect of every subcommand: `--quiet`, folders that are made, lines of progress.
@Suite struct HabitsTests {
    let folder = Folder()

    private static let classes = ["--classes", demo + "/class_list.txt"]
    private static let boxes = [demo + "/ct.nii.gz", "--boxes", demo + "/boxes"] + classes
    private static let model = ["--model", randomWeights]

    /// Each subcommand with a status that is not an error.
    static let quiet: [(arguments: [String], status: Int32)] = [
        (["slices", demo + "/ct.nii.gz", "-o", "new/slices"], 0),
        (["predict", demo + "/labels.png", "--point", "40,30", "-o", "new/deep/mask.png"] + model, 0),
        (["encode", demo + "/labels.png", "-o", "new/e"] + model, 0),
        (["convert", randomWeights, "-o", "new/w/c.safetensors"], 0),
        (["model", randomWeights], 0),
        (["bench", "--runs", "1"] + model, 0),
        (
            ["activations", demo + "/labels.png", "--point", "40,30", "--only", "input", "-o", "new/a/a.safetensors"]
                + model, 0
        ),
        (["inspect"] + model, 0),
        (["inspect", demo + "/labels.png", "--point", "40,30", "-o", "new/i/inside.html"] + model, 0),
        (["annotations", "check"] + boxes, 1),
        (["annotations", "agreement"] + boxes, 0),
        (["annotations", "merge"] + boxes + ["-o", "new/m/merged.csv"], 0),
        (
            [
                "evaluate", "--truth", demo + "/truth.nii.gz", "--predicted", demo + "/truth.nii.gz", "--names",
                "1=spleen", "--csv", "new/v/v.csv",
            ], 0
        ),
        (["summarize", "scores.csv"], 0),
        (["compare", "scores.csv", "scores.csv"], 0),
    ]

    @Test(arguments: quiet.indices) func quietCommandsPrintNothing(index: Int) throws {
        let (arguments, status) = Self.quiet[index]
        folder.write("scores.csv", "path,spleen_dice\na,0.5\nb,0.75\n")
        let command = try Command(arguments + ["--quiet"], in: folder.path)
        #expect(command.status == status, "\(arguments): \(command.errors)")
        #expect(command.output.isEmpty && command.errors.isEmpty, "\(arguments)")
        if let place = arguments.lastIndex(where: { $0.hasPrefix("new/") }) {
            #expect(FileManager.default.fileExists(atPath: folder.file(arguments[place])), "the folder is made")
        }
    }

    @Test func quietSegmentsPrintErrorsAndJSONAlone() throws {
        folder.write("b.csv", "slice,class,x0,y0,x1,y1\n3,0,90,100,150,150\n")
        func segment(_ more: [String]) throws -> Command {
            try Command(
                ["segment", demo + "/ct.nii.gz", "--boxes", "b.csv", "-o", "new/l.nii", "--quiet"] + Self.model + more,
                in: folder.path)
        }
        let plain = try segment(["--preview", "new/p.png", "--preview-slices", "2-4,7"])
        #expect(plain.status == 0 && plain.output.isEmpty && plain.errors.isEmpty)
        #expect(try segment(["--json"]).json["boxes"] != nil)
        let wrong = try segment(["--preview", "p.png", "--preview-slices", "24"])
        #expect(wrong.status == 64 && wrong.errors.contains("has no slice 24, but 24"))
        for slices in ["x", "3-1", "-1", "", "0-64", "1-2-3", "0-9223372036854775807"] {
            #expect(try segment(["--preview", "p.png", "--preview-slices=\(slices)"]).status == 64, "\(slices)")
        }
        #expect(try segment(["--preview-slices", "3"]).status == 64)
    }

    /// `x,y` is `x,y,1`.
    @Test func aPointWithoutALabelIsInside() throws {
        func label(_ point: String) throws -> Int? {
            let command = try Command(
                ["predict", demo + "/labels.png", "--point", point, "--json", "-o", "m.png"] + Self.model,
                in: folder.path)
            #expect(command.status == 0, "\(command.errors)")
            let prompts = try #require(command.json["prompts"] as? [[String: Any]])
            let points = try #require(prompts[0]["points"] as? [[String: Any]])
            #expect(points[0]["x"] as? Double == 40 && points[0]["y"] as? Double == 30)
            return points[0]["label"] as? Int
        }
        #expect(try label("40,30") == 1)
        #expect(try label("40,30,0") == 0)
        for wrong in ["40", "40,30,2", "40,30,1,0", "40,30,1,1,1", "40,"] {
            #expect(
                try Command(["predict", "a.png", "--point", wrong, "-o", "m.png"] + Self.model, in: folder.path).status
                    == 64)
        }
    }

    /// A folder of DICOM gets the word that helps, by its files' names or by what stands in them.
    @Test func dicomIsToBeConverted() throws {
        folder.write("named/1.dcm", "")
        folder.write("series/inner/IM0001", [UInt8](repeating: 0, count: 128) + Array("DICM".utf8) + [0, 0])
        folder.write("none/IM0001", [UInt8](repeating: 0, count: 200))
        for (place, isDICOM) in [("named", true), ("series", true), ("none", false)] {
            let command = try Command(["slices", place, "-o", "s"], in: folder.path)
            #expect(command.status == 66)
            #expect(command.errors.contains("dcm2niix -z y -o OUTPUT \(place)") == isDICOM, "\(command.errors)")
        }
        let file = try Command(["slices", "named/1.dcm", "-o", "s"], in: folder.path)
        #expect(file.status == 65 && file.errors.contains("dcm2niix"))
    }

    /// Off a terminal, as the tests are: a line when the interval is over, and one at the end.
    @Test func progressHasALineForEachInterval() {
        final class Lines: Sendable {
            let all = Mutex<[String]>([])
        }
        func lines(interval: Duration, isQuiet: Bool = false) -> [String] {
            let lines = Lines()
            let progress = Progress("work", total: 3, isQuiet: isQuiet, interval: interval) { line in
                lines.all.withLock { $0.append(line) }
            }
            // The last one may be told twice, as by what is done again at the end.
            for done in [1, 2, 3, 3] { progress.update(done) }
            return lines.all.withLock { $0 }
        }
        let each = lines(interval: .zero)
        #expect(each.count == 3 && each[0].hasPrefix("work: 1/3, ") && each[0].hasSuffix(" left\n"))
        #expect(each[2].hasPrefix("work: 3 in "))
        #expect(lines(interval: .seconds(30)).count == 1)
        #expect(lines(interval: .zero, isQuiet: true).isEmpty)
    }
}
