import ArgumentParser
import Foundation
import SafeFiles
import Segmentation
import Synchronization
import Tensors

/// The command `swift-sam`: arguments, progress and printing; the work is done in the modules below.
struct SwiftSam: AsyncParsableCommand {
    // The word before the parser's errors, as before all others.
    // swift-format-ignore: NoLeadingUnderscores
    static var _errorLabel: String { "error" }

    static let configuration = CommandConfiguration(
        commandName: "swift-sam",
        abstract: "The Segment Anything Model on a CPU: masks from boxes and points, label volumes from CT.",
        discussion: """
            Example: swift-sam segment ct.nii.gz --boxes boxes/ --classes class_list.txt -o labels.nii.gz

            Exit codes: 0 done, 1 a check said no, 64 usage, 65 bad data, 66 missing input, 73 cannot create, 74 I/O, \
            75 interrupted: run it again and it goes on.
            """,
        version: version,
        subcommands: [
            Demo.self, Predict.self, Everything.self, Encode.self, Segment.self, Precompute.self, Status.self,
            Slices.self, AnnotationsCommand.self,
            ExportCommand.self,
            Evaluate.self, Summarize.self, Compare.self, Model.self, Convert.self, Activations.self, Inspect.self,
            Verify.self,
            Bench.self,
        ])
}

/// The version of the command, which manifests name.
let version = "0.5.0"

@main
enum Main {
    // On the main thread, since others cannot be had where memory is short.
    @MainActor static func main() async {
        prepareStandardStreams()
        requireMemory()
        Signals.handle()
        requireText()
        requirePlainNames()
        requireNamedOutput()
        var command: (any ParsableCommand)?
        do {
            let parsed = try SwiftSam.parseAsRoot(
                try RepeatOptions.expanding(Array(CommandLine.arguments.dropFirst())))
            command = parsed
            try await run(parsed)
            try finishStandardOutput()
        } catch {
            end(by: error, of: command)
        }
        if let kind = skipped.withLock({ $0 }) { exit(kind.rawValue) }
    }

    /// Prints what went wrong and ends with its exit code.
    private static func end(by error: any Error, of command: (any ParsableCommand)?) -> Never {
        guard let command else {
            if let error = error as? FileError { fail(error.description, error.kind, SwiftSam()) }
            SwiftSam.exit(withError: error)
        }
        switch error {
        case let error as FileError: fail(error.description, error.kind, command)
        case let errors as FileErrors: fail(errors.description, errors.kind, command)
        case let error as ValidationError: fail(error.message, .usage, command)
        case is Interrupted:
            printError(
                (command as? Segment)?.force == true
                    ? "interrupted: with --force the same command computes all again; without it, what is done stays"
                    : "interrupted: the same command goes on where this one was")
            exit(Interrupted.exitCode)
        case is ExitCode:
            // A check that said no has printed why.
            do throws(FileError) { try finishStandardOutput() } catch { fail(error.description, error.kind, command) }
            if let kind = skipped.withLock({ $0 }) { exit(kind.rawValue) }
            SwiftSam.exit(withError: error)
        case _ where SwiftSam.exitCode(for: error) != .failure: SwiftSam.exit(withError: error)
        default: fail(error.localizedDescription, .inputOutput, command)
        }
    }

    private static func fail(_ text: String, _ kind: FileError.Kind, _ command: any ParsableCommand) -> Never {
        printError("error: \(text)")
        if kind == .usage { printError("Usage: \(SwiftSam.usageString(for: type(of: command)))") }
        exit(kind.rawValue)
    }
}

/// Runs a command that was parsed, under the bounds that it asks for.
func run(_ command: any ParsableCommand) async throws {
    let common = (command as? any CommonCommand)?.common
    try await Limit.raising(to: common?.limit ?? 0) {
        try await Output.$isQuiet.withValue(Output.isQuiet || common?.quiet == true) {
            if var command = command as? AsyncParsableCommand {
                try await command.run()
            } else {
                var command = command
                try command.run()
            }
        }
    }
}

// MARK: - Standard streams

/// Opens what the caller closed, so that no output file gets a stream's number, and has a reader that is gone give an
/// error instead of a signal.
private func prepareStandardStreams() {
    signal(SIGPIPE, SIG_IGN)
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
        _ = open("/dev/null", O_RDWR)
    }
}

/// Ends the process where it may not have the memory that any command needs: OpenBLAS and Dispatch would wait for it for
/// ever, at the process's end too.
private func requireMemory() {
    if canHoldBLASMemory() { return }
    printError(
        "error: not enough memory: swift-sam needs \(128 * Threads.count + 64) MiB beside its own (see ulimit -v)")
    _exit(FileError.Kind.inputOutput.rawValue)
}

/// Ends the process where an argument is not UTF-8: a file of another name would be read or written.
private func requireText() {
    for argument in UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc)) {
        guard let argument, String(validatingCString: argument) == nil else { continue }
        printError("error: \(String(cString: argument)): not UTF-8; rename the file (ls -b shows its bytes)")
        exit(FileError.Kind.usage.rawValue)
    }
}

/// Throws `inputOutput` where a result that was printed did not arrive.
func finishStandardOutput() throws(FileError) {
    guard fflush(nil) == 0 else {
        throw FileError(.inputOutput, file: "standard output", "cannot be written", found: systemMessage(errno))
    }
}

/// Ends the process where `-` is to be written by a command that does not write results to standard output.
private func requireNamedOutput() {
    let arguments = CommandLine.arguments.dropFirst().prefix { $0 != "--" }
    let isNamed =
        !arguments.contains { ["-o=-", "--output=-"].contains($0) }
        && zip(arguments, arguments.dropFirst()).allSatisfy { !["-o", "--output"].contains($0) || $1 != "-" }
    if arguments.first == "predict" || isNamed { return }
    printError("error: -o -: only predict writes to standard output; a file or folder of that name is ./-")
    exit(FileError.Kind.usage.rawValue)
}

/// Ends the process where a file is named that the parser would read as options, such as `-h.png`.
private func requirePlainNames() {
    let arguments = CommandLine.arguments.dropFirst().prefix { $0 != "--" }
    for name in arguments where name.count > 2 && name.hasPrefix("-") && !name.hasPrefix("--") {
        guard access(name, F_OK) == 0 else { continue }
        printError("error: \(name): begins as an option does; write ./\(name)")
        exit(FileError.Kind.usage.rawValue)
    }
}

/// Prints lines of results. In place of Swift's own, so that no text of a file reaches a terminal as it is.
func print(_ text: String) {
    if !Output.isQuiet { Swift.print(printableLines(text)) }
}

/// Prints lines on standard error, where they do not mix with results; that nobody can read them stops no work.
func printError(_ text: String) {
    writeError(printableLines(text) + "\n")
}

/// Writes a text as it is on standard error.
func writeError(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// The kind of the first error of something that was left out.
private let skipped = Mutex<FileError.Kind?>(nil)

/// Prints what is wrong with what is left out: the rest goes on, and the command ends with the first error's exit code.
///
/// - Parameter kind: the exit code's, where it is not to be the first error's.
func printSkipped(_ errors: [FileError], as kind: FileError.Kind? = nil) {
    for error in errors { printError("error: \(error)") }
    skipped.withLock { $0 = $0 ?? errors.first.map { kind ?? $0.kind } }
}

/// The result of one of several things; nil where it is to be left out, as by ``printSkipped(_:as:)``.
func skipping<Result>(_ body: () throws(FileError) -> Result) -> Result? {
    do throws(FileError) { return try body() } catch {
        printSkipped([error])
        return nil
    }
}

/// Prints what the person should know, each once.
func printWarnings(_ warnings: [Warning]) {
    for warning in warnings { printNote("warning: \(warning)") }
}

/// Prints lines on standard error that are no errors: a quiet command leaves them out.
func printNote(_ text: String) {
    if !Output.isQuiet { printError(text) }
}

/// Prints a value as one JSON object, or as one line of JSON.
func printJSON(_ value: some Encodable, isLine: Bool = false) throws {
    try finishStandardOutput()
    // Not by print, whose errors are seen only at its last flush.
    try writeStandardOutput(try encodedJSON(value, isLine: isLine))
}

/// A cell of a table, its beginning at the column's; one that is too long moves what follows.
func leftAligned(_ text: String, _ width: Int) -> String {
    text.padding(toLength: max(width, text.count + 1), withPad: " ", startingAt: 0)
}

/// A cell of a table, its end at the column's.
func rightAligned(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

/// Prints rows of cells, the first one the columns' heads; columns of numbers end at one place, others begin at one.
func printTable(_ rows: [[String]]) {
    let rows = rows.map { $0.map { printable($0) } }
    let columns = (rows.first ?? []).indices.map { column in
        let cells = rows.map(\.[column])
        let isNumeric = cells.dropFirst().allSatisfy { $0 == "-" || Double($0) != nil }
        return (width: cells.map(\.count).max() ?? 0, isNumeric: isNumeric && column > 0)
    }
    for row in rows {
        let cells = zip(row, columns).map { cell, column in
            let space = String(repeating: " ", count: column.width - cell.count)
            return column.isNumeric ? space + cell : cell + space
        }
        let line = cells.joined(separator: "  ")
        print(String(line.reversed().drop { $0 == " " }.reversed()))
    }
}
