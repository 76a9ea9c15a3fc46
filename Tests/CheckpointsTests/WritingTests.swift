import Foundation
import SafeFiles
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

/// What is written is read back; the reader is held to other writers in the other suites.
@Suite struct WritingTests {
    static let values = (0..<24).map { Float($0) * 0.37 - 4 }
    static let contents: [String: TensorContents] = [
        "dense": .tensor(Tensor(values, shape: [2, 3, 4]), .float32),
        "strided": .tensor(Tensor(values, shape: [4, 6]).permuted(1, 0).sliced(axis: 0, 1..<4), .float32),
        "half": .tensor(Tensor(values, shape: [24]), .float16),
        "brain": .tensor(Tensor(values, shape: [24]), .bfloat16),
        "scalar": .tensor(Tensor([2.5], shape: []), .float32),
        "empty": .tensor(Tensor([], shape: [3, 0]), .float32),
        "name \"with\" / \\ é": .bytes([1, 2, 3], .uint8, shape: [3, 1]),
        "double": .bytes(withUnsafeBytes(of: Double.pi, Array.init), .float64, shape: [1]),
    ]

    /// Gives the names in an order of its own for each seed.
    private func write(_ path: String, metadata: [String: String] = [:], seed: UInt64 = 1) throws {
        var generator = SplitMix(seed: seed)
        let names = Self.contents.keys.sorted().shuffled(using: &generator)
        try writeSafetensors(path, names: names, metadata: metadata) {
            Self.contents[$0] ?? .bytes([], .uint8, shape: [0])
        }
    }

    @Test func everythingComesBack() throws {
        let folder = Folder()
        let metadata = ["format": "pt", "quoted \"key\"": "line\nbreak / é"]
        try write(folder.file("out"), metadata: metadata)
        let checkpoint = try Checkpoint(path: folder.file("out"))
        #expect(checkpoint.metadata == metadata)
        #expect(Set(checkpoint.entries.keys) == Set(Self.contents.keys))
        for (name, contents) in Self.contents {
            #expect(checkpoint.entries[name]?.dataType == contents.dataType)
            #expect(checkpoint.entries[name]?.shape == contents.shape)
        }
        #expect(checkpoint.tensor("dense").values == Self.values)
        #expect(
            checkpoint.tensor("strided").values
                == (1..<4).flatMap { column in (0..<4).map { Self.values[6 * $0 + column] } })
        #expect(checkpoint.tensor("half").values == Self.values.map { Float(Float16($0)) })
        // Eight bits of significand: half of a unit in the eighth place at most.
        for (found, exact) in zip(checkpoint.tensor("brain").values, Self.values) {
            #expect(abs(found - exact) <= abs(exact) / 256)
        }
        #expect(checkpoint.tensor("scalar").values == [2.5])
        #expect(checkpoint.tensor("empty").shape == [3, 0])
        #expect(checkpoint.bytes("name \"with\" / \\ é") == [1, 2, 3])
        #expect(checkpoint.tensor("double").values == [Float(Double.pi)])
    }

    @Test func theSameContentsGiveTheSameBytes() throws {
        let folder = Folder()
        let metadata = Dictionary(uniqueKeysWithValues: (0..<20).map { ("key \($0)", "\($0)") })
        for seed in UInt64(1)...3 { try write(folder.file("\(seed)"), metadata: metadata, seed: seed) }
        let first = try Data(contentsOf: URL(filePath: folder.file("1")))
        #expect(try Data(contentsOf: URL(filePath: folder.file("2"))) == first)
        #expect(try Data(contentsOf: URL(filePath: folder.file("3"))) == first)
    }

    /// Elements begin at a multiple of a cache line whatever the header's length, so that float32 stays in the mapping.
    @Test(arguments: 0..<70)
    func elementsBeginAtACacheLine(_ length: Int) throws {
        let folder = Folder()
        try writeSafetensors(folder.file("out"), names: ["a"], metadata: ["k": String(repeating: "x", count: length)]) {
            _ in
            .tensor(Tensor([1, 2], shape: [2]), .float32)
        }
        let checkpoint = try Checkpoint(path: folder.file("out"))
        #expect(checkpoint.entries["a"].map { $0.bytes.lowerBound % 64 } == 0)
        #expect(checkpoint.tensor("a").values == [1, 2])
    }

    @Test func anOutputThatExistsIsReplacedAndNothingElseIsLeft() throws {
        let folder = Folder()
        _ = folder.write("out", [1, 2, 3])
        try write(folder.file("out"))
        #expect(try Checkpoint(path: folder.file("out")).entries.count == Self.contents.count)
        #expect(folder.names == ["out"])
    }

    @Test func whatCannotBeWrittenLeavesNothing() throws {
        let folder = Folder()
        let error = #expect(throws: FileError.self) { try write(folder.file("no-such-folder/out")) }
        #expect(error?.kind == .cannotCreate)
        try FileManager.default.createDirectory(
            at: URL(filePath: folder.file("folder")), withIntermediateDirectories: false)
        let onFolder = #expect(throws: FileError.self) { try write(folder.file("folder")) }
        #expect(onFolder?.kind == .cannotCreate)
        #expect(folder.names == ["folder"])
    }

    @Test func noTensors() throws {
        let folder = Folder()
        try writeSafetensors(folder.file("a"), names: []) { _ in .bytes([], .uint8, shape: [0]) }
        #expect(try Checkpoint(path: folder.file("a")).entries.isEmpty)
        try writeSafetensors(folder.file("b"), names: [], metadata: ["k": "v"]) { _ in .bytes([], .uint8, shape: [0]) }
        #expect(try Checkpoint(path: folder.file("b")).metadata == ["k": "v"])
    }
}
