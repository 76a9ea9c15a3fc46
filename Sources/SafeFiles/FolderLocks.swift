import Foundation

/// Runs `body` while no other process that asks for this renames files in some folders (`flock(2)` of the folders).
///
/// A folder that cannot be locked, as on some network file systems, is left out.
///
/// - Throws: what `body` throws, and ``FileError`` `cannotCreate` where another process does not let go within a minute.
public func withLocked(_ folders: Set<String>, for path: String, _ body: () throws -> Void) throws {
    var descriptors: [Int32] = []
    defer { for descriptor in descriptors { close(descriptor) } }
    // In one order, so that no two processes wait for each other.
    for folder in folders.sorted() {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { continue }
        descriptors.append(descriptor)
        var rounds = 6000
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR {
            rounds -= 1
            guard rounds > 0 else {
                throw FileError(
                    .cannotCreate, file: path, "another process has locked the folder", found: folder,
                    advice: "End it, or choose another place.")
            }
            usleep(10_000)
        }
    }
    try body()
}
