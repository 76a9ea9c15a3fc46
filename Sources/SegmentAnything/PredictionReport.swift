/// What prompts on one picture gave: scores, sizes and where masks are. `predict --json` prints it.
public struct PredictionReport: Encodable, Sendable {
    public struct Point: Encodable, Sendable {
        public var x: Double
        public var y: Double
        /// 1 inside the object, 0 outside.
        public var label: Int
    }

    public struct Mask: Encodable, Sendable {
        /// 0 for the single mask, else 1…3.
        public var index: Int
        /// The predicted IoU.
        public var score: Float
        /// The IoU of the masks at the threshold ± 1.
        public var stability: Double
        /// Pixels.
        public var area: Int
        /// End-exclusive; null where the mask is empty.
        public var box: OrNull<PixelBox>
        /// Whether it is the best of its prompt.
        public var chosen: Bool
        /// The picture that holds it, where one was written.
        public var file: OrNull<String>

        public init(_ mask: PredictedMask, _ pixels: ImageFrames.Mask, stability: Double, chosen: Bool, file: String?) {
            (index, score, area) = (mask.index, mask.score, pixels.area)
            self.stability = stability
            self.chosen = chosen
            self.file = OrNull(file)
            box = OrNull(pixels.boundingBox)
        }
    }

    /// A prompt and its masks.
    public struct Answer: Encodable, Sendable {
        public var box: OrNull<PixelBox>
        public var points: [Point]
        public var masks: [Mask] = []

        public init(_ prompt: Prompt) {
            box = OrNull(prompt.box)
            points = prompt.points.map { Point(x: $0.position.x, y: $0.position.y, label: $0.isForeground ? 1 : 0) }
        }
    }

    /// Seconds by the clock.
    public struct Seconds: Encodable, Sendable {
        /// To open the model.
        public var load = 0.0
        /// To encode the picture, or to take its embedding from a cache.
        public var encode = 0.0
        /// To predict all masks, and to bring them to the picture's size.
        public var decode = 0.0
    }

    /// What the picture is called, such as its path.
    public var picture: String
    /// The line that asked it, from 1, of JSON lines; nil of others.
    public var line: Int?
    public var image: PixelSize
    public var prompts: [Answer] = []
    public var seconds = Seconds()
    /// The most memory that the process has held so far, in bytes.
    public var peakMemoryBytes = 0

    public init(picture: String, image: PixelSize) { (self.picture, self.image) = (picture, image) }

    enum CodingKeys: String, CodingKey {
        case picture, line, image, prompts, seconds
        case peakMemoryBytes = "peak_memory_bytes"
    }
}
