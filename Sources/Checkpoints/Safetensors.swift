import SafeFiles
import Tensors

/// Reads and checks the header of a safetensors file: eight bytes of length, then JSON, then the elements.
///
/// The one place where the format's rules are checked: the length is at most 100,000,000 and inside the file; the
/// JSON holds each key once; types are known; no shape overflows; each range has the size of its shape; and the
/// ranges cover the rest of the file without overlap or hole (huggingface/safetensors, README, "Format").
func readSafetensorsHeader(
    _ file: FileBytes
) throws(FileError) -> TensorsOfFile {
    func bad(
        _ what: String, in place: String? = "safetensors header", expected: String? = nil, found: String? = nil,
        advice: String? = nil
    ) -> FileError {
        FileError(
            .badData, file: file.path, place: place, what, expected: expected, found: found, advice: advice)
    }

    guard let length = file.integer(at: 0, as: UInt64.self) else {
        throw bad("cut short", expected: "at least 8 bytes", found: "\(file.count)")
    }
    // Compared, not added: a bound that was raised leaves room for any length.
    let (isLong, isCut) = (length > Limit.header.bytes, length > file.count - 8)
    if isLong || isCut, let contents = FileContents(file[0..<min(512, file.count)]) {
        throw bad(
            "not a file of tensors", in: nil,
            expected: "safetensors, or .pth as torch.save writes it since PyTorch 1.6",
            found: contents.name, advice: contents.advice)
    }
    guard !isLong else {
        throw bad(
            "too long", expected: "at most \(Limit.header.bytes) bytes", found: "\(length)",
            advice: "The file is neither safetensors nor a .pth as torch.save writes it since PyTorch 1.6 (a zip).")
    }
    guard !isCut else {
        throw bad("cut short", expected: "\(8 + length) bytes", found: "\(file.count)")
    }
    let start = 8 + Int(length)
    let header: SafetensorsHeader
    do {
        header = try SafetensorsHeader(parsing: file[8..<start])
    } catch {
        throw bad("\(error.what) at byte \(8 + error.offset)")
    }

    var entries: [String: Checkpoint.Entry] = [:]
    var end = 0
    for tensor in header.tensors.sorted(by: { ($0.range.begin, $0.range.end) < ($1.range.begin, $1.range.end) }) {
        let name = tensor.name
        guard let dataType = DataType(rawValue: tensor.dataType) else {
            throw bad("type not supported", in: name, found: tensor.dataType)
        }
        guard let size = byteCount(of: tensor.shape, dataType) else {
            throw bad("shape overflows", in: name, found: "\(tensor.shape)")
        }
        let (begin, last) = (tensor.range.begin, tensor.range.end)
        guard begin <= last, last <= file.count - start else {
            throw bad(
                "data outside the file", in: name, expected: "within 0…\(file.count - start)",
                found: "\(begin)…\(last)",
                advice: begin <= last ? "The file is damaged or was cut short; copy it again." : nil)
        }
        guard last - begin == size else {
            throw bad(
                "data of another size than its shape \(tensor.shape) in \(tensor.dataType)", in: name,
                expected: "\(size) bytes", found: "\(last - begin)")
        }
        guard begin == end else {
            throw bad(
                begin < end ? "overlaps the tensor before it" : "a hole before it", in: name,
                expected: "begin \(end)", found: "\(begin)")
        }
        end = last
        entries[name] = Checkpoint.Entry(
            dataType: dataType, layout: Layout(shape: tensor.shape), file: file, bytes: start + begin..<start + last)
    }
    guard end == file.count - start else {
        throw bad(
            "bytes after the last tensor", in: nil, expected: "\(start + end) bytes", found: "\(file.count)")
    }
    return TensorsOfFile(entries: entries, metadata: header.metadata)
}

/// The bytes that a shape takes, or nil where that overflows, even if only its other axes do where one is empty:
/// strides are products of some of them.
package func byteCount(of shape: [Int], _ dataType: DataType) -> Int? {
    var size = dataType.size
    for extent in shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: max(extent, 1))
        if overflow { return nil }
        size = product
    }
    return shape.contains(0) ? 0 : size
}
