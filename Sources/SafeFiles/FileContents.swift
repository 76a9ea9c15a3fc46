/// What a file is by its first bytes: for errors about one that was given where another was expected.
public struct FileContents: Hashable, Sendable {
    /// What people call it, with its article: "a TIFF".
    public let name: String
    /// What to do with it, as a sentence.
    public let advice: String?

    private init(_ name: String, _ advice: String? = nil) { (self.name, self.advice) = (name, advice) }

    /// - Parameter start: the file's first bytes; 512 are enough.
    public init?(_ start: some Collection<UInt8>) {
        let start = Array(start.prefix(512))
        if start.isEmpty {
            self.init("an empty file", "Get the file anew.")
        } else if let known = Self.signatures.first(where: { signature in
            start.dropFirst(signature.offset).starts(with: signature.bytes)
        }) {
            self = known.contents
        } else if let text = Self.text(start) {
            self = text
        } else {
            return nil
        }
    }

    private static func text(_ start: [UInt8]) -> FileContents? {
        let text = String(decoding: start, as: UTF8.self).drop { $0.isWhitespace || $0 == "\u{FEFF}" }.lowercased()
        if text.hasPrefix("version https://git-lfs.github.com/spec/") {
            return FileContents(
                "a Git LFS pointer, not the file itself",
                "Get the file with `git lfs pull`, or download it from the page of its repository.")
        }
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") {
            return FileContents(
                "a web page", "The download gave a page in place of the file: open it in a browser to see why.")
        }
        if text.hasPrefix("<?xml") || text.hasPrefix("<svg") { return FileContents("XML or SVG") }
        // What follows the brace is a key, so that no length or number is taken for it.
        let isJSON = text.hasPrefix("{") && text.dropFirst().drop { $0.isWhitespace }.first == "\""
        return isJSON ? FileContents("JSON") : nil
    }

    private static let toPNG = "Convert it to PNG first, for instance with ImageMagick: magick FILE picture.png"

    private static let signatures: [(offset: Int, bytes: [UInt8], contents: FileContents)] = [
        (0, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], FileContents("a PNG")),
        (0, [0xFF, 0xD8, 0xFF], FileContents("a JPEG")),
        (0, Array("II*\0".utf8), FileContents("a TIFF", toPNG)),
        (0, Array("MM\0*".utf8), FileContents("a TIFF", toPNG)),
        (0, Array("II+\0".utf8), FileContents("a BigTIFF", toPNG)),
        (0, Array("MM\0+".utf8), FileContents("a BigTIFF", toPNG)),
        (8, Array("WEBP".utf8), FileContents("a WebP", toPNG)),
        (0, Array("BM".utf8), FileContents("a BMP", toPNG)),
        (0, Array("GIF8".utf8), FileContents("a GIF", toPNG)),
        (4, Array("ftypavif".utf8), FileContents("an AVIF", toPNG)),
        (4, Array("ftyphei".utf8), FileContents("a HEIC", toPNG)),
        (4, Array("ftyphev".utf8), FileContents("a HEIC", toPNG)),
        (4, Array("ftypmif1".utf8), FileContents("a HEIC", toPNG)),
        (4, Array("ftypmsf1".utf8), FileContents("a HEIC", toPNG)),
        (4, Array("jP  \r\n".utf8), FileContents("a JPEG 2000", toPNG)),
        (0, [0xFF, 0x4F, 0xFF, 0x51], FileContents("a JPEG 2000", toPNG)),
        (0, [0xFF, 0x0A], FileContents("a JPEG XL", toPNG)),
        (4, Array("JXL \r\n".utf8), FileContents("a JPEG XL", toPNG)),
        (0, Array("8BPS".utf8), FileContents("a Photoshop file", toPNG)),
        (0, Array("%PDF".utf8), FileContents("a PDF", toPNG)),
        (128, Array("DICM".utf8), FileContents("a DICOM file", "Convert the series to NIfTI with dcm2niix.")),
        (344, Array("n+1\0".utf8), FileContents("a NIfTI volume", "Volumes are for segment and slices.")),
        (0, [0x1F, 0x8B], FileContents("a gzip file", "Unpack it with gunzip, unless it is a NIfTI volume.")),
        (0, Array("PK\u{3}\u{4}".utf8), FileContents("a zip archive")),
        (257, Array("ustar".utf8), FileContents("a tar archive", "Unpack it with tar.")),
        (0, [0x37, 0x7A, 0xBC, 0xAF], FileContents("a 7z archive", "Unpack it first.")),
        (0, [0x93] + Array("NUMPY".utf8), FileContents("a NumPy array")),
        (0, [0x89] + Array("HDF\r\n".utf8), FileContents("an HDF5 file")),
        (0, Array("GGUF".utf8), FileContents("a GGUF file")),
        (0, [0x08, 0x03, 0x12], FileContents("probably an ONNX model")),
        (0, [0x08, 0x07, 0x12], FileContents("probably an ONNX model")),
        (0, [0x08, 0x08, 0x12], FileContents("probably an ONNX model")),
        (
            0, [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46],
            FileContents(
                "a .pth as PyTorch wrote it before 1.6",
                "Load and save it once with PyTorch: torch.save(torch.load(FILE, map_location='cpu'), NEW).")
        ),
        (0, [0x80, 0x02], FileContents("a Python pickle")),
        (0, [0x80, 0x03], FileContents("a Python pickle")),
        (0, [0x80, 0x04, 0x95], FileContents("a Python pickle")),
        (0, [0x80, 0x05, 0x95], FileContents("a Python pickle")),
    ]
}
