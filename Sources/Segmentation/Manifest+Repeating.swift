import Annotations
import Foundation
import Imaging
import SafeFiles

extension Manifest {
    /// Reads a manifest whose run is to be repeated.
    ///
    /// - Throws: ``FileError`` `missingInput`; `badData` where it is none, is of a version before 0.5, or has slices of several runs.
    public init(contentsOf path: String) throws(FileError) {
        let data = try readFile(path, limit: .record)
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: data), manifest.output != nil else {
            throw FileError(
                .badData, file: path, "not a manifest of labels", expected: "the labels.json that segment writes")
        }
        guard manifest.reading != nil else {
            throw FileError(
                .badData, file: path, "does not say how its boxes were read",
                expected: "a manifest of 0.5 or later", found: "version \(manifest.version)")
        }
        if let kept = manifest.kept {
            throw FileError(
                .badData, file: path, "is of several runs, by --update",
                found: "\(kept.reduce(0) { $0 + $1.slices.count }) slices of earlier ones",
                advice: "Repeat it with all boxes.")
        }
        self = manifest
    }

    /// The path of the labels.
    ///
    /// - Parameter path: the manifest's own.
    public func labels(at path: String) -> String? { output.map { FileNaming.path(named: $0.path, in: path) } }

    /// The arguments of `segment` that made the labels; what differs comes after them.
    ///
    /// - Parameter path: the manifest's own, from which it names files.
    public func arguments(at path: String) -> [String] {
        func file(_ name: String) -> String { FileNaming.path(named: name, in: path) }
        // Joined, since a value of its own that began with - would be an option.
        func option(_ name: String, _ value: String?) -> [String] { value.map { ["\(name)=\($0)"] } ?? [] }
        func flag(_ name: String, _ isOn: Bool?) -> [String] { isOn == true ? [name] : [] }
        let volume = file(input.path)
        var arguments = [volume.hasPrefix("-") ? "./" + volume : volume]
        arguments += option("--boxes", file(boxFiles.path)) + option("--record", record.map { file($0.path) })
        arguments += option("--classes", classes.map { file($0.path) }) + option("--annotator", annotator)
        arguments += option("--stem", reading?.case) + option("--pattern", reading?.pattern)
        arguments += option("--slices", reading?.slices.map { $0.map(String.init).joined(separator: "-") })
        arguments += option("--tasks", (reading?.tasks).map { file($0.path) })
        arguments += option("--empty-means", reading?.emptyFile.rawValue) + flag("--skip-bad", reading?.skipsBad)
        let labels = options.labels.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }
            .map { "\($0.key)=\($0.value.map { "\($0)" } ?? "-")" }
        arguments += option("--labels", labels.isEmpty ? nil : labels.joined(separator: ","))
        arguments += option("--model", file(weights.path)) + option("--recipe", options.recipe.name)
        arguments += option("--precision", options.precision.rawValue)
        arguments += option("--axis", options.axis.rawValue) + option("--view", options.view.rawValue)
        arguments += option("--intensity", options.intensity.description)
        arguments += flag("--single-mask", options.singleMask && !options.recipe.takesSingleMask(false))
        if let filling = options.filling {
            let ways = [filling.between?.rawValue, filling.ends ? "ends" : nil].compactMap { $0 }
            arguments += option("--fill", ways.isEmpty ? nil : ways.joined(separator: ","))
            arguments += option("--fill-gap", "\(filling.longestGap)") + flag("--fill-report", filling.reports)
        }
        arguments += flag("--absolute-paths", output?.path.hasPrefix("/"))
        return arguments + option("--output", self.labels(at: path))
    }

    /// Checks that a run repeats the one that this manifest is of.
    ///
    /// - Parameter path: the manifest's own.
    /// - Throws: ``FileError`` `badData` where a source or an option is another now; `usage` where other boxes are chosen; as of
    ///   reading the sources.
    public func requireRepeated(
        by annotated: AnnotatedVolume, _ settings: SegmentationSettings, manifest path: String
    ) async throws {
        var known = reading
        known?.tasks = annotated.reading.tasks
        guard known == annotated.reading else {
            throw FileError(
                .usage, file: path, "cannot be repeated with boxes that are chosen in another way",
                advice: "Leave out --slices, --stem, --pattern, --empty-means and --skip-bad.")
        }
        var changes = try await changes(annotated, settings).all
        if reading?.tasks?.sha256 != annotated.reading.tasks?.sha256 { changes.append("the tasks changed") }
        guard changes.isEmpty else {
            throw FileError(
                .badData, file: path, "cannot be repeated", found: changes.joined(separator: "; "),
                advice: "Put back what it was made from, or label the volume anew without --from-manifest.")
        }
    }

    /// What the person should know where others computed: only the same kernels promise the same bytes.
    public func warningsOfOthers(version: String, file: String) -> [Warning] {
        guard isForeign(to: version) else { return [] }
        return [
            Warning(
                file: file,
                "made by version \(self.version) on \(kernels.instructionSet) and \(kernels.openBLAS): a few pixels may differ"
            )
        ]
    }
}
