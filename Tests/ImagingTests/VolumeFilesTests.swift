// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import SafeFiles
import TestSupport
import Testing

@testable import Imaging

/// Which volumes an argument names, and which of two arguments belong together.
@Suite struct VolumeFilesTests {
    let folder = Folder()

    /// Empty files: a listing opens none.
    private func make(_ paths: String...) {
        for path in paths {
            let url = URL(filePath: folder.file(path))
            try! FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try! Data().write(to: url)
        }
    }

    private func list(_ argument: String) throws -> VolumeFiles { try VolumeFiles(folder.file(argument)) }

    /// The cases of an argument with their paths in the folder.
    private func paths(_ argument: String) throws -> [String: String] {
        let files = try list(argument).files
        #expect(files.map(\.name) == files.map(\.name).sorted())
        return Dictionary(
            uniqueKeysWithValues: files.map { ($0.name, String($0.path.dropFirst(folder.path.count + 1))) })
    }

    // MARK: One listing

    @Test(
        "the ending of a volume",
        arguments: [
            ("a.nii", "a"), ("a.nii.gz", "a"), ("A.NII.GZ", "A"), ("x/a.b.Nii", "x/a.b"), ("a.gz", nil),
            ("a.nii.gz.txt", nil),
            ("nii", nil), (".nii", ""), ("", nil),
        ] as [(String, String?)])
    func endings(path: String, stem: String?) {
        #expect((VolumeEnding(of: path) == nil) == (stem == nil))
        #expect(withoutVolumeExtension(path) == stem ?? path)
    }

    @Test func aFile() throws {
        make("a.b.nii.gz", "C.NII", "._a.nii.gz", "notes.txt")
        #expect(try paths("a.b.nii.gz") == ["a.b": "a.b.nii.gz"])
        #expect(try paths("C.NII") == ["C": "C.NII"])
        #expect(try list("C.NII").kind == .file)
        // What is named in full is meant.
        #expect(try paths("._a.nii.gz") == ["._a": "._a.nii.gz"])
        expectError(.badData, "not a NIfTI volume by its name") { _ = try list("notes.txt") }
        expectError(.missingInput, "No such file or directory") { _ = try list("nowhere.nii") }
        expectError(.missingInput, "No such file or directory") { _ = try VolumeFiles("") }
    }

    @Test func aFolder() throws {
        make("ct/b.nii", "ct/a.nii.gz", "ct/C.NII.GZ", "ct/notes.txt", "ct/._a.nii.gz", "ct/deeper/d.nii")
        #expect(try paths("ct") == ["a": "ct/a.nii.gz", "b": "ct/b.nii", "C": "ct/C.NII.GZ"])
        #expect(try list("ct").kind == .folder)
        #expect(try list("ct").warnings.map(\.what) == ["hidden files, not read: ._a.nii.gz"])
        #expect(try list("ct/").files.first?.path == folder.file("ct/C.NII.GZ"))
        expectError(.missingInput, "no volumes") { _ = try list("ct/deeper/none{case}.nii") }
        make("empty/notes.txt", "hidden/._a.nii.gz")
        expectError(.missingInput, "no volumes") { _ = try list("empty") }
        expectError(.missingInput, "found hidden files, not read: ._a.nii.gz") { _ = try list("hidden") }
        make("ct/a.nii")
        expectError(.badData, "a second volume of this name") { _ = try list("ct") }
    }

    @Test func longListsAreCut() throws {
        make("ct/a.nii")
        for number in 1...7 { make("ct/._\(number).nii") }
        #expect(
            try list("ct").warnings.map(\.what) == [
                "hidden files, not read: ._1.nii, ._2.nii, ._3.nii, ._4.nii, ._5.nii and 2 more"
            ])
    }

    @Test func aPattern() throws {
        make("ct/img1.nii.gz", "ct/img20.nii.gz", "ct/img.nii.gz", "ct/label1.nii.gz", "ct/img3.nii", "ct/IMG4.nii.gz")
        #expect(try paths("ct/img{case}.nii.gz") == ["1": "ct/img1.nii.gz", "20": "ct/img20.nii.gz"])
        #expect(try list("ct/img{case}.nii.gz").kind == .pattern)
        // Endings are the same in letters of either case, all other letters are not.
        make("ct/img5.NII.GZ")
        #expect(try paths("ct/img{case}.nii.gz")["5"] == "ct/img5.NII.GZ")
        expectError(.badData, "not a NIfTI volume by its name") { _ = try list("ct/img{case}") }
        expectError(.missingInput, "no volumes") { _ = try list("nowhere/{case}.nii") }
    }

    @Test func aPatternWithACaseInSeveralPlaces() throws {
        make("1/1_ct_1.nii", "2/2_ct_2.nii", "2/2_ct_3.nii", "3/other.nii", "notes.txt", ".git/.git_ct_.git.nii")
        let list = try list("{case}/{case}_ct_{case}.nii")
        #expect(list.files.map(\.name) == ["1", "2"])
        #expect(list.files.map(\.path) == ["1/1_ct_1.nii", "2/2_ct_2.nii"].map { folder.file($0) })
        #expect(list.warnings.map(\.what) == ["hidden files, not read: .git", "cases without a volume: 3"])
    }

    @Test func hiddenFilesOfAPattern() throws {
        make("ct/a.nii", "ct/._a.nii", "ct/.b.nii")
        #expect(try paths("ct/{case}.nii") == ["a": "ct/a.nii"])
        #expect(try list("ct/{case}.nii").warnings.map(\.what) == ["hidden files, not read: ._a.nii, .b.nii"])
        // As in a shell, a dot that is written is meant.
        #expect(try paths("ct/.{case}.nii") == ["_a": "ct/._a.nii", "b": "ct/.b.nii"])
    }

    @Test func linksAreFollowed() throws {
        make("store/x.nii", "store/deep/y.nii")
        for (link, target) in [("ct/a.nii", "../store/x.nii"), ("ct/gone.nii", "nowhere.nii"), ("linked", "ct")] {
            try FileManager.default.createDirectory(atPath: folder.file("ct"), withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: folder.file(link), withDestinationPath: target)
        }
        // A link that leads nowhere is a volume that cannot be read, and not one less.
        #expect(try paths("linked") == ["a": "linked/a.nii", "gone": "linked/gone.nii"])
        #expect(try paths("linked/{case}.nii") == ["a": "linked/a.nii", "gone": "linked/gone.nii"])
    }

    /// macOS writes names decomposed; keyboards write them composed.
    @Test(arguments: [("\u{E9}", "e\u{301}"), ("e\u{301}", "\u{E9}")])
    func composedAndDecomposedLetters(written: String, there: String) throws {
        make("pr\(there)/img\(there)1.nii", "pr\(there)/2/\(there).nii.gz")
        let path = "pr\(there)/img\(there)1.nii"
        func files(_ argument: String) throws -> [[UInt8]] { try list(argument).files.map { Array($0.path.utf8) } }
        // Byte by byte, since equal strings may still be different names of files.
        #expect(try files("pr\(written)/img\(written)1.nii") == [Array(folder.file(path).utf8)])
        #expect(try files("pr\(written)") == [Array(folder.file(path).utf8)])
        #expect(try files("pr\(written)/img\(written){case}.nii") == [Array(folder.file(path).utf8)])
        #expect(
            try files("pr\(written)/{case}/\(written).nii.gz") == [
                Array(folder.file("pr\(there)/2/\(there).nii.gz").utf8)
            ])
        make("both/\(there).nii", "both/\(written).nii")
        expectError(.badData, "a second volume of this name") { _ = try list("both") }
    }

    // MARK: Two listings

    private func pairs(_ one: String, _ other: String, hasChannels: Bool = false, onlyCommon: Bool = false) throws
        -> [[String]]
    {
        try VolumePairs(list(one), list(other), hasChannels: hasChannels, onlyCommon: onlyCommon).pairs
            .map { pair in [pair.first, pair.second].map { String($0.dropFirst(folder.path.count + 1)) } }
    }

    @Test func pairsOfFiles() throws {
        make("a.nii", "b.nii.gz")
        #expect(try pairs("a.nii", "b.nii.gz") == [["a.nii", "b.nii.gz"]])
    }

    @Test func pairsByName() throws {
        make("truth/b.nii", "truth/a.nii.gz", "truth/._a.nii.gz", "predicted/a.NII", "predicted/b.nii.gz")
        #expect(
            try pairs("truth", "predicted") == [
                ["truth/a.nii.gz", "predicted/a.NII"], ["truth/b.nii", "predicted/b.nii.gz"],
            ])
        let both = try VolumePairs(list("truth"), list("predicted"))
        #expect(both.warnings.map(\.what) == ["hidden files, not read: ._a.nii.gz"])
    }

    @Test func pairsByCase() throws {
        make(
            "img/img0001.nii", "img/img0002.nii", "label/label0001.nii", "label/label0002.nii", "per/0001/l.nii",
            "per/0002/l.nii")
        make("plain/0001.nii", "plain/0002.nii")
        let images = ["img/img0001.nii", "img/img0002.nii"]
        for (argument, others) in [
            ("label/label{case}.nii", ["label/label0001.nii", "label/label0002.nii"]),
            ("per/{case}/l.nii", ["per/0001/l.nii", "per/0002/l.nii"]),
            ("plain", ["plain/0001.nii", "plain/0002.nii"]),
        ] {
            #expect(try pairs("img/img{case}.nii", argument) == zip(images, others).map { [$0, $1] })
        }
    }

    @Test func volumesWithoutAPartner() throws {
        make("truth/a.nii", "truth/b.nii", "predicted/b.nii", "predicted/c.nii", "other/d.nii", "e.nii")
        let (first, last) = (folder.file("truth/a.nii"), folder.file("predicted/c.nii"))
        expectError(.missingInput, "without a partner: \(first), \(last)") { _ = try pairs("truth", "predicted") }
        #expect(try pairs("truth", "predicted", onlyCommon: true) == [["truth/b.nii", "predicted/b.nii"]])
        let left = try VolumePairs(list("truth"), list("predicted"), onlyCommon: true).warnings
        #expect(left.map(\.what) == ["without a partner, left out: \(first), \(last)"])
        expectError(.missingInput, "without a partner") { _ = try pairs("truth", "other", onlyCommon: true) }
        for (one, other) in [("truth", "e.nii"), ("e.nii", "truth"), ("e.nii", "truth/{case}.nii")] {
            let error = expectError(.missingInput, "not a folder") { _ = try pairs(one, other) }
            #expect(error?.file == folder.file("e.nii") && error?.found == "a file")
        }
    }

    /// nnU-Net's and FLARE's images.
    @Test func channels() throws {
        make("img/c_1_0000.nii", "img/c_2_0000.nii", "seg/c_1.nii", "seg/c_2.nii")
        let expected = [["img/c_1_0000.nii", "seg/c_1.nii"], ["img/c_2_0000.nii", "seg/c_2.nii"]]
        #expect(try pairs("img", "seg", hasChannels: true) == expected)
        expectError(.missingInput, "without a partner") { _ = try pairs("img", "seg") }
        // A second channel has no labels, and a case may itself be called so.
        make("img/c_2_0001.nii")
        expectError(.missingInput, "without a partner: \(folder.file("img/c_2_0001.nii"))") {
            _ = try pairs("img", "seg", hasChannels: true)
        }
        make("more/a.nii", "more/a_0000.nii", "labels/a.nii", "labels/a_0000.nii", "only/a.nii")
        #expect(
            try pairs("more", "labels", hasChannels: true) == [
                ["more/a.nii", "labels/a.nii"], ["more/a_0000.nii", "labels/a_0000.nii"],
            ])
        #expect(
            try pairs("more", "only", hasChannels: true, onlyCommon: true) == [["more/a.nii", "only/a.nii"]])
    }
}
