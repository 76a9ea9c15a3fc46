import Foundation
import Synchronization

/// The one owner of a tensor's memory: floats that it allocated, or floats that lie in a mapped file.
///
/// A storage is written only by the function that allocates it, before anybody else sees it; from then on it is
/// read-only, which is why it may cross threads. Views share it.
public final class Storage: @unchecked Sendable {
    /// The number of floats.
    public let count: Int
    package let base: UnsafeMutablePointer<Float>
    /// What keeps memory alive that the storage does not own itself.
    private let owner: AnyObject?

    /// Allocates `count` floats, uninitialised, aligned to a cache line (64 bytes).
    package init(count: Int) {
        precondition(count >= 0, "storage of \(count) floats")
        self.count = count
        base = SpareMemory.take(count)
        owner = nil
    }

    /// Floats that lie in memory which `owner` keeps alive and nobody writes.
    ///
    /// - Precondition: the address is a multiple of 4.
    package init(borrowing bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        precondition(bytes.count % 4 == 0, "\(bytes.count) bytes are no whole number of floats")
        count = bytes.count / 4
        let floats = bytes.assumingMemoryBound(to: Float.self)
        guard let address = floats.baseAddress else {
            preconditionFailure("borrowed storage without memory")
        }
        precondition(UInt(bitPattern: address) % 4 == 0, "borrowed floats are not aligned")
        base = UnsafeMutablePointer(mutating: address)
        self.owner = owner
    }

    /// Lets the system have the pages of a mapped file back, which it will read again at the next use.
    package func releasePages() {
        guard owner != nil else { return }
        let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
        let first = (UInt(bitPattern: base) + page - 1) / page * page
        let last = UInt(bitPattern: base + count) / page * page
        if first < last { madvise(UnsafeMutableRawPointer(bitPattern: first), Int(last - first), MADV_DONTNEED) }
    }

    deinit {
        if owner == nil { SpareMemory.giveBack(base, count) }
    }
}

/// Lends `count` uninitialised floats to `body`.
package func withScratch<Result>(
    _ count: Int, _ body: (UnsafeMutablePointer<Float>) throws -> Result
) rethrows -> Result {
    let scratch = SpareMemory.take(count)
    defer { SpareMemory.giveBack(scratch, count) }
    return try body(scratch)
}

/// Blocks of memory that are no longer needed, for the next of the same size, while a ``Computation`` runs.
///
/// A forward pass asks for the same few sizes again and again. Memory from the system comes in pages that it must first
/// clear, one fault each, which costs more than a layer norm.
package enum SpareMemory {
    private static let state = Mutex(State())

    private struct State: ~Copyable {
        var blocks: [Int: [Block]] = [:]
        var keeps = false
    }

    private struct Block: @unchecked Sendable {  // Nobody else holds it.
        let base: UnsafeMutablePointer<Float>
    }

    private static let live = Atomic<Int>(0)

    /// The bytes that storages and scratch hold, those that wait for their next use included.
    package static var liveBytes: Int { live.load(ordering: .relaxed) }

    static func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        if count >= leastCount, let spare = state.withLock({ $0.blocks[count]?.popLast() }) { return spare.base }
        live.wrappingAdd(bytes(count), ordering: .relaxed)
        return UnsafeMutableRawPointer.allocate(byteCount: bytes(count), alignment: 64)
            .bindMemory(to: Float.self, capacity: count)
    }

    static func giveBack(_ base: UnsafeMutablePointer<Float>, _ count: Int) {
        let block = Block(base: base)
        let isKept =
            count >= leastCount
            && state.withLock { state in
                if state.keeps { state.blocks[count, default: []].append(block) }
                return state.keeps
            }
        if !isKept { free(base, count) }
    }

    /// From now on keeps large blocks that are given back.
    static func keep() {
        state.withLock { $0.keeps = true }
    }

    /// Gives all back to the system, and keeps no more.
    static func release() {
        let blocks = state.withLock { state in
            state.keeps = false
            defer { state.blocks = [:] }
            return state.blocks
        }
        for (count, blocks) in blocks { for block in blocks { free(block.base, count) } }
    }

    private static func free(_ base: UnsafeMutablePointer<Float>, _ count: Int) {
        live.wrappingSubtract(bytes(count), ordering: .relaxed)
        UnsafeMutableRawPointer(base).deallocate()
    }

    private static func bytes(_ count: Int) -> Int { max(count, 1) * MemoryLayout<Float>.stride }

    /// 64 KiB: smaller blocks come from the allocator's own cache.
    private static let leastCount = 1 << 14
}
