import Foundation
import ImageFrames
import SafeFiles
import Tensors

/// What a person asks of one picture: each box is a prompt, numbered from 1, and each point joins one of them.
public struct PromptList: Hashable, Sendable {
    public struct Point: Hashable, Sendable {
        public var position: PixelPoint
        public var isForeground: Bool
        /// The number of the prompt that it joins, from 1 to 1000; nil for the only one.
        public let prompt: Int?

        /// - Precondition: a prompt's number is from 1 to 1000.
        public init(position: PixelPoint, isForeground: Bool, prompt: Int? = nil) {
            precondition((1...1000).contains(prompt ?? 1), "a point of prompt \(prompt ?? 1)")
            (self.position, self.isForeground, self.prompt) = (position, isForeground, prompt)
        }
    }

    public var boxes: [PixelBox]
    public var points: [Point]

    public init(boxes: [PixelBox] = [], points: [Point] = []) { (self.boxes, self.points) = (boxes, points) }

    public var isEmpty: Bool { boxes.isEmpty && points.isEmpty }

    /// The number of prompts; 1 where nothing is asked but by a mask input.
    public var count: Int { max(boxes.count, points.compactMap(\.prompt).max() ?? 1, 1) }

    /// Checks that each point has a prompt, and each prompt a box or a point.
    ///
    /// - Parameter hasMask: whether there is a mask input besides, which is enough for one prompt.
    public func check(hasMask: Bool = false) throws(PromptError) {
        if isEmpty {
            if hasMask { return }
            throw PromptError("Nothing to predict: give a box or a point.")
        }
        if count > 1, let point = points.first(where: { $0.prompt == nil }) {
            throw PromptError("With \(count) prompts, say which one a point joins: \(point),N.")
        }
        for prompt in 1...count where boxes.count < prompt && !points.contains(where: { ($0.prompt ?? 1) == prompt }) {
            if !hasMask || count > 1 { throw PromptError("Prompt \(prompt) has neither a box nor a point.") }
        }
    }

    /// What the person should know: boxes that reach beyond the image are taken as they are, as by the official package.
    ///
    /// - Parameters:
    ///   - size: of the image.
    ///   - name: what the image is called.
    public func warnings(on size: PixelSize, name: String) -> [Warning] {
        boxes.filter { $0.clipped(to: size) != $0 }.map {
            Warning(
                file: name, "the box \(text($0)) reaches beyond the image of \(size.width)×\(size.height) pixels")
        }
    }

    /// The prompts, in the order of their numbers.
    ///
    /// - Parameters:
    ///   - size: of the image.
    ///   - name: what the image is called in an error.
    ///   - masks: the mask input of each prompt, where there are any.
    /// - Throws: ``FileError`` `badData` for a box or a point wholly outside the image.
    /// - Precondition: ``check(hasMask:)`` passes, and there are as many masks as prompts, or none.
    public func prompts(on size: PixelSize, name: String, masks: [Tensor]? = nil) throws(FileError) -> [Prompt] {
        precondition(masks == nil || masks?.count == count, "\(masks?.count ?? 0) mask inputs for \(count) prompts")
        func outside(_ what: String) -> FileError {
            FileError(
                .badData, file: name, "\(what) is outside the image",
                expected: "x from 0 to \(size.width), y from 0 to \(size.height)")
        }
        if let box = boxes.first(where: { $0.clipped(to: size) == nil }) { throw outside("the box \(text(box))") }
        if let point = points.first(where: {
            !(0...Double(size.width)).contains($0.position.x) || !(0...Double(size.height)).contains($0.position.y)
        }) {
            throw outside("the point \(point)")
        }
        return (1...count).map { number in
            Prompt(
                points: points.filter { ($0.prompt ?? 1) == number }
                    .map { .init($0.position, isForeground: $0.isForeground) },
                box: boxes.count >= number ? boxes[number - 1] : nil, mask: masks?[number - 1])
        }
    }
}

/// What is wrong with what a person asks.
public struct PromptError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

// MARK: - Numbers

extension PromptList.Point: CustomStringConvertible {
    /// - Parameter numbers: x, y, then perhaps 1 for inside the object (as without it) or 0 for outside, and the prompt's number.
    public init(_ numbers: [Double]) throws(PromptError) {
        let label = numbers.count > 2 ? numbers[2] : 1
        guard (2...4).contains(numbers.count), [0, 1].contains(label), numbers.allSatisfy(\.isFinite) else {
            throw PromptError("expected x,y[,label[,N]] with label 0 or 1, found \"\(text(numbers))\"")
        }
        let prompt = numbers.count == 4 ? Int(exactly: numbers[3]) : nil
        guard numbers.count < 4 || (1...1000).contains(prompt ?? 0) else {
            throw PromptError("expected a prompt's number from 1 to 1000 after the label, found \"\(text(numbers))\"")
        }
        self.init(position: PixelPoint(x: numbers[0], y: numbers[1]), isForeground: label == 1, prompt: prompt)
    }

    /// `x,y,label`.
    public var description: String { text([position.x, position.y, isForeground ? 1 : 0]) }
}

extension PixelBox {
    /// - Parameter numbers: x0, y0, x1, y1.
    public init(asked numbers: [Double]) throws(PromptError) {
        guard numbers.count == 4, numbers.allSatisfy(\.isFinite), numbers[0] < numbers[2], numbers[1] < numbers[3]
        else {
            throw PromptError("expected x0,y0,x1,y1 with x0 < x1 and y0 < y1, found \"\(text(numbers))\"")
        }
        self.init(x0: numbers[0], y0: numbers[1], x1: numbers[2], y1: numbers[3])
    }
}

private func text(_ numbers: [Double]) -> String {
    numbers.map { String(format: "%g", $0) }.joined(separator: ",")
}

private func text(_ box: PixelBox) -> String { text([box.x0, box.y0, box.x1, box.y1]) }
