import SafeFiles
import Testing

/// Expects a `FileError` of a kind, whose text contains a phrase and, where `file` is given, that is about this file.
/// Returns it.
@discardableResult
package func expectError(
    _ kind: FileError.Kind, _ phrase: String = "", about file: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> FileError? {
    let error = #expect(throws: FileError.self, sourceLocation: sourceLocation, performing: body)
    let text = error?.description ?? ""
    #expect(error?.kind == kind, "\(text)", sourceLocation: sourceLocation)
    #expect(phrase.isEmpty || text.contains(phrase), "\(phrase): \(text)", sourceLocation: sourceLocation)
    if let file { #expect(error?.file == file, sourceLocation: sourceLocation) }
    return error
}
