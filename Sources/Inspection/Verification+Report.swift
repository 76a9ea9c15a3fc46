import Foundation

extension Verification {
    /// The table for people: what comes of it first, then one line a stage, and what explains those that fail.
    public var report: [String] {
        let width = (stages.map(\.name.count) + [10]).max() ?? 10
        func row(_ cells: [String]) -> String {
            let widths = [width, 16, 10, 10, 10, 7]
            return zip(cells, widths).enumerated().map { index, cell in
                let space = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
                return index < 2 ? cell.0 + space : space + cell.0
            }.joined(separator: "  ") + "  " + (cells.last ?? "")
        }
        let head = row(["stage", "shape", "cumulative", "isolated", "official", "ratio", "verdict"])
        let lines = stages.flatMap { stage in
            [
                row([
                    stage.name, stage.shape.map(String.init).joined(separator: "×"),
                    stage.cumulative.map { short($0.error) } ?? "",
                    stage.isolated.map { short($0.error) } ?? "", stage.official.map(short) ?? "",
                    stage.ratio.map { String(format: "%.2f", $0) } ?? "", stage.verdict.rawValue,
                ])
            ] + stage.details.map { "    " + $0 }
        }
        return [conclusion] + (stages.isEmpty ? [] : [head]) + lines + rest
    }

    /// The one line that says it all.
    public var conclusion: String {
        if let stage = firstFailure {
            let failing = stages.count { [.fails, .notFinite, .misshapen].contains($0.verdict) }
            let others = failing > 1 ? "; \(failing) stages fail by themselves" : ""
            let why =
                stage.explanations.isEmpty ? "" : ": the reference \(stage.explanations.joined(separator: "; or "))"
            return "FAILS first at \(stage.name) (\(stage.verdict.rawValue))\(why)\(others)"
        }
        let errors = stages.compactMap { stage in stage.cumulative.map { (name: stage.name, error: $0.error) } }
        guard let worst = errors.max(by: { $0.error < $1.error }) else { return "FAILS: no stage could be compared" }
        let follows = stages.count { $0.verdict == .follows }
        let spread =
            follows == 0 ? "" : "; errors of rounding spread beyond the bound in \(follows), but none is made there"
        let all = stages.count == 1 ? "the one stage agrees" : "all \(stages.count) stages agree"
        return
            "\(all), the largest error is \(short(worst.error)) (\(worst.name))\(spread)"
    }

    /// Whether stages were compared, and none is wrong by itself.
    public var passes: Bool { !stages.isEmpty && firstFailure == nil }

    private var rest: [String] {
        [("missing in the reference", missing), ("not a stage's name", additional)].compactMap { text, names in
            names.isEmpty ? nil : "\(text): \(names.joined(separator: ", "))"
        }
    }
}

private func short(_ error: Double) -> String { String(format: "%.1e", error) }

extension Verification.Stage {
    /// What is to be said of one that is off by itself.
    fileprivate var details: [String] {
        guard verdict != .ok, verdict != .follows else { return [] }
        guard let compared = isolated ?? cumulative else { return [remark].compactMap { $0 } }
        var lines: [String] = []
        if compared.notFinite > 0 { lines.append("\(compared.notFinite) of our values are not finite") }
        if compared.referenceNotFinite > 0 {
            lines.append("\(compared.referenceNotFinite) of the reference's values are not finite")
        }
        if let largest = compared.largest {
            lines.append(
                String(
                    format: "largest difference %.3g: ours %.6g, the reference's %.6g, at ", largest.difference,
                    largest.value, largest.reference)
                    + block + largest.place)
        }
        lines += parts.isEmpty ? [] : ["failing parts: \(parts.joined(separator: ", "))"]
        return lines + explanations.map { "the reference \($0)" } + [remark].compactMap { $0 }
    }

    /// The block or the layer of a stage, in words.
    private var block: String {
        name.firstMatch(of: /\.(block|layer)s\.(\d+)/).map { "\($0.1) \($0.2), " } ?? ""
    }
}

extension Verification {
    enum CodingKeys: String, CodingKey {
        case passes, conclusion, stages, missing, additional
    }

    /// The stages, and what comes of them: ``passes`` and the ``conclusion``.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(passes, forKey: .passes)
        try container.encode(conclusion, forKey: .conclusion)
        try container.encode(stages, forKey: .stages)
        try container.encode(missing, forKey: .missing)
        try container.encode(additional, forKey: .additional)
    }
}

extension Installation {
    enum CodingKeys: String, CodingKey {
        case passes, version, processor, cores, checks
        case instructionSets = "instruction_sets"
        case openBLAS = "openblas"
        case memoryBytes = "memory_bytes"
    }

    /// What was checked where, and what comes of it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(passes, forKey: .passes)
        try container.encode(version, forKey: .version)
        try container.encode(processor, forKey: .processor)
        try container.encode(instructionSets, forKey: .instructionSets)
        try container.encode(openBLAS, forKey: .openBLAS)
        try container.encode(cores, forKey: .cores)
        try container.encode(memoryBytes, forKey: .memoryBytes)
        try container.encode(checks, forKey: .checks)
    }

    /// The table for people, what comes of it last.
    public var report: [String] {
        let width = checks.map(\.name.count).max() ?? 0
        let lines = checks.map { check in
            let name = check.name + String(repeating: " ", count: width - check.name.count)
            let share = check.worst.isFinite ? String(format: "%5.2f of the bound", check.worst) : "      differs   "
            return "\(name)  \(share)  \(check.passes ? "ok   " : "FAILS")  \(check.detail)"
        }
        let failing = checks.count { !$0.passes }
        return [
            "swift-sam \(version), \(processor), \(cores) threads, \(memoryBytes >> 20) MiB of memory",
            "kernels \(instructionSets.last ?? ""), \(openBLAS)",
        ] + lines + [
            failing == 0
                ? "this installation computes what it should: \(checks.count) checks"
                : "\(failing) of \(checks.count) checks FAIL: this installation does not compute what it should"
        ]
    }
}
