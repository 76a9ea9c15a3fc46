import Foundation
import Testing

@testable import Tensors

/// Memory that is used again, and memory that is given back.
@Suite struct StorageTests {
    /// A size that nothing else asks for, since tests run side by side.
    @Test func largeBlocksAreUsedAgain() {
        let count = 123_457
        let first = SpareMemory.take(count)
        SpareMemory.giveBack(first, count)
        #expect(SpareMemory.take(count) == first)
        let second = SpareMemory.take(count)
        #expect(second != first)
        SpareMemory.giveBack(first, count)
        SpareMemory.giveBack(second, count)
    }

    /// Pages of a mapped file are read again when they are needed: the numbers are the same, also at the mapping's ends.
    @Test func releasedPagesComeBack() throws {
        let values = uniform(100_000, seed: 1)
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).bin")
        try values.withUnsafeBytes { try Data($0).write(to: file) }
        defer { try? FileManager.default.removeItem(at: file) }
        let data = try Data(contentsOf: file, options: .alwaysMapped) as NSData
        let storage = Storage(
            borrowing: UnsafeRawBufferPointer(start: data.bytes, count: data.length), owner: data)
        let tensor = Tensor(storage: storage, layout: Layout(shape: [values.count]))
        #expect(tensor.values == values)
        storage.releasePages()
        #expect(tensor.values == values)
    }

    /// Memory of its own is no copy of anything, and stays.
    @Test func ownMemoryIsNotReleased() {
        let x = uniform([30_000], seed: 2)
        let before = x.values
        x.storage.releasePages()
        #expect(x.values == before)
    }
}
