import Tensors

/// Watches a forward pass: it is shown each activation, in the order in which they arise.
///
/// A name is the official module path, and a value that module's output in the official memory order. The value is made
/// only where the visitor asks for it; without a recorder, `recorder?.record(…)` costs nothing.
public struct Recorder {
    private let visit: (_ name: String, _ activation: () -> Tensor) -> Void

    public init(_ visit: @escaping (_ name: String, _ activation: () -> Tensor) -> Void) {
        self.visit = visit
    }

    func record(_ name: String, _ activation: @autoclosure () -> Tensor) {
        visit(name, activation)
    }
}
