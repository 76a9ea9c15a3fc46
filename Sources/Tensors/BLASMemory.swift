import Foundation

/// Whether the process may have the memory that OpenBLAS asks for at its first product on each thread: where it may not,
/// OpenBLAS asks for ever (`alloc_mmap` in its `driver/others/memory.c`).
package func canHoldBLASMemory() -> Bool {
    // BUFFER_SIZE of its kernels for x86-64 (32 << 22 in `common_x86_64.h`), and stacks of threads beside it.
    let bytes = Threads.count * (128 << 20) + (64 << 20)
    guard let address = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        address != MAP_FAILED
    else { return false }
    munmap(address, bytes)
    return true
}
