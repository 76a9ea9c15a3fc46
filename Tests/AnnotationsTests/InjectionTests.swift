import Foundation
import TestSupport
import Testing

@testable import Annotations

/// The proof of `annotations check`: slips of every kind, singly and in runs, in boxes that people drew and in synthetic ones.
/// `SWIFT_SAM_INJECTIONS` is the number of each kind; 1,000 are listed in the documentation's measurements.
@Suite struct InjectionTests {
    static let count = ProcessInfo.processInfo.environment["SWIFT_SAM_INJECTIONS"].flatMap { Int($0) } ?? 20
    /// What nobody marks in these volumes.
    static let unmarked: Set<Int> = [3, 4, 6]

    /// At most one false line in a hundred volumes of an organ; a volume here has five.
    @Test func cleanVolumesHaveNothingToLookAt() {
        var (organs, lines) = (0, 0)
        for seed in 0..<max(40, Self.count) {
            var random = SplitMix(seed: UInt64(seed))
            let drawing = Drawing(synthetic: &random)
            let found = drawing.findings().filter { $0.kind != .neverMarked }
            for finding in found { print("false: seed \(seed): \(finding)") }
            organs += drawing.classIDs.count
            lines += found.count
        }
        print("clean: \(lines) false lines of \(organs) organs")
        #expect(100 * lines <= organs)
    }

    @Test(arguments: Slip.allCases) func slipsInSyntheticOrgans(_ slip: Slip) {
        check(slip, in: "synthetic") { Drawing(synthetic: &$0) }
    }

    @Test(.needsSharedData, arguments: Slip.allCases) func slipsInBoxesThatPeopleDrew(_ slip: Slip) throws {
        let crowd = try Drawing(crowd: sharedData + "/crowd/prompts")
        check(slip, in: "crowd") { _ in crowd }
    }

    /// At least 95 of 100 are found; of a few, one miss more is chance.
    private func check(_ slip: Slip, in name: String, _ make: (inout SplitMix) -> Drawing) {
        var (injected, found, seed) = (0, 0, UInt64(0))
        var lines: [BoxFinding.Kind: Int] = [:]
        while injected < Self.count, seed < UInt64(20 * Self.count) {
            var random = SplitMix(seed: seed + 1_000_000)
            seed += 1
            var drawing = make(&random)
            let before = Set(drawing.findings())
            guard let (what, isNamed) = slip.inject(into: &drawing, &random) else { continue }
            injected += 1
            let findings = drawing.findings()
            for finding in Set(findings).subtracting(before) { lines[finding.kind, default: 0] += 1 }
            if findings.contains(where: isNamed) {
                found += 1
            } else {
                let others = findings.filter { $0.kind != .neverMarked }
                print(
                    "missed: \(name), \(slip), seed \(seed - 1): \(what); \(others.map { "\($0.kind) \($0.classID ?? -1) \($0.slices)" })"
                )
            }
        }
        print("\(name), \(slip): \(found) of \(injected), new lines \(lines.map { "\($0.key) \($0.value)" }.sorted())")
        #expect(injected == Self.count)
        #expect(20 * (injected - found - 1) <= injected, "\(name), \(slip): \(found) of \(injected)")
    }
}
