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

struct Convert: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Weights as safetensors with the official names, from .pth, safetensors or a folder of them.",
        discussion: "Example: swift-sam convert sam_vit_b_01ec64.pth --dtype float16 -o sam_vit_b.safetensors")

    @Argument(help: "The weights to read.", completion: .file(extensions: ["safetensors", "pth"]))
    var input: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "out.safetensors"))
    var output: String

    @Option(help: "The type to round to. (default: each tensor's own)")
    var dtype: DataType?

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard output.hasSuffix(".safetensors") else {
            throw ValidationError("-o must name a .safetensors file, not \"\(output)\".")
        }
    }

    func run() throws {
        try requireOutputs([output], besides: try checkpointFiles(input))
        let file = try ModelFile(path: input)
        printWarnings(file.warnings)
        let names = file.shapes.keys.sorted()
        for name in names where dtype == .float16 {
            guard let value = file.tensor(name).values.first(where: { $0.isFinite && abs($0) >= 65520 }) else {
                continue
            }
            throw FileError(
                .badData, file: input, place: file.name(of: name), "too large for float16", expected: "below 65520",
                found: "\(value)", advice: "Use --dtype bfloat16, which has the range of float32.")
        }
        try writeSafetensors(output, names: names, metadata: file.checkpoint.metadata) { name in
            // Tensors are held in single precision.
            .tensor(file.tensor(name), dtype ?? (file.dataType(name) == .float64 ? .float32 : file.dataType(name)))
        }
        print("\(output): \(file.configuration.variant), \(dtype?.rawValue ?? "types as they were")")
    }
}
