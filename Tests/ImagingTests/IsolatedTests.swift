#if compiler(>=6.2)
    import SafeFiles
    import Foundation
    import ImageFrames
    import TestSupport
    import Testing

    @testable import Imaging
    @testable import PictureFiles

    /// What can be seen only from outside of a process: that libraries stay silent and do not end it, how much memory
    /// they ask for, and a disk that is full. Each test runs in a process of its own.
    @Suite struct IsolatedTests {
        /// libnifti prints what it does not like and in places calls `exit`: no header may make it, nor may libpng or
        /// libjpeg say a word.
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
        let first = VolumeFixture.named("i2-little-1.nii").bytes
        let second = VolumeFixture.named("i2-little-2.nii").bytes
        let jpeg = ImageFixture.named("rgb-444-progressive.jpg").bytes
        let png = ImageFixture.named("rgb-8.png").bytes
        let frame = try #require((0..<jpeg.count).first { jpeg[$0...].starts(with: [0xFF, 0xC2]) })
        let volumes = [
            // 18 GB, and 2^49 bytes.
            first.with(Int16(30_000), at: 42).with(Int16(10_000), at: 44).with(Int16(30), at: 46),
            second.with(1 << 16, at: 24).with(1 << 16, at: 32).with(1 << 16, at: 40),
        ]
        let side = UInt16(10_000).bigEndian
        let images = [
            jpeg.with(side, at: frame + 5).with(side, at: frame + 7),
            withChecksums(png.with(side, at: 18).with(side, at: 22)),
        ]
        try limitMemory(more: 64 << 20)
        for bytes in volumes {
            let path = folder.write("large.nii", bytes)
            expectError(.badData, "cut short") { _ = try Volume(contentsOf: path) }
        }
        for bytes in images {
            let path = folder.write("large", bytes)
            expectError(.badData, "too short") { _ = try readImage(path) }
        }
    }

    private func writeOnFullDisk() throws {
        let folder = Folder()
        let noise = ImageFixture.named("31x47.png")
        let grey = stride(from: 0, to: noise.rgb.count, by: 3).map { noise.rgb[$0] }
        var labels = LabelVolume(geometry: .plain(i: 2, j: 3, k: 4))
        for index in labels.values.indices { labels.values[index] = UInt16(grey[index]) &* 31 }
        let outputs: [String: (String) throws -> Void] = [
            "labels.nii": { try labels.write(to: $0) },
            "labels.nii.gz": { try labels.write(to: $0) },
            "image.png": {
                try writePNG($0, size: .init(width: noise.width, height: noise.height), grey: grey)
            },
        ]
        for name in outputs.keys { _ = folder.write(name, "old".utf8) }
        signal(SIGXFSZ, SIG_IGN)
        try limit(RLIMIT_FSIZE, to: 100)
        for (name, write) in outputs {
            let error = expectError(.inputOutput, "cannot be written: found File too large") {
                try write(folder.file(name))
            }
            #expect(error?.file == folder.file(name))
            #expect(try readFile(folder.file(name), limit: 100) == Data("old".utf8))
        }
        #expect(folder.names == Set(outputs.keys))
    }

    /// Lets the process have some bytes of address space more than it has now.
    private func limitMemory(more bytes: UInt) throws {
        // The first number is the pages that the process has.
        let numbers = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        let pages = try #require(UInt(numbers[0]))
        try limit(RLIMIT_AS, to: pages * UInt(sysconf(Int32(_SC_PAGESIZE))) + bytes)
    }

    private func limit(_ resource: __rlimit_resource, to value: UInt) throws {
        var limit = rlimit(rlim_cur: rlim_t(value), rlim_max: rlim_t(value))
        try #require(setrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0)
    }
#endif
