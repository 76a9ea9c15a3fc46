import ImageFrames
import SafeFiles
import Tensors

/// What is asked of an image: points, a box, a mask input, or several of them for one object.
public struct Prompt: Sendable {
    /// A place that belongs to the object, or to its background.
    public struct Point: Hashable, Sendable {
        public var position: PixelPoint
        public var isForeground: Bool

        public init(_ position: PixelPoint, isForeground: Bool) {
            self.position = position
            self.isForeground = isForeground
        }
    }

    public var points: [Point]
    public var box: PixelBox?
    /// Logits `[4·grid, 4·grid]`, as an earlier prediction's ``PredictedMask/lowResLogits``.
    public var mask: Tensor?

    public init(points: [Point] = [], box: PixelBox? = nil, mask: Tensor? = nil) {
        self.points = points
        self.box = box
        self.mask = mask
    }
}

extension Prompt {
    /// What prompts have in common that the decoder takes together.
    struct Kind: Hashable {
        var points: Int
        var hasBox: Bool
        var hasMask: Bool
    }

    var kind: Kind { Kind(points: points.count, hasBox: box != nil, hasMask: mask != nil) }

    /// Checks that the decoder can take the prompt.
    ///
    /// - Parameters:
    ///   - number: which of several prompts it is, from 1.
    ///   - image: what the image is called in an error.
    ///   - maskSize: the side of a mask input.
    /// - Throws: ``FileError`` `badData` where it asks for nothing, a coordinate is not finite, or the mask does not fit.
    func check(number: Int, image: String, maskSize: Int) throws(FileError) {
        func bad(_ what: String, expected: String, found: String? = nil) -> FileError {
            FileError(.badData, file: image, place: "prompt \(number)", what, expected: expected, found: found)
        }
        guard !points.isEmpty || box != nil || mask != nil else {
            throw bad("asks for nothing", expected: "a point, a box or a mask input")
        }
        let coordinates =
            points.flatMap { [$0.position.x, $0.position.y] } + (box.map { [$0.x0, $0.y0, $0.x1, $0.y1] } ?? [])
        if let number = coordinates.first(where: { !$0.isFinite }) {
            throw bad("a coordinate is not finite", expected: "pixels", found: "\(number)")
        }
        guard let mask else { return }
        guard mask.shape == [maskSize, maskSize] else {
            throw bad(
                "the mask input is another model's", expected: "shape [\(maskSize), \(maskSize)]",
                found: "\(mask.shape)")
        }
        guard mask.isFinite else { throw bad("the mask input is not finite", expected: "logits") }
    }
}
