import ImageFrames
import PictureFiles
import SafeFiles
import SegmentAnything

/// Where what is predicted on one picture goes, or on each of several; nil for what is not wanted.
///
/// Of one picture each is a file, of several a folder with a file for each picture.
public struct PictureOutputs: Sendable {
    public let isSeveral: Bool
    public var format = MaskFormat.png
    /// `-` is standard output, of one picture.
    public var masks: String?
    /// Whether all masks of a prompt are wanted, and not only the best.
    public var allMasks = false
    /// A PNG.
    public var preview: String?
    /// `.npy` or `.safetensors`.
    public var logits: String?

    public init(isSeveral: Bool) { self.isSeveral = isSeveral }

    /// All files that are written for requests.
    ///
    /// - Parameter masks: the indices of the masks of a prompt.
    public func files(_ requests: [PictureRequest], masks indices: ClosedRange<Int>) -> [String] {
        var files = requests.flatMap { request in
            let outputs = ofPicture(request.name)
            return [outputs.preview, outputs.logits].compactMap { $0 }
                + (format == .png ? outputs.pictures(prompts: request.prompts.count, masks: indices) : [])
        }
        if format != .png, let masks {
            files += isSeveral ? MaskFolder(masks, format).files(of: requests.map(\.name)) : [masks]
        }
        return files.filter { $0 != "-" }
    }

    /// A file that is written of one picture alone, as far as it is named by the picture; nil where there is none.
    public func file(of picture: String) -> String? {
        let outputs = ofPicture(picture)
        return (format == .coco ? nil : outputs.masks) ?? outputs.preview ?? outputs.logits
    }

    private func pictures(prompts: Int, masks indices: ClosedRange<Int>) -> [String] {
        (1...prompts).flatMap { prompt in
            indices.compactMap { picture(prompt: prompt, of: prompts, mask: $0) }
        }
    }

    /// The files of one picture.
    public func ofPicture(_ name: String) -> PictureOutputs {
        guard isSeveral else { return self }
        func file(in folder: String?, _ ending: String) -> String? {
            folder.map { SafeFiles.path(of: pictureName(name) + ending, in: $0) }
        }
        var one = self
        one.masks = file(in: masks, format.ending)
        one.preview = file(in: preview, ".png")
        one.logits = file(in: logits, ".safetensors")
        return one
    }

    /// The picture of a mask: `M.png`, of several prompts `M-1.png`, of all their masks `M-1-1.png`.
    func picture(prompt: Int, of count: Int, mask: Int) -> String? {
        guard let masks, masks != "-" else { return masks }
        let stem = masks.dropLast(format.ending.count)
        if allMasks { return "\(stem)-\(prompt)-\(mask)\(format.ending)" }
        return count > 1 ? "\(stem)-\(prompt)\(format.ending)" : masks
    }

    /// Checks that one picture's files are named as what is in them, and several pictures' folders not as files.
    ///
    /// - Throws: ``FileError`` `usage`.
    public func checkEndings() throws(FileError) {
        for (path, endings) in [
            (masks == "-" ? nil : masks, [format.ending]), (preview, [".png"]), (logits, [".npy", ".safetensors"]),
        ] {
            guard let path else { continue }
            let isFile = endings.contains(where: path.lowercased().hasSuffix)
            if isSeveral {
                guard isFile else { continue }
                throw FileError(.usage, file: path, "the name of a file: several pictures go into a folder")
            }
            if isFile { continue }
            throw FileError(
                .usage, file: path, "the name has another ending than what is to be written there",
                expected: endings.joined(separator: " or "))
        }
    }
}
