import Foundation
import Imaging
import PictureFiles
import SafeFiles
import Segmentation

extension Segment {
    func run() async throws {
        // First of all: reading many boxes takes a while too.
        let stop = Signals.askToStop()
        let study = try await open()
        var settings = study.settings
        let part = Set(try chosen(study.cases, by: shared.part))
        let volumes = study.volumes.filter { part.contains($0.file.name) }
        settings.cache = try await cache.open(weights: settings.weightsDigest)
        settings.stop = stop
        try requireOutputs(volumes.flatMap { outputs($0.file).all } + [shared.log].compactMap { $0 }, besides: [])
        var manifests: [String: Manifest] = [:]
        var work = SharedWork(log: shared.log, claims: shared.claim, isAlone: study.isOfOneVolume)
        for (file, error) in study.unreadable where part.contains(file.name) {
            try await work.attempt(file) { _ in throw error }
        }
        for file in study.withoutBoxes where part.contains(file.name) {
            try await work.attempt(file) { _ in
                try requireNoLabels(of: file)
                return nil
            }
        }
        var plans: [VolumePlan] = []
        for volume in volumes {
            try stop.check()
            let outputs = outputs(volume.file)
            // With claims, another machine may be writing what looks left over: whoever has the claim may end it.
            let isLeft = shared.claim && hasInterrupted(labels: outputs.labels, outputs: outputs.others)
            try await work.attempt(volume.file, claiming: isLeft ? outputs.labels : nil) { claim in
                if claim != nil || !shared.claim {
                    recoverInterrupted(labels: outputs.labels, outputs: outputs.others)
                }
                let plan = try await plan(volume, settings)
                if plan.isDone {
                    manifests[volume.file.name] = plan.manifest
                    try drawAgain(plan, settings)
                    if !json, filling.fillReport { plan.manifest?.printFillReport() }
                } else {
                    plans.append(plan)
                }
                return nil
            }
        }
        if plans.count < volumes.count || volumes.isEmpty {
            printNote("\(plans.count) of \(volumes.count) to do")
        }
        var run = RunProgress(counts: plans.map(\.sliceCount))
        for plan in plans {
            try stop.check()
            let volume = plan.annotated
            let outputs = outputs(volume.file)
            let title = "\(volume.file.path)\(run.next()): slices"
            try await work.attempt(volume.file, slices: plan.sliceCount, claiming: outputs.labels) { claim in
                // Another process may have done it since, or been killed over it.
                if claim != nil { recoverInterrupted(labels: outputs.labels, outputs: outputs.others) }
                let plan = claim == nil ? plan : try await self.plan(volume, settings)
                if let manifest = plan.manifest {
                    manifests[volume.file.name] = manifest
                    return nil
                }
                manifests[volume.file.name] = try await label(plan, settings, title: title, claim)
                return .done
            }
            printWarnings(settings.cache?.takeWarnings() ?? [])
        }
        if json {
            // All others have labels or failed.
            let failures = work.failures
            let claimed = volumes.map(\.file).filter { manifests[$0.name] == nil && failures[$0.path] == nil }
            try study.isOfOneVolume
                ? printJSON(manifests.first?.value)
                : printJSON(
                    Report(
                        volumes: manifests, failed: failures, claimed: claimed.map(\.name),
                        withoutBoxes: study.withoutBoxes.map(\.name).filter(part.contains)))
        }
        try work.finish(slicing.volume)
    }

    /// Several volumes in JSON.
    private struct Report: Encodable {
        /// By their names.
        let volumes: [String: Manifest]
        /// What others failed by, by their paths.
        let failed: [String: String]
        /// The names of volumes that other processes work on.
        let claimed: [String]
        /// The names of volumes that the run has no boxes of.
        let withoutBoxes: [String]

        enum CodingKeys: String, CodingKey {
            case volumes, failed, claimed
            case withoutBoxes = "without_boxes"
        }
    }

    func plan(_ volume: AnnotatedVolume, _ settings: SegmentationSettings) async throws -> VolumePlan {
        let outputs = outputs(volume.file)
        return try await VolumePlan(
            volume, settings, labels: outputs.labels, outputs: outputs.others,
            mode: mode, replacesEdited: replaceEdited)
    }

    /// Throws where a volume without boxes has labels that this call would have made; see
    /// ``VolumePlan/requireNoLabels(at:boxes:annotator:mode:)``.
    func requireNoLabels(of file: VolumeFile) throws(FileError) {
        try VolumePlan.requireNoLabels(
            at: outputs(file).labels, boxes: boxes.boxes, annotator: annotator, mode: mode)
    }

    /// Draws the slices that are asked for of labels that are done: the picture that is there may show others.
    private func drawAgain(_ plan: VolumePlan, _ settings: SegmentationSettings) throws {
        guard let preview, !previewSlices.isEmpty, let manifest = plan.manifest else { return }
        let file = plan.annotated.file
        let run = try SegmentationRun(plan.annotated, settings)
        try writePNG(
            file.path(of: preview), run.picture(of: outputs(file).labels, manifest, slices: previewSlices))
        if !json { print("wrote \(file.path(of: preview))") }
    }

    /// Labels one volume and writes what comes of it.
    private func label(
        _ plan: VolumePlan, _ settings: SegmentationSettings, title: String, _ claim: VolumeClaim?
    ) async throws -> Manifest {
        let outputs = outputs(plan.annotated.file)
        let run = try SegmentationRun(plan.annotated, settings, from: plan.earlier)
        printWarnings(run.warnings)
        let progress = Progress(title, total: run.sliceCount)
        let result = try await run { done in
            progress.update(done)
            claim?.renew(labels: outputs.labels)
        }
        let manifest = try result.write(
            to: outputs.labels, naming: absolutePaths ? .absolute : .relative, replacesEdited: replaceEdited)
        if !json {
            if output.contains(VolumeFile.placeholder) { print("\(plan.annotated.file.path):") }
            manifest.printSummary(settings.classes, hasPicture: preview != nil)
        }
        printWarnings(
            result.warnings(file: outputs.labels)
                + settings.sam.warnings(
                    aboutScores: manifest.boxes.map(\.score), of: outputs.labels,
                    places: manifest.boxes.map {
                        "\(settings.classes.name(ofClass: $0.classID)) on slice \($0.slice)"
                    }))
        if let preview {
            let picture = plan.annotated.file.path(of: preview)
            // An earlier one would count as these labels' where theirs cannot be written.
            unlink(try destination(of: picture))
            try writePNG(picture, result.picture(slices: previewSlices))
        }
        if !json { print("wrote \(outputs.all.joined(separator: ", "))") }
        return manifest
    }
}
