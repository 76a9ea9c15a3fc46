/// The most that is taken from one file, by what the file is: the one table of bounds.
///
/// Each is above what people have and below what a machine cannot give. ``raising(to:_:)`` raises all of them at once, as
/// the command's `--limit SIZE` does; none is ever lowered.
public enum Limit: CaseIterable, Sendable {
    /// A file of boxes or class names (YOLO, Pascal VOC, class list), in bytes.
    case text
    /// A CSV of boxes or scores, in bytes.
    case table
    /// A record of JSON (`slices.json`, a manifest), in bytes.
    case record
    /// The file of a picture, in bytes.
    case picture
    /// A picture's pixels, 3 bytes each: the area that Pillow refuses as a decompression bomb.
    case pixels
    /// What the scans of a JPEG decode, 3 bytes a pixel each, where there are more than a hundred.
    case scans
    /// A volume's voxels in single precision, 4 bytes each, where its file is not a sixteenth as long.
    case voxels
    /// What is before and after the voxels in a volume's stream (extensions, padding), in bytes.
    case besideVoxels
    /// The header of safetensors, by the format's own rule, in bytes.
    case header
    /// The pickle of a `.pth`, of which a byte can take 64 of memory, in bytes; a tensor takes some hundred.
    case pickle
    /// What a zip's deflated members inflate to, in bytes, where its file is not a sixteenth as long.
    case inflated
    /// The boxes of a slice: 1 MiB each for the model's masks, 64 KiB each where those of annotators are compared with each
    /// other. Annotators of a volume, 1 MiB each.
    case boxes
    /// The scores of labels on slices, 32 bytes each.
    case scores
    /// A model's input, 4 bytes for each colour of the square's pixels; the official models have a side of 1024.
    case modelInput
    /// The scores of a head in a global block of a model, 4 bytes for each pair of patches; the official models have 64 along a
    /// side, and the work grows with the fourth power.
    case attention

    /// The bound where nobody raised it, in bytes.
    public var standard: Int {
        switch self {
        case .text: 16 << 20
        case .table: 32 << 20
        case .record: 64 << 20
        case .picture: 1 << 30
        case .pixels: 3 * 178_956_970
        case .scans: 0
        case .voxels: 2 << 30
        case .besideVoxels: 64 << 20
        case .header: 100_000_000
        case .pickle: 8 << 20
        case .inflated: 64 << 20
        case .boxes: 1 << 30
        case .scores: 512 << 20
        case .modelInput: 12 * 4096 * 4096
        case .attention: 4 * 128 * 128 * 128 * 128
        }
    }

    /// The bound that holds in this task, in bytes.
    public var bytes: Int { max(standard, Limit.raised) }

    @TaskLocal private static var raised = 0

    /// Runs `body`, and the tasks that it starts, with every bound at `bytes` or more.
    public static func raising<Result>(to bytes: Int, _ body: () async throws -> Result) async rethrows -> Result {
        try await $raised.withValue(max(bytes, raised)) { try await body() }
    }

    /// Throws `badData` where something of a file takes more bytes than the bound.
    ///
    /// - Parameters:
    ///   - factor: how many bytes the file's own length justifies for each of its bytes.
    ///   - fileSize: the file's length.
    public func check(
        _ count: Int, of file: String, place: String? = nil, _ what: String = "too large for what it should be",
        factor: Int = 0, fileSize: Int = 0
    ) throws(FileError) {
        let (justified, overflow) = fileSize.multipliedReportingOverflow(by: factor)
        let most = overflow ? .max : max(bytes, justified)
        guard count > most else { return }
        throw FileError(
            .badData, file: file, place: place, what, expected: "at most \(most) bytes", found: "\(count) bytes",
            advice: Limit.advice)
    }

    /// Throws `badData` where there are more of something than the bound has bytes for.
    ///
    /// - Parameter size: the bytes of each.
    public func check(
        _ count: Int, ofSize size: Int, of file: String, place: String? = nil, _ what: String
    ) throws(FileError) {
        let most = bytes / size
        guard count > most else { return }
        throw FileError(
            .badData, file: file, place: place, what, expected: "at most \(most)", found: "\(count)",
            advice: Limit.advice)
    }

    /// Throws `badData` where an image of a size that a file states has no pixel, or more than ``pixels`` has bytes for.
    public static func checkImage(width: Int, height: Int, of file: String) throws(FileError) {
        let (area, overflow) = width.multipliedReportingOverflow(by: height)
        let most = Limit.pixels.bytes / 3
        guard !overflow, min(width, height) > 0, area <= most else {
            throw FileError(
                .badData, file: file, "the image's size cannot be used", expected: "1 to \(most) pixels",
                found: "\(width)×\(height)", advice: Limit.advice)
        }
    }

    /// What a person can do about a bound.
    public static let advice = "If you trust the file, raise the bound with --limit SIZE, such as --limit 8G."
}
