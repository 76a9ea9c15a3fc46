import Checkpoints
import SafeFiles
import Tensors

extension Prompt {
    /// Reads a mask input, `[size, size]` with any leading axes of 1, from `.npy` or from safetensors with one tensor or one
    /// named `prompt.mask`.
    ///
    /// - Throws: ``FileError``: what the readers throw, and `badData` where the file has another name or shape, several
    /// tensors, or values that are not finite.
    public static func mask(contentsOf path: String, size: Int) throws(FileError) -> Tensor {
        var mask: Tensor
        if path.hasSuffix(".npy") {
            mask = try readNumpy(path)
        } else if !path.hasSuffix(".safetensors") {
            throw FileError(
                .badData, file: path, "not a mask input by its name", expected: ".npy or .safetensors",
                advice: "Save the logits by numpy.save(file, array) as float32.")
        } else {
            let file = try Checkpoint(path: path)
            let name = file.entries.count == 1 ? file.entries.keys.first : "prompt.mask"
            guard let name, file.entries[name] != nil else {
                throw FileError(
                    .badData, file: path, "which tensor is the mask?", expected: "one tensor, or one named prompt.mask",
                    found: "\(file.entries.count) tensors")
            }
            mask = file.tensor(name)
        }
        guard mask.shape.suffix(2) == [size, size], mask.count == size * size else {
            throw FileError(
                .badData, file: path, "not a mask input of this model", expected: "shape [\(size), \(size)]",
                found: "\(mask.shape)")
        }
        mask = mask.reshaped([size, size])
        guard mask.isFinite else { throw FileError(.badData, file: path, "holds values that are not finite") }
        return mask
    }
}
