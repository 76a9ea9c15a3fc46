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
        try requireEnding(".safetensors", "-o", output)
    }

    func run() throws {
        try requireOutputs([output], besides: try checkpointFiles(input))
        let file = try ModelFile(path: input)
        printWarnings(file.warnings)
        let names = file.shapes.keys.sorted()
        // Tensors are held in single precision.
        func written(_ name: String) -> DataType {
            dtype ?? (file.dataType(name) == .float64 ? .float32 : file.dataType(name))
        }
        for name in names where written(name) != file.dataType(name) {
            try requireRange(of: name, in: file, written(name))
        }
        try writeSafetensors(output, names: names, metadata: file.checkpoint.metadata) { name in
            .tensor(file.tensor(name), written(name))
        }
        if let name = file.firstTensorNotFinite() {
            printWarnings([Warning(file: input, "\(name) holds values that are not finite: no model runs with it")])
        }
        let types = Set(names.map { written($0).rawValue }).sorted()
        print("\(output): \(file.configuration.variant), \(types.joined(separator: ", "))")
    }

    /// Throws `badData` where a tensor has a finite value that would be infinite in another type.
    private func requireRange(of name: String, in file: ModelFile, _ type: DataType) throws(FileError) {
        let values = file.checkpoint.doubles(file.name(of: name))
        guard let value = values.first(where: { $0.isFinite && type.isInfinite(rounding: $0) }) else { return }
        throw FileError(
            .badData, file: input, place: file.name(of: name), "too large for \(type)",
            expected: "what is finite in it", found: "\(value)",
            advice: type == .float16 && !DataType.bfloat16.isInfinite(rounding: value)
                ? "Use --dtype bfloat16, which has the range of float32." : nil)
    }
}
