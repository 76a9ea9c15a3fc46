import Foundation
import SafeFiles
import TestSupport
import Testing

@testable import Checkpoints

/// Files with random damage, seeded: each is read or refused as bad data, never more, and no tensor has more elements
/// than the file has bytes.
@Suite struct MutationTests {
    @Test(arguments: [
        "module.pth", "shared.pth", "protocol4.pth", "types.pth", "training.pth", "deflated.pth",
        "library.safetensors",
    ])
    func damagedCheckpoints(_ name: String) throws {
        let folder = Folder()
        let original = [UInt8](try Data(contentsOf: Fixtures.folder.appending(path: "good/\(name)")))
        var (opened, refused) = (0, 0)
        for seed in 0..<400 {
            let path = folder.write("file", mutated(original, seed: UInt64(seed)))
            do {
                let checkpoint = try Checkpoint(path: path)
                opened += 1
                for (tensor, entry) in checkpoint.entries {
                    #expect(entry.layout.count <= checkpoint.size, "\(seed)")
                    #expect(checkpoint.tensor(tensor).values.count == entry.layout.count)
                }
            } catch {
                #expect(error.kind == .badData, "\(seed)")
                refused += 1
            }
        }
        #expect(opened > 0 && refused > 100, "opened \(opened), refused \(refused)")
    }

    @Test(arguments: ["version1.npy", "version3.npy"])
    func damagedArrays(_ name: String) throws {
        let folder = Folder()
        let original = [UInt8](try Data(contentsOf: Fixtures.folder.appending(path: "good/\(name)")))
        var refused = 0
        for seed in 0..<400 {
            let bytes = mutated(original, seed: UInt64(seed))
            let path = folder.write("file", bytes)
            do {
                let checkpoint = try Checkpoint(path: path)
                for name in checkpoint.entries.keys { #expect(checkpoint.tensor(name).count <= bytes.count) }
            } catch {
                #expect(error.kind == .badData, "\(seed)")
                refused += 1
            }
        }
        #expect((100..<400).contains(refused))
    }

    /// One to four changes: a bit, a byte, a byte of the extremes, a cut, some bytes put in, taken out or doubled.
    private func mutated(_ original: [UInt8], seed: UInt64) -> [UInt8] {
        var generator = SplitMix(seed: seed)
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &generator) where bytes.count > 16 {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(place + Int.random(in: 1...8, using: &generator), bytes.count)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0, 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2, 3: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 4: for index in place..<end { bytes[index] = 0xFF }
            case 5: bytes.removeSubrange(place..<end)
            case 6: bytes.insert(contentsOf: bytes[place..<end], at: place)
            default: if Int.random(in: 0..<4, using: &generator) == 0 { bytes.removeSubrange(place...) }
            }
        }
        return bytes
    }
}
