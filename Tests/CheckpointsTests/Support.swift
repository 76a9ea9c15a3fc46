// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import Testing

@testable import Checkpoints
@testable import SafeFiles

/// What `tools/oracle/export_checkpoints.py` wrote.
enum Fixtures {
    static let folder = Bundle.module.resourceURL!.appending(path: "Fixtures")

    static func path(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }

    static func names(_ subfolder: String, _ suffix: String) -> [String] {
        try! FileManager.default.contentsOfDirectory(atPath: path(subfolder)).filter { $0.hasSuffix(suffix) }.sorted()
    }

    /// A tensor as the library that wrote the file reads it.
    struct Expected: Decodable {
        var dtype: String
        var shape: [Int]
        var values: [Double]
    }

    /// By file and tensor.
    static let expected = try! JSONDecoder().decode(
        [String: [String: Expected]].self, from: Data(contentsOf: folder.appending(path: "good/expected.json")))
}

/// A folder that goes away with the value.
final class TemporaryFolder {
    let url = FileManager.default.temporaryDirectory.appending(path: "swift-sam-tests-\(UUID())")

    init() { try! FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path(percentEncoded: false) }

    var names: [String] { try! FileManager.default.contentsOfDirectory(atPath: path("")).sorted() }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
        try! Data(bytes).write(to: url.appending(path: name))
        return path(name)
    }
}

/// splitmix64 (Steele et al. 2014): the same numbers everywhere and always.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}

/// Expects one `badData` about `path` whose text has `phrase` in it.
func expectBadData(
    _ path: String, _ phrase: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    let error = #expect(throws: FileError.self, sourceLocation: sourceLocation) { try body() }
    #expect(error?.kind == .badData, sourceLocation: sourceLocation)
    #expect(error?.file == path, sourceLocation: sourceLocation)
    #expect(error?.description.contains(phrase) == true, "\(error?.description ?? "")", sourceLocation: sourceLocation)
}
