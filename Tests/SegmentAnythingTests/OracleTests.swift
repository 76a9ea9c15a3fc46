import Tensors
import Testing

@testable import SegmentAnything

/// Every activation of every fixture against the official package in double precision.
///
/// The tolerance is the design's: twice what the official package itself loses in single precision, at least 1e-6;
/// the factor allows another order of summation, not another formula.
@Suite struct OracleTests {
    @Test(arguments: Fixture.all)
    func everyActivationAgrees(_ fixture: Fixture) throws {
        let recording = try fixture.recorded()
        let names = fixture.reference.entries.keys.filter { name in
            name != "image" && name != "stability" && !name.hasPrefix("prompt.") && !name.hasPrefix("single.")
        }
        #expect(Set(names) == Set(recording.activations.keys))
        for name in names.sorted() {
            let activation = try #require(recording.activations[name], "\(name)")
            #expect(activation.shape == fixture.reference.entries[name]?.shape, "\(name)")
            let error = relativeError(activation.values.map(Double.init), fixture.values(name))
            let tolerance = max(2 * (try #require(fixture.float32Error[name])), 1e-6)
            #expect(error <= tolerance, "\(name)")
        }
    }

    @Test(arguments: Fixture.all)
    func masksAgreeWhereLogitsAreClear(_ fixture: Fixture) throws {
        let sam = try fixture.sam()
        let encoded = try sam.encode(fixture.image, name: fixture.name)
        for (multimask, prefix) in [(true, ""), (false, "single.")] {
            let results = try sam.predict(fixture.prompts, on: encoded, multimask: multimask)
            let reference = fixture.values("\(prefix)mask_logits")
            let masks = results.flatMap { $0 }.flatMap(\.mask.values)
            #expect(masks.count == reference.count)
            let wrong = zip(masks, reference).count { abs($1) >= 1e-3 && $0 != ($1 > 0) }
            #expect(wrong == 0)
            let iou = results.flatMap { $0 }.map { Double($0.score) }
            let name = "\(prefix)iou_predictions"
            let iouReference = fixture.values(multimask ? "mask_decoder.iou_predictions" : name)
            #expect(relativeError(iou, iouReference) <= 1e-5)
        }
    }

    @Test(arguments: Fixture.all)
    func stabilityAgrees(_ fixture: Fixture) throws {
        let sam = try fixture.sam()
        let results = try sam.predict(fixture.prompts, on: try sam.encode(fixture.image, name: fixture.name))
        // A logit within 1e-4 of ±1 may fall on the other side; each such pixel changes the score by 1/union or less.
        let logits = fixture.values("mask_logits")
        let (masks, area) = (results.joined(), logits.count / results.joined().count)
        for (index, mask) in masks.enumerated() {
            let own = logits[index * area..<(index + 1) * area]
            let unclear = own.count { abs(abs($0) - 1) < 1e-4 }
            let tolerance = Double(unclear) / Double(max(own.count { $0 > -1 }, 1)) + 1e-12
            #expect(abs(mask.stability - fixture.values("stability")[index]) <= tolerance)
        }
    }
}
