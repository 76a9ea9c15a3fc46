// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import SegmentAnything
import Tensors
import TestSupport
import Testing

@testable import Inspection

/// The page: its structure, its size, and the numbers in it.
@Suite struct InsideTests {
    private static let box = Prompt(box: PixelBox(x0: 10, y0: 8, x1: 40, y1: 30))

    private func inside(
        _ sam: Sam, keyLimit: Int = 3 << 20, name: String = "a.png", queries: [PixelPoint] = []
    ) throws -> Inside {
        let reference = Fixture(name: "small.high-boxes").reference
        let point = Prompt(points: [.init(PixelPoint(x: 20, y: 30), isForeground: true)])
        return try Inside(
            sam, reference.image, name: name, [Self.box, point], queries: queries,
            without: [Ablation("image_encoder.blocks.1.attn", of: sam.file)], version: "1.0", keyLimit: keyLimit)
    }

    /// The data between the tags, as a browser reads it.
    private func data(of html: String) throws -> [String: Any] {
        let start = try #require(html.firstRange(of: #"id="data">"#))
        let end = html[start.upperBound...].firstRange(of: "</script>")!
        let text = html[start.upperBound..<end.lowerBound]
        return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// Tags close in order, ids are there once, every section has a heading, and nothing is fetched.
    @Test func structure() throws {
        let html = try inside(Fixture(name: "small").sam, name: "a </script><b>&.png").html
        let script = try #require(html.firstRange(of: #"<script type="application/json""#))
        let markup = html[..<script.lowerBound]
        var open: [String] = []
        let empty: Set<String> = ["meta", "link", "input", "!doctype"]
        for match in markup.matches(of: /<(\/?)(!?[a-z0-9]+)[^>]*>/) {
            let name = String(match.2)
            if empty.contains(name) { continue }
            if match.1.isEmpty { open.append(name) } else { #expect(open.popLast() == name, "</\(name)>") }
        }
        #expect(open == ["html", "body"])
        let ids = html.matches(of: /\sid="([^"]+)"/).map { String($0.1) }
        #expect(Set(ids).count == ids.count && ids.count > 40)
        for match in html.matches(of: /(?:href="#|aria-labelledby=")([^"]+)"/) {
            #expect(ids.contains(String(match.1)))
        }
        for match in pageScript.matches(of: /byId\("([^"]+)"\)/) {
            #expect(ids.contains(String(match.1)), "\(match.1)")
        }
        #expect(html.matches(of: /<h1/).count == 1 && markup.matches(of: /<section\b/).count == 10)
        #expect(markup.matches(of: /<section [^>]*aria-labelledby/).count == 10 && html.contains(#"<html lang="en">"#))
        for canvas in markup.matches(of: /<canvas[^>]*>/) { #expect(canvas.output.contains("aria-label=")) }
        #expect(!html.contains("http:") && !html.contains("https:") && !markup.contains("src="))
        #expect(markup.contains("default-src 'none'") && markup.contains("script>&lt;b>&amp;.png</title>"))
        #expect(html.matches(of: /<\/script>/).count == 2)
        // Below eighty words each.
        for paragraph in pageBody.matches(of: /(?s)<p>(.*?)<\/p>/) {
            #expect(paragraph.1.split { $0 == " " || $0 == "\n" }.count < 80)
        }
    }

    /// Each function that the page names is in the file that it names.
    @Test func theCodeIsThere() throws {
        let plain = try String(contentsOfFile: checkout + "Sources/PlainSam/PlainModel.swift", encoding: .utf8)
        let sources = pageBody.matches(of: /(?s)<p class="source">(.*?)<\/p>/)
        #expect(sources.count == pageBody.matches(of: /class="formula"/).count && sources.count == 8)
        for source in sources {
            #expect(source.1.contains("Sources/PlainSam/PlainModel.swift"))
            let names = source.1.matches(of: /<code>(\w+)<\/code>/)
            #expect(!names.isEmpty)
            for name in names { #expect(plain.contains("func \(name.1)("), "\(name.1)") }
        }
    }

    /// The browser's softmax of 8-bit queries and keys is the attention to within a hundredth of the whole.
    @Test func eightBitsAreEnoughForTheSoftmax() throws {
        let (sam, reference) = (Fixture(name: "small").sam, Fixture(name: "parts/small.square-points").reference)
        let path = "image_encoder.blocks.1.attn"
        let attention = EncoderAttention(
            block: 1, queries: reference.activation("\(path).q"), keys: reference.activation("\(path).k"), of: sam.file)
        let view = BlockView(attention, from: [])
        let (q, k) = (try #require(view.queries), try #require(view.keys))
        func tensor(_ packed: EightBits) -> Tensor {
            Tensor((0..<300).flatMap { packed.signed(row: $0, count: 16).map(Float.init) }, shape: [3, 100, 16])
        }
        let rounded = EncoderAttention(block: 1, queries: tensor(q), keys: tensor(k), of: sam.file)
        for place in [0, 37, 99] {
            let patch = Patch(row: place / 10, column: place % 10)
            for head in 0..<3 {
                let (exact, found) = (attention.row(from: patch, head: head), rounded.row(from: patch, head: head))
                #expect(zip(exact.weights, found.weights).allSatisfy { abs($0 - $1) < 0.01 })
            }
        }
    }

    /// Where keys are too many, the rows of some patches are there: the grid's, the prompts', and those that were asked for.
    @Test func largeModelsHoldSomePatches() throws {
        let sam = Fixture(name: "small").sam
        let page = try inside(sam, keyLimit: 0, queries: [PixelPoint(x: 1, y: 1)])
        #expect(page.patches.contains(page.patch) && page.patch == Patch(row: 0, column: 0))
        #expect(page.patches.count > 30 && Set(page.patches).count == page.patches.count)
        #expect(page.blocks.allSatisfy { $0.keys == nil && $0.weights != nil })
        // A mask has no middle: the page begins in that of the picture, and holds it.
        let image = Fixture(name: "small.high-boxes").reference.image
        let mask = Prompt(mask: Tensor(repeating: 1, shape: [40, 40]))
        let middle = try Inside(sam, image, name: "", [mask], version: "", keyLimit: 0)
        #expect(middle.patches.contains(middle.patch) && middle.prompts[0].tokens.count == 5)
        let all = try inside(sam)
        #expect(all.patches.isEmpty && all.blocks.allSatisfy { $0.keys != nil && $0.weights == nil })
        // The rows are those of the attention.
        var found: [String: Tensor] = [:]
        let recorder = Recorder(parts: true) { name, activation in
            if name.hasPrefix("image_encoder.blocks.1.attn.") { found[name] = activation() }
        }
        _ = try sam.encode(Fixture(name: "small.high-boxes").reference.image, name: "", recorder: recorder)
        let weights = found["image_encoder.blocks.1.attn.weights"]!
        let packed = try #require(page.blocks[1].weights)
        for (place, patch) in page.patches.enumerated() {
            let official = weights.selecting(axis: 0, 2).selecting(axis: 0, patch.row * 10 + patch.column).values
            let row = packed.shares(row: place * 3 + 2, count: 100)
            #expect(zip(row, official).allSatisfy { abs($0 - Double($1)) <= Double(official.max()!) / 255 + 1e-6 })
        }
    }

    @Test func cellsAreSums() {
        #expect(pooled([1, 2, 3, 4], side: 2, by: 1) == [1, 2, 3, 4] && pooled([1, 2, 3, 4], side: 2, by: 2) == [10])
        #expect(pooled((0..<16).map(Double.init), side: 4, by: 2) == [10, 18, 42, 50])
    }

    /// Cosines of positions: 1 at a place's own centre, nowhere more.
    @Test func positionsAreLikeThemselves() throws {
        let places = Fixture(name: "parts/small.square-points").reference.activation("prompt_encoder.pe_layer")
        let own = places.permuted(1, 2, 0).selecting(axis: 0, 3).selecting(axis: 0, 7).values.map(Double.init)
        let map = similarity(own, to: places)
        #expect(
            map.count == 100 && abs(map[37] - 1) < 1e-6 && map.allSatisfy { $0 <= map[37] + 1e-6 && $0 >= -1.000001 })
        #expect(map.contains { $0 < 0.9 })
    }

    /// With the bundled model at most 6 MB; the numbers are those of the model without a recorder.
    @Test func theBundledModelsPage() throws {
        let sam = try Sam(path: bundledWeights)
        var pixels: [UInt8] = []
        for place in 0..<60000 {
            let (row, column) = (place / 300, place % 300)
            pixels += [UInt8(column * 255 / 300), UInt8(row), column > 150 ? 200 : 40]
        }
        let image = RGBImage(size: PixelSize(width: 300, height: 200), pixels: pixels)
        let page = try Inside(
            sam, image, name: "half.png", [Prompt(box: PixelBox(x0: 150, y0: 0, x1: 300, y1: 200))], version: "1")
        let html = try page.html
        #expect(html.utf8.count < 6_000_000 && html.utf8.count > 1_000_000)
        let data = try data(of: html)
        #expect((data["blocks"] as? [Any])?.count == 24 && (data["colours"] as? [Any])?.count == 28)
        #expect(data["rows"] as? Int == 22 && data["columns"] as? Int == 32)
        let masks = try sam.predict(
            [Prompt(box: PixelBox(x0: 150, y0: 0, x1: 300, y1: 200))], on: sam.encode(image, name: ""))
        #expect(page.prompts[0].masks.dropFirst().map(\.score) == masks[0].map(\.score))
        #expect(page.prompts[0].masks.map(\.index) == [0, 1, 2, 3] && page.prompts[0].masks.count { $0.chosen } == 1)
        #expect(
            page.prompts[0].tokens.map(\.name) == [
                "IoU", "mask 0", "mask 1", "mask 2", "mask 3", "top left", "bottom right",
            ])
        #expect(page.report.prompts[0].layers.map(\.layer) == ["layer 0", "layer 1", "final"])
        // A box over half of the picture, which is two thirds of the square: 16 of 32 columns, 21 of 32 rows.
        #expect(page.prompts[0].regionShare == 16.0 * 21 / 1024)
    }
}
