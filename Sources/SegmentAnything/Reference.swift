import Checkpoints
import Foundation
import ImageFrames
import SafeFiles
import Tensors

/// What one run was asked and every activation that it made: the file by which two implementations are compared.
///
/// Beside the activations, by their official names, it holds `image` (`[height, width, 3]` uint8), and in original pixels
/// `prompt.boxes` (`[prompts, 4]`), `prompt.points` (`[prompts, points, 2]`), `prompt.labels` (`[prompts, points]`) and
/// `prompt.mask` (`[4·grid, 4·grid]`, one for all prompts). The metadata's `order` has the names as they arose.
public struct Reference: Sendable {
    public let image: RGBImage
    /// All alike in kind and in number of points.
    public let prompts: [Prompt]
    /// The names of the activations, in the order in which they arose where the file says so.
    public let names: [String]
    public let metadata: [String: String]
    private let file: Checkpoint
    private let float32Error: [String: Double]

    /// Whether the file holds zeros for the tokens that pad windows, as files of swift-sam 0.4 and its fixtures do; others
    /// hold the official values.
    public var lacksPadding: Bool {
        metadata["reference"] == nil && (metadata["swift-sam"] != nil || metadata["float32_error"] != nil)
    }

    /// The metadata of a run by this library: the format's version, who ran, the model, its precision, the recipe, and which
    /// mask of each prompt has the highest score, as ``readMaskInputs(_:prompts:size:)`` asks for.
    public static func metadata(
        of sam: Sam, version: String, recipe: String = "sam", answers: [[PredictedMask]] = []
    ) -> [String: String] {
        let best = answers.map { masks in masks.firstIndex { $0.index == masks.best?.index } ?? 0 }
        return [
            "reference": "1", "swift-sam": version, "model": sam.fingerprint, "precision": sam.precision.rawValue,
            "recipe": recipe, bestMasksKey: "\(best)",
        ]
    }

    /// Where the file holds sketches in place of activations: their shapes and norms.
    public let sketch: Sketch.Header?

    /// The file's path.
    public var path: String { file.path }

    /// Whether the run was asked for the one mask for unambiguous prompts: by the first activation that the file has of those
    /// with an axis of masks.
    public var isSingleMask: Bool {
        let name = ["mask_decoder.iou_predictions", "mask_decoder.low_res_logits", "mask_logits"]
            .first(where: names.contains)
        return name.map { shape($0).dropFirst().first == 1 } ?? false
    }

    /// Throws `badData` where the metadata say that the run was by another recipe than SAM's own inference.
    package func requireSAMsInference() throws(FileError) {
        guard let recipe = metadata["recipe"], recipe != "sam" else { return }
        throw FileError(
            .badData, file: path, place: "recipe", "verify runs SAM's own inference, and this is another's",
            expected: "sam", found: recipe,
            advice: "Make the reference with activations --recipe sam, or with tools/reference/export.py.")
    }

    /// The relative error of the official package's own run in single precision, where the metadata have it.
    public func officialError(_ name: String) -> Double? { float32Error[name] }

    /// The shape of an activation.
    ///
    /// - Precondition: it is one of ``names``.
    public func shape(_ name: String) -> [Int] {
        if let shape = sketch?.shapes[name] { return shape }
        guard let entry = file.entries[name] else { preconditionFailure("no activation \(name) in \(file.path)") }
        return entry.shape
    }

    /// An activation in double precision, in the order of its axes; of a sketch, its projections.
    ///
    /// - Precondition: it is one of ``names``.
    public func values(_ name: String) -> [Double] { file.doubles(name) }

    /// What reads a range of an activation's elements, as ``values(_:)`` has all of them.
    ///
    /// - Precondition: it is one of ``names``.
    public func reader(_ name: String) -> (_ range: Range<Int>) -> [Double] { file.doubleReader(name) }

    /// Lets the system drop an activation from memory; it is read again when it is asked for.
    public func release(_ name: String) { file.release(name) }

    /// An activation in single precision.
    ///
    /// - Precondition: it is one of ``names``.
    public func activation(_ name: String) -> Tensor { file.tensor(name) }

    /// Opens a reference; activations are read as they are asked for.
    ///
    /// - Throws: ``FileError`` as `Checkpoint.init(path:)`, and `badData` where image or prompts are missing or do not fit, a
    ///   label is neither 0 nor 1, an activation is in half precision, or the official errors or a sketch are not as the format has
    ///   them.
    public init(contentsOf path: String) throws(FileError) {
        let file = try Checkpoint(path: path)
        guard let entry = file.entries["image"], entry.dataType == .uint8, entry.shape.count == 3, entry.shape[2] == 3,
            entry.shape[0] > 0, entry.shape[1] > 0
        else {
            throw FileError(
                .badData, file: path, place: "image", "not a reference file", expected: "[height, width, 3] uint8",
                found: file.entries["image"].map { "\($0.shape) \($0.dataType.rawValue)" } ?? "no image")
        }
        image = RGBImage(
            size: PixelSize(width: entry.shape[1], height: entry.shape[0]), pixels: file.bytes("image"))
        prompts = try readPrompts(file)
        metadata = file.metadata
        let order = metadata["order"].flatMap { try? JSONDecoder().decode([String].self, from: Data($0.utf8)) } ?? []
        float32Error =
            try metadata["float32_error"].map { text throws(FileError) in
                try officialErrors(text, file: path)
            } ?? [:]
        sketch = try metadata["sketch"].map { text throws(FileError) in try Sketch.Header.read(text, file: path) }
        let all = Set(
            file.entries.keys.filter { $0 != "image" && !$0.hasPrefix("prompt.") && !$0.hasPrefix("single.") })
        if let sketch { try sketch.check(file, names: all) }
        for name in all.sorted() {
            // Their rounding alone is a hundred times the bounds of verify.
            guard let type = file.entries[name]?.dataType, [.float16, .bfloat16].contains(type) else { continue }
            throw FileError(
                .badData, file: path, place: name, "too coarse for a reference", expected: "float32 or float64",
                found: "\(type)", advice: "Write the activations as float32, as the run itself had them.")
        }
        names = order.filter(all.contains) + all.subtracting(order).sorted()
        self.file = file
    }
}

/// The relative errors of the official package in single precision, by which bounds are set: what cannot be one sets none.
private func officialErrors(_ text: String, file: String) throws(FileError) -> [String: Double] {
    let most = 1e-3
    guard let errors = try? JSONDecoder().decode([String: Double].self, from: Data(text.utf8)),
        errors.values.allSatisfy({ (0...most).contains($0) })
    else {
        throw FileError(
            .badData, file: file, place: "float32_error", "not relative errors of single precision",
            expected: "an object of numbers from 0 to \(most) by the activations' names",
            found: printable(text, limit: 80))
    }
    return errors
}

/// The prompts of a reference file.
private func readPrompts(_ file: Checkpoint) throws(FileError) -> [Prompt] {
    func tensor(_ name: String, rank: Int) throws(FileError) -> Tensor? {
        guard let shape = file.entries[name]?.shape else { return nil }
        guard shape.count == rank else {
            throw FileError(
                .badData, file: file.path, place: name, "wrong shape", expected: "\(rank) axes", found: "\(shape)")
        }
        return file.tensor(name)
    }
    let boxes = try tensor("prompt.boxes", rank: 2)
    let (points, labels) = (try tensor("prompt.points", rank: 3), try tensor("prompt.labels", rank: 2))
    let mask = try tensor("prompt.mask", rank: 2)
    guard boxes != nil || points != nil || labels != nil || mask != nil else {
        throw FileError(
            .badData, file: file.path, place: "prompt", "no prompts",
            expected: "prompt.boxes, prompt.points with prompt.labels, or prompt.mask, in the picture's pixels",
            advice: "Write what the run was asked beside its activations.")
    }
    let count = boxes?.shape[0] ?? points?.shape[0] ?? (mask == nil ? 0 : 1)
    guard count > 0, boxes.map({ $0.shape[1] == 4 }) ?? true, points.map({ $0.shape[0] == count }) ?? true,
        points.map({ Array($0.shape.dropLast()) }) == labels?.shape, points.map({ $0.shape[2] == 2 }) ?? true
    else {
        throw FileError(
            .badData, file: file.path, place: "prompt", "prompts that do not fit each other",
            expected: "boxes [prompts, 4], points [prompts, points, 2], labels [prompts, points]",
            found: "boxes \(boxes?.shape ?? []), points \(points?.shape ?? []), labels \(labels?.shape ?? [])")
    }
    if let label = labels?.values.first(where: { $0 != 0 && $0 != 1 }) {
        throw FileError(
            .badData, file: file.path, place: "prompt.labels", "a label that is none of a point",
            expected: "1 inside the object, 0 outside", found: "\(label)",
            advice: "Leave out points of the label -1, which pad prompts: the model adds its own.")
    }
    return (0..<count).map { prompt in
        Prompt(
            points: (0..<(points?.shape[1] ?? 0)).compactMap { point in
                guard let points, let labels else { return nil }
                let (x, y) = (points[prompt, point, 0], points[prompt, point, 1])
                return .init(PixelPoint(x: Double(x), y: Double(y)), isForeground: labels[prompt, point] == 1)
            },
            box: boxes.map { boxes in
                let sides = (0..<4).map { Double(boxes[prompt, $0]) }
                return PixelBox(x0: sides[0], y0: sides[1], x1: sides[2], y1: sides[3])
            }, mask: mask)
    }
}

extension Reference {
    /// Checks that a reference can hold a run of prompts: of each activation it has one, which only prompts that the decoder
    /// takes together give, and it has one mask input.
    ///
    /// - Parameters:
    ///   - prompts: of the run.
    ///   - name: what the image is called in an error.
    /// - Throws: ``FileError`` `usage` where the prompts differ in kind, in number of points, or in their mask inputs.
    public static func check(_ prompts: [Prompt], image name: String) throws(FileError) {
        guard Set(prompts.map(\.kind)).count <= 1 else {
            throw FileError(
                .usage, file: name, "the prompts differ in kind or number of points",
                expected: "all with a box or none, and equally many points", advice: "Run once for each kind.")
        }
        guard Set(prompts.compactMap { $0.mask?.values }).count <= 1 else {
            throw FileError(
                .usage, file: name, "the prompts have mask inputs of their own", expected: "one for all",
                advice: "Run once for each prompt.")
        }
    }

    /// Writes a reference file.
    ///
    /// - Parameters:
    ///   - path: of the file to write.
    ///   - image: as it was opened.
    ///   - prompts: in original pixels, such as ``check(_:image:)`` accepts.
    ///   - activations: by their official names, each once, in the order in which they arose.
    ///   - metadata: such as ``metadata(of:version:recipe:answers:)``.
    ///   - sketch: how many projections are kept of each activation, in place of its values.
    /// - Throws: ``FileError`` `cannotCreate`, `inputOutput`; as ``check(_:image:)``.
    public static func write(
        to path: String, image: RGBImage, prompts: [Prompt], activations: [(name: String, value: Tensor)],
        metadata: [String: String], sketch: Int? = nil
    ) throws {
        try check(prompts, image: path)
        var contents = Dictionary(
            uniqueKeysWithValues: activations.map { name, value in
                (name, sketch.map { sketched(name, value, projections: $0) } ?? .tensor(value, .float32))
            })
        contents["image"] = .bytes(image.pixels, .uint8, shape: [image.size.height, image.size.width, 3])
        contents.merge(promptContents(prompts)) { $1 }
        var metadata = metadata
        if sketch != nil {
            let header = Sketch.Header(
                seed: Sketch.seed, shapes: Dictionary(uniqueKeysWithValues: activations.map { ($0, $1.shape) }),
                norms: Dictionary(
                    uniqueKeysWithValues: activations.map { name, value in
                        (name, value.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot())
                    }))
            metadata["sketch"] = String(decoding: try JSONEncoder().encode(header), as: UTF8.self)
        }
        metadata["order"] = String(decoding: try JSONEncoder().encode(activations.map(\.name)), as: UTF8.self)
        try writeSafetensors(path, names: contents.keys, metadata: metadata) { name in
            guard let tensor = contents[name] else { preconditionFailure("no activation \(name)") }
            return tensor
        }
    }

    private static func sketched(_ name: String, _ value: Tensor, projections: Int) -> TensorContents {
        let sums = Sketch(of: name, projections: projections)(value.values.map(Double.init))
        return .bytes(sums.withUnsafeBytes { Array($0) }, .float64, shape: [projections])
    }

    private static func promptContents(_ prompts: [Prompt]) -> [String: TensorContents] {
        var contents: [String: TensorContents] = [:]
        let boxes = prompts.compactMap(\.box).flatMap { [$0.x0, $0.y0, $0.x1, $0.y1] }
        if !boxes.isEmpty {
            contents["prompt.boxes"] = .tensor(Tensor(boxes.map(Float.init), shape: [prompts.count, 4]), .float32)
        }
        let points = prompts.flatMap(\.points)
        if !points.isEmpty {
            let places = points.flatMap { [Float($0.position.x), Float($0.position.y)] }
            let labels = points.map { Float($0.isForeground ? 1 : 0) }
            let each = points.count / prompts.count
            contents["prompt.points"] = .tensor(Tensor(places, shape: [prompts.count, each, 2]), .float32)
            contents["prompt.labels"] = .tensor(Tensor(labels, shape: [prompts.count, each]), .float32)
        }
        if let mask = prompts.first?.mask { contents["prompt.mask"] = .tensor(mask, .float32) }
        return contents
    }
}
