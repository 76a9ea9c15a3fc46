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
        base = SparePages.take(count)
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

    deinit {
        if owner == nil { SparePages.giveBack(base, count) }
    }
}

/// Large blocks of memory that a storage no longer needs, for the next of the same size.
///
/// A forward pass asks for the same few sizes in every block. Memory from the system comes in pages that it must first
/// clear, one fault each, which costs more than a layer norm.
private enum SparePages {
    private static let blocks = Mutex<[Int: [Address]]>([:])

    private struct Address: @unchecked Sendable {  // Nobody else holds it.
        let base: UnsafeMutablePointer<Float>
    }

    static func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let spare = count < leastCount ? nil : blocks.withLock { $0[count]?.popLast() }
        if let spare { return spare.base }
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        return UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            .bindMemory(to: Float.self, capacity: count)
    }

    static func giveBack(_ base: UnsafeMutablePointer<Float>, _ count: Int) {
        let address = Address(base: base)
        if count >= leastCount {
            blocks.withLock { $0[count, default: []].append(address) }
        } else {
            UnsafeMutableRawPointer(base).deallocate()
        }
    }

    /// 1 MiB: smaller blocks come from the allocator's own cache.
    private static let leastCount = 1 << 18
}

/// Lends `count` uninitialised floats to `body`.
package func withScratch<Result>(
    _ count: Int, _ body: (UnsafeMutablePointer<Float>) throws -> Result
) rethrows -> Result {
    let scratch = UnsafeMutablePointer<Float>.allocate(capacity: count)
    defer { scratch.deallocate() }
    return try body(scratch)
}
