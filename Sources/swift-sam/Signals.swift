import Dispatch
import Foundation
import SafeFiles
import Segmentation
import Synchronization

/// What the process does about signals: outputs that are half written go when it is ended, and a mapped file that shrinks
/// is an error and no crash. The command alone sets this: a library must not for its host.
enum Signals {
    /// Set before work begins.
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

    /// Whether a mapped file has shrunk, what says so to another thread, and what hears it there.
    private static let hasShortened = Atomic(false)
    nonisolated(unsafe) private static var shortened: Int32 = -1
    nonisolated(unsafe) private static var shortening: (any DispatchSourceRead)?

    /// What the first signal asks to end; without it, a signal ends the process.
    private static let stop = Mutex<StopRequest?>(nil)

    /// Has the first SIGINT, SIGTERM or SIGUSR1 ask the work to end, and the second end the process.
    static func askToStop() -> StopRequest {
        let request = StopRequest()
        stop.withLock { $0 = request }
        listen(to: [SIGUSR1])
        return request
    }

    private static func listen(to numbers: [Int32]) {
        for number in numbers {
            // What the caller has ignored (nohup) stays ignored.
            let previous = signal(number, SIG_IGN)
            if unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { continue }
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
            source.setEventHandler {
                if number == SIGHUP || stop.withLock({ $0 })?.stop() != true { end(by: number) }
            }
            source.activate()
            sources.append(source)
        }
    }

    static func handle() {
        listen(to: [SIGINT, SIGTERM, SIGHUP])
        // Made here, and not at its first use in the signal's handler.
        hasShortened.store(false, ordering: .relaxed)
        // What is half written is removed there: the signal's handler may only make system calls.
        var ends: [Int32] = [-1, -1]
        if pipe(&ends) == 0 {
            shortened = ends[1]
            let source = DispatchSource.makeReadSource(fileDescriptor: ends[0], queue: .global(qos: .userInitiated))
            source.setEventHandler { endWriting { _exit(FileError.Kind.inputOutput.rawValue) } }
            source.activate()
            shortening = source
        }
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in
            // The process may be anywhere, and several threads may come here.
            while Signals.hasShortened.exchange(true, ordering: .relaxed) { pause() }
            let text: StaticString = "error: a file became shorter while it was read; run again\n"
            write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
            // Longer than removing takes.
            if write(Signals.shortened, text.utf8Start, 1) == 1 { sleep(5) }
            _exit(FileError.Kind.inputOutput.rawValue)
        }
        sigaction(SIGBUS, &action, nil)
    }

    /// Ends the process as the signal would have.
    private static func end(by number: Int32) {
        endWriting {
            signal(number, SIG_DFL)
            var set = sigset_t()
            sigemptyset(&set)
            sigaddset(&set, number)
            pthread_sigmask(SIG_UNBLOCK, &set, nil)
            raise(number)
            _exit(128 + number)
        }
    }
}
