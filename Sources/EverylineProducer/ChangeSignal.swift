import Synchronization

/// Wakes the tasks that wait for something to change. A wake-up carries nothing, and none is lost: a task notes the
/// version, looks, and waits past the version that it noted.
///
/// A wait that is cancelled or runs out of time ends alone: every other wait, and every later one of the same task, is
/// unaffected.
package final class ChangeSignal: Sendable {
    private let state = Mutex(State())

    private struct State {
        var version: UInt64 = 0
        var lastWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    }

    package init() {}

    /// Grows with each announcement. A task notes it before it looks at what may change.
    package var version: UInt64 { state.withLock { $0.version } }

    /// Wakes all who wait.
    package func announce() {
        let waiters = state.withLock { state in
            state.version += 1
            defer { state.waiters.removeAll() }
            return state.waiters.sorted { $0.key < $1.key }
        }
        for (_, waiter) in waiters { waiter.resume() }
    }

    /// Waits until the version is beyond `version`.
    ///
    /// - Throws: `CancellationError`.
    package func wait(past version: UInt64) async throws {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Void, any Error>) in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    // A cancellation that comes before this line is seen here; one that comes later finds the waiter.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.version > version { return .success(()) }
                    state.waiters[number] = waiter
                    return nil
                }
                if let outcome { waiter.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// Waits until the version is beyond `version`, but not for longer than `limit`.
    ///
    /// - Throws: `CancellationError`.
    package func wait(past version: UInt64, atMost limit: Duration, on clock: any Clock<Duration>) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await self.wait(past: version) }
            group.addTask { try await clock.sleep(for: limit) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
