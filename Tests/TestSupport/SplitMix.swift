import Tensors

/// The same numbers everywhere and always.
package typealias SplitMix = SplitMix64
