import ArgumentParser
import Files
import Foundation

/// The command `swift-sam`: arguments, progress and printing; the work is done in the modules below.
struct SwiftSam: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swift-sam",
        abstract: "The Segment Anything Model on a CPU: masks from boxes and points, label volumes from CT.",
        discussion: """
            Example: swift-sam segment ct.nii.gz --boxes boxes/ --classes class_list.txt -o labels.nii.gz

            Exit codes: 0 done, 1 a check said no, 64 usage, 65 bad data, 66 missing input, 73 cannot create, 74 I/O.
            """,
        version: version,
        subcommands: [
            Predict.self, Segment.self, Slices.self, Evaluate.self, Summarize.self, Compare.self, Model.self,
            Convert.self,
            Activations.self, Bench.self,
        ])
}

/// The version of the command, which manifests name.
let version = "0.1.0"

@main
enum Main {
    static func main() async {
        do {
            var command = try SwiftSam.parseAsRoot()
            if var command = command as? AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as FileError {
            fail(error.description, error.kind)
        } catch let errors as FileErrors {
            fail(errors.description, errors.kind)
        } catch {
            SwiftSam.exit(withError: error)
        }
    }

    private static func fail(_ description: String, _ kind: FileError.Kind) -> Never {
        printError("error: \(description)")
        exit(kind.rawValue)
    }
}

/// Prints a line on standard error, where it does not mix with results.
func printError(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}

/// Prints what the person should know, each once.
func printWarnings(_ warnings: [Warning]) {
    for warning in warnings { printError("warning: \(warning)") }
}

/// Prints a value as one JSON object.
func printJSON(_ value: some Encodable) throws {
    FileHandle.standardOutput.write(try encodedJSON(value))
}

/// A value as one JSON object, its keys in order, with a line feed at the end.
func encodedJSON(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value) + Data("\n".utf8)
}
