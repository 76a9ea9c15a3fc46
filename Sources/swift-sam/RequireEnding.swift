import ArgumentParser

/// Checks that a file is named as what is to be written there, in letters of either case.
///
/// - Parameter option: the one that names it, as in the message.
func requireEnding(_ ending: String, _ option: String, _ path: String?) throws {
    guard let path, !path.lowercased().hasSuffix(ending) else { return }
    throw ValidationError("\(option) must name a \(ending) file, not \"\(path)\".")
}
