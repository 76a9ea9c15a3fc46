import Foundation

/// What computes: reports of speed and records of results name it.
public enum Machine {
    /// The processor as the system names it.
    public static var processor: String {
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
        let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
        return model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    }

    /// The instruction set of our kernels, and OpenBLAS's: results are the same to the byte where these are.
    public static var kernels: String { "\(InstructionSet.current.rawValue), OpenBLAS \(blasCore())" }

    /// The most memory that this process has held, in bytes.
    public static var peakMemory: Int {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return usage.ru_maxrss * 1024
    }
}
