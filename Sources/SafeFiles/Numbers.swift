/// The number that a text is in decimal digits (or nan, or infinite); Swift's own reading also takes hexadecimal ones.
package func decimal(_ text: some StringProtocol) -> Double? {
    text.lowercased().contains("x") ? nil : Double(text)
}
