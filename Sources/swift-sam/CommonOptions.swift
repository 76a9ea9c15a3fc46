import ArgumentParser
import SafeFiles

/// Options of every command.
struct CommonOptions: ParsableArguments {
    @Flag(help: "Print nothing but errors, and what an option such as --json asks for.")
    var quiet = false

    @Option(
        help: ArgumentHelp(
            "Read up to SIZE bytes of one file, such as 8G: where a message says that a file is too large.",
            valueName: "size"),
        transform: parseSize)
    var limit = 0
}

/// A command that does something: it runs under its common options.
protocol CommonCommand: ParsableCommand {
    var common: CommonOptions { get }
}

/// What commands print.
enum Output {
    /// Whether the command that runs prints nothing but errors, and what `--json` asks for.
    @TaskLocal static var isQuiet = false
}

/// A number of bytes; K, M, G and T are powers of 1,024, and a B at the end is ignored.
func parseSize(_ text: String) throws -> Int {
    let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
    var digits = text.uppercased()
    if digits.hasSuffix("B") { digits.removeLast() }
    let shift = digits.last.flatMap { units[$0] }
    guard let number = Int(shift == nil ? digits : String(digits.dropLast())), number > 0,
        case (let bytes, let overflow) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0)), !overflow
    else { throw ValidationError("expected a number of bytes such as 500M or 8G, found \"\(text)\"") }
    return bytes
}
