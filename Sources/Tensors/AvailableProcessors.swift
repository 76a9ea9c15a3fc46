import Foundation

/// How many processors this process may use, which may be fewer than the machine has: by its affinity, by the quotas of its
/// control groups (containers, batch systems), and by what Slurm gave the task (`SLURM_CPUS_PER_TASK`).
enum AvailableProcessors {
    static let count = count(
        affinity: affinity(status: text("/proc/self/status")) ?? ProcessInfo.processInfo.activeProcessorCount,
        quota: quota(groups: text("/proc/self/cgroup")),
        slurm: ProcessInfo.processInfo.environment["SLURM_CPUS_PER_TASK"])

    /// The least of all, a part of a processor counted as one.
    static func count(affinity: Int, quota: Double?, slurm: String?) -> Int {
        let asked = slurm.flatMap { Int($0) } ?? 0
        return max(1, min(affinity, quota.map { Int($0.rounded(.up)) } ?? .max, asked > 0 ? asked : .max))
    }

    /// The processors that a process may run on, by the text of `/proc/self/status`: `Cpus_allowed:` and hexadecimal digits.
    static func affinity(status: String) -> Int? {
        let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
        let count = line?.split(separator: ":").last?.reduce(0) { $0 + ($1.hexDigitValue ?? 0).nonzeroBitCount }
        return count.flatMap { $0 > 0 ? $0 : nil }
    }

    /// The processors' time that the control groups allow, those above the process's own too; nil for no bound.
    ///
    /// - Parameters:
    ///   - groups: what `/proc/self/cgroup` holds: a line `0::/PATH` (version 2) or `N:cpu,cpuacct:/PATH` (version 1).
    ///   - root: where the groups are mounted.
    static func quota(groups: String, root: String = "/sys/fs/cgroup") -> Double? {
        groups.split(separator: "\n").compactMap { line -> Double? in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return nil }
            let isSecond = parts[0] == "0" && parts[1].isEmpty
            guard isSecond || parts[1].split(separator: ",").contains("cpu") else { return nil }
            let mount = isSecond ? root : root + "/cpu"
            let names = parts[2].split(separator: "/")
            // In a container the path may be the host's; its own group is then at the root.
            return (0...names.count).compactMap { depth in
                let folder = ([mount] + names.prefix(depth).map(String.init)).joined(separator: "/")
                return isSecond
                    ? quota(numbers(folder + "/cpu.max"))
                    : quota(numbers(folder + "/cpu.cfs_quota_us") + numbers(folder + "/cpu.cfs_period_us"))
            }.min()
        }.min()
    }

    /// Of a quota and its period; without a bound the quota is −1 or no number.
    private static func quota(_ numbers: [Double?]) -> Double? {
        guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0 else {
            return nil
        }
        return quota / period
    }

    private static func numbers(_ path: String) -> [Double?] { text(path).split { $0.isWhitespace }.map { Double($0) } }

    private static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}
