import Foundation
import Testing

/// The root of the checkout, with a slash at the end.
package let checkout = URL(filePath: #filePath).appending(path: "../../..").standardized.path(percentEncoded: false)

/// Random weights of a small model whose window does not divide its grid; the oracle's fixtures were made with them.
package let randomWeights = checkout + "Tests/SegmentAnythingTests/Fixtures/small.weights.safetensors"

/// The case that the repository ships.
package let demo = checkout + "weights/demo"

/// The weights that the repository ships.
package let bundledWeights = checkout + "weights/swift-sam-small.safetensors"

/// Data that the project does not hold, beside the checkout.
package let sharedData = checkout + "../shared/data"

extension Trait where Self == ConditionTrait {
    /// Skips a test of the shared data where they are absent.
    package static var needsSharedData: Self {
        .enabled(if: FileManager.default.fileExists(atPath: sharedData), "../shared/data is absent")
    }
}
