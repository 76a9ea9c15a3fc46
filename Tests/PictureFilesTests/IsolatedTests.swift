#if compiler(>=6.2)
    import Foundation
    import ImageFrames
    import TestSupport
    import Testing

    @testable import PictureFiles

    /// What can be seen only from outside of a process, each in a process of its own, as for volumes.
    @Suite struct IsolatedTests {
        /// Neither libpng nor libjpeg says a word.
        @Test func librariesAreSilentOnBadInput() async throws {
            let result = try await #require(
                processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
            ) {
                readDamagedFiles()
            }
            #expect(String(decoding: result.standardErrorContent, as: UTF8.self).isEmpty)
            #expect(String(decoding: result.standardOutputContent, as: UTF8.self).isEmpty)
        }

        /// With 64 MiB more than the process has already: a header that asks for more is refused first.
        @Test func headersDoNotAllocate() async {
            await #expect(processExitsWith: .success) {
                try readHeadersOfLargeFiles()
            }
        }

        @Test func fullDisk() async {
            await #expect(processExitsWith: .success) {
                try writeOnFullDisk()
            }
        }
    }

    // MARK: What the processes do
    // (in functions of their own: Swift 6.3 crashes on them as closures)

    private func readDamagedFiles() {
        var generator = SplitMix(seed: 9)
        let folder = Folder()
        for name in ["rgb-8.png", "rgb-420.jpg"] {
            let bytes = ImageFixture.named(name).bytes
            for _ in 0..<100 {
                let damaged = bytes.mutated(places: 2, in: 8..<bytes.count, &generator)
                _ = try? readImage(folder.write("damaged", damaged))
            }
        }
    }

    private func readHeadersOfLargeFiles() throws {
        let folder = Folder()
        let jpeg = ImageFixture.named("rgb-444-progressive.jpg").bytes
        let png = ImageFixture.named("rgb-8.png").bytes
        let frame = try #require((0..<jpeg.count).first { jpeg[$0...].starts(with: [0xFF, 0xC2]) })
        let side = UInt16(10_000).bigEndian
        let images = [
            jpeg.with(side, at: frame + 5).with(side, at: frame + 7),
            withChecksums(png.with(side, at: 18).with(side, at: 22)),
        ]
        try limitMemory(more: 64 << 20)
        for bytes in images {
            let path = folder.write("large", bytes)
            expectError(.badData, "too short") { _ = try readImage(path) }
        }
    }

    private func writeOnFullDisk() throws {
        let noise = ImageFixture.named("31x47.png")
        let grey = stride(from: 0, to: noise.rgb.count, by: 3).map { noise.rgb[$0] }
        try expectNothingWrittenOnFullDisk([
            "image.png": { try writePNG($0, size: .init(width: noise.width, height: noise.height), grey: grey) }
        ])
    }
#endif
