import ArgumentParser
import ImageFrames
import SafeFiles
import SegmentAnything
import Tensors

/// What is asked of an image: the options that the commands share which predict on one.
struct PromptOptions: ParsableArguments {
    // A value may begin with a minus sign.
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A box in pixels from the top left; each is a prompt, numbered from 1.", valueName: "x0,y0,x1,y1"),
        transform: { try PixelBox(asked: parseNumbers($0)) })
    var box: [PixelBox] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A point in pixels; label 1, as without one, is inside the object, 0 outside. It joins prompt N, by default the only one.",
            valueName: "x,y[,label[,N]]"),
        transform: { try PromptList.Point(parseNumbers($0)) })
    var point: [PromptList.Point] = []

    @Option(
        name: .customLong("mask-input"),
        help:
            "Logits [4·grid, 4·grid] from which each prompt starts, or such of each prompt: of --save-logits, activations or NumPy.",
        completion: .file(extensions: ["npy", "npz", "safetensors"]))
    var maskInputs: [String] = []

    var maskInput: String? { maskInputs.first }

    /// Whether nothing is asked.
    var isEmpty: Bool { list.isEmpty && maskInput == nil }

    var list: PromptList { PromptList(boxes: box, points: point) }

    func requirePrompt() throws {
        if isEmpty { throw ValidationError("Nothing to predict: give a --box, a --point or a --mask-input.") }
    }

    mutating func validate() throws {
        if isEmpty { return }
        guard maskInputs.count < 2 else {
            throw ValidationError("--mask-input names one file, which may hold logits of each prompt.")
        }
        do throws(PromptError) {
            try list.check(hasMask: maskInput != nil)
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// The files that are read.
    var reads: [String] { [maskInput].compactMap { $0 } }

    /// The mask input of each prompt.
    func masks(for sam: Sam) throws(FileError) -> [Tensor]? {
        try maskInput.map { path throws(FileError) in
            try readMaskInputs(path, prompts: list.count, size: sam.configuration.maskSize)
        }
    }
}

func parseNumbers(_ text: String) throws -> [Double] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map {
        guard let number = decimal($0), number.isFinite else {
            throw ValidationError("expected numbers with commas and no spaces between, found \"\(text)\"")
        }
        return number
    }
}
