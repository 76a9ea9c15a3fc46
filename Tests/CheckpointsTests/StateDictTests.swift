import Foundation
import SafeFiles
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

/// Files that PyTorch and safetensors wrote, against what these libraries read from them.
@Suite struct StateDictTests {
    @Test(arguments: Fixtures.names("good", ".pth") + Fixtures.names("good", ".safetensors"))
    func readsWhatTheLibraryReads(_ name: String) throws {
        let expected = try #require(Fixtures.expected[name])
        let checkpoint = try Checkpoint(path: Fixtures.path("good/\(name)"))
        #expect(Set(checkpoint.entries.keys) == Set(expected.keys))
        for (tensor, reference) in expected {
            #expect(checkpoint.entries[tensor]?.dataType.rawValue == reference.dtype, "\(tensor)")
            #expect(checkpoint.entries[tensor]?.shape == reference.shape, "\(tensor)")
            #expect(checkpoint.tensor(tensor).values == reference.values.map(Float.init), "\(tensor)")
        }
    }

    @Test func bytesAreThoseOfTheTensorAndNotOfItsStorage() throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("good/shared.pth"))
        for name in ["whole", "part", "row", "again"] {
            #expect(checkpoint.bytes(name) == checkpoint.tensor(name).values.withUnsafeBytes(Array.init), "\(name)")
        }
    }

    /// Half precision is converted, and of a storage that tensors share, only what belongs to the one.
    @Test func noMoreIsConvertedThanTheTensorSpans() throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("good/shared16.pth"))
        #expect(checkpoint.tensor("part").storage.count == 12)
        #expect(checkpoint.tensor("first").storage.count == 6)
    }

    // MARK: What must be refused

    /// What is wrong with each file, as the error says it.
    static let hostile = [
        "empty": "cut short", "global-attribute": "a call of torch.load",
        "global-called-storage": "a call of torch.FloatStorage", "global-command": "a call of posix.system",
        "global-command-4": "a call of posix.system", "global-eval": "a call of builtins.eval",
        "global-module": "not a tensor", "id-huge-count": "storage of another size",
        "id-missing-member": "found data/7", "id-negative-count": "storage that torch.save does not write",
        "id-other-member": "storage is missing", "id-smaller-type": "storage of another size",
        "id-tag": "storage that torch.save does not write", "id-text": "storage that torch.save does not write",
        "id-unknown-type": "found torch.ComplexFloatStorage", "key-twice": "twice in the file",
        "list": "not a state dict", "memo-empty": "memo 5 is empty", "number-huge": "a number beyond",
        "opcode-instance": "a call of os.system",
        "opcode-persid": "found 0x50", "opcode-unknown": "found 0xff", "stack-empty": "a mark is missing",
        "stack-two": "2 values at the end", "stop-missing": "cut short", "text-cut": "text that is cut short",
        "text-not-utf8": "not UTF-8", "tuple-deep": "not a tensor",
        "value-number": "not a tensor", "value-text": "not a tensor", "view-beyond": "reaches beyond its storage",
        "view-empty-overflow": "reaches beyond its storage", "view-huge-offset": "reaches beyond its storage",
        "view-huge-stride": "reaches beyond its storage",
        "view-negative-offset": "tensor that torch.save does not write",
        "view-negative-size": "tensor that torch.save does not write",
        "view-negative-stride": "tensor that torch.save does not write", "view-offset": "reaches beyond its storage",
        "view-other-rank": "tensor that torch.save does not write", "view-overflow": "reaches beyond its storage",
        "view-stride-0": "reaches beyond its storage", "torch-legacy": "a .pth as PyTorch wrote it before 1.6",
        "torch-module": "found torch.nn.modules.container.Sequential", "zip-big-endian": "found big",
        "zip-compressed": "an unusual method", "zip-deflated-bomb": "inflate to too much",
        "zip-deflated-checksum": "does not inflate", "zip-deflated-other-size": "does not inflate",
        "zip-cut": "zip directory: missing",
        "zip-cut-directory": "zip directory: missing", "zip-cut-end": "zip directory: missing",
        "zip-directory-outside": "cut short", "zip-encrypted": "encrypted, or",
        "zip-member-longer": "outside the file", "zip-member-no-header": "entry without its member",
        "zip-member-outside": "entry without its member", "zip-member-overlap": "members overlap",
        "zip-member-twice": "member twice", "zip-more-entries": "entry missing", "zip-no-pickle": "data.pkl, found 0",
        "zip-storage-short": "storage of another size", "zip-two-pickles": "data.pkl, found 2",
        "zip64-missing": "zip64 locator missing", "zip64-size": "outside the file",
    ]

    @Test func everyHostileFileHasItsTest() {
        #expect(Set(Fixtures.names("hostile", ".pth")) == Set(hostileNames.map { $0 + ".pth" }))
    }

    @Test(arguments: hostileNames)
    func refuses(_ name: String) throws {
        let path = Fixtures.path("hostile/\(name).pth")
        expectError(.badData, try #require(Self.hostile[name]), about: path) {
            // What may stand beside a model's tensors is refused only where it is asked for.
            if let error = try Checkpoint(path: path).refused.values.first { throw error }
        }
    }

    /// Weights in a dictionary beside others, names that several GPUs give them, numbers, objects, and a dictionary at two
    /// places: PyTorch's tensors, each once.
    @Test func allOfATrainingCheckpointIsNamed() throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("good/training.pth"))
        #expect(checkpoint.entries["model/module.0.weight"]?.shape == [2, 3])
        #expect(checkpoint.entries["optimizer/state/0/exp_avg"]?.shape == [2, 3])
        #expect(!checkpoint.entries.keys.contains { $0.hasPrefix("again") })
        let refused = checkpoint.refused.mapValues(\.description)
        #expect(refused["options"]?.contains("a call of argparse.Namespace makes: nothing is called") == true)
        #expect(refused["wide"]?.contains("found torch.ComplexFloatStorage") == true)
        #expect(refused["expanded"]?.contains("or repeats it") == true)
        #expect(refused["epoch"]?.contains("not a tensor") == true)
    }

    /// Dictionaries within each other take no stack, however deep; nor does a value that contains itself.
    @Test func nestsOfAnyDepthAreFlat() throws {
        let folder = Folder()
        let depth = 100_000
        let key: [UInt8] = [0x58, 1, 0, 0, 0, UInt8(ascii: "k")]
        let nest =
            Array(repeating: [0x7D] + key, count: depth).joined() + [0x7D]
            + Array(repeating: UInt8(ascii: "s"), count: depth)
        let within: [UInt8] = [0x7D, 0x71, 0] + key + [0x68, 0, 0x73]
        for pickle in [Array(nest), within] {
            let path = folder.write("nest.pth", storedZip(["a/data.pkl": [0x80, 2] + pickle + [0x2E]]))
            let checkpoint = try Checkpoint(path: path)
            #expect(checkpoint.entries.isEmpty && checkpoint.refused.isEmpty)
        }
    }

    /// A pickle states a text once and refers to it as often as it likes: a long one is refused where it would be copied.
    @Test func longNamesAreNotMultiplied() throws {
        let folder = Folder()
        func text(_ text: String) -> [UInt8] {
            let length = (0..<4).map { UInt8(text.utf8.count >> (8 * $0) & 0xFF) }
            return [0x58] + length + Array(text.utf8)
        }
        func checkpoint(_ pickle: [UInt8]...) throws -> Checkpoint {
            let whole: [UInt8] = [0x80, 2] + Array(pickle.joined()) + [0x2E]
            return try Checkpoint(path: folder.write("long.pth", storedZip(["a/data.pkl": whole])))
        }
        let long = String(repeating: "k", count: 1 << 18)
        // {long: {"a": None, "b": None}}
        expectError(.badData, "a name longer than any checkpoint has: expected at most 1000 bytes, found 262144") {
            _ = try checkpoint(
                [0x7D], text(long), [0x7D, 0x28], text("a"), [0x4E], text("b"), [0x4E, 0x75, 0x73])
        }
        // {"a": {999 letters: None}}: each is short enough by itself.
        expectError(.badData, "expected at most 1000 bytes, found 1001") {
            _ = try checkpoint([0x7D], text("a"), [0x7D], text(String(long.prefix(999))), [0x4E, 0x73, 0x73])
        }
        expectError(.badData, "global: expected two names of at most 256 bytes") {
            _ = try checkpoint(text(long), text("f"), [0x93])
        }
        // {"a": long.f()}
        let call = try checkpoint([0x7D], text("a"), [0x63], Array("\(long)\nf\n".utf8), [0x29, 0x52, 0x73])
        let refused = try #require(call.refused["a"])
        #expect(refused.what.hasPrefix("what a call of kkkk") && refused.what.utf8.count < 300)
    }

    /// PyTorch keeps a negated view as the numbers of its storage and a bit: it is refused, and only where it is reached.
    @Test(arguments: [false, true]) func negatedNumbersAreRefused(_ isNegated: Bool) throws {
        func text(_ text: String) -> [UInt8] { [0x8C, UInt8(text.utf8.count)] + Array(text.utf8) }
        func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
        let parts: [[UInt8]] = [
            [0x80, 2, 0x7D], text("a"), global("torch._utils", "_rebuild_tensor_v2"), [0x28],
            // ('storage', torch.FloatStorage, '0', 'cpu', 2) as a persistent identity.
            [0x28], text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), [0x4B, 2, 0x74, 0x51],
            // Offset 0, shape (2,), strides (1,), no gradient, no hooks.
            [0x4B, 0, 0x4B, 2, 0x85, 0x4B, 1, 0x85, 0x89], global("collections", "OrderedDict"), [0x29, 0x52],
            // {} or {'neg': True}.
            [0x7D], isNegated ? text("neg") + [0x88, 0x73] : [], [0x74, 0x52, 0x73, 0x2E],
        ]
        let numbers: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]  // 1 and -2
        let folder = Folder()
        let path = folder.write("neg.pth", storedZip(["a/data.pkl": parts.flatMap { $0 }, "a/data/0": numbers]))
        let checkpoint = try Checkpoint(path: path)
        guard isNegated else {
            #expect(checkpoint.tensor("a").values == [1, -2])
            return
        }
        let error = try #require(checkpoint.refused["a"]).description
        #expect(error.contains("a: not the numbers of its storage: call resolve_neg() on it: found neg"), "\(error)")
        #expect(checkpoint.entries.isEmpty)
    }

    /// One byte more than a pickle may have, of which none is read.
    @Test func longPicklesAreRefused() {
        let folder = Folder()
        let path = folder.write(
            "long.pth",
            storedZip(["a/data.pkl": [UInt8](repeating: UInt8(ascii: "N"), count: Limit.pickle.standard + 1)]))
        expectError(.badData, "data.pkl: too large for what it should be: expected at most 8388608 bytes") {
            _ = try Checkpoint(path: path)
        }
    }
}

private let hostileNames = StateDictTests.hostile.keys.sorted()

/// A zip of stored members, without checksums, which are not looked at (APPNOTE.TXT 6.3.10, section 4.3).
private func storedZip(_ members: KeyValuePairs<String, [UInt8]>) -> [UInt8] {
    func bytes(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) } }
    var (file, directory): ([UInt8], [UInt8]) = ([], [])
    for (name, contents) in members {
        let common = bytes(0, 12) + bytes(contents.count, 4) + bytes(contents.count, 4) + bytes(name.utf8.count, 2)
        directory += bytes(0x0201_4B50, 4) + bytes(20, 2) + bytes(20, 2) + common + bytes(0, 12)
        directory += bytes(file.count, 4) + Array(name.utf8)
        file += bytes(0x0403_4B50, 4) + bytes(20, 2) + common + bytes(0, 2) + Array(name.utf8) + contents
    }
    let end = bytes(0x0605_4B50, 4) + bytes(0, 4) + bytes(members.count, 2) + bytes(members.count, 2)
    return file + directory + end + bytes(directory.count, 4) + bytes(file.count, 4) + bytes(0, 2)
}
