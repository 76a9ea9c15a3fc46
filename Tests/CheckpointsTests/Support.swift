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
