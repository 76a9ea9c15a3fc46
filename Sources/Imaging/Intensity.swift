/// How a volume's values become the 8 bits that people and models see.
///
/// A value v becomes floor(255 · clamp((v − L + W/2) / W, 0, 1) + 0.5) with a level L and a width W, computed
/// in double precision; NaN becomes 0. The text forms are `window:LEVEL,WIDTH`, the presets `soft-tissue`,
/// `lung` and `bone`, `minmax-volume` and `minmax-slice`.
public enum Intensity: Hashable, Sendable {
    /// Values from level − width / 2 (black) to level + width / 2 (white).
    case window(level: Double, width: Double)
    /// From the least to the greatest finite value of the volume.
    case minmaxVolume
    /// From the least to the greatest finite value of each slice; a constant slice is 0.
    case minmaxSlice

    /// The default for CT, in Hounsfield units.
    public static let softTissue = Intensity.window(level: 40, width: 400)
    public static let lung = Intensity.window(level: -600, width: 1500)
    public static let bone = Intensity.window(level: 400, width: 1800)

    /// The text forms, as help and errors name them.
    public static let forms = "window:LEVEL,WIDTH, soft-tissue, lung, bone, minmax-volume or minmax-slice"
}

extension Intensity: LosslessStringConvertible, Codable {
    /// Nil where the text is none of the forms, or the width of a window is not above 0.
    public init?(_ text: String) {
        switch text {
        case "soft-tissue": self = .softTissue
        case "lung": self = .lung
        case "bone": self = .bone
        case "minmax-volume": self = .minmaxVolume
        case "minmax-slice": self = .minmaxSlice
        default:
            let numbers = text.dropFirst("window:".count)
                .split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
            guard text.hasPrefix("window:"), numbers.count == 2,
                let level = numbers[0], let width = numbers[1],
                level.isFinite, width.isFinite, width > 0
            else { return nil }
            self = .window(level: level, width: width)
        }
    }

    public var description: String {
        switch self {
        case .window(let level, let width): "window:\(short(level)),\(short(width))"
        case .minmaxVolume: "minmax-volume"
        case .minmaxSlice: "minmax-slice"
        }
    }

    public init(from decoder: Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let intensity = Intensity(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is not \(Intensity.forms)")
        }
        self = intensity
    }

    public func encode(to encoder: Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A number without the ".0" of a whole one.
private func short(_ number: Double) -> String {
    let text = "\(number)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// The 8 bits of values in a window; all 0 where its width is 0.
func eightBits(_ values: [Float], level: Double, width: Double) -> [UInt8] {
    guard width > 0 else { return [UInt8](repeating: 0, count: values.count) }
    return values.map { value in
        let share = (Double(value) - level + width / 2) / width
        return share.isNaN ? 0 : UInt8(255 * min(max(share, 0), 1) + 0.5)
    }
}

/// The 8 bits of values from the least to the greatest; all 0 where there are none or they are the same.
func eightBits(_ values: [Float], from range: ClosedRange<Float>?) -> [UInt8] {
    let least = Double(range?.lowerBound ?? 0)
    let greatest = Double(range?.upperBound ?? 0)
    return eightBits(values, level: (least + greatest) / 2, width: greatest - least)
}
