import ArgumentParser
import Checkpoints
import SafeFiles
import SegmentAnything

extension DataType: ExpressibleByArgument {
    /// The types that weights may be converted to, by the names that people know.
    public init?(argument: String) {
        switch argument {
        case "float32": self = .float32
        case "float16": self = .float16
        case "bfloat16": self = .bfloat16
        default: return nil
        }
    }

    public static var allValueStrings: [String] { ["float32", "float16", "bfloat16"] }
}

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Weights as safetensors with the official names, from .pth or safetensors.",
        discussion: "Example: swift-sam convert sam_vit_b_01ec64.pth --dtype float16 -o sam_vit_b.safetensors")

    @Argument(help: "The weights to read.", completion: .file(extensions: ["safetensors", "pth"]))
    var input: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "out.safetensors"))
    var output: String

    @Option(help: "The type to round to. (default: each tensor's own)")
    var dtype: DataType?

    mutating func validate() throws {
        guard output.hasSuffix(".safetensors") else {
            throw ValidationError("-o must name a .safetensors file, not \"\(output)\".")
        }
    }

    func run() throws {
        try requireOutputs([output], besides: [input])
        let (checkpoint, names, configuration) = try openModel(input)
        func entry(_ official: String) -> (name: String, type: DataType) {
            guard let name = names[official], let entry = checkpoint.entries[name] else {
                preconditionFailure("no tensor \(official)")
            }
            return (name, dtype ?? entry.dataType)
        }
        if dtype == .float16 {
            for name in configuration.tensors.keys.sorted() {
                let source = entry(name).name
                if let value = checkpoint.tensor(source).values.first(where: { $0.isFinite && abs($0) >= 65520 }) {
                    throw FileError(
                        .badData, file: input, place: source, "too large for float16", expected: "below 65520",
                        found: "\(value)", advice: "Use --dtype bfloat16, which has the range of float32.")
                }
            }
        }
        try writeSafetensors(output, names: configuration.tensors.keys, metadata: checkpoint.metadata) { official in
            let (name, type) = entry(official)
            return .tensor(checkpoint.tensor(name), type)
        }
        print("\(output): \(configuration.variant), \(dtype?.rawValue ?? "types as they were")")
    }
}
