import Checkpoints
import SafeFiles
import Tensors

private let logitsName = "mask_decoder.low_res_logits"
private let scoresName = "mask_decoder.iou_predictions"

/// The metadata of ``Reference`` files that says which mask of each prompt has the highest score, such as `[1, 0]`.
let bestMasksKey = "best_masks"

/// Reads mask inputs: logits `[size, size]` for each prompt, as ``writeLogits(_:_:)``, `activations` and NumPy write them.
///
/// Of a file of several tensors it is `mask_decoder.low_res_logits`, else `prompt.mask`. Where there are several masks of a
/// prompt (`[prompts, masks, size, size]`), that of the highest score is taken, by `mask_decoder.iou_predictions` or by what
/// the file says. Values are taken as they are, as by the official predictor: truth values are logits of 0 and 1.
///
/// - Parameters:
///   - path: of the file.
///   - prompts: for how many; one mask is for all of them.
///   - size: pixels along a side of a mask, 4·grid.
/// - Throws: ``FileError``: as `Checkpoint.init(path:)`, and `badData` for another shape, and for several masks of which none
///   is known to be the best.
public func readMaskInputs(_ path: String, prompts: Int, size: Int) throws(FileError) -> [Tensor] {
    let file = try Checkpoint(path: path)
    let only = file.entries.count == 1 ? file.entries.keys.first : nil
    guard let name = only ?? [logitsName, "prompt.mask"].first(where: { file.entries[$0] != nil }) else {
        throw FileError(
            .badData, file: path, "no tensor is known to be the mask",
            expected: "one tensor, or one named \(logitsName) or prompt.mask", found: "\(file.entries.count) tensors")
    }
    let tensor = file.tensor(name)
    // A .npy holds one tensor without a name.
    let place = name.isEmpty ? nil : name
    func bad(_ what: String, _ expected: String) -> FileError {
        FileError(.badData, file: path, place: place, what, expected: expected, found: "shape \(tensor.shape)")
    }
    guard tensor.shape.count >= 2, tensor.shape.suffix(2) == [size, size] else {
        throw bad("not a mask input of this model", "[\(size), \(size)], or as many of these as there are prompts")
    }
    let leading = Array(tensor.shape.dropLast(2))
    let count = leading.reduce(1, *)
    let masks = tensor.contiguous().reshaped([count, size, size])
    // Axes of 1 say nothing; else the first is the prompts', the second their masks'.
    let each = leading.count >= 2 ? leading[leading.count - 1] : leading == [prompts] ? 1 : count
    guard count > 0, count == each || count == prompts * each else {
        throw bad("mask inputs of another number of prompts", "one mask, or some for each of the prompts: \(prompts)")
    }
    var best = [Int](repeating: 0, count: count / each)
    if each > 1 {
        guard let known = bestMasks(file, prompts: best.count, masks: each) else {
            throw FileError(
                .badData, file: path, place: place, "\(each) masks of a prompt, and nothing says which is best",
                expected: "one, or \(scoresName) beside them",
                found: "shape \(tensor.shape)", advice: "Save the one that is to be refined: logits[best].")
        }
        best = known
    }
    guard tensor.isFinite else { throw FileError(.badData, file: path, "holds values that are not finite") }
    let chosen = best.enumerated().map { masks.selecting(axis: 0, $0 * each + $1) }
    return chosen.count == 1 ? [Tensor](repeating: chosen[0], count: prompts) : chosen
}

private func bestMasks(_ file: Checkpoint, prompts: Int, masks: Int) -> [Int]? {
    if file.entries[scoresName]?.shape == [prompts, masks] {
        let scores = file.tensor(scoresName)
        return (0..<prompts).map { prompt in
            (0..<masks).reduce(0) { scores[prompt, $1] > scores[prompt, $0] ? $1 : $0 }
        }
    }
    let texts = file.metadata[bestMasksKey]?.split { "[], ".contains($0) }
    guard let best = texts?.compactMap({ Int($0) }), best.count == prompts,
        best.allSatisfy((0..<masks).contains)
    else { return nil }
    return best
}

/// Writes the logits of one mask of each prompt as `mask_decoder.low_res_logits`, `[prompts, 1, 4·grid, 4·grid]`, for
/// ``readMaskInputs(_:prompts:size:)``: as `.npy` where the path ends so, else as safetensors.
///
/// - Throws: ``FileError`` `cannotCreate`, `inputOutput`.
public func writeLogits(_ path: String, _ masks: [PredictedMask]) throws {
    let logits = stacked(masks.map { stacked([$0.lowResLogits]) })
    if path.lowercased().hasSuffix(".npy") { return try writeNumpy(path, logits) }
    try writeSafetensors(path, names: [logitsName]) { _ in .tensor(logits, .float32) }
}
