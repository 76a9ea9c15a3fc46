import Foundation
import SafeFiles
import TestSupport
import Testing

@testable import Checkpoints

/// `.npy` files that NumPy wrote, and ones that must be refused.
@Suite struct NumpyTests {
    @Test(arguments: Fixtures.names("good", ".npy"))
    func readsWhatNumPyReads(_ name: String) throws {
        let expected = try #require(Fixtures.expected[name]?[""])
        let tensor = try Checkpoint(path: Fixtures.path("good/\(name)")).tensor("")
        #expect(tensor.shape == expected.shape)
        #expect(tensor.values == expected.values.map(Float.init))
    }

    /// In any order of the axes; in single precision all of these are infinite.
    @Test func doublesStayDoubles() throws {
        let values = (0..<6).map { 1e300 + Double($0) * 1e290 }
        let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }"
        let parts: [[UInt8]] = [
            [0x93], Array("NUMPY".utf8), [1, 0, UInt8(header.utf8.count), 0], Array(header.utf8),
            values.withUnsafeBytes { Array($0) },
        ]
        let folder = Folder()
        let checkpoint = try Checkpoint(path: folder.write("f.npy", parts.flatMap { $0 }))
        #expect(checkpoint.doubles("") == [0, 2, 4, 1, 3, 5].map { values[$0] })
        #expect(checkpoint.doubleReader("")(2..<4) == [values[4], values[1]])
    }

    @Test(arguments: [
        ("npy-big-endian", "expected floats, integers"), ("npy-structured", "expected floats, integers"),
    ])
    func refuses(_ name: String, _ phrase: String) {
        let path = Fixtures.path("hostile/\(name).npy")
        expectError(.badData, phrase, about: path) { _ = try Checkpoint(path: path) }
    }

    @Test func refusesEveryTruncation() throws {
        let folder = Folder()
        let bytes = try Data(contentsOf: Fixtures.folder.appending(path: "good/version1.npy"))
        // Shorter ones are nobody's.
        for count in 6..<bytes.count {
            let path = folder.write("cut.npy", bytes.prefix(count))
            expectError(.badData, "npy header", about: path) { _ = try Checkpoint(path: path) }
        }
    }

    /// Headers of the right form whose contents are wrong, each before six floats.
    @Test(arguments: [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }", "another size"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3), }", "another size"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (6.0,), }", "another size"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "another size"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "another size"),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4611686018427387904), }",
            "another size"
        ),
        ("{'descr': '<f4', 'fortran_order': False, }", "another size"), ("{'descr': '<f4', 'shape': (6,), }", "order"),
        ("{'descr': '<f4', 'fortran_order': 0, 'shape': (6,), }", "order"),
        ("{'fortran_order': False, 'shape': (6,), }", "type"), ("", "type"), ("\u{0}\u{0}\u{0}", "type"),
    ])
    func refusesHeader(_ header: String, _ phrase: String) {
        let folder = Folder()
        let path = folder.write("file.npy", file(version: 1, length: header.utf8.count, header))
        expectError(.badData, phrase, about: path) { _ = try Checkpoint(path: path) }
    }

    @Test func refusesOtherVersionsAndLengthsBeyondTheFile() {
        let folder = Folder()
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }"
        for (version, length, phrase) in [
            (0, good.utf8.count, "not a .npy file"), (4, good.utf8.count, "not a .npy file"), (1, 60000, "cut short"),
            (2, 0xFFFF_FFFF, "cut short"), (3, 1 << 20, "cut short"),
        ] {
            let path = folder.write("file.npy", file(version: UInt8(version), length: length, good))
            expectError(.badData, phrase, about: path) { _ = try Checkpoint(path: path) }
        }
    }

    private func file(version: UInt8, length: Int, _ header: String) -> [UInt8] {
        let size = withUnsafeBytes(of: UInt32(length).littleEndian) { Array($0.prefix(version == 1 ? 2 : 4)) }
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(header.utf8)
            + [UInt8](repeating: 0, count: 24)
    }
}
