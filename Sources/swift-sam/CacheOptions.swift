import ArgumentParser
import Segmentation

/// Where encoded images are kept.
struct CacheOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Keep encoded images in a folder, and take from there what it has: the result is the same to the byte.",
            valueName: "dir"),
        completion: .directory)
    var cache: String?

    @Option(
        help: ArgumentHelp(
            "The most that the cache may hold; what was used least recently goes first. (default: no bound)",
            valueName: "20GB"),
        transform: parseSize)
    var cacheLimit: Int?

    mutating func validate() throws {
        guard cacheLimit == nil || cache != nil else { throw ValidationError("--cache-limit needs --cache.") }
    }

    /// The cache for a model; nil where none was asked for.
    ///
    /// - Parameter weights: the SHA-256 of the weights' file.
    func open(weights: () async throws -> String) async throws -> EmbeddingCache? {
        guard let cache else { return nil }
        return try EmbeddingCache(folder: cache, limit: cacheLimit, weights: try await weights())
    }
}
