import Foundation
import SafeFiles

/// Which files a path means: itself, or those of the folder or index of a model that Hugging Face's `save_pretrained` wrote.
struct CheckpointFiles {
    /// Everything that is read.
    private(set) var all: [String]
    /// Of these, the files of tensors.
    private(set) var holdingTensors: [String]
    /// The tensors that an index says there are, in order.
    private(set) var expectedNames: [String] = []

    /// What a folder's weights may be called, the first that is there: as `transformers` looks for them.
    private static let names = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    ]

    /// - Throws: ``FileError`` `missingInput` where the path or a shard is not there, or a folder holds no weights; `badData`
    ///   where an index is none.
    init(_ path: String) throws(FileError) {
        let path = try Self.fileInFolder(path) ?? path
        guard path.hasSuffix(".json") else {
            (all, holdingTensors) = ([path], [path])
            return
        }
        let data = try readFile(path, limit: .record)
        guard let index = try? JSONDecoder().decode(Index.self, from: data), !index.weightMap.isEmpty else {
            throw FileError(
                .badData, file: path, "no index of shards",
                expected: "JSON with a weight_map, as model.safetensors.index.json",
                found: FileContents(data)?.name,
                advice: "Weights are in .safetensors, .pth or .bin files, or name their folder.")
        }
        let shards = Set(index.weightMap.values).sorted()
        if let stranger = shards.first(where: { $0.contains("/") || $0.hasPrefix(".") || $0.isEmpty }) {
            throw FileError(
                .badData, file: path, "a shard in another folder", expected: "a file's name", found: stranger)
        }
        let folder = folder(of: path)
        holdingTensors = shards.map { SafeFiles.path(of: $0, in: folder) }
        all = [path] + holdingTensors
        expectedNames = index.weightMap.keys.sorted()
    }

    private struct Index: Decodable {
        var weightMap: [String: String]
        enum CodingKeys: String, CodingKey { case weightMap = "weight_map" }
    }

    /// The weights in a folder, or nil where the path is no folder.
    private static func fileInFolder(_ path: String) throws(FileError) -> String? {
        guard let present = try? FileManager.default.contentsOfDirectory(atPath: path) else { return nil }
        if let name = names.first(where: present.contains) {
            return SafeFiles.path(of: name, in: path)
        }
        throw FileError(
            .missingInput, file: path, "a folder without weights", expected: names.joined(separator: ", "),
            found: present.isEmpty ? "an empty folder" : present.sorted().prefix(5).joined(separator: ", "),
            advice: "Name the file itself.")
    }
}

/// The files that opening a ``Checkpoint`` reads: the path itself, or a folder's index and shards.
///
/// - Throws: as ``Checkpoint/init(path:)`` where a folder or an index is not one.
public func checkpointFiles(_ path: String) throws(FileError) -> [String] { try CheckpointFiles(path).all }
