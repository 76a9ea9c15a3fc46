import Checkpoints
import ImageFrames
import SafeFiles
import Tensors

/// An image after the encoder: any number of prompts can be predicted on it, now or, from a file, in another process.
public struct EncodedImage: Sendable {
    /// What the image is called in an error.
    public let name: String
    let transform: ImageTransform
    /// What the encoder made: the embedding, then finer levels where an encoder has them (a ViT has none).
    let levels: [Tensor]
    let model: ModelIdentity

    /// `[grid, grid, channels]`.
    public var embedding: Tensor { levels[0] }

    /// The size of the image as it was opened.
    public var size: PixelSize { transform.original }

    /// Its size after scaling, at the top left of the model's square.
    public var scaledSize: PixelSize { transform.scaled }

    init(name: String, transform: ImageTransform, levels: [Tensor], model: ModelIdentity) {
        (self.name, self.transform, self.levels, self.model) = (name, transform, levels, model)
    }

    /// An image whose embedding came from elsewhere, such as PyTorch's encoder with the same weights.
    ///
    /// - Parameters:
    ///   - embedding: `[grid, grid, channels]`; the official `[1, channels, grid, grid]` is `permuted` to that.
    ///   - size: of the image as it was opened.
    ///   - name: what the image is called in an error.
    ///   - scaling: how the image was scaled for the encoder.
    ///   - sam: the model whose decoder will be asked.
    /// - Throws: ``FileError`` `badData` where the embedding does not fit the model or is not finite, or the image is too thin.
    public init(
        embedding: Tensor, size: PixelSize, name: String, scaling: Scaling = .longestSide, for sam: Sam
    ) throws(FileError) {
        try self.init(embedding, size: size, name: name, scaling: scaling, madeBy: sam.identity, for: sam)
    }

    /// An embedding that this process did not make: it must fit the model, be the model's, and be finite.
    private init(
        _ embedding: Tensor, size: PixelSize, name: String, scaling: Scaling, madeBy model: ModelIdentity, for sam: Sam
    ) throws(FileError) {
        self.init(
            name: name,
            transform: try ImageTransform(size, scaling, imageSize: sam.configuration.imageSize, file: name),
            levels: [embedding.contiguous()], model: model)
        try check(for: sam)
        guard embedding.isFinite else { throw FileError(.badData, file: name, "the embedding is not finite") }
    }

    /// Checks that a model can predict on the image.
    ///
    /// - Throws: ``FileError`` `badData` where the embedding is another model's.
    func check(for sam: Sam) throws(FileError) {
        let (grid, channels) = (sam.configuration.grid, sam.configuration.decoder.width)
        guard embedding.shape == [grid, grid, channels], transform.imageSize == sam.configuration.imageSize else {
            throw FileError(
                .badData, file: name, "the embedding is another model's",
                expected: "shape [\(grid), \(grid), \(channels)] as of \(sam.path)", found: "\(embedding.shape)")
        }
        guard model === sam.identity || model.fingerprint == sam.fingerprint else {
            throw FileError(
                .badData, file: name, "the embedding was made with other weights, or in another precision",
                expected: "\(sam.fingerprint) (\(sam.path), \(sam.precision.rawValue))", found: model.fingerprint,
                advice: "Encode the image with these weights and this precision.")
        }
    }
}

// MARK: - Files

extension EncodedImage {
    /// Writes the image as safetensors: the tensor `image_encoder`, `[1, channels, grid, grid]` as the official predictor's
    /// `features`, and in the metadata the image's size, its scaling, the ``Sam/fingerprint`` of the model, and a checksum of
    /// all that.
    ///
    /// - Parameters:
    ///   - path: of the file to write.
    ///   - key: what the file must be asked for by; see ``init(contentsOf:scaling:for:key:)``.
    /// - Throws: ``FileError`` `cannotCreate`, `inputOutput`.
    public func write(to path: String, key: String? = nil) throws {
        var metadata = [
            "format": "swift-sam embedding \(embeddingFormat)", "name": name, "scaling": transform.scaling.rawValue,
            "width": "\(size.width)", "height": "\(size.height)", "fingerprint": model.fingerprint,
        ]
        metadata["key"] = key
        let features = embedding.channelsFirst
        metadata["checksum"] = checksum(features, metadata)
        try writeSafetensors(path, names: ["image_encoder"], metadata: metadata) { _ in .tensor(features, .float32) }
    }

    /// Reads an image that ``write(to:key:)`` wrote.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - wanted: as the image must have been scaled; nil for any way.
    ///   - sam: the model whose decoder will be asked.
    ///   - key: what it was written with, where it was with one.
    /// - Throws: ``FileError`` `missingInput`, `inputOutput`; `badData` where the file is none, is damaged, has another key, was made by another
    ///   model, or of an image that was scaled in another way.
    public init(
        contentsOf path: String, scaling wanted: Scaling? = nil, for sam: Sam, key: String? = nil
    ) throws(FileError) {
        let file = try Checkpoint(path: path)
        let metadata = file.metadata
        guard metadata["format"] == "swift-sam embedding \(embeddingFormat)",
            let shape = file.entries["image_encoder"]?.shape,
            shape.count == 4, shape[0] == 1, let width = metadata["width"].flatMap({ Int($0) }),
            let height = metadata["height"].flatMap({ Int($0) }),
            let scaling = metadata["scaling"].flatMap(Scaling.init), let fingerprint = metadata["fingerprint"]
        else {
            throw FileError(
                .badData, file: path, "not an embedding",
                expected: "a file of swift-sam encode, format \(embeddingFormat)",
                found: metadata["format"] ?? "no format in its metadata")
        }
        try Limit.checkImage(width: width, height: height, of: path)
        guard wanted == nil || wanted == scaling else {
            throw FileError(
                .badData, file: path, "the picture was encoded by another recipe",
                expected: "scaling \(wanted?.rawValue ?? "")",
                found: scaling.rawValue, advice: "Give predict the --recipe that encode had.")
        }
        let features = file.tensor("image_encoder").selecting(axis: 0, 0)
        // Files of 0.4 have none.
        let written = metadata["checksum"] ?? (key == nil ? checksum(features, metadata) : nil)
        guard written == checksum(features, metadata), key == nil || key == metadata["key"] else {
            throw FileError(.badData, file: path, "the embedding is damaged", advice: "Encode the image again.")
        }
        try self.init(
            features.permuted(1, 2, 0),
            size: PixelSize(width: width, height: height), name: path, scaling: scaling,
            madeBy: ModelIdentity(fingerprint: fingerprint), for: sam)
    }
}

/// Of an embedding `[channels, grid, grid]` and what its file says of it.
private func checksum(_ features: Tensor, _ metadata: [String: String]) -> String {
    var hash = LaneHash()
    for (name, value) in metadata.sorted(by: { $0.key < $1.key }) where name != "checksum" {
        hash.add(text: "\(name)=\(value)\n")
    }
    features.contiguous().withUnsafeBufferPointer { hash.add($0) }
    return hash.digest
}
