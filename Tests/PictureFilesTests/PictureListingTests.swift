import Foundation
import SafeFiles
import TestSupport
import Testing

@testable import PictureFiles

/// The pictures that paths name, and where what is made of them goes.
@Suite struct PictureListingTests {
    let folder = Folder()

    private func clash(_ names: String...) throws -> FileError? {
        let listing = try PictureListing(names.map(folder.file))
        do throws(FileError) {
            try requireDistinctFiles(of: listing.files) { "out/\(pictureName($0)).png" }
            return nil
        } catch {
            return error
        }
    }

    /// Names are no one's business where no file is written of each.
    @Test func picturesOfOneName() throws {
        for name in ["a/x.png", "b/x.jpg", "b/y.png"] { folder.write(name, "") }
        #expect(try clash("a", "b/y.png") == nil)
        let error = try #require(try clash("a/x.png", "b"))
        #expect(error.kind == .usage && error.file == folder.file("b/x.jpg"))
        #expect(error.what == "would be written to out/x.png, as another picture")
        #expect(error.found == folder.file("a/x.png"))
        let files = [folder.file("a/x.png"), folder.file("b/x.jpg")]
        try requireDistinctFiles(of: files) { _ in nil }
    }

    @Test func aPictureNamedTwice() throws {
        folder.write("a/x.png", "")
        for other in ["a/x.png", "./a/x.png", "a/../a/x.png"] {
            let error = try #require(try clash("a/x.png", other))
            #expect(error.kind == .usage && error.what == "named twice")
            #expect(error.found == "also \(folder.file("a/x.png"))")
        }
    }

    /// One letter and an accent, or one letter with it: two files on most file systems.
    @Test func accentsComposedInAnotherWay() throws {
        for name in ["a/\u{E9}.png", "b/e\u{301}.png"] { folder.write(name, "") }
        #expect(try clash("a/\u{E9}.png", "b/e\u{301}.png") == nil)
    }
}
