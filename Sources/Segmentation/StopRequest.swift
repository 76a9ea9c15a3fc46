import Synchronization

/// By which long work is asked to end, as by a signal.
public final class StopRequest: Sendable {
    /// What may still be finished, in seconds: Slurm kills 30 s after it asks.
    static let patience = 10.0

    private let isAsked = Atomic(false)

    public init() {}

    /// Asks; false where it was asked before.
    public func stop() -> Bool { !isAsked.exchange(true, ordering: .relaxed) }

    /// Throws ``Interrupted`` where the work is to end.
    ///
    /// - Parameter rest: the seconds until what is in hand is done; nil where nothing is, or it is worth nothing.
    func check(unlessWithin rest: Double? = nil) throws(Interrupted) {
        guard isAsked.load(ordering: .relaxed), rest.map({ $0 > Self.patience }) ?? true else { return }
        throw Interrupted()
    }
}

/// That work ended because it was asked to: nothing is lost that was written or cached, and the same call goes on.
public struct Interrupted: Error {
    /// The exit code of the command (`EX_TEMPFAIL`).
    public static let exitCode: Int32 = 75
}
