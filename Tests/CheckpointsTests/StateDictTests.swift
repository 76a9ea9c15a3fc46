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
        "dictionary-remembered": "remembered too late", "empty": "cut short", "global-attribute": "found torch.load",
        "global-called-storage": "call not allowed", "global-command": "found posix.system",
        "global-command-4": "found posix.system", "global-eval": "found builtins.eval",
        "global-module": "found zipfile.ZipFile", "id-huge-count": "storage of another size",
        "id-missing-member": "found data/7", "id-negative-count": "storage that torch.save does not write",
        "id-other-member": "storage is missing", "id-smaller-type": "storage of another size",
        "id-tag": "storage that torch.save does not write", "id-text": "storage that torch.save does not write",
        "id-unknown-type": "found torch.ComplexFloatStorage", "key-number": "not a text",
        "key-twice": "twice in the file",
        "list": "found 0x5d", "memo-empty": "memo 5 is empty", "number-huge": "a number beyond",
        "opcode-instance": "found 0x69", "opcode-list": "found 0x5d", "opcode-newobj": "found 0x81",
        "opcode-persid": "found 0x50", "opcode-unknown": "found 0xff", "stack-empty": "a mark is missing",
        "stack-two": "2 values at the end", "stop-missing": "cut short", "text-cut": "text that is cut short",
        "text-not-utf8": "not UTF-8", "tuple-deep": "too deep", "value-nested": "not a tensor",
        "value-number": "not a tensor", "value-text": "not a tensor", "view-beyond": "reaches beyond its storage",
        "view-empty-overflow": "reaches beyond its storage", "view-huge-offset": "reaches beyond its storage",
        "view-huge-stride": "reaches beyond its storage",
        "view-negative-offset": "tensor that torch.save does not write",
        "view-negative-size": "tensor that torch.save does not write",
        "view-negative-stride": "tensor that torch.save does not write", "view-offset": "reaches beyond its storage",
        "view-other-rank": "tensor that torch.save does not write", "view-overflow": "reaches beyond its storage",
        "view-stride-0": "reaches beyond its storage", "torch-legacy": "neither safetensors nor a .pth",
        "torch-module": "global not allowed", "torch-tensor": "not a state dict", "zip-big-endian": "found big",
        "zip-compressed": "compressed or encrypted", "zip-cut": "zip directory: missing",
        "zip-cut-directory": "zip directory: missing", "zip-cut-end": "zip directory: missing",
        "zip-directory-outside": "cut short", "zip-encrypted": "compressed or encrypted",
        "zip-member-longer": "outside the file", "zip-member-no-header": "entry without its member",
        "zip-member-outside": "entry without its member", "zip-member-overlap": "members overlap",
        "zip-member-twice": "member twice", "zip-more-entries": "entry missing", "zip-no-pickle": "expected 1, found 0",
        "zip-storage-short": "storage of another size", "zip-two-pickles": "expected 1, found 2",
        "zip64-missing": "zip64 locator missing", "zip64-size": "outside the file",
    ]

    @Test func everyHostileFileHasItsTest() {
        #expect(Set(Fixtures.names("hostile", ".pth")) == Set(hostileNames.map { $0 + ".pth" }))
    }

    @Test(arguments: hostileNames)
    func refuses(_ name: String) throws {
        let path = Fixtures.path("hostile/\(name).pth")
        expectError(.badData, try #require(Self.hostile[name]), about: path) { _ = try Checkpoint(path: path) }
    }
}

private let hostileNames = StateDictTests.hostile.keys.sorted()
