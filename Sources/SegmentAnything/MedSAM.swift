import Foundation
import ImageFrames
import Tensors

// What MedSAM's inference (Ma et al. 2024; `MedSAM_Inference.py` of bowang-lab/MedSAM) does unlike SAM's, besides its
// resize in CubicResize.swift; see ``Scaling/square``.

/// An image with its least value of all channels as 0 and its greatest as 1 (`MedSAM_Inference.py:114`), `[height, width,
/// 3]`; a constant one is 0.
func stretchedToOne(_ image: RGBImage) -> Tensor {
    let (least, greatest) = (image.pixels.min() ?? 0, image.pixels.max() ?? 0)
    let range = max(Double(greatest - least), 1e-8)
    let values = image.pixels.map { Float(Double($0 - least) / range) }
    return Tensor(values, shape: [image.size.height, image.size.width, 3])
}

/// The sigmoid of logits, 1 / (1 + exp(−x)).
func probabilities(_ logits: Tensor) -> Tensor {
    Tensor(logits.values.map { Float(1 / (1 + exp(-Double($0)))) }, shape: logits.shape)
}

/// The logit of an interpolated probability, log(p / (1 − p)): above 0 exactly where p is above one half, and above ±1
/// where p is above sigmoid(±1), so that thresholds on logits mean the same for MedSAM as for SAM.
func logOdds(_ probability: Float) -> Float {
    log(probability / (1 - probability))
}
