import Tensors

/// Watches a forward pass: it is shown each activation, in the order in which they arise.
///
/// A name is the official module path, and a value that module's output in the official memory order. The value is made
/// only where the visitor asks for it; without a recorder, `recorder?.record(…)` costs nothing.
public struct Recorder {
    /// Whether the visitor is shown what happens inside a stage too, much of which the fast code never makes as a whole.
    let showsParts: Bool
    private let visit: (_ name: String, _ activation: () -> Tensor) -> Void

    /// - Parameters:
    ///   - parts: whether to show the parts of each stage too: queries, scores, hidden layers, … A part that the fast code
    ///     fuses with others is computed for the visitor alone, from the same input and by the same products.
    ///   - visit: is called once for each name, or where prompts differ in kind or in number of points, once for each kind of
    ///     them.
    public init(parts: Bool = false, _ visit: @escaping (_ name: String, _ activation: () -> Tensor) -> Void) {
        showsParts = parts
        self.visit = visit
    }

    func record(_ name: String, _ activation: @autoclosure () -> Tensor) {
        visit(name, activation)
    }

    func recordPart(_ name: String, _ activation: @autoclosure () -> Tensor) {
        if showsParts { visit(name, activation) }
    }
}
