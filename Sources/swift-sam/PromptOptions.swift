import ArgumentParser
import Foundation
import ImageFrames
import SafeFiles
import SegmentAnything

/// An image and what is asked of it: the arguments that `predict` and `activations` share.
struct PromptOptions: ParsableArguments {
    @Argument(help: "A PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var image: String?

    // A value may begin with a minus sign.
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A box in pixels from the top left; each is a prompt, numbered from 1.", valueName: "x0,y0,x1,y1"),
        transform: parseBox)
    var box: [PixelBox] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A point in pixels; label 1, as without one, is inside the object, 0 outside. It joins prompt N, by default the only one.",
            valueName: "x,y[,label[,N]]"),
        transform: NumberedPoint.init)
    var point: [NumberedPoint] = []

    @Option(
        help:
            "Logits [4·grid, 4·grid] from which each prompt starts, or such of each prompt: of --save-logits, activations or NumPy.",
        completion: .file(extensions: ["npy", "npz", "safetensors"]))
    var maskInput: String?

    /// Whether nothing is asked.
    var isEmpty: Bool { box.isEmpty && point.isEmpty && maskInput == nil }

    func requirePrompt() throws {
        if isEmpty { throw ValidationError("Nothing to predict: give a --box, a --point or a --mask-input.") }
    }

    mutating func validate() throws {
        if isEmpty { return }
        let count = promptCount
        for point in point where point.prompt == nil && count > 1 {
            throw ValidationError("With \(count) prompts, say which one a point joins: \(point.text),N.")
        }
        for prompt in 1...count where box.count < prompt && !point.contains(where: { ($0.prompt ?? 1) == prompt }) {
            if maskInput == nil || count > 1 {
                throw ValidationError("Prompt \(prompt) has neither a box nor a point.")
            }
        }
    }

    /// What the person should know: boxes that reach beyond the image are taken as they are, as by the official package.
    func warnings(on size: PixelSize, name: String) -> [Warning] {
        box.filter { $0.clipped(to: size) != $0 }.map {
            Warning(
                file: name,
                "the box \(shortText($0)) reaches beyond the image of \(size.width)×\(size.height) pixels")
        }
    }

    /// The files that are read.
    var reads: [String] { [image, maskInput].compactMap { $0 } }

    var promptCount: Int { max(box.count, point.compactMap(\.prompt).max() ?? 1, 1) }

    /// The prompts, in the order of their numbers.
    ///
    /// - Parameter name: what the image is called in an error.
    /// - Throws: ``FileError`` `badData` for a box or a point wholly outside the image, and for a mask input that is
    ///   not finite or of another size than `maskSize`.
    func prompts(on size: PixelSize, name: String, maskSize: Int) throws(FileError) -> [Prompt] {
        func outside(_ what: String) -> FileError {
            FileError(
                .badData, file: name, "\(what) is outside the image",
                expected: "x from 0 to \(size.width), y from 0 to \(size.height)")
        }
        if let box = box.first(where: { $0.clipped(to: size) == nil }) {
            throw outside("the box \(shortText(box))")
        }
        if let point = point.first(where: {
            !(0...Double(size.width)).contains($0.position.x) || !(0...Double(size.height)).contains($0.position.y)
        }) {
            throw outside("the point \(point.text)")
        }
        let masks = try maskInput.map { path throws(FileError) in
            try readMaskInputs(path, prompts: promptCount, size: maskSize)
        }
        return (1...promptCount).map { number in
            Prompt(
                points: point.filter { ($0.prompt ?? 1) == number }
                    .map { .init($0.position, isForeground: $0.isForeground) },
                box: box.count >= number ? box[number - 1] : nil, mask: masks?[number - 1])
        }
    }
}

private func shortText(_ box: PixelBox) -> String {
    String(format: "%g,%g,%g,%g", box.x0, box.y0, box.x1, box.y1)
}

/// A `--point`: a place, a label, and the prompt that it joins.
struct NumberedPoint {
    let text: String
    let position: PixelPoint
    let isForeground: Bool
    let prompt: Int?

    init(_ text: String) throws {
        let numbers = try parseNumbers(text)
        let label = numbers.count > 2 ? numbers[2] : 1
        guard (2...4).contains(numbers.count), [0, 1].contains(label) else {
            throw ValidationError("expected x,y[,label[,N]] with label 0 or 1, found \"\(text)\"")
        }
        prompt = numbers.count == 4 ? Int(exactly: numbers[3]) : nil
        guard numbers.count < 4 || (1...1000).contains(prompt ?? 0) else {
            throw ValidationError("expected a prompt's number from 1 to 1000 after the label, found \"\(text)\"")
        }
        // With its label, to which errors add a prompt's number.
        self.text = numbers.count == 2 ? text + ",1" : text
        position = PixelPoint(x: numbers[0], y: numbers[1])
        isForeground = label == 1
    }
}

private func parseBox(_ text: String) throws -> PixelBox {
    let numbers = try parseNumbers(text)
    guard numbers.count == 4, numbers[0] < numbers[2], numbers[1] < numbers[3] else {
        throw ValidationError("expected x0,y0,x1,y1 with x0 < x1 and y0 < y1, found \"\(text)\"")
    }
    return PixelBox(x0: numbers[0], y0: numbers[1], x1: numbers[2], y1: numbers[3])
}

private func parseNumbers(_ text: String) throws -> [Double] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map {
        guard !$0.lowercased().contains("x"), let number = Double($0), number.isFinite else {
            throw ValidationError("expected numbers with commas and no spaces between, found \"\(text)\"")
        }
        return number
    }
}
