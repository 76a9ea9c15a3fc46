import Tensors

/// The image encoder: one of the networks that models of this kind have.
enum ImageEncoder: Sendable {
    case vit(ImageEncoderViT)

    init(_ weights: Weights, _ configuration: Configuration) {
        switch configuration.image {
        case .vit(let vit): self = .vit(ImageEncoderViT(weights, vit, outputs: configuration.decoder.width))
        }
    }

    /// - Parameters:
    ///   - image: normalised and padded, `[imageSize, imageSize, 3]`.
    ///   - progress: called after each block with the number of blocks done, and of all; what it throws ends the work.
    /// - Returns: the embedding, `[grid, grid, channels]`.
    func callAsFunction(
        _ image: Tensor, recorder: Recorder? = nil, progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) rethrows -> Tensor {
        switch self {
        case .vit(let vit): try vit(image, recorder: recorder, progress: progress)
        }
    }
}

/// The sizes of an image encoder.
public enum ImageConfiguration: Hashable, Sendable {
    case vit(ViTConfiguration)

    /// Pixels along the side of the square that an image is scaled and padded to: 1024 in the official models.
    public var imageSize: Int {
        switch self {
        case .vit(let vit): vit.imageSize
        }
    }

    /// Places of the embedding along a side: 64 in the official models.
    public var grid: Int {
        switch self {
        case .vit(let vit): vit.grid
        }
    }

    /// What people call the encoder, such as "ViT-B".
    public var variant: String {
        switch self {
        case .vit(let vit): vit.variant
        }
    }

    /// Floating-point operations on one image: twice the multiply-adds of the products.
    package func flop(outputs: Int) -> Double {
        switch self {
        case .vit(let vit): vit.flop(outputs: outputs)
        }
    }
}
