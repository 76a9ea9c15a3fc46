import Crypto
import Foundation
import ImageFrames
import SafeFiles
import SegmentAnything
import Synchronization
import Tensors

/// Embeddings of images, kept in a folder that any number of processes share.
///
/// What a file is called says what it is of: the SHA-256 of the image's pixels and size, its scaling, the weights' digest, the
/// precision, the kernels and the version of the format. So an entry is never out of date, and what comes out is what
/// the encoder would give, to the byte. Entries are written beside and renamed, checked when they are read, and computed again
/// where they are damaged. The folder is trusted: whoever can write in it could forge an entry.
///
/// A hit opens one path, whatever the cache holds. Where there is a limit, the entries that were used least recently go first,
/// by the times that hits set and not by those of the file system's reads.
public final class EmbeddingCache: Sendable {
    public let folder: String
    /// In bytes.
    let limit: Int?
    private let weights: String
    private let state = Mutex(State())

    private struct State {
        /// Why nothing more is kept.
        var obstacle: FileError?
        var warnings: [Warning] = []
        /// The keys of what was taken or stored, where there is a limit.
        var used: Set<String> = []
    }

    /// Opens a cache, and removes what killed processes left half written.
    ///
    /// - Parameters:
    ///   - folder: made where it is missing.
    ///   - limit: the most that the entries take together, in bytes; nil for no bound.
    ///   - weights: the SHA-256 of the weights' file.
    /// - Throws: ``FileError`` `cannotCreate`.
    public init(folder: String, limit: Int? = nil, weights: String) throws(FileError) {
        self.folder = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        (self.limit, self.weights) = (limit, weights)
        do throws(FileError) { try makeFolder(folder) } catch {
            var error = error
            error.advice = "Choose another place with --cache."
            throw error
        }
        let temporary = Self.files(in: temporaryFolder)
        if temporary.isEmpty { return }
        // By the clock that the files' times are by.
        let hourAgo = diskTime(in: folder) - 3600
        for file in temporary where file.touched.tv_sec < hourAgo { unlink(file.path) }
    }

    /// What the person should know, each once.
    public func takeWarnings() -> [Warning] {
        state.withLock { state in
            defer { state.warnings = [] }
            return state.warnings
        }
    }

    /// Throws `cannotCreate` where an entry could not be kept: nothing more is.
    public func requireKept() throws(FileError) {
        if let obstacle = state.withLock(\.obstacle) { throw obstacle }
    }

    /// How many entries this process took or stored, and how many of them the limit has left; nothing is counted without one.
    public func usedEntries() -> (held: Int, all: Int) {
        let used = state.withLock(\.used)
        return (used.count { access(path(ofKey: $0), F_OK) == 0 }, used.count)
    }

    private func use(_ key: String) {
        if limit != nil { state.withLock { _ = $0.used.insert(key) } }
    }

    var isFull: Bool { state.withLock { $0.obstacle != nil } }

    // MARK: Entries

    /// What an entry is called.
    func key(_ image: RGBImage, _ scaling: Scaling, _ precision: Precision) -> String {
        let kernels = Manifest.Kernels.current
        var digest = SHA256()
        let parts = [
            "swift-sam cache 1", weights, precision.rawValue, kernels.instructionSet, kernels.openBLAS,
            scaling.rawValue,
            "\(image.size.width)×\(image.size.height)",
        ]
        digest.update(data: Data(parts.joined(separator: "\n").utf8))
        digest.update(data: Data(image.pixels))
        return hexadecimal(digest.finalize())
    }

    /// The path of an entry, whether it is there or not.
    func path(ofKey key: String) -> String { "\(folder)/\(key.prefix(1))/\(key).safetensors" }

    /// An entry; nil where there is none that can be used.
    func read(_ key: String, for sam: Sam) -> EncodedImage? {
        let path = path(ofKey: key)
        guard access(path, F_OK) == 0 else { return nil }
        do {
            let image = try EncodedImage(contentsOf: path, for: sam, key: key)
            utimensat(AT_FDCWD, path, nil, 0)
            use(key)
            return image
        } catch {
            if error.kind == .badData { unlink(path) }
            // Another process may have removed it meanwhile, which is no reason to speak.
            if access(path, F_OK) == 0 || error.kind == .badData {
                let what = error.kind == .badData ? "damaged, so computed again" : "cannot be read, so computed again"
                state.withLock { $0.warnings.append(Warning(file: path, "\(what): \(error.what)")) }
            }
            return nil
        }
    }

    /// Keeps an entry; where that fails, as on a full disk, nothing more is kept, and one warning says so.
    func store(_ image: EncodedImage, _ key: String) {
        guard !isFull else { return }
        let path = path(ofKey: key)
        let temporary = "\(temporaryFolder)/\(UUID().uuidString).safetensors"
        do {
            try makeFolder(temporaryFolder)
            try makeFolder(SafeFiles.folder(of: path))
            try image.write(to: temporary, key: key)
            guard rename(temporary, path) == 0 else {
                throw FileError(.cannotCreate, file: path, systemMessage(errno))
            }
            removeLeastRecent(besides: path)
            use(key)
        } catch {
            unlink(temporary)
            let what = (error as? FileError).map { $0.found ?? $0.what } ?? error.localizedDescription
            state.withLock { state in
                state.obstacle = FileError(
                    .cannotCreate, file: folder, "nothing more is kept in the cache", found: what,
                    advice: "Make room, or choose another folder with --cache.")
                state.warnings.append(Warning(file: folder, "nothing more is kept in the cache: \(what)"))
            }
        }
    }

    // MARK: The bound

    private static let shards = (0..<16).map { String($0, radix: 16) }

    private var temporaryFolder: String { "\(folder)/tmp" }

    /// Removes entries until what a new one belongs to is within the bound: its shard, of a sixteenth of all; or, where that
    /// would hold only few, the whole cache.
    private func removeLeastRecent(besides path: String) {
        guard let limit else { return }
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        let isWhole = limit / Self.shards.count < 8 * Int(status.st_size)
        let folders = isWhole ? Self.shards.map { "\(folder)/\($0)" } : [String(SafeFiles.folder(of: path).dropLast())]
        let entries = folders.flatMap(Self.files(in:))
        var total = entries.reduce(0) { $0 + $1.size }
        let most = isWhole ? limit : limit / Self.shards.count
        for entry in entries.sorted(by: {
            ($0.touched.tv_sec, $0.touched.tv_nsec) < ($1.touched.tv_sec, $1.touched.tv_nsec)
        })
        where total > most {
            unlink(entry.path)
            total -= entry.size
        }
    }

    /// The files of a cache in one of its folders: nothing else is ever removed.
    private static func files(in folder: String) -> [(path: String, size: Int, touched: timespec)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { name in
            var status = stat()
            let path = "\(folder)/\(name)"
            guard name.hasSuffix(".safetensors"), stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                return nil
            }
            return (path, Int(status.st_size), status.st_mtim)
        }
    }
}

extension Sam {
    /// Encodes an image, or takes what a cache has of it, and keeps there what it made.
    ///
    /// - Parameters:
    ///   - name: what the image is called in an error.
    ///   - progress: as of ``encode(_:name:scaling:recorder:progress:)``; not called where the cache has it.
    /// - Throws: as ``encode(_:name:scaling:recorder:progress:)``.
    public func encode(
        _ image: RGBImage, name: String, scaling: Scaling = .longestSide, cache: EmbeddingCache?,
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> EncodedImage {
        guard let cache else { return try encode(image, name: name, scaling: scaling, progress: progress) }
        let key = cache.key(image, scaling, precision)
        if let known = cache.read(key, for: self) { return known }
        let encoded = try encode(image, name: name, scaling: scaling, progress: progress)
        cache.store(encoded, key)
        return encoded
    }
}
