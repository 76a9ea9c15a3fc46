import Foundation
import SafeFiles
import Synchronization

/// How far long work has come, on standard error: a line that renews itself, with the time left, on a terminal;
/// elsewhere a line every half minute and one at the end.
final class Progress: Sendable {
    /// What is being done, such as "ct.nii.gz: encoding slices".
    let title: String
    let total: Int
    let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    /// The time between lines where there is no terminal.
    private let interval: Duration
    private let start = ContinuousClock.now
    /// When; nil where the end has been told.
    private let lastLine: Mutex<ContinuousClock.Instant?> = Mutex(.now)
    private let write: @Sendable (String) -> Void

    init(
        _ title: String, total: Int, isQuiet: Bool = false, interval: Duration = .seconds(30),
        write: @escaping @Sendable (String) -> Void = writeError
    ) {
        self.title = printable(title)
        self.total = total
        self.isQuiet = isQuiet || Output.isQuiet
        (self.interval, self.write) = (interval, write)
        // Not silent until the first is done, which may take minutes.
        if isTerminal, total > 0 { update(0) }
    }

    /// Reports that `done` of all are done.
    func update(_ done: Int) {
        if isQuiet { return }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        if done == total {
            let isTold = lastLine.withLock { last in
                defer { last = nil }
                return last == nil
            }
            if isTold { return }
            let end = "\(title): \(total) in \(duration(elapsed))"
            write(isTerminal ? "\r\u{1B}[K\(end)\n" : end + "\n")
            return
        }
        let left = done == 0 ? "" : ", \(duration(elapsed / Double(done) * Double(total - done))) left"
        let line = "\(title): \(done)/\(total)\(left)"
        if isTerminal {
            write("\r\u{1B}[K\(line)")
        } else if isDue {
            write(line + "\n")
        }
    }

    /// Clears the line on a terminal, so that something else can be printed there.
    func clear() {
        if isTerminal, !isQuiet { write("\r\u{1B}[K") }
    }

    /// Whether the last line is long enough ago for another.
    private var isDue: Bool {
        lastLine.withLock { last in
            guard let before = last, ContinuousClock.now - before >= interval else { return false }
            last = .now
            return true
        }
    }
}

/// How far a run of several volumes or pictures has come.
struct RunProgress {
    /// The work of each volume.
    let counts: [Int]
    private var index = 0
    private let start = ContinuousClock.now

    init(counts: [Int]) { self.counts = counts }

    /// Which of several volumes comes next, and how long all that are left may take by the work that is done.
    mutating func next() -> String {
        defer { index += 1 }
        guard counts.count > 1 else { return "" }
        let (done, left) = (counts[..<index].reduce(0, +), counts[index...].reduce(0, +))
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let rest = done > 0 ? ", \(duration(seconds / Double(done) * Double(left))) left in all" : ""
        return " (\(index + 1) of \(counts.count)\(rest))"
    }
}

/// Seconds as people read them: "0.8 s", "42 s", "3 min 20 s", "2 h 05 min".
func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    switch seconds {
    case ..<10: return String(format: "%.1f s", seconds)
    case ..<60: return "\(whole) s"
    case ..<3600: return "\(whole / 60) min \(twoDigits(whole % 60)) s"
    default: return "\(whole / 3600) h \(twoDigits(whole % 3600 / 60)) min"
    }
}

/// Runs `body`, and gives its result and the seconds it took.
func timed<Result>(_ body: () throws -> Result) rethrows -> (result: Result, seconds: Double) {
    let start = ContinuousClock.now
    let result = try body()
    return (result, (ContinuousClock.now - start) / .seconds(1))
}

/// The stage that is under way, on a terminal's last line.
struct Stages {
    private let isShown = isatty(STDERR_FILENO) == 1 && !Output.isQuiet

    func show(_ stage: String) {
        if isShown { writeError("\r\u{1B}[K\(printable(stage))") }
    }

    func end() {
        if isShown { writeError("\r\u{1B}[K") }
    }
}
