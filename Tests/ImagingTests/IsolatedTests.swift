#if compiler(>=6.2)
    import SafeFiles
    import Foundation
    import ImageFrames
    import TestSupport
    import Testing

    @testable import Imaging

    /// What can be seen only from outside of a process: that libraries stay silent and do not end it, how much memory
    /// they ask for, and a disk that is full. Each test runs in a process of its own.
    @Suite struct IsolatedTests {
        /// libnifti prints what it does not like and in places calls `exit`: no header may make it, nor may it say a
        /// word.
        @Test func librariesAreSilentOnBadInput() async throws {
            let result = try await #require(
                processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
            ) {
                try readDamagedFiles()
            }
            // Swift Testing's marks around the output would be left over here if a library ended the process.
            #expect(String(decoding: result.standardErrorContent, as: UTF8.self).isEmpty)
            #expect(String(decoding: result.standardOutputContent, as: UTF8.self).isEmpty)
        }

        /// With 64 MiB more than the process has already: a header that asks for more is refused first.
        @Test func headersDoNotAllocate() async {
            await #expect(processExitsWith: .success) {
                try readHeadersOfLargeFiles()
            }
        }

        /// Files may grow to 100 bytes here, which fails where a full disk would: in a write. What stood there stays,
        /// and nothing stands beside it.
        @Test func fullDisk() async {
            await #expect(processExitsWith: .success) {
                try writeOnFullDisk()
            }
        }
    }

    // MARK: What the processes do
    // (in functions of their own: Swift 6.3 crashes on them as closures)

    private func readDamagedFiles() throws {
        var generator = SplitMix(seed: 9)
        var outcomes: [Bool: Int] = [:]
        let folder = Folder()
        for name in ["i2-little-1.nii", "oblique-qform-1.nii", "neither-2.nii", "f4-big-2.nii"] {
            let bytes = VolumeFixture.named(name).bytes
            for _ in 0..<400 {
                let header = 0..<(bytes.count > 600 ? 540 : 348)
                let path = folder.write("damaged.nii", bytes.mutated(places: 4, in: header, &generator))
                do {
                    let volume = try Volume(contentsOf: path)
                    #expect(volume.values.count == volume.size.count)
                    outcomes[true, default: 0] += 1
                } catch {
                    #expect(error.kind == .badData)
                    outcomes[false, default: 0] += 1
                }
            }
        }
        #expect(outcomes[true, default: 0] > 200 && outcomes[false, default: 0] > 200, "\(outcomes)")
    }

    private func readHeadersOfLargeFiles() throws {
        let folder = Folder()
        let first = VolumeFixture.named("i2-little-1.nii").bytes
        let second = VolumeFixture.named("i2-little-2.nii").bytes
        let volumes = [
            // 18 GB, and 2^49 bytes.
            first.with(Int16(30_000), at: 42).with(Int16(10_000), at: 44).with(Int16(30), at: 46),
            second.with(1 << 16, at: 24).with(1 << 16, at: 32).with(1 << 16, at: 40),
        ]
        try limitMemory(more: 64 << 20)
        for bytes in volumes {
            let path = folder.write("large.nii", bytes)
            expectError(.badData, "cut short") { _ = try Volume(contentsOf: path) }
        }
    }

    private func writeOnFullDisk() throws {
        var labels = LabelVolume(geometry: .plain(i: 2, j: 3, k: 4))
        var generator = SplitMix(seed: 10)
        for index in labels.values.indices { labels.values[index] = UInt16.random(in: 0...9999, using: &generator) }
        let written = labels
        try expectNothingWrittenOnFullDisk([
            "labels.nii": { try written.write(to: $0) }, "labels.nii.gz": { try written.write(to: $0) },
        ])
    }
#endif
