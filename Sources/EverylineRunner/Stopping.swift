import Synchronization

/// Why a command is stopped. Only the first reason counts: what comes later changes nothing.
package enum StopReason: Sendable, Equatable {
    /// Somebody asked for it.
    case requested
    /// Its time has passed.
    case timedOut
    /// Nobody wants its output any more.
    case unwanted
}

/// Lets anybody stop a command, before it has started too.
package final class Stopping: Sendable {
    private let first = Mutex<StopReason?>(nil)
    private let reasons: AsyncStream<StopReason>
    private let continuation: AsyncStream<StopReason>.Continuation

    package init() {
        (reasons, continuation) = AsyncStream.makeStream()
    }

    package var reason: StopReason? { first.withLock { $0 } }

    package func stop(_ reason: StopReason) {
        let isFirst = first.withLock { first in
            defer { first = first ?? reason }
            return first == nil
        }
        if isFirst { continuation.yield(reason) }
    }

    /// Waits for the first reason; `nil` if the task is cancelled before. For one task.
    func wait() async -> StopReason? {
        for await reason in reasons { return reason }
        return nil
    }
}
