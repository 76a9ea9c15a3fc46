import Checkpoints
import SafeFiles
import Tensors
import TestSupport
import Testing

@testable import SegmentAnything

/// Logits of one prediction as the mask input of the next.
@Suite struct MaskInputTests {
    let folder = Folder()
    let size = 4

    /// Planes of one number each.
    private func planes(_ values: [Float], leading: [Int]) -> TensorContents {
        let elements = values.flatMap { [Float](repeating: $0, count: size * size) }
        return .tensor(Tensor(elements, shape: leading + [size, size]), .float32)
    }

    /// The number of each prompt's mask.
    private func numbers(_ path: String, prompts: Int) throws(FileError) -> [Float] {
        try readMaskInputs(path, prompts: prompts, size: size).map { $0[3, 1] }
    }

    @Test(
        arguments: [
            ([], 1, [7], [7]), ([], 3, [7], [7, 7, 7]), ([1, 1], 2, [7], [7, 7]), ([3], 3, [7, 8, 9], [7, 8, 9]),
            ([2, 1], 2, [7, 8], [7, 8]),
        ] as [([Int], Int, [Float], [Float])])
    func oneForAllOrOneForEach(_ leading: [Int], _ prompts: Int, _ values: [Float], _ expected: [Float]) throws {
        #expect(try numbers(folder.write(["any": planes(values, leading: leading)]), prompts: prompts) == expected)
    }

    /// By the scores beside them, or by the file's word; ties go to the first.
    @Test func ofSeveralMasksTheBest() throws {
        let logits = planes([1, 2, 3, 4, 5, 6], leading: [2, 3])
        let scores = TensorContents.tensor(Tensor([0.1, 0.9, 0.2, 0.5, 0.3, 0.5], shape: [2, 3]), .float32)
        let both = ["mask_decoder.low_res_logits": logits, "mask_decoder.iou_predictions": scores, "image": scores]
        #expect(try numbers(folder.write(both), prompts: 2) == [2, 4])
        let path = folder.file("said.safetensors")
        try writeSafetensors(path, names: ["mask_decoder.low_res_logits"], metadata: [bestMasksKey: "[2, 1]"]) { _ in
            logits
        }
        #expect(try numbers(path, prompts: 2) == [3, 5])
        let unsaid = folder.write(["mask_decoder.low_res_logits": logits])
        expectError(.badData, "nothing says which is best", about: unsaid) { _ = try numbers(unsaid, prompts: 2) }
    }

    @Test func whatIsNoMaskInput() {
        let planes = planes([1, 2, 3], leading: [3])
        for (contents, prompts, phrase) in [
            (["a": planes], 2, "nothing says which is best"),
            (["a": planes, "b": planes], 1, "no tensor is known to be the mask"),
            (["a": .tensor(Tensor([1, 2], shape: [1, 2]), .float32)], 1, "not a mask input of this model"),
            (["a": self.planes([1, 2, 3], leading: [3, 1])], 2, "another number of prompts"),
            (["a": self.planes([.nan], leading: [])], 1, "not finite"),
            (["a": self.planes([], leading: [0])], 1, "another number of prompts"),
        ] as [([String: TensorContents], Int, String)] {
            let path = folder.write(contents)
            expectError(.badData, phrase, about: path) { _ = try numbers(path, prompts: prompts) }
        }
    }

    /// Written and read again, in both formats: the best mask's logits of each prompt.
    @Test func savedLogitsAreReadAgain() throws {
        let sam = try Sam(path: Fixture.weights("small"))
        let fixture = DesignTests.small
        let encoded = try sam.encode(fixture.image, name: "image")
        let best = try sam.predict(fixture.prompts + fixture.prompts, on: encoded).compactMap(\.best)
        for name in ["logits.npy", "logits.safetensors"] {
            try writeLogits(folder.file(name), best)
            let read = try readMaskInputs(folder.file(name), prompts: best.count, size: sam.configuration.maskSize)
            #expect(read.map(\.values) == best.map(\.lowResLogits.values))
        }
    }
}
