import Foundation
import ImageFrames
import PlainSam
import SafeFiles
import SegmentAnything
import Tensors

/// A model's run held to a reference, stage by stage in the order of the forward pass.
///
/// An error is |ours − reference| / |reference| in the L2 norm. The *cumulative* one is that of the whole run from pixels: how
/// far an error spreads. The *isolated* one is that of a stage which is given the reference's own inputs: where an error is
/// made. A stage fails where it is off by itself by more than ``bound(_:official:)``.
public struct Verification: Sendable, Encodable {
    /// One row of the table.
    public struct Stage: Sendable, Encodable {
        public var name: String
        public var shape: [Int]
        public var verdict: Verdict
        public var bound: Double
        /// Of the whole run; nil where the shapes differ.
        public var cumulative: Comparison?
        /// Of the stage by itself; nil where the reference lacks one of its inputs, or holds sketches.
        public var isolated: Comparison?
        /// The error of the official package in single precision, where the reference knows it.
        public var official: Double?
        /// What the reference does otherwise, where that explains it.
        public var explanations: [String] = []
        /// Of the stage's parts, those that fail too, where the reference has them.
        public var parts: [String] = []
        /// Why there is no explanation.
        public var remark: String?

        /// The cumulative error over the official one.
        public var ratio: Double? {
            guard let cumulative, let official, official > 0 else { return nil }
            return cumulative.error / official
        }
    }

    public enum Verdict: String, Sendable, Encodable {
        case ok
        /// Off, but not by itself: what it was given is.
        case follows
        case fails
        case notFinite = "not finite"
        /// Its shape is another.
        case misshapen
    }

    /// Those that both have, in the order of the forward pass.
    public internal(set) var stages: [Stage] = []
    /// Stages that the reference lacks.
    public internal(set) var missing: [String] = []
    /// Names of the reference that no stage has.
    public internal(set) var additional: [String] = []

    /// The first stage that is wrong by itself.
    public var firstFailure: Stage? { stages.first { [.fails, .notFinite, .misshapen].contains($0.verdict) } }

    /// Twice what the official package itself loses in single precision, at least 1e-6. Where that is not known, 1e-5; of masks
    /// at the picture's size 6e-5, since single precision knows places among 1024 pixels to 2⁻¹⁴ of a pixel, and logits of
    /// neighbours may differ by their size.
    static func bound(_ name: String, official: Double?) -> Double {
        official.map { max(2 * $0, 1e-6) } ?? (name.hasPrefix("mask_logits") ? 6e-5 : 1e-5)
    }
}

// MARK: - With a reference

extension Verification {
    /// Runs the model on a reference's image and prompts, and compares.
    ///
    /// Activations are read one at a time; beside the model, memory holds the two largest stages.
    ///
    /// - Parameters:
    ///   - only: which names are compared.
    ///   - hasMaps: whether ``heatmaps`` are wanted.
    ///   - progress: called with the name of each stage that begins.
    /// - Throws: ``FileError`` `badData` as `Sam.encode` and `Sam.predict` do, and where the reference is of another recipe than
    ///   SAM's own.
    public init(
        of sam: Sam, against reference: Reference, only: @escaping (_ name: String) -> Bool = { _ in true },
        hasMaps: Bool = false, progress: @escaping (_ stage: String) -> Void = { _ in }
    ) throws {
        try reference.requireSAMsInference()
        let held = Set(reference.names)
        var made: Set<String> = []
        // A stage may run on inputs whose shapes are right, compared or not.
        var fitting: Set<String> = []
        var found: [Stage] = []
        let recorder = Recorder(parts: true) { name, activation in
            made.insert(name)
            guard held.contains(name) else { return }
            let value = activation()
            if value.shape == reference.shape(name) { fitting.insert(name) }
            guard only(name) else { return }
            progress(name)
            found.append(Stage(name, value, reference, sam, hasMap: hasMaps))
        }
        let name = reference.path
        let encoded = try sam.encode(reference.image, name: name, recorder: recorder)
        _ = try sam.predict(reference.prompts, on: encoded, multimask: !reference.isSingleMask, recorder: recorder)

        let models = try sam.stages(
            reference.image, reference.prompts, multimask: !reference.isSingleMask, name: name)
        missing = models.filter { !$0.isPart && !held.contains($0.name) && only($0.name) }.map(\.name)
        additional = reference.names.filter { !made.contains($0) && only($0) }
        let diagnosis = Diagnosis(sam, reference)
        let byName = Dictionary(uniqueKeysWithValues: models.map { ($0.name, $0) })
        var hasFailed = false
        for stage in found {
            var stage = stage
            if stage.verdict != .misshapen, let model = byName[stage.name], reference.sketch == nil {
                progress(stage.name)
                stage.isolate(model, reference, fitting, sam, hasMap: hasMaps)
            }
            stage.judge(afterFailure: hasFailed)
            if [.fails, .misshapen].contains(stage.verdict), let model = byName[stage.name], reference.sketch == nil {
                diagnosis.explain(&stage, model)
            }
            stage.parts = stages.filter { $0.verdict == .fails && stage.contains($0.name) }.map(\.name)
            hasFailed = hasFailed || stage.verdict != .ok
            stages.append(stage)
        }
    }
}

extension Verification.Stage {
    /// The stage of the whole run.
    fileprivate init(_ name: String, _ value: Tensor, _ reference: Reference, _ sam: Sam, hasMap: Bool) {
        let official = reference.officialError(name)
        self.init(
            name: name, shape: value.shape, verdict: .ok, bound: Verification.bound(name, official: official),
            official: official)
        guard value.shape == reference.shape(name) else {
            verdict = .misshapen
            remark = "the reference has the shape \(reference.shape(name))"
            return
        }
        cumulative = compare(value, reference, sam, hasMap: hasMap)
    }

    private func compare(_ value: Tensor, _ reference: Reference, _ sam: Sam, hasMap: Bool) -> Comparison {
        defer { reference.release(name) }
        if let norm = reference.sketch?.norms[name] {
            let expected = reference.values(name)
            let own = Sketch(of: name, projections: expected.count)(value.values.lazy.map(Double.init))
            return Comparison(sketch: own, expected, norm: norm)
        }
        let places = Places(name, shape: value.shape, headDim: headDim(sam))
        let reader = reference.reader(name)
        guard reference.lacksPadding, name.hasSuffix(".attn"), name.hasPrefix("image_encoder.") else {
            return Comparison(value, reader, places, hasMap: hasMap)
        }
        let (side, channels, grid) = (value.shape[1], value.shape[3], sam.configuration.grid)
        let windowsAcross = (grid + side - 1) / side
        return Comparison(value, reader, places, hasMap: hasMap) { index in
            let (window, token) = (index / channels).quotientAndRemainder(dividingBy: side * side)
            let (row, column) = (
                window / windowsAcross * side + token / side, window % windowsAcross * side + token % side
            )
            return row < grid && column < grid
        }
    }

    /// The channels of a head where channels are in heads.
    private func headDim(_ sam: Sam) -> Int? {
        switch sam.configuration.image {
        case .vit(let vit) where name.hasSuffix(".attn.values"): vit.headDim
        default:
            name.hasSuffix("_proj") || name.hasSuffix(".values") && name.hasPrefix("mask_decoder.")
                ? (shape.last ?? 0) / DecoderConfiguration.heads : nil
        }
    }

    /// Computes the stage from the reference's inputs of it.
    ///
    /// - Parameter fitting: the activations that the reference has, in the right shape.
    fileprivate mutating func isolate(
        _ model: ModelStage, _ reference: Reference, _ fitting: Set<String>, _ sam: Sam, hasMap: Bool
    ) {
        guard fitting.isSuperset(of: model.inputs) else { return }
        let inputs = model.inputs.map { reference.activation($0) }
        guard inputs.allSatisfy(\.isFinite) else { return }
        let value = model.compute(inputs)
        if value.shape == reference.shape(name) { isolated = compare(value, reference, sam, hasMap: hasMap) }
        for input in model.inputs { reference.release(input) }
    }

    /// Whether another stage lies inside of this one. Of a two-way block, sublayers lie in its queries, and the image's attention
    /// in its keys.
    fileprivate func contains(_ other: String) -> Bool {
        for (end, isKeys) in [(".queries", false), (".keys", true)] where name.hasSuffix(end) {
            let path = name.dropLast(end.count - 1)
            return other.hasPrefix(path) && !other.hasSuffix(".queries")
                && (other.contains("image_to_token") || other.hasSuffix("norm4")) == isKeys
        }
        return other.hasPrefix(name + ".")
    }

    /// - Parameter afterFailure: whether a stage before this one is off.
    mutating func judge(afterFailure: Bool) {
        guard let cumulative else { return }
        let isWithout = isolated == nil && afterFailure
        if cumulative.notFinite + cumulative.referenceNotFinite > 0 {
            verdict = isWithout ? .follows : .notFinite
        } else if (isolated ?? cumulative).error > bound {
            verdict = isWithout ? .follows : .fails
        } else {
            verdict = cumulative.error > bound ? .follows : .ok
        }
    }
}
