/// What a port of SAM must get right and no tensor's shape says; the defaults are the official package's.
///
/// Other values are the mistakes that ports make. Mistakes of order (q, k, v; heads; axes; BGR) need no field: change
/// ``PlainModel/weight`` or the pixels. Files and lines are those of `segment-anything` 1.0.
public struct Facts: Sendable {
    public typealias Function = @Sendable (Double) -> Double
    /// What a window's padding is: zeros after `norm1`, zeros before it, zeros in q, k and v, or out of the softmax.
    public enum WindowPadding: Sendable { case afterNorm, beforeNorm, zero, masked }
    /// Where a padding point is; `positioned` adds the position of (0, 0), `always` pads points with a box too.
    public enum PaddingPoint: Sendable { case last, first, positioned, always, none }
    /// How a value between pixels is found; `antialiased` averages where the target is smaller.
    public enum Interpolation: Sendable { case bilinear, alignedCorners, nearest, antialiased }
    /// When the padding is cut off a mask.
    public enum Crop: Sendable { case betweenInterpolations, beforeOneInterpolation, never }

    /// The official package's facts.
    public init() {}

    // MARK: Pixels

    /// Rounds the scaled sides (`transforms.py:100`).
    public var rounding: Function = { ($0 + 0.5).rounded(.down) }
    /// How pixels are resized: as Pillow does it (`transforms.py:31`).
    public var resize = Interpolation.antialiased
    /// Whether the height is resized first where it loses more than twice what the width loses: Pillow, since 13.
    public var resizesTallFirst = true
    /// Subtracted from red, green and blue (`sam.py:27`).
    public var pixelMean = [123.675, 116.28, 103.53]
    /// Divides red, green and blue (`sam.py:28`).
    public var pixelDeviation = [58.395, 57.12, 57.375]
    /// Whether the padding is 0 in the model's input, not in the picture (`sam.py:173`).
    public var padsAfterNormalising = true

    // MARK: Image encoder

    /// The epsilon of `norm1` and `norm2` (`build_sam.py:72`).
    public var encoderEpsilon = 1e-6
    /// The activation of the blocks' MLPs (`image_encoder.py:30`).
    public var encoderActivation: Function = gelu
    /// How windows beyond the grid are filled (`image_encoder.py:172`).
    public var windowPadding = WindowPadding.afterNorm
    /// Whether the terms of relative position take q/√headDim instead of q (`image_encoder.py:234`).
    public var scalesRelativeQuery = false
    /// The epsilon of every LayerNorm2d: neck, mask input, up-scaling (`common.py:32`).
    public var layerNorm2dEpsilon = 1e-6

    // MARK: Prompt encoder

    /// Whether x is scaled by newWidth/width and y by newHeight/height, not both by one scale (`transforms.py:43`).
    public var scalesSidesApart = true
    /// Moves places to a pixel's centre (`prompt_encoder.py:80`).
    public var pointShift = 0.5
    /// Whether they move before they are scaled, so by less or more of the model's pixels.
    public var shiftsBeforeScaling = false
    /// Whether points come before a box's corners (`prompt_encoder.py:156`).
    public var pointsPrecedeCorners = true
    /// What follows points without a box (`prompt_encoder.py:82`).
    public var paddingPoint = PaddingPoint.last
    /// Whether positions are rounded to single precision: so the package computes them, but not our references.
    public var positionsInFloat32 = false
    /// The activation of the mask input's convolutions (`prompt_encoder.py:23`).
    public var maskActivation: Function = gelu

    // MARK: Mask decoder

    /// The heads of each attention (`build_sam.py:93`).
    public var decoderHeads = 8
    /// Whether √headDim divides q·k, not q (`transformer.py:232`).
    public var dividesAfterProduct = true
    /// The epsilon of the two-way transformer's LayerNorm: PyTorch's default (`transformer.py:134`).
    public var twoWayEpsilon = 1e-5
    /// The activation of the two-way blocks' MLPs (`transformer.py:23`).
    public var twoWayActivation: Function = relu
    /// Whether the first block's self-attention adds to its queries instead of replacing them (`transformer.py:155`).
    public var firstBlockHasResidual = false
    /// Whether the first block's self-attention adds positions (`transformer.py:155`).
    public var firstBlockAddsPositions = false
    /// Whether the keys of cross attention have positions (`transformer.py:165`).
    public var keysHavePositions = true
    /// Whether the values of cross attention have positions (`transformer.py:166`).
    public var valuesHavePositions = false
    /// The activation of the two transposed convolutions (`mask_decoder.py:23`).
    public var upscalingActivation: Function = gelu
    /// The activation in the hypernetworks and the IoU head (`mask_decoder.py:173`).
    public var headActivation: Function = relu
    /// Applied to the predicted IoUs: the package has no sigmoid here (`mask_decoder.py:161`).
    public var scoreActivation: Function = { $0 }
    /// The masks with multimask output; without, it is mask 0 (`mask_decoder.py:103`).
    public var multimask = 1..<4

    // MARK: Masks

    /// How logits are interpolated: `align_corners=False`, no antialias (`sam.py:154`).
    public var interpolation = Interpolation.bilinear
    /// When the padding is cut off (`sam.py:160`).
    public var crop = Crop.betweenInterpolations
    /// Whether a logit of exactly 0 is outside (`sam.py:123`).
    public var thresholdIsStrict = true
    /// Whether stability counts the picture's pixels, not the decoder's.
    public var stabilityAtFullSize = true
    /// Whether the first of equal scores is the best.
    public var tiesGoToFirst = true
}
