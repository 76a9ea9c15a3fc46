/// Names as a message lists them: the first ones, and how many more there are.
///
/// - Parameter most: how many are spelt out.
public func listed(_ names: [String], most: Int = 5) -> String {
    names.prefix(most).joined(separator: ", ") + (names.count > most ? " and \(names.count - most) more" : "")
}
