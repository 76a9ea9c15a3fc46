import Foundation
import TestSupport
import Testing

/// `inspect` as a person runs it: the table, the page, and a run without a part.
@Suite struct InspectCommandTests {
    let folder = Folder()
    private static let model = ["--model", randomWeights]
    private static let picture = [demo + "/labels.png", "--box", "40,30,220,180"]

    @Test func modules() throws {
        let table = try Command(["inspect"] + Self.model, in: folder.path)
        let lines = table.output.split(separator: "\n")
        #expect(table.status == 0 && lines[0].hasPrefix("module "))
        let json = try Command(["inspect", "--json"] + Self.model, in: folder.path).json
        let rows = try #require(json["rows"] as? [[String: Any]])
        #expect(lines.count == rows.count + 1 && rows[0]["share"] as? Double == 1)
        let bias = try #require(rows.first { $0["name"] as? String == "image_encoder.blocks.2.attn.qkv.bias" })
        #expect(bias["shape"] as? [Int] == [144] && bias["type"] as? String == "F32" && bias["bytes"] as? Int == 576)
    }

    /// Points form one prompt, boxes one each; the numbers are those of `predict`.
    @Test func aPicture() throws {
        let inspected = try Command(
            ["inspect"] + Self.picture + ["--box", "300,30,500,180", "--json", "-o", "i.html"] + Self.model,
            in: folder.path)
        #expect(inspected.status == 0, "\(inspected.errors)")
        let prompts = try #require(inspected.json["prompts"] as? [[String: Any]])
        let predicted = try Command(
            ["predict"] + Self.picture + ["--box", "300,30,500,180", "--json"] + Self.model, in: folder.path)
        let expected = try #require(predicted.json["prompts"] as? [[String: Any]])
        #expect(prompts.count == 2 && expected.count == 2)
        for (prompt, expected) in zip(prompts, expected) {
            let masks = try #require(prompt["masks"] as? [[String: Any]])
            let others = try #require(expected["masks"] as? [[String: Any]])
            #expect(masks.count == 4 && others.count == 3)
            for (mask, other) in zip(masks.dropFirst(), others) {
                for key in ["index", "area", "score", "stability"] {
                    #expect(mask[key] as? Double == other[key] as? Double, "\(key)")
                }
            }
        }
        let page = try String(contentsOfFile: folder.file("i.html"), encoding: .utf8)
        #expect(page.hasPrefix("<!doctype html>") && page.hasSuffix("</html>\n"))
    }

    /// As `predict --recipe medsam` takes it, mask 0 is chosen, and alone compared with that without a part.
    @Test func medsamsOneMask() throws {
        let medsam = Self.picture + ["--recipe", "medsam", "--json"] + Self.model
        let part = "image_encoder.blocks.1.attn"
        let inspected = try Command(["inspect", "--without", part] + medsam, in: folder.path)
        #expect(inspected.status == 0, "\(inspected.errors)")
        let prompts = try #require(inspected.json["prompts"] as? [[String: Any]])
        let masks = try #require(prompts[0]["masks"] as? [[String: Any]])
        #expect(masks.map { $0["index"] as? Int } == [0, 1, 2, 3])
        #expect(masks.map { $0["chosen"] as? Bool } == [true, false, false, false])
        let without = try #require(inspected.json["without"] as? [[String: Any]])
        let changes = try #require(without[0]["masks"] as? [[String: Any]])
        #expect(changes.map { $0["mask"] as? Int } == [0] && changes[0]["chosen"] as? Bool == true)
        let predicted = try Command(["predict"] + medsam, in: folder.path)
        let answers = try #require(predicted.json["prompts"] as? [[String: Any]])
        let answer = try #require(answers[0]["masks"] as? [[String: Any]])
        #expect(answer.count == 1 && answer[0]["score"] as? Double == masks[0]["score"] as? Double)
    }

    @Test func withoutAPart() throws {
        let part = "image_encoder.blocks.1.attn.head.2"
        let command = try Command(["inspect"] + Self.picture + ["--without", part] + Self.model, in: folder.path)
        #expect(command.status == 0 && command.output.contains("without \(part)\nmask"))
        #expect(command.output.contains("(chosen)"))
    }

    @Test(arguments: [
        ["--box", "1,1,9,9"], ["-o", "i.html"], ["--without", "prompt.box"], ["a.png"], ["a.png", "--query", "1,1"],
        ["--bits", "12"], ["--recipe", "medsam"], ["a.png", "--box", "1,1,9,9", "--query", "5,5"],
        ["a.png", "--box", "1,1,9,9", "-o", "i.png"], ["a.png", "--box", "1,1,9,9", "--query", "x"],
        [demo + "/labels.png", "--box", "1,1,9,9", "--without", "image_encoder.blocks.3"],
        [demo + "/labels.png", "--box", "1,1,9,9", "--without", "prompt.box"],
    ])
    func usage(arguments: [String]) throws {
        let command = try Command(["inspect"] + arguments + Self.model, in: folder.path)
        #expect(command.status == 64 && command.errors.contains("Usage: swift-sam inspect"), "\(command.errors)")
    }
}
