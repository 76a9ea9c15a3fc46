import SafeFiles

/// What a pickle of a state dict is made of.
indirect enum PickleValue: Hashable {
    case none
    case bool(Bool)
    case integer(Int)
    case string(String)
    case tuple([PickleValue])
    case dictionary([Pair])
    /// A name of Python's, as `module.name`; nothing is ever looked up or called.
    case global(String)
    /// `('storage', torch.FloatStorage, '0', 'cpu', count)`: a member of the archive.
    case storage(type: String, key: String, count: Int)
    case tensor(storage: PickleValue, offset: Int, shape: [Int], strides: [Int])
    case mark

    struct Pair: Hashable {
        var key: PickleValue
        var value: PickleValue
    }
}

/// Reads the pickle inside a `.pth`: the few opcodes of protocols 2 to 4 and the few globals that `torch.save` of a
/// state dict writes (CPython's `Lib/pickletools.py` describes each). Anything else is bad data; nothing is executed.
struct Unpickler {
    let path: String
    let bytes: [UInt8]
    private var position = 0
    private var stack: [PickleValue] = []
    private var memo: [Int: PickleValue] = [:]

    init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    private func bad(_ what: String, expected: String? = nil, found: String? = nil) -> FileError {
        FileError(
            .badData, file: path, place: "data.pkl, byte \(position)", what, expected: expected, found: found,
            advice: "Save the model's state_dict() alone, with torch.save, or as safetensors.")
    }

    /// The value that the pickle describes.
    mutating func value() throws(FileError) -> PickleValue {
        while true {
            let opcode = UInt8(try integer(UInt8.self))
            switch opcode {
            case 0x80: _ = try integer(UInt8.self)  // PROTO
            case 0x95: _ = try integer(UInt64.self)  // FRAME
            case UInt8(ascii: "N"): stack.append(.none)
            case 0x88: stack.append(.bool(true))
            case 0x89: stack.append(.bool(false))
            case UInt8(ascii: "J"): stack.append(.integer(Int(Int32(truncatingIfNeeded: try integer(UInt32.self)))))
            case UInt8(ascii: "K"): stack.append(.integer(try integer(UInt8.self)))
            case UInt8(ascii: "M"): stack.append(.integer(try integer(UInt16.self)))
            case 0x8A: try pushLong()
            case UInt8(ascii: "X"): stack.append(.string(try text(try integer(UInt32.self))))
            case 0x8C: stack.append(.string(try text(try integer(UInt8.self))))
            case UInt8(ascii: "("): stack.append(.mark)
            case UInt8(ascii: ")"): stack.append(.tuple([]))
            case UInt8(ascii: "t"): try pushTuple(try popToMark())
            case 0x85, 0x86, 0x87: try pushTuple(try pop(Int(opcode) - 0x84))
            case UInt8(ascii: "}"): stack.append(.dictionary([]))
            case UInt8(ascii: "s"): try setItems(try pop(2))
            case UInt8(ascii: "u"): try setItems(try popToMark())
            case UInt8(ascii: "q"): try memoize(try integer(UInt8.self))
            case UInt8(ascii: "r"): try memoize(try integer(UInt32.self))
            case 0x94: try memoize(memo.count)
            case UInt8(ascii: "h"): try recall(try integer(UInt8.self))
            case UInt8(ascii: "j"): try recall(try integer(UInt32.self))
            case UInt8(ascii: "c"): try pushGlobal(module: try line(), name: try line())
            case 0x93:  // STACK_GLOBAL
                guard case (.string(let module), .string(let name)) = try popPair() else { throw bad("global") }
                try pushGlobal(module: module, name: name)
            case UInt8(ascii: "Q"): try pushStorage()
            case UInt8(ascii: "R"): try reduce()
            case UInt8(ascii: "b"): _ = try pop(1)  // BUILD: the attributes of an OrderedDict, not needed
            case UInt8(ascii: "."):
                guard stack.count == 1 else { throw bad("\(stack.count) values at the end", expected: "1") }
                return stack[0]
            default:
                throw bad("opcode not allowed", found: "0x" + String(opcode, radix: 16))
            }
        }
    }

    // MARK: - Reading

    private mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(FileError) -> Int {
        let size = MemoryLayout<Integer>.size
        guard bytes.count - position >= size else { throw bad("cut short") }
        var value: UInt64 = 0
        for index in 0..<size { value |= UInt64(bytes[position + index]) << (8 * index) }
        position += size
        guard let result = Int(exactly: value) else { throw bad("a number beyond \(Int.max)") }
        return result
    }

    private mutating func pushLong() throws(FileError) {
        let size = try integer(UInt8.self)
        guard size <= 8, bytes.count - position >= size else { throw bad("a long of \(size) bytes") }
        var value: Int64 = size > 0 && bytes[position + size - 1] >= 0x80 ? -1 : 0
        for index in (0..<size).reversed() { value = value << 8 | Int64(bytes[position + index]) }
        position += size
        stack.append(.integer(Int(value)))
    }

    private mutating func text(_ count: Int) throws(FileError) -> String {
        guard bytes.count - position >= count,
            let text = String(validating: bytes[position..<position + count], as: UTF8.self)
        else { throw bad("a text that is cut short or not UTF-8") }
        position += count
        return text
    }

    private mutating func line() throws(FileError) -> String {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else { throw bad("cut short") }
        defer { position = end + 1 }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    // MARK: - The stack

    private mutating func pop(_ count: Int) throws(FileError) -> [PickleValue] {
        guard stack.count >= count, !stack.suffix(count).contains(.mark) else { throw bad("stack too short") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popPair() throws(FileError) -> (PickleValue, PickleValue) {
        let pair = try pop(2)
        return (pair[0], pair[1])
    }

    private mutating func popToMark() throws(FileError) -> [PickleValue] {
        guard let mark = stack.lastIndex(of: .mark) else { throw bad("a mark is missing") }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[(mark + 1)...])
    }

    /// A tuple of a few values: nothing that torch.save writes is deeper than a tuple of flat tuples, and a hostile
    /// pickle cannot nest until the stack overflows.
    private mutating func pushTuple(_ values: [PickleValue]) throws(FileError) {
        let isShallow = values.allSatisfy {
            guard case .tuple(let inner) = $0 else { return true }
            return !inner.contains { if case .tuple = $0 { true } else { false } }
        }
        guard values.count <= 16, isShallow else { throw bad("a tuple too large or too deep") }
        stack.append(.tuple(values))
    }

    /// Python remembers a dictionary when it makes it, still empty; one that is filled would be copied each time.
    private mutating func memoize(_ index: Int) throws(FileError) {
        guard let top = stack.last else { throw bad("stack too short") }
        if case .dictionary(let pairs) = top, !pairs.isEmpty { throw bad("a dictionary remembered too late") }
        memo[index] = top
    }

    private mutating func recall(_ index: Int) throws(FileError) {
        guard let value = memo[index] else { throw bad("memo \(index) is empty") }
        stack.append(value)
    }

    private mutating func setItems(_ items: [PickleValue]) throws(FileError) {
        guard case .dictionary(var pairs)? = stack.popLast(), items.count % 2 == 0 else {
            throw bad("items without a dictionary")
        }
        for index in stride(from: 0, to: items.count, by: 2) {
            // Dictionaries in a state dict hold PyTorch's own notes (`_metadata`), which nobody needs.
            let isNote = if case .dictionary = items[index + 1] { true } else { false }
            pairs.append(.init(key: items[index], value: isNote ? .none : items[index + 1]))
        }
        stack.append(.dictionary(pairs))
    }

    // MARK: - What torch.save needs of Python

    private mutating func pushGlobal(module: String, name: String) throws(FileError) {
        let global = module + "." + name
        let isStorage = module == "torch" && storageTypes[name] != nil
        guard isStorage || functions.contains(global) else { throw bad("global not allowed", found: global) }
        stack.append(.global(global))
    }

    private mutating func pushStorage() throws(FileError) {
        guard case .tuple(let parts)? = stack.popLast(), parts.count == 5, parts[0] == .string("storage"),
            case .global(let type) = parts[1], case .string(let key) = parts[2], case .integer(let count) = parts[4],
            count >= 0
        else { throw bad("a storage that torch.save does not write") }
        stack.append(.storage(type: String(type.dropFirst("torch.".count)), key: key, count: count))
    }

    private mutating func reduce() throws(FileError) {
        guard case (.global(let function), .tuple(let arguments)) = try popPair() else { throw bad("a call") }
        switch function {
        case "collections.OrderedDict" where arguments.isEmpty:
            stack.append(.dictionary([]))
        case "torch._utils._rebuild_parameter" where arguments.count == 3:
            stack.append(arguments[0])
        case "torch._utils._rebuild_tensor_v2" where arguments.count >= 6:
            guard case .storage = arguments[0], case .integer(let offset) = arguments[1],
                let shape = integers(arguments[2]), let strides = integers(arguments[3]),
                offset >= 0, shape.count == strides.count, (shape + strides).allSatisfy({ $0 >= 0 })
            else { throw bad("a tensor that torch.save does not write") }
            stack.append(.tensor(storage: arguments[0], offset: offset, shape: shape, strides: strides))
        default:
            throw bad("call not allowed", found: function)
        }
    }

    private func integers(_ value: PickleValue) -> [Int]? {
        guard case .tuple(let values) = value else { return nil }
        let integers = values.compactMap { if case .integer(let integer) = $0 { integer } else { nil } }
        return integers.count == values.count ? integers : nil
    }
}

private let functions: Set = [
    "collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
]

/// The element types of PyTorch's storages.
let storageTypes: [String: DataType] = [
    "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
    "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8,
    "ByteStorage": .uint8, "BoolStorage": .bool,
]
