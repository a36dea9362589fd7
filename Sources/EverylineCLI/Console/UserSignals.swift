import EverylineRunner
import Glibc
import Synchronization

/// The signals that a user sends to this process, from its beginning on. For one caller in a process.
final class UserSignals: Sendable {
    /// Those that came before ``begin()``.
    let early: AsyncStream<SentSignal>
    /// Those that came since.
    let late: AsyncStream<SentSignal>
    private let state = Mutex((hasBegun: false, ending: SentSignal?.none))

    /// - Throws: `Errno` if there is no descriptor left.
    init() throws {
        let reports = try SentSignal.reports()
        let (early, sendEarly) = AsyncStream.makeStream(of: SentSignal.self)
        let (late, sendLate) = AsyncStream.makeStream(of: SentSignal.self)
        (self.early, self.late) = (early, late)
        // For as long as the process lives, as the reports are.
        Task { [self] in
            for await signal in reports { (isLate(signal) ? sendLate : sendEarly).yield(signal) }
        }
    }

    private func isLate(_ signal: SentSignal) -> Bool {
        state.withLock { state in
            if !state.hasBegun, state.ending == nil, signal.ends { state.ending = signal }
            return state.hasBegun
        }
    }

    /// From now on there is something that signals are for.
    ///
    /// - Returns: the first before by which the user ends this program, also if it was not yet taken from ``early``.
    func begin() -> SentSignal? {
        state.withLock { state in
            state.hasBegun = true
            return state.ending
        }
    }
}

extension SentSignal {
    /// Whether it is one by which users end a program.
    var ends: Bool { [SIGINT, SIGTERM, SIGHUP, SIGQUIT].contains(number) }
}
