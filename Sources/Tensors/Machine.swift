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

    /// The time that processors have spent on this process, on all of its threads.
    public static var processorSeconds: Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + 1e-6 * Double($1.tv_usec) }
    }

    /// The most memory that this process has held, in bytes.
    public static var peakMemory: Int {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return usage.ru_maxrss * 1024
    }

    /// The memory that this process holds, in bytes; ``peakMemory`` counts anew from here (where Linux lets it).
    package static func restartPeakMemory() -> Int {
        // Linux: Documentation/filesystems/proc.rst, clear_refs.
        if let file = fopen("/proc/self/clear_refs", "w") {
            fputs("5", file)
            fclose(file)
        }
        return peakMemory
    }
}
