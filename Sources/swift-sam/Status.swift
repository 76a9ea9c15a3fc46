import Annotations
import ArgumentParser
import Foundation
import SafeFiles
import Segmentation

struct Status: AsyncParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Which volumes of a study are done, stale, missing, claimed or failed.",
        discussion: """
            Example: swift-sam status ct/ --boxes boxes/ --classes class_list.txt -o 'labels/{case}.nii.gz'

            Takes the arguments of segment, and says what segment would do with them: nothing is written. With --log it knows \
            which volumes failed. The last line is for sbatch: --array lists the parts, with --part, or else the volumes \
            that have something to do.
            """)

    @OptionGroup var segment: Segment

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Compute N slices of finished volumes again, and compare the pixels.", valueName: "N"))
    var verify: Int?

    var common: CommonOptions { segment.common }

    mutating func validate() throws {
        guard verify ?? 1 > 0 else { throw ValidationError("--verify must be at least 1.") }
    }

    func run() async throws {
        let study = try await segment.open()
        let failures = segment.shared.log.map { RunLog($0).last } ?? [:]
        var (status, done) = (StudyStatus(), [(volume: AnnotatedVolume, slice: Int)]())
        for volume in study.volumes {
            let labels = segment.outputs(volume.file).labels
            let plan: Result<VolumePlan, FileError>
            do { plan = .success(try await segment.plan(volume, study.settings)) } catch let error as FileError {
                plan = .failure(error)
            }
            status.add(volume, plan, failure: failures[volume.file.name]?.failure, labels: labels)
            if case .success(let plan) = plan, let manifest = plan.manifest {
                // Of slices that --update kept there may be no boxes any more.
                done += manifest.ownSlices.map { (volume, $0) }
            }
        }
        for (file, error) in study.unreadable { status.add(failed: file, error) }
        for file in study.withoutBoxes {
            do throws(FileError) {
                try segment.requireNoLabels(of: file)
            } catch {
                status.add(failed: file, error)
            }
        }
        status.withoutBoxes = study.withoutBoxes.map(\.name)
        status.setArray(cases: study.cases, parts: segment.shared.part?.count)
        if !segment.json { status.printTable() }
        if let verify { status.verified = try self.verify(done.shuffled().prefix(verify), study.settings) }
        if segment.json { try printJSON(status) }
        guard let verified = status.verified else { return }
        if !segment.json { print("computed again: \(verified.slices) slices, of which \(verified.differ) differ") }
        if verified.differ > 0 { throw ExitCode(1) }
    }

    private func verify(
        _ slices: some Sequence<(volume: AnnotatedVolume, slice: Int)>, _ settings: SegmentationSettings
    ) throws -> StudyStatus.Verified {
        var verified = StudyStatus.Verified()
        for (name, group) in Dictionary(grouping: slices, by: \.volume.file.name).sorted(by: { $0.key < $1.key }) {
            let labels = segment.outputs(group[0].volume.file).labels
            let run = try SegmentationRun(group[0].volume, settings)
            for (slice, pixels) in try run.differences(group.map(\.slice).sorted(), from: labels) {
                verified.slices += 1
                guard pixels > 0 else { continue }
                verified.differ += 1
                printError("\(name), slice \(slice): \(pixels) pixels come out otherwise")
            }
        }
        return verified
    }
}

extension StudyStatus {
    fileprivate func printTable() {
        print("state    to do  volume (slices to do)")
        for row in volumes {
            let why = row.why.isEmpty ? "" : ": \(row.why)"
            print(leftAligned(row.state.rawValue, 9) + rightAligned("\(row.slices)", 5) + "  \(row.case)\(why)")
        }
        print(State.allCases.map { "\(count($0)) \($0.rawValue)" }.joined(separator: ", "))
        if let secondsLeft, secondsLeft > 0 { print("about \(duration(secondsLeft)) left in one process") }
        if !withoutBoxes.isEmpty { print("without boxes: \(listed(withoutBoxes))") }
        if !array.isEmpty { print("to do: --array=\(array)") }
    }
}
