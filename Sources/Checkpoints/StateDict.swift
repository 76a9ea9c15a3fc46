import SafeFiles
import Tensors

/// Reads a state dict as `torch.save` writes it since PyTorch 1.6: a zip of a pickle, `NAME/data.pkl`, and of the
/// storages that it names, `NAME/data/KEY` (`torch/serialization.py`, `_save`).
///
/// - Throws: ``FileError`` `badData`: what is wrong with the zip or the pickle, a value that is not a tensor, and
///   tensors that reach beyond their storage.
func readStateDict(_ file: MappedFile) throws(FileError) -> [String: Checkpoint.Entry] {
    func bad(_ what: String, in place: String? = nil, expected: String? = nil, found: String? = nil) -> FileError {
        FileError(
            .badData, file: file.path, place: place, what, expected: expected, found: found,
            advice: "Save the model's state_dict() alone, with torch.save, or as safetensors.")
    }
    let archive = try ZipArchive(file)
    let pickles = archive.members.filter { $0.key.hasSuffix("/data.pkl") }
    guard let pickle = pickles.first, pickles.count == 1 else {
        throw bad("members NAME/data.pkl in the zip", expected: "1", found: "\(pickles.count)")
    }
    let prefix = pickle.key.dropLast("data.pkl".count)
    if let order = archive.members[prefix + "byteorder"], file[order] != Array("little".utf8) {
        throw bad("byte order", expected: "little", found: String(decoding: file[order], as: UTF8.self))
    }
    var unpickler = Unpickler(path: file.path, bytes: file[pickle.value])
    guard case .dictionary(let pairs) = try unpickler.value() else { throw bad("not a state dict") }

    var entries: [String: Checkpoint.Entry] = [:]
    for pair in pairs {
        guard case .string(let name) = pair.key else { throw bad("a key that is not a text") }
        guard case .tensor(.storage(let type, let key, let count), let offset, let shape, let strides) = pair.value
        else { throw bad("not a tensor", in: name) }
        guard let dataType = storageTypes[type], let bytes = archive.members[prefix + "data/" + key] else {
            throw bad("its storage is missing", in: name, found: "data/\(key)")
        }
        guard let size = byteCount(of: [count], dataType), bytes.count == size else {
            throw bad(
                "a storage of another size", in: name, expected: "\(count) × \(dataType.size) bytes",
                found: "\(bytes.count)")
        }
        guard let layout = Layout(shape: shape, strides: strides, offset: offset, within: count) else {
            throw bad(
                "reaches beyond its storage, or repeats it", in: name, expected: "at most \(count) elements, within it",
                found: "shape \(shape), strides \(strides), offset \(offset)")
        }
        guard entries.updateValue(.init(dataType: dataType, layout: layout, bytes: bytes), forKey: name) == nil
        else { throw bad("twice in the file", in: name) }
    }
    return entries
}
