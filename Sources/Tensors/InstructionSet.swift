import CKernels
import Foundation

/// What the kernels may use of the processor; each set has all of those before it.
///
/// One binary serves every processor: ``current`` is found at the first use. `SWIFT_SAM_CPU` forces a lower one, to
/// test it (OpenBLAS has its own variable for that, `OPENBLAS_CORETYPE`).
public enum InstructionSet: String, CaseIterable, Comparable, Sendable {
    /// What Swift compiles to without knowing the processor: SSE2, or NEON.
    case baseline
    /// AVX2 with FMA: vectors of 8 floats.
    case avx2
    /// AVX-512: vectors of 16 floats.
    case avx512
    /// AVX-512 with dot products of bfloat16.
    case avx512bf16

    public static func < (left: InstructionSet, right: InstructionSet) -> Bool {
        allCases.firstIndex(of: left).unsafelyUnwrapped < allCases.firstIndex(of: right).unsafelyUnwrapped
    }

    /// The most that this processor has.
    public static let supported = allCases[Int(sam_instruction_set())]

    /// Those that this processor has.
    package static var available: [InstructionSet] { allCases.filter { $0 <= supported } }

    /// What kernels use: ``supported``, or less where `SWIFT_SAM_CPU` says so.
    public static let current = requested ?? supported

    /// What `SWIFT_SAM_CPU` asks for, where it is a set that this processor has.
    private static var requested: InstructionSet? {
        guard let name = ProcessInfo.processInfo.environment["SWIFT_SAM_CPU"] else { return nil }
        return available.first { $0.rawValue == name }
    }

    /// What is wrong with `SWIFT_SAM_CPU`, nil where nothing is.
    public static var problem: String? {
        guard let name = ProcessInfo.processInfo.environment["SWIFT_SAM_CPU"], requested == nil else { return nil }
        let names = available.map(\.rawValue).joined(separator: ", ")
        return "SWIFT_SAM_CPU is '\(name)', but this processor has: \(names)."
    }
}
