import Synchronization

/// Why a command is stopped. Only the first reason counts: what comes later changes nothing.
package enum StopReason: Sendable, Equatable {
    /// A user asked for it.
    case requested
    /// Its time has passed.
    case timedOut
}

/// Lets any task stop a command, before it has started too.
package final class StopSignal: Sendable {
    private let first = Mutex<StopReason?>(nil)
    private let changes = ChangeSignal()

    package init() {}

    package var reason: StopReason? { first.withLock { $0 } }

    package func stop(_ reason: StopReason) {
        first.withLock { $0 = $0 ?? reason }
        changes.announce()
    }

    /// Waits for the first reason; `nil` if the task is cancelled before.
    package func wait() async -> StopReason? {
        while true {
            let version = changes.version
            if let reason { return reason }
            do {
                try await changes.wait(past: version)
            } catch {
                return nil
            }
        }
    }
}
