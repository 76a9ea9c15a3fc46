/// The colour that a label has in pictures: one that people with any colour vision distinguish (Okabe & Ito 2008), then five
/// more; those twelve again, dark, and then pale; repeated beyond 36 labels.
public struct LabelColour: Sendable {
    /// What people call it.
    public let name: String
    /// Red, green and blue, 0 to 255.
    let value: SIMD3<Double>

    public init(of label: UInt16) {
        let (round, place) = (max(1, Int(label)) - 1).quotientAndRemainder(dividingBy: Self.palette.count)
        let (name, value) = Self.palette[place]
        switch round % 3 {
        case 0: (self.name, self.value) = (name, value)
        case 1: (self.name, self.value) = ("dark \(name)", (value * 0.5).rounded(.down))
        default: (self.name, self.value) = ("pale \(name)", (value * 0.4 + 255 * 0.6).rounded(.down))
        }
    }

    /// As `#e69f00`.
    public var hexadecimal: String {
        let number = (0..<3).reduce(0x1_000_000) { $0 + Int(value[$1]) << (8 * (2 - $1)) }
        return "#" + String(number, radix: 16).dropFirst()
    }

    private static let palette: [(name: String, value: SIMD3<Double>)] = [
        ("orange", [230, 159, 0]), ("sky blue", [86, 180, 233]), ("green", [0, 158, 115]), ("yellow", [240, 228, 66]),
        ("vermilion", [213, 94, 0]), ("purple", [204, 121, 167]), ("blue", [0, 114, 178]),
        ("lime", [150, 255, 60]), ("turquoise", [64, 224, 208]), ("violet", [140, 90, 255]), ("pink", [255, 170, 200]),
        ("brown", [150, 90, 40]),
    ]
}
