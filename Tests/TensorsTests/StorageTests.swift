import COpenBLAS
import Foundation
import Testing

@testable import Tensors

/// Memory that is used again, and memory that is given back.
@Suite struct StorageTests {
    /// In a computation a block of a size that nothing else asks for is used again. It stays allocated until the last scope
    /// ends, of which other suites may have some at the same time.
    @Test func largeBlocksAreUsedAgainInAComputation() {
        let count = 123_457
        Computation.scope {
            let first = SpareMemory.take(count)
            SpareMemory.giveBack(first, count)
            #expect(SpareMemory.take(count) == first)
            let second = SpareMemory.take(count)
            #expect(second != first)
            SpareMemory.giveBack(first, count)
            SpareMemory.giveBack(second, count)
        }
    }

    /// Also where an inner scope ends by an error.
    @Test func blasHasItsThreadsBack() {
        struct Failure: Error {}
        let before = openblas_get_num_threads()
        #expect(throws: Failure.self) {
            try Computation.scope {
                #expect(openblas_get_num_threads() == 1)
                try Computation.scope { throw Failure() }
            }
        }
        // Other suites' computations may run now.
        #expect([before, 1].contains(openblas_get_num_threads()))
    }

    /// Pages of a mapped file are read again when they are needed: the numbers are the same, also at the mapping's ends.
    @Test func releasedPagesComeBack() throws {
        final class Mapping {
            let bytes: UnsafeRawBufferPointer

            init(_ path: String, count: Int) throws {
                let descriptor = open(path, O_RDONLY)
                defer { close(descriptor) }
                let address = try #require(mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0))
                bytes = UnsafeRawBufferPointer(start: try #require(address == MAP_FAILED ? nil : address), count: count)
            }

            deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
        }
        let values = uniform(100_000, seed: 1)
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).bin")
        try values.withUnsafeBytes { try Data($0).write(to: file) }
        defer { try? FileManager.default.removeItem(at: file) }
        let mapping = try Mapping(file.path(percentEncoded: false), count: 4 * values.count)
        let storage = Storage(borrowing: mapping.bytes, owner: mapping)
        for first in [0, 1, 3000] {
            let layout = try #require(Layout(shape: [50_000], strides: [1], offset: first, within: values.count))
            let tensor = Tensor(storage: storage, layout: layout)
            let before = tensor.values.elementsEqual(values[first..<first + 50_000])
            storage.releasePages()
            let after = tensor.values.elementsEqual(values[first..<first + 50_000])
            #expect(before && after)
        }
    }

    /// Memory of its own is no copy of anything, and stays.
    @Test func ownMemoryIsNotReleased() {
        let x = uniform([30_000], seed: 2)
        let before = x.values
        x.storage.releasePages()
        let after = x.values.elementsEqual(before)
        #expect(after)
    }
}
