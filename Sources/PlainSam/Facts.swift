/// What a port of SAM must get right and no tensor's shape tells: the defaults are the official package's.
///
/// Other values are the mistakes of ports, to be made on purpose. Mistakes of order (q, k, v; heads; axes; BGR) are made
/// outside, in ``PlainModel/weight`` or the pixels.
public struct Facts: Sendable {
    public typealias Function = @Sendable (Double) -> Double
    /// What is 0 in a window's padding: the tokens after the norm, or before it, or q, k and v; or none attends to it.
    public enum WindowPadding: Sendable { case afterNorm, beforeNorm, zero, masked }
    /// Where points without a box are padded; `positioned` adds the position of (0, 0), `always` pads with a box too.
    public enum PaddingPoint: Sendable { case last, first, positioned, always, none }
    public enum Interpolation: Sendable { case bilinear, alignedCorners, nearest, antialiased }
    public enum Crop: Sendable { case betweenInterpolations, beforeOneInterpolation, never }

    // MARK: Pixels
    /// How the scaled sides become whole (`transforms.py:93`).
    public var rounding: Function = { ($0 + 0.5).rounded(.down) }
    /// Of pixels: Pillow's averages where it shrinks.
    public var resize = Interpolation.antialiased
    /// Whether the height is resized first where it loses twice as much as the width, as Pillow does since 13.
    public var resizesTallFirst = true
    /// Of red, green and blue (`sam.py:29`).
    public var pixelMean = [123.675, 116.28, 103.53]
    /// Of red, green and blue (`sam.py:30`).
    public var pixelDeviation = [58.395, 57.12, 57.375]
    /// Whether the padding is 0, and not black (`sam.py:163`).
    public var padsAfterNormalising = true

    // MARK: Image encoder
    /// Of LayerNorm in the blocks (`build_sam.py:70`).
    public var encoderEpsilon = 1e-6
    /// Of the blocks' MLP (`image_encoder.py:30`).
    public var encoderActivation: Function = gelu
    /// (`image_encoder.py:168`).
    public var windowPadding = WindowPadding.afterNorm
    /// Whether relative positions meet the query over √headDim (`image_encoder.py:234`).
    public var scalesRelativeQuery = false
    /// Of every LayerNorm2d: neck, mask input, up-scaling (`common.py:32`).
    public var layerNorm2dEpsilon = 1e-6

    // MARK: Prompt encoder
    /// Whether x and y have each their own scale (`transforms.py:33`).
    public var scalesSidesApart = true
    /// To a pixel's centre (`prompt_encoder.py:80`).
    public var pointShift = 0.5
    /// Whether the pixel is one of the picture, and not of the model.
    public var shiftsBeforeScaling = false
    /// (`prompt_encoder.py:81`).
    public var paddingPoint = PaddingPoint.last
    /// (`prompt_encoder.py:153`).
    public var pointsPrecedeCorners = true
    /// Whether positions are computed in single precision, as the package does unless it is told otherwise.
    public var positionsInFloat32 = false
    /// Of the mask input's convolutions (`prompt_encoder.py:23`).
    public var maskActivation: Function = gelu

    // MARK: Mask decoder
    /// Heads of each attention (`build_sam.py:90`).
    public var decoderHeads = 8
    /// Whether √headDim divides q·k, and not q (`transformer.py:231`).
    public var dividesAfterProduct = true
    /// Of LayerNorm in the two-way transformer (`transformer.py:135`).
    public var twoWayEpsilon = 1e-5
    /// Of the two-way blocks' MLP (`transformer.py:23`).
    public var twoWayActivation: Function = relu
    /// Whether the first block's self-attention adds to the queries, and does not replace them (`transformer.py:155`).
    public var firstBlockHasResidual = false
    /// Whether positions are added in it (`transformer.py:155`).
    public var firstBlockAddsPositions = false
    /// Whether positions are added to the keys of cross attention (`transformer.py:165`).
    public var keysHavePositions = true
    /// Whether they are added to its values.
    public var valuesHavePositions = false
    /// Of the two transposed convolutions (`mask_decoder.py:22`).
    public var upscalingActivation: Function = gelu
    /// Of the hypernetworks and the head that predicts IoU (`mask_decoder.py:172`).
    public var headActivation: Function = relu
    /// Of predicted IoUs: none (`mask_decoder.py:161`).
    public var scoreActivation: Function = { $0 }
    /// The masks for an ambiguous prompt; for others it is mask 0 (`mask_decoder.py:101`).
    public var multimask = 1..<4

    // MARK: Masks
    /// Of logits, without antialiasing (`sam.py:153`).
    public var interpolation = Interpolation.bilinear
    /// When the padding is cut off (`sam.py:159`).
    public var crop = Crop.betweenInterpolations
    /// Whether a logit of 0 is outside (`sam.py:123`).
    public var thresholdIsStrict = true
    /// Whether stability counts the picture's pixels, and not the decoder's.
    public var stabilityAtFullSize = true
    /// Which of equal scores is best.
    public var tiesGoToFirst = true

    public init() {}
}
