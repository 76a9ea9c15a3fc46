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

        @Test("a folder that is being filled goes with all that is in it")
        func endingInAFolder() async {
            await #expect(processExitsWith: .success) {
                try endWhileAFolderIsFilled()
            }
        }
    }

    private func endWhileAFolderIsFilled() throws {
        let folder = Folder()
        let path = folder.file(".0A1B2C3D-export")
        try makeTemporaryFolder(path)
        try writeAtomically(path + "/one", Data("whole".utf8))
        try writeAtomically(path + "/two") { temporary in
            try write(Data("half".utf8), to: temporary, for: path)
            endWriting { exit(folder.names.isEmpty ? 0 : 1) }
        }
    }
#endif
