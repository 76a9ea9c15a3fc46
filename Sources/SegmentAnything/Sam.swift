import SafeFiles
import Tensors

/// The Segment Anything Model (Kirillov et al., ICCV 2023; `sam.py:18`): an image encoder that runs once an image, and
/// a prompt encoder and mask decoder that run for each prompt.
public struct Sam: Sendable {
    /// The file that the weights came from.
    public let path: String
    public let configuration: Configuration
    /// Of the image encoder's products, and of the mask decoder's up-scaling.
    public let precision: Precision
    let imageEncoder: ImageEncoder
    let promptEncoder: PromptEncoder
    let maskDecoder: MaskDecoder
    /// A tensor of the checkpoint by its official name, nil where there is none.
    let tensor: @Sendable (_ name: String) -> Tensor?

    /// The first tensor, in the order of the names, that holds an infinity or something that is not a number.
    func firstTensorNotFinite(where isMeant: (_ name: String) -> Bool = { _ in true }) -> String? {
        configuration.tensors.keys.sorted().first { isMeant($0) && tensor($0)?.isFinite == false }
    }
}
