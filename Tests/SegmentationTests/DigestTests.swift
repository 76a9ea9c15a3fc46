import Foundation
import SafeFiles
import TestSupport
import Testing

@testable import Segmentation

/// The digests are what `sha256sum` prints.
@Suite("Digests")
struct DigestTests {
    let folder = Folder()
    let ofNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    let ofABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @Test("one file: empty, short, and longer than the pieces it is read in")
    func files() throws {
        #expect(try sha256(ofFile: folder.write("empty", "")) == ofNothing)
        #expect(try sha256(ofFile: folder.write("abc", "abc")) == ofABC)
        let zeros = folder.write("zeros", Data(count: 10_000_000))
        #expect(
            try sha256(ofFile: zeros) == "f5e02aa71e67f41d79023a128ca35bad86cf7b6656967bfe0884b3a3c4325eaf")
    }

    private func listingDigest(of paths: [String]) throws -> String {
        let digests = ReadDigests()
        try digests.recording { () throws(FileError) in for path in paths { _ = try readFile(path, limit: .text) } }
        return digests.ofAll(paths)
    }

    @Test("several files: the digest of sha256sum's listing, in whichever order they are given")
    func listing() throws {
        // printf '' > a.txt; printf abc > b.txt; sha256sum a.txt b.txt | sha256sum
        let paths = [folder.write("b.txt", "abc"), folder.write("a.txt", "")]
        let digest = "671c413dbc298175afe2146b5ad54dd46b21c64d6ef35c13ca9472facad77a5e"
        #expect(try listingDigest(of: paths) == digest)
        #expect(try listingDigest(of: paths.reversed()) == digest)
        let listing = folder.write("listing", "\(ofNothing)  a.txt\n\(ofABC)  b.txt\n")
        #expect(try sha256(ofFile: listing) == digest)
        #expect(try listingDigest(of: []) == ofNothing)
    }

    @Test("a name is part of it, the folder is not")
    func names() throws {
        let here = try listingDigest(of: [folder.write("one/a.txt", "abc")])
        #expect(try listingDigest(of: [folder.write("two/a.txt", "abc")]) == here)
        #expect(try listingDigest(of: [folder.write("two/b.txt", "abc")]) != here)
    }

    @Test("what is read is what has the digest, whatever the file becomes")
    func filesThatChange() throws {
        let (digests, path) = (ReadDigests(), folder.write("a.txt", "abc"))
        let text = try digests.recording { () throws(FileError) in try readFile(path, limit: .text) }
        folder.write("a.txt", "")
        #expect(text == Data("abc".utf8) && digests[path] == ofABC)
        // One that is written to while it is open is neither.
        let file = try InputFile(path)
        try file.requireUnchanged()
        folder.write("a.txt", "abcd")
        expectError(.badData, "changed while it was used", about: path) { try file.requireUnchanged() }
        expectError(.badData, "changed while it was used", about: path) { _ = try file.bytes() }
    }
}
