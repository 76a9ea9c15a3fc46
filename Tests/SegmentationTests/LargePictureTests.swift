#if compiler(>=6.2)
    import Foundation
    import PictureFiles
    import SegmentAnything
    import TestSupport
    import Testing

    /// What memory a large picture takes, in a process of its own.
    @Suite struct LargePictureTests {
        /// A quarter of 12,000 × 9,000 pixels, 81 MB of samples: with 32 MB more they are read and encoded.
        @Test func isHeldOnce() async {
            await #expect(processExitsWith: .success) { try encodeLargePicture() }
        }
    }

    // (in a function of its own: Swift 6.3 crashes on it as a closure)
    private func encodeLargePicture() throws {
        let folder = Folder()
        let sam = try Sam(path: randomWeights)
        let size = PixelSize(width: 6000, height: 4500)
        let path = folder.file("large.png")
        do {
            let grey = [UInt8](unsafeUninitializedCapacity: size.area) { pixels, count in
                pixels.initialize(repeating: 90)
                count = size.area
            }
            try writePNG(path, size: size, grey: grey)
            // What is made once for all pictures, such as threads and OpenBLAS's memory.
            _ = try sam.encode(
                RGBImage(size: PixelSize(width: 9, height: 7), pixels: Array(grey[..<189])), name: "small")
        }
        try limitMemory(more: UInt(3 * size.area) + (32 << 20))
        let image = try readImage(path).image
        #expect(image.size == size && image.pixels[3 * size.area - 1] == 90)
        let encoded = try sam.encode(image, name: path)
        #expect(encoded.size == size)
    }
#endif
