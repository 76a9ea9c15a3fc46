import ArgumentParser
import Checkpoints
import Foundation
import SafeFiles
import SegmentAnything
import Segmentation
import Tensors

/// Options of every command that runs the model.
struct ModelOptions: ParsableArguments {
    @Option(
        help:
            "The weights: safetensors or .pth, by official or Hugging Face names, or a folder of these. Without it $SWIFT_SAM_MODEL, else the bundled model.",
        completion: .file(extensions: ["safetensors", "pth", "pt", "bin", "ckpt", "json"]))
    var model: String?

    @Option(
        parsing: .unconditional,
        help: "How many threads to use; the result does not depend on it. (default: what the process may use)")
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Numbers of the encoder's products; bfloat16 changes masks by a few pixels, and is about twice as fast on "
                + "processors that multiply it (AVX-512 BF16)."))
    var precision = Precision.float32

    mutating func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads must be at least 1, not \(threads).") }
        if let problem = InstructionSet.problem { throw ValidationError(problem) }
    }

    /// The files that opening the model reads.
    func reads() throws(FileError) -> [String] { try checkpointFiles(try modelPath(model)) }

    /// Applies the options and opens the model; warns where its weights are for another recipe than is meant.
    func open(for recipe: Recipe? = nil) throws -> Sam {
        if let threads { Threads.setProcessCount(threads) }
        if precision == .bfloat16, InstructionSet.current < .avx512bf16 {
            printNote(
                "warning: --precision bfloat16: with \(InstructionSet.current.rawValue) instructions the rounded numbers are "
                    + "multiplied as floats, which is slower than float32")
        }
        let sam = try Sam(path: try modelPath(model), precision: precision)
        printWarnings(sam.file.warnings)
        // Of a file of an official one's size this takes its digest: not for nobody.
        if let recipe, !Output.isQuiet { printWarnings(try recipe.warnings(about: sam)) }
        return sam
    }
}

extension Precision: ExpressibleByArgument {}
extension Recipe: ExpressibleByArgument {}

extension Recipe {
    /// Says where weights are known to be of another kind than the recipe is for: the bundled ones, and official files.
    func warnings(about sam: Sam) throws(FileError) -> [Warning] {
        let isBundled = sam.path == (try? bundledPath(bundledModel))
        let known = isBundled ? Recipe.sam.weights : try sam.file.knownWeights(otherThan: weights)?.kind
        guard let kind = known, kind != weights else { return [] }
        let own =
            Recipe.allCases.first { $0.weights == kind }.map { ": --recipe \($0.name) is their own inference" } ?? ""
        return [Warning(file: sam.path, "--recipe \(name) is for \(weights)'s weights, and these are \(kind)'s\(own)")]
    }
}

/// The weights that a command uses: what is given, else `$SWIFT_SAM_MODEL`, else the bundled ones.
func modelPath(_ given: String?) throws(FileError) -> String {
    if let given { return given }
    if let path = ProcessInfo.processInfo.environment["SWIFT_SAM_MODEL"], !path.isEmpty {
        guard FileManager.default.fileExists(atPath: path) else {
            throw FileError(
                .missingInput, file: path, "not there",
                advice: "$SWIFT_SAM_MODEL names it: set it anew, or name a model in its place.")
        }
        return path
    }
    do throws(FileError) { return try bundledPath(bundledModel) } catch {
        var error = error
        error.advice = "Name a model's file, or set $SWIFT_SAM_MODEL."
        throw error
    }
}

let bundledModel = "swift-sam-small.safetensors"

/// Where something that ships with swift-sam is: in `share/swift-sam/` beside the executable's folder, else in `weights/`
/// of the checkout in which the executable was built. The working folder is never searched.
func bundledPath(_ name: String) throws(FileError) -> String {
    let executable = Bundle.main.executableURL?.resolvingSymlinksInPath()
    var candidates: [URL] = []
    if let folder = executable?.deletingLastPathComponent() {
        candidates.append(folder.appending(path: "../share/swift-sam/\(name)").standardized)
        // A build is in CHECKOUT/.build/TRIPLE/CONFIGURATION, or in another folder whose name begins with .build.
        var ancestor = folder
        while ancestor.path().count > 1, !ancestor.lastPathComponent.hasPrefix(".build") {
            ancestor.deleteLastPathComponent()
        }
        candidates.append(ancestor.deletingLastPathComponent().appending(path: "weights/\(name)"))
    }
    let paths = candidates.map { $0.path(percentEncoded: false) }
    if let path = paths.first(where: { FileManager.default.fileExists(atPath: $0) }) { return path }
    throw FileError(
        .missingInput, file: paths.first ?? name, "not with the executable",
        advice: "Keep swift-sam in bin and what ships with it in share/swift-sam beside, or run it where it was built.")
}
