import SafeFiles
import Tensors

/// The most names that a checkpoint's dictionaries may have, tensors or not: the largest SAM and its optimizer have 3,000.
private let mostNames = 100_000
/// How deep dictionaries are searched for tensors; training frameworks nest three.
private let deepestDictionary = 8
/// The most bytes of a name, a storage's key or a module's name in a pickle. A pickle states a text once and refers to it
/// as often as it likes, so that copies of a long one would fill the memory.
let longestPickledName = 1000

/// Reads the tensors that `torch.save` wrote since PyTorch 1.6: a zip of a pickle, `NAME/data.pkl`, and of the
/// storages that it names, `NAME/data/KEY` (`torch/serialization.py`, `_save`).
///
/// Dictionaries in dictionaries are looked through: a tensor `w` of the dictionary `model` is named `model/w`. One
/// dictionary at two places counts where it is less deep. A tensor saved alone has the name "".
///
/// - Throws: ``FileError`` `badData`: what is wrong with the zip or the pickle, and a file without a dictionary or a tensor.
func readStateDict(_ file: FileBytes, _ archive: ZipArchive) throws(FileError) -> TensorsOfFile {
    func bad(_ what: String, in place: String? = nil, expected: String? = nil, found: String? = nil) -> FileError {
        FileError(
            .badData, file: file.path, place: place, what, expected: expected, found: found,
            advice: "Save the model's state_dict() with torch.save, or as safetensors.")
    }
    let pickles = archive.members.keys.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
    guard let name = pickles.first, pickles.count == 1 else {
        let names = archive.members.keys.sorted().prefix(3).joined(separator: ", ")
        throw bad("a zip without a state dict", expected: "one NAME/data.pkl", found: "\(pickles.count) (\(names), …)")
    }
    let prefix = name.dropLast("data.pkl".count)
    func member(_ name: String, limit: Limit? = nil) throws(FileError) -> FileSlice? {
        try archive.contents(of: prefix + name, limit: limit)
    }
    if let order = try member("byteorder", limit: .text)?.bytes, order != Array("little".utf8) {
        throw bad("byte order", expected: "little", found: String(decoding: order, as: UTF8.self))
    }
    let bytes = try member("data.pkl", limit: Limit.pickle)?.bytes ?? []
    var unpickler = Unpickler(path: file.path, bytes: bytes)
    let pickle = try unpickler.read()

    var result = TensorsOfFile()
    var storages: [String: FileSlice] = [:]
    func add(_ value: PickleValue, _ name: String) throws(FileError) {
        guard case .tensor(let index) = value else {
            let what =
                if case .made(let function) = value {
                    "what a call of \(printable(function, limit: 200)) makes: nothing is called"
                } else {
                    "not a tensor"
                }
            result.refused[name] = bad(what, in: name)
            return
        }
        let tensor = pickle.tensors[index]
        // `neg` says that the numbers are those of the storage with the other sign.
        if let metadata = tensor.metadata, let (key, _) = pickle.dictionaries[metadata].first {
            let bit = if case .string(let text) = key { text } else { "a key that is no text" }
            result.refused[name] = bad("not the numbers of its storage: call resolve_neg() on it", in: name, found: bit)
            return
        }
        let (type, key, count) = (tensor.storage.type, tensor.storage.key, tensor.storage.count)
        guard let dataType = storageTypes[type] else {
            result.refused[name] = bad("type not supported", in: name, found: type)
            return
        }
        if storages[key] == nil { storages[key] = try member("data/" + key) }
        guard let storage = storages[key] else {
            result.refused[name] = bad("its storage is missing", in: name, found: "data/\(key)")
            return
        }
        guard let size = byteCount(of: [count], dataType), storage.range.count == size else {
            result.refused[name] = bad(
                "a storage of another size", in: name, expected: "\(count) × \(dataType.size) bytes",
                found: "\(storage.range.count)")
            return
        }
        guard let layout = Layout(shape: tensor.shape, strides: tensor.strides, offset: tensor.offset, within: count)
        else {
            result.refused[name] = bad(
                "reaches beyond its storage, or repeats it", in: name, expected: "at most \(count) elements, within it",
                found: "shape \(tensor.shape), strides \(tensor.strides), offset \(tensor.offset)")
            return
        }
        result.entries[name] = .init(dataType: dataType, layout: layout, file: storage.file, bytes: storage.range)
    }

    if case .tensor = pickle.root {
        try add(pickle.root, "")
        return result
    }
    guard case .dictionary(let root) = pickle.root else {
        if case .made(let type) = pickle.root {
            throw bad("a whole pickled object, not the weights in it", expected: "a state dict", found: type)
        }
        throw bad("not a state dict", expected: "a dictionary of tensors", found: "another value")
    }
    var (waiting, known): ([(dictionary: Int, path: String, depth: Int)], Set<Int>) = ([(root, "", 0)], [root])
    var next = 0
    while next < waiting.count {
        let (dictionary, path, depth) = waiting[next]
        next += 1
        for (key, value) in pickle.dictionaries[dictionary] {
            let name: String
            switch key {
            case .string(let text):
                guard path.utf8.count + text.utf8.count <= longestPickledName else {
                    throw bad(
                        "a name longer than any checkpoint has", in: path + printable(text, limit: 100),
                        expected: "at most \(longestPickledName) bytes",
                        found: "\(path.utf8.count + text.utf8.count)")
                }
                name = path + text
            case .integer(let number): name = path + "\(number)"
            default: continue
            }
            guard result.entries[name] == nil, result.refused[name] == nil else {
                throw bad("twice in the file", in: name)
            }
            if case .dictionary(let inner) = value {
                guard depth < deepestDictionary, known.insert(inner).inserted else { continue }
                waiting.append((inner, name + "/", depth + 1))
            } else {
                try add(value, name)
            }
            guard result.entries.count + result.refused.count + waiting.count <= mostNames else {
                throw bad("more names than any checkpoint has", expected: "at most \(mostNames)")
            }
        }
    }
    return result
}

/// The element types of PyTorch's storages.
private let storageTypes: [String: DataType] = [
    "torch.DoubleStorage": .float64, "torch.FloatStorage": .float32, "torch.HalfStorage": .float16,
    "torch.BFloat16Storage": .bfloat16, "torch.LongStorage": .int64, "torch.IntStorage": .int32,
    "torch.ShortStorage": .int16, "torch.CharStorage": .int8, "torch.ByteStorage": .uint8,
    "torch.BoolStorage": .bool,
]
