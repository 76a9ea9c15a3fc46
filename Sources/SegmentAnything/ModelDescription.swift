import Checkpoints

/// What a weights file is. `model --json` prints it.
public struct ModelDescription: Encodable, Sendable {
    /// Its path.
    public let file: String
    /// Of the official weights; else from the metadata; nil where these have none.
    public let name: String?
    /// "ViT-B" and so on: see ``Configuration/variant``.
    public let variant: String
    /// How many numbers the model's tensors hold.
    public let parameters: Int
    /// Those of the model's tensors, as safetensors names them: "F32", "F16".
    public let types: [String]
    /// The size of the file, or of its shards together, in bytes.
    public let sizeBytes: Int
    /// The file's digest, in hexadecimal digits.
    public let sha256: String
    /// Of the official weights; else from the metadata; nil where these have none.
    public let licence: String?
    /// What precedes the weights' names in the file.
    public let prefix: String
    public let configuration: Configuration
    /// `__metadata__` of safetensors; empty for other formats.
    public let metadata: [String: String]

    /// - Parameters:
    ///   - model: the open file.
    ///   - sha256: the file's digest, by which official files are known.
    public init(_ model: ModelFile, sha256: String) {
        let (checkpoint, known) = (model.checkpoint, KnownWeights.all.first { $0.sha256 == sha256 })
        file = model.path
        name = known?.name ?? checkpoint.metadata["name"]
        variant = model.configuration.variant
        parameters = model.parameterCount
        types = Set(model.shapes.keys.map { model.dataType($0).rawValue }).sorted()
        sizeBytes = checkpoint.size
        self.sha256 = sha256
        licence = known?.licence ?? checkpoint.metadata["licence"] ?? checkpoint.metadata["license"]
        prefix = model.prefix
        configuration = model.configuration
        metadata = checkpoint.metadata
    }

    enum CodingKeys: String, CodingKey {
        case file, name, variant, parameters, types, sha256, licence, prefix, metadata
        case sizeBytes = "size_bytes"
        case decoderWidth = "decoder_width"
    }

    /// The encoder's own sizes lie beside the others.
    public func encode(to encoder: any Encoder) throws {
        switch configuration.image {
        case .vit(let vit): try vit.encode(to: encoder)
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(file, forKey: .file)
        try container.encodeIfPresent(name, forKey: .name)
        try container.encode(variant, forKey: .variant)
        try container.encode(parameters, forKey: .parameters)
        try container.encode(types, forKey: .types)
        try container.encode(sizeBytes, forKey: .sizeBytes)
        try container.encode(sha256, forKey: .sha256)
        try container.encodeIfPresent(licence, forKey: .licence)
        try container.encode(prefix, forKey: .prefix)
        try container.encode(configuration.decoder.width, forKey: .decoderWidth)
        try container.encode(metadata, forKey: .metadata)
    }
}
