import Annotations
import Checkpoints
import Evaluation
import Foundation
import ImageFrames
import Imaging
import PictureFiles
import SafeFiles

/// A reader that is given whatever libFuzzer makes; it may refuse it, and nothing else.
private struct Target: Sendable {
    /// What files are called that the reader tells apart by their names.
    var ending: String
    var read: @Sendable (_ path: String, _ bytes: [UInt8]) throws -> Void
}

private let size = PixelSize(width: 64, height: 48)

/// The boxes of one file, as `segment` reads them.
private func readBoxes(_ name: String, _ bytes: [UInt8], pattern: SlicePattern = .standard) throws {
    let boxes = folder + "/boxes"
    try FileManager.default.createDirectory(atPath: boxes, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: "\(boxes)/\(name)"))
    defer { try? FileManager.default.removeItem(atPath: boxes) }
    let source = try BoxSource(name.hasSuffix(".csv") ? "\(boxes)/\(name)" : boxes, pattern: pattern, cases: ["ct"])
    for annotator in source.annotators(ofCase: "ct") {
        let reading = source.boxes(
            ofCase: "ct", annotator: annotator, sliceCount: 8, imageSize: size, classes: classes)
        let volume = CheckedVolume(sliceCount: 8, towardsRight: [1, 0], towardsFront: [0, 1])
        _ = BoxFinding.findings(in: reading.slices, classes: classes, volume: volume)
        _ = Coverage.rows(drawnBy: [annotator: reading.slices], case: "ct", classes: classes, volume: volume)
        _ = FileErrors(reading.errors.isEmpty ? [FileError(.badData, file: "f", "w")] : reading.errors).description
    }
}

private let targets: [String: Target] = [
    "safetensors": Target(ending: "safetensors") { path, _ in
        let file = try Checkpoint(path: path)
        for name in file.entries.keys.sorted().prefix(8) { _ = file.tensor(name).isFinite }
    },
    "pth": Target(ending: "pth") { path, _ in
        let file = try Checkpoint(path: path)
        for name in file.entries.keys.sorted().prefix(8) { _ = file.tensor(name).isFinite }
    },
    "npy": Target(ending: "npy") { path, _ in _ = try Checkpoint(path: path) },
    "nifti": Target(ending: "nii") { path, _ in _ = try LabelVolume(contentsOf: path) },
    "gzip": Target(ending: "nii.gz") { path, _ in _ = try Volume(contentsOf: path) },
    "png": Target(ending: "png") { path, _ in _ = try readImage(path) },
    "jpeg": Target(ending: "jpg") { path, _ in _ = try readImage(path) },
    "yolo": Target(ending: "txt") { _, bytes in try readBoxes("ct-slice003.txt", bytes) },
    "voc": Target(ending: "xml") { _, bytes in try readBoxes("ct-slice003.xml", bytes) },
    "boxes": Target(ending: "csv") { _, bytes in try readBoxes("boxes.csv", bytes) },
    "classes": Target(ending: "txt") { path, _ in _ = try ClassList(contentsOf: path) },
    "scores": Target(ending: "csv") { path, _ in
        let table = try ScoreTable(contentsOf: path)
        for column in table.scoreColumns { _ = Summary(table.scores(column)) }
        _ = try table.paired(with: table, by: "path")
    },
    "tasks": Target(ending: "csv") { path, _ in
        _ = try Tasks(contentsOf: path, classes: classes).slices(of: "anna", case: "ct")
    },
    "record": Target(ending: "json") { path, _ in _ = try SlicesRecord(contentsOf: path) },
    "labels": Target(ending: "txt") { _, bytes in
        _ = try LabelMap(String(decoding: bytes, as: UTF8.self), classes: classes)
    },
    "pattern": Target(ending: "txt") { _, bytes in
        guard let pattern = SlicePattern(String(decoding: bytes, as: UTF8.self)) else { return }
        let name = pattern.name(ofSlice: 3, case: "ct") + ".txt"
        // What a file can be called.
        guard name.utf8.count < 256, !name.utf8.contains(0) else { return }
        try readBoxes(name, Array("0 0.5 0.5 0.2 0.2\n".utf8), pattern: pattern)
    },
]

// Memory, where there is such a file system: thousands of files a second.
private let folder = "/dev/shm/swift-sam-fuzz-\(getpid())"
private let classes: ClassList = {
    let path = folder + "/class_list.txt"
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try? Data("liver\nspleen\nright kidney\nleft kidney\n".utf8).write(to: URL(filePath: path))
    guard let list = try? ClassList(contentsOf: path) else { fatalError("\(path) cannot be written") }
    return list
}()

private func chosenTarget() -> Target {
    let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
    guard let target = targets[name] else {
        fatalError("FUZZ_TARGET is one of \(targets.keys.sorted().joined(separator: " ")), not \"\(name)\"")
    }
    _ = classes
    return target
}

private let target = chosenTarget()

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
    let path = "\(folder)/input.\(target.ending)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard write(descriptor, bytes, count) == count, close(descriptor) == 0 else { fatalError("\(path): \(errno)") }
    let before = clock()
    do {
        try target.read(path, bytes)
    } catch {
        // What is refused must be said without an escape.
        let text = "\(error)"
        precondition(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 }, "an escape in a message")
    }
    // The budget: as long as a slow machine under the sanitizer needs for an honest file of this size.
    let seconds = Double(clock() - before) / Double(CLOCKS_PER_SEC)
    precondition(seconds < 2 + 20 * Double(count) / 1_048_576, "\(count) bytes took \(seconds) s")
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// What the package manager has the process begin with, by the target's name: libFuzzer's own `main` would not be linked.
@_cdecl("fuzz_main")
public func run(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var (count, arguments) = (count, arguments)
    return runDriver(&count, &arguments, testOneInput)
}

@_silgen_name("LLVMFuzzerMutate")
private func mutate(_ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int, _ limit: Int) -> Int

/// Most inputs are libFuzzer's own mutations; in an eighth a piece is repeated, in some of these to a megabyte, which small mutations
/// never do: what grows faster than its input shows in these.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutateOrRepeat(
    _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int, _ limit: Int, _ seed: CUnsignedInt
) -> Int {
    guard let bytes, count > 1, seed % 8 == 0 else { return mutate(bytes, count, limit) }
    var random = SplitMix(state: UInt64(seed))
    // Large ones are slow, and would fill the corpus.
    let limit = random.next() % 64 == 0 ? limit : min(limit, max(count, 1 << 13))
    let length = 1 + Int(random.next() % UInt64(min(count, 200)))
    let start = Int(random.next() % UInt64(count - length + 1))
    let copies = Int(random.next() % UInt64(max((limit - count) / length, 1)))
    guard copies > 0 else { return mutate(bytes, count, limit) }
    let end = start + length
    (bytes + end + copies * length).update(from: bytes + end, count: count - end)
    for copy in 0..<copies { (bytes + end + copy * length).update(from: bytes + start, count: length) }
    return count + copies * length
}

/// splitmix64 (Steele, Lea and Flood 2014).
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
