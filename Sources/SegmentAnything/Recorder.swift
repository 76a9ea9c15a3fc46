import Foundation
import Tensors

/// Collects activations by name during a forward pass.
///
/// A name is the official module path, and a value that module's output in the official memory order. Where no
/// recorder is given, `recorder?.record(…)` does not even make the view.
public final class Recorder {
    private let pattern: String?
    public private(set) var activations: [String: Tensor] = [:]

    /// - Parameter pattern: a shell pattern; other names are not kept. A `*` also stands for dots.
    public init(matching pattern: String? = nil) {
        self.pattern = pattern
    }

    func record(_ name: String, _ activation: @autoclosure () -> Tensor) {
        if let pattern, fnmatch(pattern, name, 0) != 0 { return }
        activations[name] = activation()
    }
}
