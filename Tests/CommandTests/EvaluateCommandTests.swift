import Foundation
import Testing

/// `evaluate`, `summarize` and `compare` as a person runs them.
@Suite struct EvaluateCommandTests {
    let folder = TemporaryFolder()
    let truth = demo + "/truth.nii.gz"

    @Test func theTruthIsPerfect() throws {
        let command = try Command(
            [
                "evaluate", "--truth", truth, "--predicted", truth, "--names", "1=spleen,4=liver", "--csv", "v.csv",
                "--slice-csv", "s.csv", "--json",
            ], in: folder.path)
        #expect(command.status == 0)
        let organs = try #require(command.json["organs"] as? [String: [String: [String: Any]]])
        for organ in ["spleen", "liver"] {
            #expect(organs[organ]?["volume_dice"]?["mean"] as? Double == 1)
            #expect(organs[organ]?["hd95_mm"]?["mean"] as? Double == 0)
        }
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
        let other = checkout + "../shared/data/ct_abdomen/organs.nii.gz"
        let moved = FileManager.default.fileExists(atPath: other) ? other : folder.path + "/nothing.nii"
        let command = try Command(["evaluate", "--truth", truth, "--predicted", moved], in: folder.path)
        #expect(command.status == (moved == other ? 65 : 66))
        #expect(try Command(["evaluate", "--truth", truth, "--predicted", demo], in: folder.path).status == 66)
        let names = ["--names", "0=background"]
        #expect(
            try Command(["evaluate", "--truth", truth, "--predicted", truth] + names, in: folder.path).status == 64)
    }
}
