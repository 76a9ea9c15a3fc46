// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Foundation
import ImageFrames
import Tensors
import Testing

@testable import PlainSam
@testable import SegmentAnything

/// Tokens of channels.
typealias Rows = [[Double]]

/// Makes the plain model wrong.
typealias Mistake = @Sendable (inout PlainModel) -> Void

/// Expects an activation to be the same in the fast model's recording, in the reference and in a stage of the plain
/// model, and another under each mistake.
func expectFact(
    _ name: String, of fixture: Fixture, not mistakes: [Mistake], sourceLocation: SourceLocation = #_sourceLocation,
    stage: (PlainModel) -> Rows
) throws {
    let reference = fixture.values(name)
    let tolerance = fixture.tolerance(name)
    let fast = try #require(fixture.recorded().activations[name]).values.map(Double.init)
    #expect(relativeError(fast, reference) <= tolerance, "the fast model", sourceLocation: sourceLocation)
    // Both are in double precision; another order of summation loses some 1e-16 a layer, and a stage has few.
    let plain = stage(fixture.plain).flatMap { $0 }
    #expect(relativeError(plain, reference) <= 1e-13, "the plain model", sourceLocation: sourceLocation)
    for (index, mistake) in mistakes.enumerated() {
        var model = fixture.plain
        mistake(&model)
        let wrong = stage(model).flatMap { $0 }
        // Another number of values is another activation.
        guard wrong.count == reference.count else { continue }
        #expect(relativeError(wrong, reference) > tolerance, "mistake \(index)", sourceLocation: sourceLocation)
    }
}

extension PlainModel {
    /// Changes every weight whose name has the part: a mistake of order.
    mutating func changeWeights(_ part: String, _ change: @escaping (Rows) -> Rows) {
        let weight = weight
        self.weight = { $0.contains(part) ? change(weight($0)) : weight($0) }
    }
}

extension Fixture {
    var plain: PlainModel { PlainModel(try! Checkpoint(path: Fixture.weights(model))) }

    var picture: PlainModel.Picture { (width: image.size.width, height: image.size.height, pixels: image.pixels) }

    var plainPrompts: [PlainModel.Prompt] {
        prompts.map { prompt in
            (
                points: prompt.points.map { (x: $0.position.x, y: $0.position.y, isForeground: $0.isForeground) },
                box: prompt.box.map { (x0: $0.x0, y0: $0.y0, x1: $0.x1, y1: $0.y1) },
                mask: prompt.mask.map { mask in split(mask.values.map(Double.init), mask.shape[1]) }
            )
        }
    }
}

func split<Element>(_ values: [Element], _ length: Int) -> [[Element]] {
    stride(from: 0, to: values.count, by: length).map { Array(values[$0..<$0 + length]) }
}
