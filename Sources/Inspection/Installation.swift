import Foundation
import SafeFiles
import SegmentAnything
import Tensors

/// Whether an installation computes what it should: kernels, a model against a shipped reference, and the same bytes on any
/// number of threads.
public struct Installation: Sendable, Encodable {
    /// Of the program that asks, which the report names.
    public var version: String
    public var processor: String
    /// The instruction sets that were checked; the last is what is used.
    public var instructionSets: [String]
    public var openBLAS: String
    public var cores: Int
    public var memoryBytes: UInt64
    public var checks: [Check]

    public var passes: Bool { checks.allSatisfy(\.passes) }

    /// - Parameters:
    ///   - sam: the bundled model.
    ///   - reference: what the official package makes of a picture with it, in double precision.
    ///   - version: of the program that asks.
    ///   - progress: called with the name of each check that begins.
    /// - Throws: ``FileError`` as ``Verification/init(of:against:only:hasMaps:progress:)``.
    public init(
        _ sam: Sam, _ reference: Reference, version: String, progress: @escaping (_ check: String) -> Void = { _ in }
    ) throws {
        self.version = version
        processor = Machine.processor
        instructionSets = InstructionSet.available.map(\.rawValue)
        openBLAS = blasConfiguration()
        cores = Threads.count
        memoryBytes = ProcessInfo.processInfo.physicalMemory
        progress("kernels")
        checks = kernelChecks()
        let verification = try Verification(of: sam, against: reference, progress: progress)
        let worst = verification.stages.map { stage in stage.cumulative.map { $0.error / stage.bound } ?? .infinity }
        let isComplete = verification.missing.isEmpty && verification.additional.isEmpty
        checks.append(
            Check(
                name: "the bundled model against the official package",
                worst: isComplete ? worst.max() ?? .infinity : .infinity,
                detail: "\(verification.stages.count) activations, float64"))
        checks += try Self.threadChecks(sam, reference, progress)
    }

    /// The bytes of the masks' logits on 1, 2 and all threads, and twice.
    private static func threadChecks(
        _ sam: Sam, _ reference: Reference, _ progress: (String) -> Void
    ) throws -> [Check] {
        func bits(threads: Int) throws -> [UInt32] {
            try Threads.with(threads) {
                let encoded = try sam.encode(reference.image, name: reference.path)
                let masks = try sam.predict(reference.prompts, on: encoded)
                return masks.joined().flatMap { $0.lowResLogits.values.map(\.bitPattern) }
            }
        }
        progress("threads")
        let first = try bits(threads: 1)
        return try Set([1, 2, Threads.count]).sorted().map { count in
            Check(
                name: "the same bytes on \(count) thread\(count == 1 ? ", twice" : "s")",
                worst: try bits(threads: count) == first ? 0 : .infinity, detail: "\(first.count) logits")
        }
    }
}
