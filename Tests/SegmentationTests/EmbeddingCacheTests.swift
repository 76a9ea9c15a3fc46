// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles
import SegmentAnything
import Tensors
import TestSupport
import Testing

@testable import Segmentation

/// What comes out of a cache is what the encoder gives, whatever happened to the cache.
@Suite struct EmbeddingCacheTests {
    let folder = Folder()
    let sam: Sam

    init() throws { sam = try Sam(path: randomWeights) }

    private func cache(limit: Int? = nil, weights: String = "w") throws -> EmbeddingCache {
        try EmbeddingCache(folder: folder.file("cache"), limit: limit, weights: weights)
    }

    private func image(_ number: Int, width: Int = 9) -> RGBImage {
        RGBImage(
            size: PixelSize(width: width, height: 7), grey: (0..<width * 7).map { UInt8(($0 * 31 + number) % 256) })
    }

    /// Encodes an image, and says whether the encoder ran: it reports each of its blocks.
    private func encode(
        _ image: RGBImage, _ cache: EmbeddingCache?, scaling: Scaling = .longestSide
    ) throws -> (embedding: [Float], ran: Bool) {
        var ran = false
        let encoded = try sam.encode(image, name: "picture", scaling: scaling, cache: cache) { _, _ in ran = true }
        #expect(encoded.size == image.size)
        return (encoded.embedding.contiguous().withUnsafeBufferPointer(Array.init), ran)
    }

    /// The paths of the entries.
    private var entries: [String] {
        (FileManager.default.enumerator(atPath: folder.file("cache"))?.compactMap { $0 as? String } ?? [])
            .filter { $0.hasSuffix(".safetensors") }.sorted().map { folder.file("cache/" + $0) }
    }

    /// Of the entries: a file that is written again has another.
    private var fileNumbers: [Int?] {
        get throws {
            try entries.map { try FileManager.default.attributesOfItem(atPath: $0)[.systemFileNumber] as? Int }
        }
    }

    @Test func aHitIsWhatTheEncoderGives() throws {
        let without = try encode(image(1), nil)
        let (first, second) = (try encode(image(1), try cache()), try encode(image(1), try cache()))
        #expect(without.ran && first.ran && !second.ran)
        #expect(first.embedding == without.embedding && second.embedding == without.embedding)
        #expect(
            entries.count == 1 && entries[0].wholeMatch(of: /.*\/cache\/([0-9a-f])\/\1[0-9a-f]{63}\.safetensors/) != nil
        )
    }

    /// Each of these makes another embedding, or another model does.
    @Test func everythingThatItDependsOnIsInTheKey() throws {
        let cache = try cache()
        #expect(try encode(image(1), cache).ran)
        #expect(try encode(image(2), cache).ran)
        #expect(try encode(image(1), cache, scaling: .square).ran)
        #expect(try encode(image(1), try self.cache(weights: "v")).ran)
        // The same bytes as another picture.
        let turned = RGBImage(size: PixelSize(width: 7, height: 9), pixels: image(1).pixels)
        #expect(try encode(turned, cache).ran)
        let keys = Set([Precision.float32, .bfloat16].map { cache.key(image(1), .longestSide, $0) })
        #expect(keys.count == 2 && entries.count == 5)
    }

    /// A bit anywhere, an end that is missing, nothing at all, another file, another entry: computed again, and mended.
    @Test func damagedEntriesAreComputedAgain() throws {
        let expected = try encode(image(1), try cache()).embedding
        let path = entries[0]
        let whole = FileManager.default.contents(atPath: path)!
        _ = try encode(image(2), try cache())
        let other = FileManager.default.contents(atPath: entries.first { $0 != path }!)!
        var random = SplitMix(seed: 16)
        var damages = [Data(), whole.dropLast(1), whole.prefix(100), Data("not safetensors".utf8), other]
        for _ in 0..<20 {
            var bytes = whole
            bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            damages.append(bytes)
        }
        for damage in damages {
            try damage.write(to: URL(filePath: path))
            let cache = try cache()
            let again = try encode(image(1), cache)
            #expect(again.embedding == expected)
            // A bit of the padding after the header says nothing.
            if again.ran {
                #expect(cache.takeWarnings().map(\.file) == [path])
                #expect(FileManager.default.contents(atPath: path) == whole)
            } else {
                #expect(cache.takeWarnings().isEmpty)
            }
        }
        #expect(try encode(image(2), try cache()).ran == false)
    }

    @Test func theLeastRecentGoFirst() throws {
        _ = try encode(image(0), try cache())
        let size = try fileSize(entries[0])
        let cache = try cache(limit: 3 * size + size / 2)
        for number in 1...2 { _ = try encode(image(number), cache) }
        // Times apart, whatever the clock's steps are; 0 is used last of all.
        for number in 0...2 {
            var times = [timespec](repeating: timespec(tv_sec: 1_000_000 + number, tv_nsec: 0), count: 2)
            utimensat(AT_FDCWD, cache.path(ofKey: cache.key(image(number), .longestSide, .float32)), &times, 0)
        }
        #expect(try !encode(image(0), cache).ran)
        _ = try encode(image(3), cache)
        #expect(entries.count == 3)
        for number in [0, 3, 2] { #expect(try !encode(image(number), cache).ran) }
        #expect(try encode(image(1), cache).ran, "used least recently")
    }

    @Test func whatTheLimitHoldsIsCounted() throws {
        _ = try encode(image(0), try cache())
        let size = try fileSize(entries[0])
        let cache = try cache(limit: 2 * size + size / 2)
        for number in [0, 1, 2, 3, 3] { _ = try encode(image(number), cache) }
        let (held, all) = cache.usedEntries()
        #expect(held == 2 && all == 4)
        let none = try self.cache(limit: 1)
        #expect(try encode(image(9), none).ran)
        #expect(none.usedEntries().held == 0 && none.usedEntries().all == 1)
    }

    @Test func aLargeBoundIsKeptByShards() throws {
        _ = try encode(image(0), try cache())
        let size = try fileSize(entries[0])
        // Eight in each of sixteen shards.
        let cache = try cache(limit: 16 * 8 * size)
        let own = SafeFiles.folder(of: entries[0])
        for number in 0..<40 {
            try FileManager.default.copyItem(atPath: entries[0], toPath: own + "other\(number).safetensors")
        }
        folder.write("cache/readme.txt", "not an entry")
        _ = try FileManager.default.removeItem(atPath: cache.path(ofKey: cache.key(image(0), .longestSide, .float32)))
        #expect(try encode(image(0), cache).ran)
        #expect(entries.count == 8)
        #expect(try !encode(image(0), cache).ran)
        #expect(FileManager.default.fileExists(atPath: folder.file("cache/readme.txt")))
    }

    @Test func whatCannotBeKeptIsComputedWithOneWarning() throws {
        // Root may write everywhere, so the folders of entries are files here.
        for shard in 0..<16 { folder.write("cache/\(String(shard, radix: 16))", "") }
        let cache = try cache()
        for number in 0..<3 { #expect(try encode(image(number), cache).ran) }
        #expect(throws: FileError.self) { try cache.requireKept() }
        let warnings = cache.takeWarnings()
        #expect(warnings.count == 1 && warnings[0].what.hasPrefix("nothing more is kept in the cache"))
        folder.write("file", "")
        #expect(throws: FileError.self) { try EmbeddingCache(folder: folder.file("file"), weights: "w") }
    }

    @Test func halfWrittenEntriesOfKilledProcessesGo() throws {
        let (old, new) = (folder.write("cache/tmp/a.safetensors", "x"), folder.write("cache/tmp/b.safetensors", "x"))
        var times = [timespec](repeating: timespec(tv_sec: time(nil) - 4000, tv_nsec: 0), count: 2)
        utimensat(AT_FDCWD, old, &times, 0)
        _ = try cache()
        #expect(!FileManager.default.fileExists(atPath: old) && FileManager.default.fileExists(atPath: new))
    }

    /// The 131 boxes of a real CT: with a warm cache the encoder is never called, by any of them.
    @Test(.needsSharedData) func aRealCTWithAWarmCache() async throws {
        let path = sharedData + "/ct_abdomen"
        let classes = try ClassList(contentsOf: path + "/class_list.txt")
        let volumes = try AnnotatedVolumes(
            path + "/boxes", on: VolumeFiles(path + "/ct.nii.gz").files, slicing: .init(view: .array), classes: classes)
        let settings = SegmentationSettings(sam: sam, slicing: .init(view: .array), version: "1")
        let run = try SegmentationRun(volumes.volumes[0], settings)
        var labels: [LabelVolume] = []
        for isWarm in [false, true] {
            let cache = try cache()
            var calls = 0
            let result = try run.segmenter(encode: { image, name in
                var ran = false
                defer { calls += ran ? 1 : 0 }
                return try sam.encode(image, name: name, scaling: .longestSide, cache: cache) { _, _ in ran = true }
            })
            #expect(calls == (isWarm ? 0 : 30) && result.boxes.count == 131)
            labels.append(result.labels)
        }
        #expect(labels[0].values == labels[1].values && Set(labels[0].values).count > 1)
    }

    /// Another box, another recipe of overlap, another label: decodes alone.
    @Test func aWarmRunEncodesNothing() async throws {
        try Phantom().write(to: folder.file("ct.nii"))
        try Phantom().writeBoxes(to: folder.file("boxes"))
        let volumes = try AnnotatedVolumes(
            folder.file("boxes"), on: VolumeFiles(folder.file("ct.nii")).files, slicing: .init(view: .array))
        var settings = SegmentationSettings(sam: sam, slicing: .init(view: .array), version: "1")
        let plain = try await SegmentationRun(volumes.volumes[0], settings)()
        settings.cache = try cache()
        try SliceEncoding(volumes.volumes[0], settings)()
        #expect(entries.count == 2, "slices 2 to 5 are the same picture")
        let numbers = try fileNumbers
        settings.cache = try cache()
        let warm = try await SegmentationRun(volumes.volumes[0], settings)()
        #expect(warm.segmentation.labels.values == plain.segmentation.labels.values)
        #expect(warm.segmentation.boxes.map(\.score) == plain.segmentation.boxes.map(\.score))
        #expect(try fileNumbers == numbers, "nothing was written")
        let all = try SliceEncoding(volumes.volumes[0].file, settings)
        #expect(all.slices == Array(0..<6))
        settings.stop = StopRequest()
        #expect(settings.stop?.stop() == true && settings.stop?.stop() == false)
        let stopping = settings
        await #expect(throws: Interrupted.self) { try await SegmentationRun(volumes.volumes[0], stopping)() }
    }
}
