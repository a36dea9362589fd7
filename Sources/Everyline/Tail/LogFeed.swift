import Synchronization

/// What the tails of one process share: wake-ups that carry nothing, the newest blocks of each log, and its pending
/// line.
///
/// A log has an entry here from its first subscription to its last. A wake-up can't be lost: a tail subscribes, notes
/// the version, and only then reads; whatever is announced after that note makes its wait return at once.
package final class LogFeed: Sendable {
    package enum Wakeup: Sendable {
        /// Something was announced since the version that the waiter had seen.
        case change
        /// Nothing but the pending line has changed.
        case pending
        /// Time has passed. A tail that waits may have its stream send a sign of life.
        case tick
    }

    /// How much a waiter has seen.
    package struct Version: Sendable, Equatable {
        /// Of the log and its execution.
        package internal(set) var events: UInt64 = 0
        /// Of the pending line.
        package internal(set) var pending: UInt64 = 0
    }

    typealias Waiter = CheckedContinuation<Wakeup, any Error>

    /// How many bytes of newest blocks one log's entry holds. A tail that is further behind reads the store.
    package let recentLimit: ByteCount
    private let state: Mutex<State>

    private struct State {
        var entries: [ExecutionID: Entry] = [:]
        /// Also of logs that have no entry: a viewer may come later.
        var pending: PendingLines
        var lastSubscription: UInt64 = 0
    }

    private struct Entry {
        var version = Version()
        var subscriptions = 0
        var recent: RecentBlocks
        var waiters: [UInt64: Waiter] = [:]

        mutating func takeWaiters() -> [Waiter] {
            defer { waiters.removeAll(keepingCapacity: true) }
            return Array(waiters.values)
        }
    }

    /// - Parameter pendingLimit: how many bytes the pending lines of all executions may have.
    package init(recentLimit: ByteCount = .mebibytes(1), pendingLimit: ByteCount = .mebibytes(16)) {
        self.recentLimit = recentLimit
        state = Mutex(State(pending: PendingLines(limit: pendingLimit)))
    }

    /// Says that `block` has been committed. Must be called after its commit, and in the log's order.
    package func announce(_ block: EventBlock, in execution: ExecutionID) {
        state.withLock { $0.pending.reach(block.last, in: execution, isEnded: block.endsLog) }
        wake(execution) {
            $0.recent.add(block)
            $0.version.events += 1
        }
    }

    /// Says that something else about the execution has changed: its status.
    package func announceChange(of execution: ExecutionID) {
        wake(execution) { $0.version.events += 1 }
    }

    /// Says that the head of the log is unknown, for instance after a commit that failed: it may be durable all the
    /// same. The newest blocks are forgotten, so that every tail asks the store.
    package func invalidate(_ execution: ExecutionID) {
        wake(execution) {
            $0.recent = RecentBlocks(limit: recentLimit)
            $0.version.events += 1
        }
    }

    /// Ends every wait with ``Wakeup/tick``. To be called at a regular pace.
    package func tick() {
        let waiters = state.withLock { state in
            var waiters: [Waiter] = []
            for id in state.entries.keys { waiters += state.entries[id]?.takeWaiters() ?? [] }
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: .tick) }
    }

    /// How many logs have subscribers, and how many subscribers there are.
    package var counts: (logs: Int, subscriptions: Int) {
        state.withLock { state in
            (state.entries.count, state.entries.values.reduce(0) { $0 + $1.subscriptions })
        }
    }

    /// Begins to take part in the wake-ups of an execution, until the subscription is released.
    package func subscribe(to execution: ExecutionID) -> Subscription {
        let number = state.withLock { state in
            state.entries[execution, default: Entry(recent: RecentBlocks(limit: recentLimit))].subscriptions += 1
            state.lastSubscription += 1
            return state.lastSubscription
        }
        return Subscription(feed: self, execution: execution, number: number)
    }

    /// - Parameter change: advances a version, so that a tail that is about to wait returns at once.
    private func wake(
        _ execution: ExecutionID, by wakeup: Wakeup = .change, _ change: (inout Entry) -> Void
    ) {
        let waiters: [Waiter] = state.withLock { state in
            guard var entry = state.entries.removeValue(forKey: execution) else { return [] }
            change(&entry)
            let waiters = entry.takeWaiters()
            state.entries[execution] = entry
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: wakeup) }
    }

    /// One party's right to the wake-ups of one execution.
    package final class Subscription: Sendable {
        private let feed: LogFeed
        package let execution: ExecutionID
        private let number: UInt64
        private let isEnded = Atomic(false)

        fileprivate init(feed: LogFeed, execution: ExecutionID, number: UInt64) {
            self.feed = feed
            self.execution = execution
            self.number = number
        }

        deinit { feed.unsubscribe(execution) }

        /// Grows with each announcement. To be noted before reading what an announcement may be about.
        package var version: Version { feed.version(of: execution) }

        /// The newest blocks after `offset`, if they go back that far.
        package func recent(after offset: Offset, limit: ByteCount) -> RecentBlocks.Found {
            feed.recent(in: execution, after: offset, limit: limit)
        }

        /// The line that has begun behind `offset` and has no newline yet, if there is one.
        package func pending(after offset: Offset) -> PendingLine? { feed.pending(of: execution, after: offset) }

        /// Waits until the version is beyond `version`, or for the next tick. One wait at a time.
        ///
        /// - Throws: `CancellationError` once the task is cancelled or the subscription ended.
        nonisolated(nonsending) package func wait(past version: Version) async throws -> Wakeup {
            try await withTaskCancellationHandler {
                try await feed.wait(for: execution, past: version, number) { self.isEnded.load(ordering: .acquiring) }
            } onCancel: {
                end()
            }
        }

        /// Ends the wait that is going on and every later one, from any thread: the viewer has gone.
        package func end() {
            isEnded.store(true, ordering: .releasing)
            feed.cancelWait(for: execution, number)
        }
    }
}

// What subscriptions ask for. An entry exists for as long as they do.
extension LogFeed {
    private func version(of execution: ExecutionID) -> Version {
        state.withLock { $0.entries[execution]?.version ?? Version() }
    }

    private func recent(in execution: ExecutionID, after offset: Offset, limit: ByteCount) -> RecentBlocks.Found {
        state.withLock { $0.entries[execution]?.recent.blocks(after: offset, limit: limit) ?? .unknown }
    }

    private func unsubscribe(_ execution: ExecutionID) {
        state.withLock { state in
            guard let left = state.entries[execution]?.subscriptions else { return }
            if left == 1 {
                state.entries[execution] = nil
            } else {
                state.entries[execution]?.subscriptions = left - 1
            }
        }
    }

    nonisolated(nonsending) private func wait(
        for execution: ExecutionID, past version: Version, _ number: UInt64, unless isEnded: @Sendable () -> Bool
    ) async throws -> Wakeup {
        try await withCheckedThrowingContinuation { (waiter: Waiter) in
            let outcome: Result<Wakeup, any Error>? = state.withLock { state in
                // An end that comes before this line is seen here; one that comes later finds the waiter.
                if isEnded() { return .failure(CancellationError()) }
                guard let entry = state.entries[execution], entry.version.events <= version.events else {
                    return .success(.change)
                }
                guard entry.version.pending <= version.pending else { return .success(.pending) }
                state.entries[execution]?.waiters[number] = waiter
                return nil
            }
            if let outcome { waiter.resume(with: outcome) }
        }
    }

    private func cancelWait(for execution: ExecutionID, _ number: UInt64) {
        let waiter = state.withLock { $0.entries[execution]?.waiters.removeValue(forKey: number) }
        waiter?.resume(throwing: CancellationError())
    }
}

// What a producer holds of a line that has no newline yet.
extension LogFeed {
    /// The line that has begun behind `offset` and has no newline yet, if there is one.
    package func pending(of execution: ExecutionID, after offset: Offset) -> PendingLine? {
        state.withLock { $0.pending.line(of: execution, after: offset) }
    }

    /// Takes an execution's pending line in the place of the one before, and returns once its viewers may see it, or a
    /// newer one.
    ///
    /// - Parameter sleep: waits for the execution's turn, a tenth of a second at the most.
    /// - Returns: the log's head, read after the line was kept. The line of a log that has ended, or is further, is
    ///   dropped.
    /// - Throws: what the store and `sleep` throw.
    package func takePending(
        _ line: PendingLine, of execution: ExecutionID, in store: any LogStore, now: () -> ContinuousClock.Instant,
        sleep: (Duration) async throws -> Void
    ) async throws -> LogHead {
        state.withLock { $0.pending.offer(line, of: execution, at: now()) }
        // An event that was announced before the line was kept can't have ended it.
        let head = try await store.head(of: execution)
        state.withLock { $0.pending.reach(head.offset, in: execution, isEnded: head.isEnded) }
        while case .later(let time) = show(execution, at: now()) { try await sleep(time) }
        return head
    }

    private func show(_ execution: ExecutionID, at now: ContinuousClock.Instant) -> PendingLines.Turn {
        let turn = state.withLock { $0.pending.show(of: execution, at: now) }
        if turn == .shown { wake(execution, by: .pending) { $0.version.pending += 1 } }
        return turn
    }
}
