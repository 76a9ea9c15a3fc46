import Synchronization

/// A request that long work end, as a signal makes it.
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
    public func check(unlessWithin rest: Double? = nil) throws(Interrupted) {
        guard isAsked.load(ordering: .relaxed), rest.map({ $0 > Self.patience }) ?? true else { return }
        throw Interrupted()
    }
}

/// Thrown where work ends because it was asked to: what was written or cached is kept, and the same call goes on from there.
public struct Interrupted: Error {
    /// The exit code of the command (`EX_TEMPFAIL`).
    public static let exitCode: Int32 = 75
}
