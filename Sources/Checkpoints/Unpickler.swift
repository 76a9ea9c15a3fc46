import Foundation
import SafeFiles

/// The most bytes of a global's two names: five of a pickle can ask for both again, and ``Limit/pickle`` counts on 64 of memory
/// for each.
private let longestGlobal = 256

/// Reads the pickle inside a `.pth`, of any protocol (CPython's `Lib/pickletools.py` describes each opcode).
///
/// Nothing is executed, imported or called. What PyTorch's own functions make of their arguments is known here; what any
/// other would make is opaque, and only that it would have made it is kept.
struct Unpickler {
    private let path: String
    private let bytes: [UInt8]
    private var position = 0
    private var stack: [PickleValue] = []
    private var memo: [Int: PickleValue] = [:]
    private var pickle = Pickle()

    init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    private func bad(_ what: String, expected: String? = nil, found: String? = nil) -> FileError {
        FileError(
            .badData, file: path, place: "data.pkl, byte \(position)", what, expected: expected, found: found,
            advice: "Save the model's state_dict() with torch.save, or as safetensors.")
    }

    /// What the pickle describes.
    ///
    /// - Throws: ``FileError`` `badData` where it breaks its format.
    mutating func read() throws(FileError) -> Pickle {
        while true {
            let opcode = UInt8(try integer(UInt8.self))
            switch opcode {
            // Python has the letters as its names of the opcodes.
            case UInt8(ascii: "."):
                guard stack.count == 1 else { throw bad("\(stack.count) values at the end", expected: "1") }
                pickle.root = stack[0]
                return pickle
            case 0x80: try skip(1)  // PROTO
            case 0x95: try skip(8)  // FRAME
            case UInt8(ascii: "N"): stack.append(.none)
            case UInt8(ascii: "J"): stack.append(.integer(Int(Int32(truncatingIfNeeded: try integer(UInt32.self)))))
            case UInt8(ascii: "K"): stack.append(.integer(try integer(UInt8.self)))
            case UInt8(ascii: "M"): stack.append(.integer(try integer(UInt16.self)))
            case 0x8A: try pushLong()
            case UInt8(ascii: "I"), UInt8(ascii: "L"):
                stack.append(Int(try line().prefix { $0 != "L" }).map { .integer($0) } ?? .other)
            case 0x88, 0x89, 0x8F: stack.append(.other)  // True, False, an empty set
            case UInt8(ascii: "G"): try pushOther(bytes: 8)
            case UInt8(ascii: "F"), UInt8(ascii: "S"):
                _ = try line()
                stack.append(.other)
            case 0x8B, UInt8(ascii: "B"), UInt8(ascii: "T"): try pushOther(bytes: try integer(UInt32.self))
            case UInt8(ascii: "C"), UInt8(ascii: "U"): try pushOther(bytes: try integer(UInt8.self))
            case 0x8E, 0x96: try pushOther(bytes: try integer(UInt64.self))
            case UInt8(ascii: "V"): stack.append(.string(try line()))
            case UInt8(ascii: "X"): stack.append(.string(try text(try integer(UInt32.self))))
            case 0x8C: stack.append(.string(try text(try integer(UInt8.self))))
            case 0x8D: stack.append(.string(try text(try integer(UInt64.self))))
            case UInt8(ascii: "("): stack.append(.mark)
            case UInt8(ascii: "0"): _ = try pop(1)
            case UInt8(ascii: "1"): _ = try popToMark()
            case UInt8(ascii: "2"): stack.append(try top())
            case UInt8(ascii: ")"): stack.append(.sequence(0))
            case UInt8(ascii: "]"): pushSequence([])
            case UInt8(ascii: "t"), UInt8(ascii: "l"): pushSequence(try popToMark())
            case 0x85, 0x86, 0x87: pushSequence(try pop(Int(opcode) - 0x84))
            case UInt8(ascii: "a"): try appendItems(try pop(1))
            case UInt8(ascii: "e"), 0x90: try appendItems(try popToMark())
            case 0x91:  // a frozen set
                _ = try popToMark()
                stack.append(.other)
            case UInt8(ascii: "}"): pushDictionary()
            case UInt8(ascii: "d"):
                let items = try popToMark()
                pushDictionary()
                try setItems(items)
            case UInt8(ascii: "s"): try setItems(try pop(2))
            case UInt8(ascii: "u"): try setItems(try popToMark())
            case UInt8(ascii: "q"): memo[try integer(UInt8.self)] = try top()
            case UInt8(ascii: "r"): memo[try integer(UInt32.self)] = try top()
            case UInt8(ascii: "p"): memo[try number(ofLine: try line())] = try top()
            case 0x94: memo[memo.count] = try top()
            case UInt8(ascii: "h"): try recall(try integer(UInt8.self))
            case UInt8(ascii: "j"): try recall(try integer(UInt32.self))
            case UInt8(ascii: "g"): try recall(try number(ofLine: try line()))
            case UInt8(ascii: "c"): stack.append(.global(try line() + "." + (try line())))
            case 0x93:  // STACK_GLOBAL
                let names = try pop(2)
                guard case (.string(let module), .string(let name)) = (names[0], names[1]),
                    module.utf8.count + name.utf8.count <= longestGlobal
                else { throw bad("global", expected: "two names of at most \(longestGlobal) bytes") }
                stack.append(.global(module + "." + name))
            case UInt8(ascii: "Q"): try pushStorage()
            case UInt8(ascii: "R"), 0x81: try call(try pop(2))  // NEWOBJ
            case 0x92: try call(Array(try pop(3).prefix(2)))  // NEWOBJ_EX
            case UInt8(ascii: "i"):
                let className = try line() + "." + (try line())
                _ = try popToMark()
                stack.append(.made(by: className))
            case UInt8(ascii: "o"):
                guard case .global(let className)? = try popToMark().first else {
                    throw bad("an object without a class")
                }
                stack.append(.made(by: className))
            case UInt8(ascii: "b"): _ = try pop(1)  // BUILD: attributes, which no dictionary of tensors needs
            default:
                throw bad("opcode not allowed", found: "0x" + String(opcode, radix: 16))
            }
        }
    }

    // MARK: - Reading

    private mutating func skip(_ count: Int) throws(FileError) {
        guard bytes.count - position >= count else { throw bad("cut short") }
        position += count
    }

    private mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(FileError) -> Int {
        let start = position
        try skip(MemoryLayout<Integer>.size)
        let value = (start..<position).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
        guard let result = Int(exactly: value) else { throw bad("a number beyond \(Int.max)") }
        return result
    }

    private mutating func pushLong() throws(FileError) {
        let size = try integer(UInt8.self)
        guard size <= 8 else { return try pushOther(bytes: size) }
        let start = position
        try skip(size)
        let isNegative = size > 0 && bytes[position - 1] >= 0x80
        let value = (start..<position).reversed().reduce(Int64(isNegative ? -1 : 0)) { $0 << 8 | Int64(bytes[$1]) }
        stack.append(.integer(Int(value)))
    }

    private mutating func pushOther(bytes count: Int) throws(FileError) {
        try skip(count)
        stack.append(.other)
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

    private func number(ofLine line: String) throws(FileError) -> Int {
        guard let number = Int(line) else { throw bad("a memo's number", found: line) }
        return number
    }

    // MARK: - The stack

    private func top() throws(FileError) -> PickleValue {
        guard let top = stack.last, !top.isMark else { throw bad("stack too short") }
        return top
    }

    private mutating func pop(_ count: Int) throws(FileError) -> [PickleValue] {
        guard stack.count >= count, !stack.suffix(count).contains(where: \.isMark) else { throw bad("stack too short") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(FileError) -> [PickleValue] {
        guard let mark = stack.lastIndex(where: \.isMark) else { throw bad("a mark is missing") }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[(mark + 1)...])
    }

    private mutating func recall(_ index: Int) throws(FileError) {
        guard let value = memo[index] else { throw bad("memo \(index) is empty") }
        stack.append(value)
    }

    private mutating func pushSequence(_ values: [PickleValue]) {
        pickle.sequences.append(values)
        stack.append(.sequence(pickle.sequences.count - 1))
    }

    private mutating func pushDictionary() {
        pickle.dictionaries.append([])
        stack.append(.dictionary(pickle.dictionaries.count - 1))
    }

    private mutating func appendItems(_ items: [PickleValue]) throws(FileError) {
        switch try top() {
        // The empty tuple, which all share, takes no items.
        case .sequence(let index) where index > 0: pickle.sequences[index].append(contentsOf: items)
        case .made, .other: break
        default: throw bad("items without a list")
        }
    }

    private mutating func setItems(_ items: [PickleValue]) throws(FileError) {
        guard items.count % 2 == 0 else { throw bad("items without a dictionary") }
        switch try top() {
        case .dictionary(let dictionary):
            for index in stride(from: 0, to: items.count, by: 2) {
                pickle.dictionaries[dictionary].append((items[index], items[index + 1]))
            }
        case .made: break
        default: throw bad("items without a dictionary")
        }
    }

    // MARK: - What torch.save needs of Python

    private mutating func pushStorage() throws(FileError) {
        guard case .sequence(let place)? = try pop(1).first, case let parts = pickle.sequences[place], parts.count == 5,
            case .string("storage") = parts[0], case .global(let type) = parts[1], case .string(let key) = parts[2],
            case .integer(let count) = parts[4], count >= 0, key.utf8.count <= longestPickledName
        else { throw bad("a storage that torch.save does not write") }
        pickle.storages.append(.init(type: type, key: key, count: count))
        stack.append(.storage(pickle.storages.count - 1))
    }

    private mutating func call(_ functionAndArguments: [PickleValue]) throws(FileError) {
        guard case .sequence(let place) = functionAndArguments[1] else { throw bad("a call without arguments") }
        let arguments = pickle.sequences[place]
        switch functionAndArguments[0] {
        case .global("collections.OrderedDict") where arguments.isEmpty, .global("collections.defaultdict"),
            .global("builtins.dict") where arguments.isEmpty:
            pushDictionary()
        case .global("torch._utils._rebuild_parameter") where arguments.count == 3,
            .global("torch._utils._rebuild_parameter_with_state") where arguments.count == 4:
            stack.append(arguments[0])
        case .global("torch._utils._rebuild_tensor_v2") where arguments.count >= 6,
            .global("torch._utils._rebuild_tensor") where arguments.count == 4:
            guard case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1],
                let shape = integers(arguments[2]), let strides = integers(arguments[3]),
                offset >= 0, shape.count == strides.count, (shape + strides).allSatisfy({ $0 >= 0 })
            else { throw bad("a tensor that torch.save does not write") }
            var tensor = Pickle.Tensor(
                storage: pickle.storages[storage], offset: offset, shape: shape, strides: strides)
            if arguments.count > 6, case .dictionary(let metadata) = arguments[6] { tensor.metadata = metadata }
            pickle.tensors.append(tensor)
            stack.append(.tensor(pickle.tensors.count - 1))
        case .global(let name), .made(by: let name): stack.append(.made(by: name))
        default: throw bad("a call of what cannot be called")
        }
    }

    private func integers(_ value: PickleValue) -> [Int]? {
        guard case .sequence(let place) = value, pickle.sequences[place].count <= 16 else { return nil }
        let integers = pickle.sequences[place].compactMap {
            if case .integer(let integer) = $0 { integer } else { nil }
        }
        return integers.count == pickle.sequences[place].count ? integers : nil
    }
}
