import ImageFrames
import PlainSam
import SafeFiles
import SegmentAnything
import Tensors

extension PlainModel {
    /// The plain model of a file's weights.
    public init(_ file: ModelFile) {
        self.init(names: file.shapes.keys, tensor: file.tensor)
    }
}

extension Verification {
    /// Holds a model's run to the plain model's, in double precision: a proof without another implementation.
    ///
    /// The plain model is loops over numbers: minutes for a model of a million parameters, days for ViT-H.
    ///
    /// - Parameters:
    ///   - prompts: such as `Reference.check(_:image:)` accepts.
    ///   - only: which names are compared.
    /// - Throws: ``FileError`` as `Sam.encode` and `Sam.predict` do.
    public init(
        ofItself sam: Sam, _ image: RGBImage, _ prompts: [Prompt], multimask: Bool, name: String,
        only: @escaping (_ name: String) -> Bool = { _ in true }
    ) throws {
        var expected: [String: (shape: [Int], values: [Double])] = [:]
        var run = PlainRun(sam.file, image, prompts)
        run.model.visit = { name, shape, values in
            guard only(name) else { return }
            guard let before = expected[name] else {
                expected[name] = (shape, values)
                return
            }
            // Prompts come one at a time.
            expected[name] = ([before.shape[0] + shape[0]] + shape.dropFirst(), before.values + values)
        }
        let embedding = run.model.encode(run.picture)
        for prompt in run.prompts { _ = run.model.predict(prompt, on: run.picture, embedding, multimask: multimask) }

        var found: [Stage] = []
        let recorder = Recorder { name, activation in
            guard let (shape, values) = expected.removeValue(forKey: name) else { return }
            found.append(Stage(name, activation(), shape: shape, values))
        }
        let encoded = try sam.encode(image, name: name, recorder: recorder)
        _ = try sam.predict(prompts, on: encoded, multimask: multimask, recorder: recorder)
        for stage in found {
            var stage = stage
            stage.judge(afterFailure: firstFailure != nil)
            stages.append(stage)
        }
        additional = expected.keys.sorted()
    }
}

extension Verification.Stage {
    /// A stage of the whole run against the plain model's.
    fileprivate init(_ name: String, _ value: Tensor, shape: [Int], _ expected: [Double]) {
        let fits = value.shape == shape
        self.init(
            name: name, shape: value.shape, verdict: fits ? .ok : .misshapen,
            bound: Verification.bound(name, official: nil))
        if fits { cumulative = Comparison(value, { Array(expected[$0]) }, Places(name, shape: shape), hasMap: true) }
    }
}
