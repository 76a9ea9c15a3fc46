/// A text from outside as it may be shown: with U+FFFD for each character that a terminal obeys (control characters,
/// line ends among them) or that changes the order of what follows (Unicode's controls of direction).
///
/// - Parameter limit: how many bytes of UTF-8 are shown, before an ellipsis; one character can have thousands.
public func printable(_ text: some StringProtocol, limit: Int = .max) -> String {
    var shown = String.UnicodeScalarView()
    var bytes = 0
    for scalar in text.unicodeScalars {
        let scalar = isPrintable(scalar) ? scalar : "\u{FFFD}"
        bytes += UTF8.width(scalar)
        if bytes > limit { return String(shown) + "…" }
        shown.append(scalar)
    }
    return String(shown)
}

/// The same for a text of several lines, which stay lines.
public func printableLines(_ text: some StringProtocol, limit: Int = .max) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { printable($0, limit: limit) }
        .joined(separator: "\n")
}

func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if (0x20..<0x7F).contains(scalar.value) { return true }
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: return false
    default: return !scalar.properties.isBidiControl
    }
}
