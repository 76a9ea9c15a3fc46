import ArgumentParser
import SafeFiles
import Segmentation

/// A run that is repeated.
struct RepeatOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Repeat the run of a manifest: its volume, boxes, weights and options, all of which must be what they were. Only where the "
                + "labels go and how fast can be given besides.",
            valueName: "labels.json"),
        completion: .file(extensions: ["json"]))
    var fromManifest: String?

    private static let name = "--from-manifest"

    /// Arguments with those of a manifest in front of them, so that theirs count.
    static func expanding(_ arguments: [String]) throws(FileError) -> [String] {
        guard let command = arguments.first, ["segment", "status"].contains(command),
            let place = arguments.firstIndex(where: { $0 == name || $0.hasPrefix(name + "=") })
        else { return arguments }
        let isJoined = arguments[place] != name
        guard isJoined || place + 1 < arguments.count else { return arguments }
        let path = isJoined ? String(arguments[place].dropFirst(name.count + 1)) : arguments[place + 1]
        return [command] + (try Manifest(contentsOf: path).arguments(at: path)) + arguments.dropFirst()
    }

    /// The manifest, unless its own labels are made again.
    func reads(labels: String) throws(FileError) -> [String] {
        guard let fromManifest else { return [] }
        return try Manifest(contentsOf: fromManifest).labels(at: fromManifest) == labels ? [] : [fromManifest]
    }

    /// Checks that the volume is labelled as the manifest's was.
    func check(_ volumes: [AnnotatedVolume], _ settings: SegmentationSettings) async throws {
        guard let fromManifest, let volume = volumes.first else { return }
        let manifest = try Manifest(contentsOf: fromManifest)
        try await manifest.requireRepeated(by: volume, settings, manifest: fromManifest)
        printWarnings(manifest.warningsOfOthers(version: settings.version, file: fromManifest))
    }
}
