#if compiler(>=6.2)
    import Foundation
    import SafeFiles
    import TestSupport
    import Testing

    @Suite("Ending while files are written")
    struct EndingTests {
        @Test("temporaries are removed, what stood there stays")
        func ending() async {
            await #expect(processExitsWith: .success) {
                let folder = Folder()
                let paths = [folder.write("labels", "old"), folder.file("manifest")]
                try writeAtomically(paths) { temporary in
                    try write(Data("half".utf8), to: temporary[0], for: paths[0])
                    endWriting {
                        let isLeft = temporary.contains(where: FileManager.default.fileExists)
                        let isOld = FileManager.default.contents(atPath: paths[0]) == Data("old".utf8)
                        exit(!isLeft && isOld && folder.names == ["labels"] ? 0 : 1)
                    }
                }
            }
        }
    }
#endif
