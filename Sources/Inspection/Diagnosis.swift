import PlainSam
import SegmentAnything
import Tensors

/// Why a stage fails by itself: it is computed once more by the plain model, from the reference's own inputs, under each
/// deviation that concerns it.
struct Diagnosis {
    private let reference: Reference
    private let run: PlainRun
    private let isSingleMask: Bool

    init(_ sam: Sam, _ reference: Reference) {
        self.reference = reference
        run = PlainRun(sam.file, reference.image, reference.prompts)
        isSingleMask = reference.isSingleMask
    }

    /// An explanation must make the error so many times smaller.
    private static let factor = 100.0

    /// Names the deviations under which the plain model is what the reference is.
    func explain(_ stage: inout Verification.Stage, _ model: ModelStage) {
        let isMisshapen = stage.verdict == .misshapen
        if isMisshapen && !model.inputs.isEmpty { return }
        guard isMisshapen || stage.isolated != nil else {
            stage.remark = "the reference lacks what the stage is computed from, so that it cannot be run by itself"
            return
        }
        let inputs = model.inputs.map { Activation(shape: reference.shape($0), values: reference.values($0)) }
        let expected = reference.values(stage.name)
        func error(_ run: PlainRun) -> Double? {
            guard let values = run.stage(stage.name, masks: isSingleMask ? 0..<1 : 1..<4, inputs),
                values.count == expected.count
            else { return nil }
            return relativeError(values, expected)
        }
        // Of another shape than ours, it is explained by what has the same shape and the same values.
        guard let plain = isMisshapen ? Self.factor * stage.bound : error(run) else { return }
        // The fast model is off, the reference is not.
        guard plain > stage.bound else {
            stage.remark =
                "the plain model agrees with the reference: the fault is swift-sam's own, or its weights changed"
            return
        }
        let explaining = Deviation.all.filter { $0.concerns(stage.name) }.compactMap { deviation in
            var deviating = run
            deviation.apply(&deviating)
            return error(deviating).map { (text: deviation.text, error: $0) }
        }.filter { $0.error <= plain / Self.factor }
        // Two epsilons near each other may both come close; the right one comes closest.
        let best = explaining.map(\.error).min() ?? 0
        stage.explanations = explaining.filter { $0.error <= 3 * best }.map(\.text)
        if stage.explanations.isEmpty, !isMisshapen {
            stage.remark =
                plain < Self.factor * stage.bound
                ? "smaller than \(Int(Self.factor)) times the bound: too small to tell one deviation from another"
                : "none of the deviations that are known explains it"
        }
    }
}

/// |values − reference| / |reference| in the L2 norm.
func relativeError(_ values: [Double], _ reference: [Double]) -> Double {
    let squares = zip(values, reference).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let norm = reference.reduce(0) { $0 + $1 * $1 }
    return relative(squares, norm: norm.squareRoot())
}
