#if compiler(>=6.2)
    import Checkpoints
    import Foundation
    import ImageFrames
    import Tensors
    import TestSupport
    import Testing

    @testable import SegmentAnything

    /// What memory is held, counted in bytes. Each test runs in a process of its own, since the count is the process's.
    @Suite struct MemoryTests {
        /// A decoder of the official size on an embedding of the official size, each mask at 1024×1024 looked at and dropped:
        /// less than 100 MB more than the model and the embedding, however many prompts there are.
        @Test func promptsNeedLittleMemory() async {
            await #expect(processExitsWith: .success) { try predictManyPrompts() }
        }

        /// After the last use nothing is held: no storage, no scratch, no spare block, also where an encoding fails.
        @Test func aReleasedModelLeavesNothingBehind() async {
            await #expect(processExitsWith: .success) { try useAndRelease() }
        }
    }

    // MARK: What the processes do

    private func predictManyPrompts() throws {
        let folder = Folder()
        let sam = try Sam(path: folder.write(try officialDecoder()))
        let size = PixelSize(width: 1024, height: 1024)
        let embedding = Tensor(
            (0..<64 * 64 * 256).map { Float($0 % 97) / 97 - 0.5 }, shape: [64, 64, 256])
        let image = try EncodedImage(embedding: embedding, size: size, name: "image", for: sam)
        let before = SpareMemory.liveBytes
        var (highest, first, area) = (0, 0, 0)
        let prompts = (0..<24).map { index in
            Prompt(points: [.init(PixelPoint(x: Double(40 * index), y: 500), isForeground: true)])
        }
        try sam.predict(prompts, on: image) { prompt, masks in
            area += masks[0].mask.area
            highest = max(highest, SpareMemory.liveBytes - before)
            if prompt == 11 { first = highest }
        }
        #expect(area > 0)
        #expect(highest < 100_000_000, "\(highest) bytes")
        // Later prompts need no more than the first.
        #expect(highest == first)
    }

    /// Weights of the official decoder's shapes behind an encoder of one thin block.
    private func officialDecoder() throws -> [String: TensorContents] {
        let shapes = try #require(ConfigurationTests.shapes["vit_b"])
        let thin = [768: 16, 2304: 48, 3072: 64]
        var tensors: [String: TensorContents] = [:]
        for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            let isEncoder = name.hasPrefix("image_encoder.")
            if name.hasPrefix("image_encoder.blocks."), !name.hasPrefix("image_encoder.blocks.0.") { continue }
            var own = isEncoder ? shape.map { thin[$0] ?? $0 } : shape
            if name.contains("rel_pos") { own[1] = 16 }
            let values = (0..<own.reduce(1, *)).map { Float(($0 &* 7919 + name.utf8.count) % 2003) / 10015 - 0.1 }
            tensors[name] = .tensor(Tensor(values, shape: own), .float32)
        }
        return tensors
    }

    private func useAndRelease() throws {
        let before = SpareMemory.liveBytes
        for precision in Precision.allCases {
            do {
                let fixture = DesignTests.small
                let sam = try Sam(path: Fixture.weights(fixture.model), precision: precision)
                let encoded = try sam.encode(fixture.image, name: "")
                _ = try sam.predict(fixture.prompts, on: encoded).flatMap { $0.map(\.mask) }
                #expect(throws: CancellationError.self) {
                    try sam.encode(fixture.image, name: "") { _, _ in throw CancellationError() }
                }
            }
        }
        #expect(before == 0)
        #expect(SpareMemory.liveBytes == 0)
    }
#endif
