import ImageFrames
import TestSupport
import Testing

@testable import PictureFiles

/// Paths at which nothing can be read or written.
@Suite struct PathTests {
    let folder = Folder()

    @Test func whatCannotBeRead() {
        expectErrorsOfUnreadablePaths(in: folder) { _ = try readImage($0) }
    }

    @Test func whatCannotBeWritten() throws {
        let grey = [UInt8](repeating: 9, count: 6)
        try expectErrorsOfUnwritablePaths(in: folder) {
            try writePNG($0, size: PixelSize(width: 3, height: 2), grey: grey)
        }
    }
}
