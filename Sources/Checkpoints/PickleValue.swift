/// A value of a pickle. Those that hold others are places in ``Pickle``'s lists, so that none is deep: a nest of a million
/// dictionaries is read, and let go, as flat as it is long.
enum PickleValue {
    case none
    case integer(Int)
    case string(String)
    /// What no tensor is made of: other numbers, truth values, bytes, sets.
    case other
    /// A name of Python's, as `module.name`; nothing is ever looked up or called.
    case global(String)
    /// What a call of a global would have made.
    case made(by: String)
    case sequence(Int)
    case dictionary(Int)
    case storage(Int)
    case tensor(Int)
    case mark

    var isMark: Bool { if case .mark = self { true } else { false } }
}

/// What a pickle describes.
struct Pickle {
    /// `('storage', torch.FloatStorage, '0', 'cpu', count)`: a member of the archive.
    struct Storage {
        var type: String
        var key: String
        var count: Int
    }

    struct Tensor {
        var storage: Storage
        var offset: Int
        var shape: [Int]
        var strides: [Int]
        /// The place of a dictionary of what PyTorch keeps beside the numbers, such as that all are to be negated.
        var metadata: Int?
    }

    var root = PickleValue.none
    /// Tuples and lists.
    var sequences: [[PickleValue]] = [[]]
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [Storage] = []
    var tensors: [Tensor] = []
}
