import SafeFiles

/// One of several parts of a list of cases, so that several machines share a study without speaking to each other: every
/// `count`th case from the `number`th on. A case stays in its part whichever cases are done.
public struct Part: Hashable, Sendable {
    /// From 1; nil for the number of the task in a Slurm array.
    let number: Int?
    public let count: Int

    /// Reads `3/8`, or `slurm/8`. Nil where the text is neither, or the part is beyond the count.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[1]), count > 0 else { return nil }
        self.count = count
        number = Int(parts[0])
        guard number.map({ (1...count).contains($0) }) ?? (parts[0] == "slurm") else { return nil }
    }

    /// The cases of this part.
    ///
    /// - Parameters:
    ///   - all: all cases, in order.
    ///   - environment: where the number of the task is (`SLURM_ARRAY_TASK_ID`).
    /// - Throws: ``FileError`` `usage` where there is no such number, or it is beyond the count.
    public func callAsFunction<Case>(_ all: [Case], environment: [String: String]) throws(FileError) -> [Case] {
        let variable = "SLURM_ARRAY_TASK_ID"
        guard let number = number ?? environment[variable].flatMap({ Int($0) }), (1...count).contains(number) else {
            throw FileError(
                .usage, file: "--part slurm/\(count)", "\(variable) is no number of a part",
                expected: "1 to \(count)", found: environment[variable] ?? "no such variable",
                advice: "Submit the job with --array=1-\(count).")
        }
        return stride(from: number - 1, to: all.count, by: count).map { all[$0] }
    }

    /// Numbers as `sbatch --array` takes them: `4,7-9`.
    public static func array(_ numbers: some Sequence<Int>) -> String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = ranges.last, number <= last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}
