import Foundation
import Testing

/// Lets the process have some bytes of address space more than it has now.
package func limitMemory(more bytes: UInt) throws {
    // The first number is the pages that the process has.
    let numbers = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    let pages = try #require(UInt(numbers[0]))
    try limit(RLIMIT_AS, to: pages * UInt(sysconf(Int32(_SC_PAGESIZE))) + bytes)
}

/// Lets the process have some files open at once, with those that it has.
package func limitOpenFiles(to count: UInt) throws { try limit(RLIMIT_NOFILE, to: count) }

/// Lets files grow to some bytes: writing more fails, where a full disk would.
package func limitFileSize(to bytes: UInt) throws {
    signal(SIGXFSZ, SIG_IGN)
    try limit(RLIMIT_FSIZE, to: bytes)
}

private func limit(_ resource: __rlimit_resource, to value: UInt) throws {
    var limit = rlimit(rlim_cur: rlim_t(value), rlim_max: rlim_t(value))
    try #require(setrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0)
}

/// Expects that an output which the disk has no room for is an error, that what it would replace stays, and that nothing
/// else is left. Ends the process's writing of files: for a process of its own.
package func expectNothingWrittenOnFullDisk(_ outputs: [String: (String) throws -> Void]) throws {
    let folder = Folder()
    for name in outputs.keys { folder.write(name, "old") }
    try limitFileSize(to: 100)
    for (name, write) in outputs {
        expectError(.inputOutput, "cannot be written: found File too large", about: folder.file(name)) {
            try write(folder.file(name))
        }
        #expect(FileManager.default.contents(atPath: folder.file(name)) == Data("old".utf8))
    }
    #expect(folder.names == Set(outputs.keys))
}
