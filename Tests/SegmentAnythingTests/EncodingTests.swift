// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Foundation
import ImageFrames
import SafeFiles
import Synchronization
import Tensors
import TestSupport
import Testing

@testable import SegmentAnything

/// Encoding that is watched and cancelled, embeddings that are kept, and prompts that cannot be decoded.
@Suite struct EncodingTests {
    let fixture = DesignTests.small
    let folder = Folder()

    // MARK: Progress and cancellation

    @Test func progressCountsBlocks() throws {
        var seen: [[Int]] = []
        _ = try fixture.sam().encode(fixture.image, name: "") { seen.append([$0, $1]) }
        #expect(seen == [[1, 3], [2, 3], [3, 3]])
    }

    @Test func whatProgressThrowsEndsTheEncoding() throws {
        struct Stop: Error {}
        var blocks = 0
        #expect(throws: Stop.self) {
            try fixture.sam().encode(fixture.image, name: "") { _, _ in
                blocks += 1
                throw Stop()
            }
        }
        #expect(blocks == 1)
    }

    /// The task is cancelled from within the first block's progress: no further block is reported.
    @Test func aCancelledTaskEndsBetweenBlocks() async throws {
        let (sam, image) = (try fixture.sam(), fixture.image)
        let blocks = Mutex(0)
        let task = Task {
            _ = try await sam.encode(image, name: "") { _, _ in
                blocks.withLock { $0 += 1 }
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(blocks.withLock { $0 } == 0)
    }

    @Test func theAsynchronousEncodingIsTheSame() async throws {
        let sam = try fixture.sam()
        let encoded = try await sam.encode(fixture.image, name: "")
        let reference = try encode(with: sam)
        #expect(encoded.embedding.values == reference.embedding.values)
    }

    private func encode(with sam: Sam) throws -> EncodedImage { try sam.encode(fixture.image, name: "image.png") }

    // MARK: Embeddings that are kept

    @Test func aWrittenEmbeddingGivesTheSameMasks() throws {
        let sam = try fixture.sam()
        for scaling in [Scaling.longestSide, .square] {
            let encoded = try sam.encode(fixture.image, name: "image.png", scaling: scaling)
            try encoded.write(to: folder.file("e.safetensors"))
            // Another process opens the file anew.
            let again = try EncodedImage(contentsOf: folder.file("e.safetensors"), for: try fixture.sam())
            #expect(again.size == fixture.image.size)
            let (one, other) = (
                try sam.predict(fixture.prompts, on: encoded), try sam.predict(fixture.prompts, on: again)
            )
            #expect(one.map { $0.map(\.score) } == other.map { $0.map(\.score) })
            #expect(one.map { $0.map(\.logits.values) } == other.map { $0.map(\.logits.values) })
        }
        let file = try Checkpoint(path: folder.file("e.safetensors"))
        let grid = sam.configuration.grid
        #expect(file.entries["image_encoder"]?.shape == [1, sam.configuration.decoder.width, grid, grid])
    }

    /// Of other weights, or the same weights in another precision; by a file, and in one process.
    @Test func anotherModelsEmbeddingIsRefused() throws {
        let sam = try fixture.sam()
        try encode(with: sam).write(to: folder.file("e.safetensors"))
        let rounded = try Sam(path: Fixture.weights("small"), precision: .bfloat16)
        let other = try Sam(path: Fixture.weights("global"))
        for (model, what) in [
            (rounded, "the embedding was made with other weights, or in another precision"),
            (other, "the embedding is another model's"),
        ] {
            let error = #expect(throws: FileError.self) {
                try EncodedImage(contentsOf: folder.file("e.safetensors"), for: model)
            }
            #expect(error?.what == what)
            #expect(throws: FileError.self) { try model.predict(fixture.prompts, on: try encode(with: sam)) }
        }
        #expect(try sam.fingerprint == fixture.sam().fingerprint)
        #expect(Set([sam.fingerprint, rounded.fingerprint, other.fingerprint]).count == 3)
    }

    /// One number of one tensor that is changed in its last bit, the first, the last, or in a tail of fewer than 16.
    @Test func theFingerprintSeesEveryNumber() throws {
        let path = Fixture.weights("small")
        let checkpoint = try Checkpoint(path: path)
        let all = try Sam(path: path).fingerprint
        var fingerprints: Set<String> = [all]
        let changes = [
            ("mask_decoder.iou_token.weight", 0), ("image_encoder.pos_embed", 17), ("image_encoder.neck.1.bias", -1),
        ]
        for (name, place) in changes {
            let changed = folder.write(
                Dictionary(
                    uniqueKeysWithValues: checkpoint.entries.keys.map { key in
                        var values = checkpoint.tensor(key).values
                        let index = place < 0 ? values.count - 1 : place
                        if key == name { values[index] = values[index].nextUp }
                        return (key, .tensor(Tensor(values, shape: checkpoint.tensor(key).shape), .float32))
                    }))
            fingerprints.insert(try Sam(path: changed).fingerprint)
        }
        #expect(fingerprints.count == 4)
    }

    @Test func anEmbeddingMayComeFromElsewhere() throws {
        let sam = try fixture.sam()
        let encoded = try encode(with: sam)
        let copy = Tensor(encoded.embedding.values, shape: encoded.embedding.shape)
        let made = try EncodedImage(embedding: copy, size: fixture.image.size, name: "mine", for: sam)
        #expect(
            try sam.predict(fixture.prompts, on: made).map { $0.map(\.score) }
                == sam.predict(fixture.prompts, on: encoded).map { $0.map(\.score) })
        let error = #expect(throws: FileError.self) {
            try EncodedImage(embedding: copy.permuted(2, 0, 1), size: fixture.image.size, name: "mine", for: sam)
        }
        #expect(error?.file == "mine")
        #expect(error?.what == "the embedding is another model's")
        var values = copy.values
        values[5] = .nan
        #expect(throws: FileError.self) {
            try EncodedImage(
                embedding: Tensor(values, shape: copy.shape), size: fixture.image.size, name: "mine", for: sam)
        }
    }

    /// As a hostile file states them: without a pixel, overflowing, and of more than a picture may have.
    @Test(arguments: [(0, 5), (5_000_000_000, 5_000_000_000), (300_000, 300_000), (-4, -4)])
    func anEmbeddingsImageHasASizeOfAPicture(width: Int, height: Int) throws {
        let sam = try fixture.sam()
        try encode(with: sam).write(to: folder.file("e.safetensors"))
        let file = try Checkpoint(path: folder.file("e.safetensors"))
        var metadata = file.metadata
        (metadata["width"], metadata["height"], metadata["checksum"]) = ("\(width)", "\(height)", nil)
        try writeSafetensors(folder.file("large.safetensors"), names: ["image_encoder"], metadata: metadata) {
            .tensor(file.tensor($0), .float32)
        }
        let error = #expect(throws: FileError.self) {
            try EncodedImage(contentsOf: folder.file("large.safetensors"), for: sam)
        }
        #expect(error?.what == "the image's size cannot be used" && error?.found == "\(width)×\(height)")
    }

    @Test func aFileThatIsNoEmbeddingIsNamed() throws {
        let sam = try fixture.sam()
        let error = #expect(throws: FileError.self) {
            try EncodedImage(contentsOf: Fixture.weights("small"), for: sam)
        }
        #expect(error?.what == "not an embedding")
        #expect(throws: FileError.self) { try EncodedImage(contentsOf: folder.file("none.safetensors"), for: sam) }
    }

    // MARK: Prompts

    /// Each is an error that names the prompt, before anything is decoded.
    @Test func promptsThatCannotBeDecodedAreErrors() throws {
        let sam = try fixture.sam()
        let encoded = try encode(with: sam)
        let side = sam.configuration.maskSize
        let good = Prompt(box: PixelBox(x0: 1, y0: 2, x1: 30, y1: 31))
        let cases: [(prompt: Prompt, what: String)] = [
            (Prompt(), "asks for nothing"),
            (Prompt(box: PixelBox(x0: .nan, y0: 0, x1: 1, y1: 1)), "a coordinate is not finite"),
            (Prompt(points: [.init(PixelPoint(x: 0, y: .infinity), isForeground: true)]), "a coordinate is not finite"),
            (Prompt(mask: Tensor(repeating: 0, shape: [side, side + 1])), "the mask input is another model's"),
            (Prompt(mask: Tensor(repeating: .nan, shape: [side, side])), "the mask input is not finite"),
        ]
        for (prompt, what) in cases {
            let error = #expect(throws: FileError.self) {
                try sam.predict([good, prompt], on: encoded) { _, _ in Issue.record("decoded") }
            }
            #expect(error?.what == what)
            #expect(error?.file == "image.png")
            #expect(error?.place == "prompt 2")
        }
    }
}
