// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import SegmentAnything
import TestSupport
import Testing

@testable import Inspection

/// What `tools/oracle/export_inspection.py` wrote: NumPy's and PyTorch's numbers.
struct InspectionFixture: Decodable {
    struct Components: Decodable {
        var activation: String
        /// `[tokens, 3]`.
        var projections: [Double]
        var shares: [Double]
    }

    /// Mean, deviation, least, greatest, share of zeros of each tensor of "small".
    var statistics: [String: [Double]]
    /// Of each module of "global".
    var flop: [String: Double]
    var components: Components

    static let shared = try! JSONDecoder().decode(
        InspectionFixture.self, from: Data(contentsOf: URL(filePath: "\(Fixture.folder)/inspection.json")))
}

@Suite struct ModelTreeTests {
    private func tree(_ name: String) throws -> ModelTree {
        ModelTree(try ModelFile(path: "\(Fixture.folder)/\(name).weights.safetensors"))
    }

    /// Both sum in double precision, in another order.
    @Test func statisticsAreNumPys() throws {
        let rows = try tree("small").rows.filter { $0.shape != nil }
        #expect(rows.count == InspectionFixture.shared.statistics.count)
        for row in rows {
            let expected = try #require(InspectionFixture.shared.statistics[row.name], "\(row.name)")
            let found = try #require(row.statistics)
            let values = [found.mean, found.deviation, found.minimum, found.maximum].map { $0.value! } + [found.zeros]
            for (value, expected) in zip(values, expected) {
                #expect(abs(value - expected) <= 1e-12 * max(1, abs(expected)), "\(row.name)")
            }
            #expect(found.notNumbers == 0 && found.infinities == 0)
        }
    }

    @Test func whatIsNotANumberIsCounted() throws {
        let mixed = TensorStatistics(Tensor([.nan, 1, .infinity, 0, -.infinity, -3], shape: [2, 3]))
        #expect(mixed.notNumbers == 1 && mixed.infinities == 2 && mixed.zeros == 1.0 / 6)
        // Of 1, 0 and −3.
        #expect(
            abs(mixed.mean.value! + 2.0 / 3) < 1e-15
                && abs(mixed.deviation.value! - 2.8888888888888889.squareRoot()) < 1e-15)
        #expect(mixed.minimum.value == -3 && mixed.maximum.value == 1)
        for none in [TensorStatistics(Tensor([], shape: [0])), TensorStatistics(Tensor([.nan], shape: [1]))] {
            #expect(none.mean.value == nil && none.maximum.value == nil && none.zeros == 0)
        }
    }

    /// PyTorch counts the products that the official package makes; exactly the same integers.
    @Test func workIsWhatPyTorchCounts() throws {
        let rows = try tree("global").rows
        let counts = InspectionFixture.shared.flop
        #expect(counts.count > 40)
        let lists: Set<Substring?> = ["blocks", "layers", "output_hypernetworks_mlps"]
        for row in rows where row.shape == nil {
            // PyTorch sees modules that are called, and lists of modules are not.
            let isList = lists.contains(row.name.split(separator: ".").last)
            #expect(row.flop == counts[row.name] ?? (isList ? row.flop : 0), "\(row.name)")
        }
        #expect(counts.keys.allSatisfy { name in rows.contains { $0.name == name } })
    }

    /// Modules hold what is in them; the whole model is what its file says.
    @Test(arguments: ["small", "plain"]) func modulesAddUp(name: String) throws {
        let tree = try tree(name)
        let file = try ModelFile(path: tree.model)
        #expect(tree.rows[0].parameters == file.parameterCount && tree.rows[0].share == 1 && tree.rows[0].name.isEmpty)
        #expect(tree.rows.compactMap { $0.shape == nil ? nil : $0.name }.count == file.shapes.count)
        for row in tree.rows where row.shape == nil {
            let inside = tree.rows.filter { $0.shape != nil && ($0.name.hasPrefix("\(row.name).") || row.name.isEmpty) }
            #expect(inside.reduce(0) { $0 + $1.parameters } == row.parameters, "\(row.name)")
            #expect(inside.reduce(0) { $0 + $1.bytes } == row.bytes && row.bytes == 4 * row.parameters)
        }
        switch file.configuration.image {
        case .vit(let vit):
            let encoder = try #require(tree.rows.first { $0.name == "image_encoder" })
            #expect(encoder.flop == file.configuration.image.flop(outputs: file.configuration.decoder.width))
            #expect(vit.depth == tree.rows.count { $0.name.wholeMatch(of: /image_encoder\.blocks\.\d+/) != nil })
        }
        // Blocks in their order, a module before what is in it.
        let blocks = tree.rows.firstIndex { $0.name == "image_encoder.blocks" }!
        #expect(tree.rows[blocks + 1].name == "image_encoder.blocks.0")
        #expect(tree.rows[blocks + 1].depth == tree.rows[blocks].depth + 1)
    }
}
