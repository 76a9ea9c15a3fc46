import Foundation
import SafeFiles
import SegmentAnything
import Tensors

/// A model as the tree of its modules: what each holds, and what it costs. `inspect --json` prints it.
public struct ModelTree: Encodable, Sendable {
    /// A module with all that is below it, or a tensor.
    public struct Row: Encodable, Sendable {
        /// The official path; empty for the whole model.
        public let name: String
        public internal(set) var parameters = 0
        /// Of all the model's parameters.
        public internal(set) var share = 0.0
        /// In the file.
        public internal(set) var bytes = 0
        /// Twice the multiply-adds of products: in the image encoder for one image, elsewhere for one box, without a mask
        /// input. Linear layers of the encoder count the image's tokens, attention those that pad its windows too.
        public internal(set) var flop = 0.0
        /// Nil for a module, as the type and the statistics.
        public let shape: [Int]?
        public let type: String?
        public let statistics: TensorStatistics?

        /// How far below the whole model it is.
        public var depth: Int { name.isEmpty ? 0 : 1 + name.count { $0 == "." } }
    }

    public let model: String
    public let variant: String
    /// Each module before what is in it, in the order of the forward pass; the first row is the whole model.
    public private(set) var rows: [Row] = []

    /// Reads every tensor once.
    public init(_ file: ModelFile) {
        (model, variant) = (file.path, file.configuration.variant)
        let work = ModelWork(file.configuration)
        add("", file.order[...], below: 0, file, work)
        let all = Double(max(rows[0].parameters, 1))
        for index in rows.indices { rows[index].share = Double(rows[index].parameters) / all }
    }

    /// Adds a module and all that is in it.
    ///
    /// - Parameters:
    ///   - names: of the tensors in it.
    ///   - depth: how many components its own name has.
    private mutating func add(
        _ module: String, _ names: ArraySlice<String>, below depth: Int, _ file: ModelFile, _ work: ModelWork
    ) {
        let index = rows.count
        rows.append(Row(name: module, flop: work.ofModule(module), shape: nil, type: nil, statistics: nil))
        var rest = names
        while let first = rest.first {
            let child = first.split(separator: ".").prefix(depth + 1).joined(separator: ".")
            let inside = rest.filter { $0 == child || $0.hasPrefix("\(child).") }
            rest = rest.filter { $0 != child && !$0.hasPrefix("\(child).") }[...]
            let start = rows.count
            if first == child {
                rows.append(Row(tensor: child, file, work))
            } else {
                add(child, inside[...], below: depth + 1, file, work)
            }
            rows[index].parameters += rows[start].parameters
            rows[index].bytes += rows[start].bytes
            rows[index].flop += rows[start].flop
        }
    }
}

extension ModelTree.Row {
    fileprivate init(tensor name: String, _ file: ModelFile, _ work: ModelWork) {
        let (shape, type) = (file.shapes[name] ?? [], file.dataType(name))
        let parameters = shape.reduce(1, *)
        self.init(
            name: name, parameters: parameters, bytes: parameters * type.size,
            flop: 2 * Double(parameters) * work.uses(of: name), shape: shape, type: type.rawValue,
            statistics: TensorStatistics(file.tensor(name)))
    }
}

// MARK: - Arithmetic

/// How often a model's weights are multiplied, and what its attention costs.
private struct ModelWork {
    let configuration: Configuration
    /// Tokens of the decoder: its own five, and a box's two corners.
    private let tokens = 7.0

    private var places: Double { Double(configuration.grid * configuration.grid) }

    init(_ configuration: Configuration) { self.configuration = configuration }

    /// How many rows a weight is multiplied with; 0 for what is only added or looked up.
    func uses(of tensor: String) -> Double {
        if tensor.hasPrefix("image_encoder.") {
            return tensor.hasSuffix(".weight") && !tensor.contains("norm") && !tensor.contains(/neck\.[13]/)
                ? places : 0
        }
        if tensor.hasSuffix("gaussian_matrix") { return places + 2 }
        guard tensor.hasPrefix("mask_decoder."), tensor.hasSuffix(".weight"), !tensor.contains("norm") else { return 0 }
        if tensor.contains("output_upscaling.0") { return places }
        if tensor.contains("output_upscaling.3") { return 4 * places }
        if tensor.contains("_mlps.") || tensor.contains("_head.") { return 1 }
        guard tensor.contains(".transformer.") else { return 0 }
        let isOfQueries = tensor.contains("q_proj") || tensor.contains("out_proj")
        if tensor.contains("image_to_token") { return isOfQueries ? places : tokens }
        return tensor.contains("token_to_image") && !isOfQueries ? places : tokens
    }

    /// What a module multiplies beside its weights: queries with keys and positions, weights with values, and the
    /// hypernetworks' outputs with the up-scaled image.
    func ofModule(_ name: String) -> Double {
        let decoder = configuration.decoder
        if let match = name.wholeMatch(of: /image_encoder\.blocks\.(\d+)\.attn/), let block = Int(match.1) {
            switch configuration.image {
            case .vit(let vit): return vit.attentionFlop(window: vit.windows[block])
            }
        }
        if name.hasSuffix(".self_attn") { return 4 * tokens * tokens * Double(decoder.width) }
        if name.hasSuffix("_token_to_image") || name.hasSuffix("_image_to_token") {
            return 4 * tokens * places * Double(decoder.crossAttentionWidth)
        }
        return name == "mask_decoder"
            ? 2 * Double(DecoderConfiguration.maskCount * decoder.width / 8) * 16 * places : 0
    }
}

// MARK: - For people

extension ModelTree {
    /// The table for people: cells of a head, then of each row, whose name is indented below its module's.
    public var table: [[String]] {
        [
            [
                "module", "shape", "parameters", "share", "FLOPs", "bytes", "mean", "deviation", "min", "max", "zeros",
                "NaN",
            ]
        ]
            + rows.map { row in
                let name = row.name.split(separator: ".").last.map(String.init) ?? variant
                let statistics = row.statistics
                let numbers = [\TensorStatistics.mean, \.deviation, \.minimum, \.maximum].map { path in
                    statistics?[keyPath: path].value.map { String(format: "%.3g", $0) } ?? "-"
                }
                return [
                    String(repeating: "  ", count: row.depth) + name,
                    row.shape.map { $0.map(String.init).joined(separator: "×") } ?? "",
                    "\(row.parameters)", String(format: "%.4f", row.share),
                    row.flop == 0 ? "-" : String(format: "%.3g", row.flop), "\(row.bytes)",
                ] + numbers + [
                    statistics.map { String(format: "%.4f", $0.zeros) } ?? "-",
                    statistics.map { "\($0.notNumbers + $0.infinities)" } ?? "-",
                ]
            }
    }
}
