import Synchronization

/// What the tails of one process share: wake-ups that carry nothing, and the newest blocks of each log.
///
/// A log has an entry here from its first subscription to its last. A wake-up can't be lost: a tail subscribes, notes the
/// version, and only then reads; whatever is announced after that note makes its wait return at once.
public final class LogFeed: Sendable {
    public enum Wakeup: Sendable {
        /// Something was announced since the version that the waiter had seen.
        case change
        /// Time has passed. Who waits may send a sign of life.
        case tick
    }

    typealias Waiter = CheckedContinuation<Wakeup, any Error>

    /// How many bytes of newest blocks one log's entry holds. A tail that is further behind reads the store.
    public let recentLimit: ByteCount
    private let state = Mutex(State())

    private struct State {
        var entries: [ExecutionID: Entry] = [:]
        var lastSubscription: UInt64 = 0
    }

    private struct Entry {
        var version: UInt64 = 0
        var subscriptions = 0
        var recent: RecentBlocks
        var waiters: [UInt64: Waiter] = [:]

        mutating func takeWaiters() -> [Waiter] {
            defer { waiters.removeAll(keepingCapacity: true) }
            return Array(waiters.values)
        }
    }

    public init(recentLimit: ByteCount = .mebibytes(1)) {
        self.recentLimit = recentLimit
    }

    /// Says that `block` has been committed. Must be called after its commit, and in the log's order.
    public func announce(_ block: EventBlock, in execution: ExecutionID) {
        wake(execution) { $0.recent.add(block) }
    }

    /// Says that something else about the execution has changed: its status.
    public func announceChange(of execution: ExecutionID) {
        wake(execution) { _ in }
    }

    /// Says that nobody knows what the log holds by now, for instance after a commit that failed: perhaps it was durable all the
    /// same. The newest blocks are forgotten, so that every tail asks the store.
    public func announceDoubt(about execution: ExecutionID) {
        wake(execution) { $0.recent = RecentBlocks(limit: recentLimit) }
    }

    /// Ends every wait with ``Wakeup/tick``. To be called at a regular pace.
    public func tick() {
        let waiters = state.withLock { state in
            var waiters: [Waiter] = []
            for id in state.entries.keys { waiters += state.entries[id]?.takeWaiters() ?? [] }
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: .tick) }
    }

    /// How many logs somebody follows, and how many follow.
    public var counts: (logs: Int, subscriptions: Int) {
        state.withLock { state in
            (state.entries.count, state.entries.values.reduce(0) { $0 + $1.subscriptions })
        }
    }

    /// Begins to take part in the wake-ups of an execution, until the subscription is released.
    public func subscribe(to execution: ExecutionID) -> Subscription {
        let number = state.withLock { state in
            state.entries[execution, default: Entry(recent: RecentBlocks(limit: recentLimit))].subscriptions += 1
            state.lastSubscription += 1
            return state.lastSubscription
        }
        return Subscription(feed: self, execution: execution, number: number)
    }

    private func wake(_ execution: ExecutionID, _ change: (inout Entry) -> Void) {
        let waiters: [Waiter] = state.withLock { state in
            guard var entry = state.entries.removeValue(forKey: execution) else { return [] }
            change(&entry)
            entry.version += 1
            let waiters = entry.takeWaiters()
            state.entries[execution] = entry
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: .change) }
    }

    /// One party's right to the wake-ups of one execution.
    public final class Subscription: Sendable {
        private let feed: LogFeed
        public let execution: ExecutionID
        private let number: UInt64
        private let isEnded = Atomic(false)

        fileprivate init(feed: LogFeed, execution: ExecutionID, number: UInt64) {
            self.feed = feed
            self.execution = execution
            self.number = number
        }

        deinit { feed.unsubscribe(execution) }

        /// Grows with each announcement. To be noted before reading what an announcement may be about.
        public var version: UInt64 { feed.version(of: execution) }

        /// The newest blocks after `offset`, if they go back that far.
        public func recent(after offset: Offset, limit: ByteCount) -> RecentBlocks.Found {
            feed.recent(in: execution, after: offset, limit: limit)
        }

        /// Waits until the version is beyond `version`, or for the next tick. One wait at a time.
        ///
        /// - Throws: `CancellationError` once the task is cancelled or the subscription ended.
        nonisolated(nonsending) public func wait(past version: UInt64) async throws -> Wakeup {
            try await withTaskCancellationHandler {
                try await feed.wait(for: execution, past: version, number) { self.isEnded.load(ordering: .acquiring) }
            } onCancel: {
                end()
            }
        }

        /// Ends the wait that is going on and every later one, from any thread: the viewer has gone.
        public func end() {
            isEnded.store(true, ordering: .releasing)
            feed.cancelWait(for: execution, number)
        }
    }
}

// What subscriptions ask for. An entry exists for as long as they do.
extension LogFeed {
    private func version(of execution: ExecutionID) -> UInt64 {
        state.withLock { $0.entries[execution]?.version ?? 0 }
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
        for execution: ExecutionID, past version: UInt64, _ number: UInt64, unless isEnded: @Sendable () -> Bool
    ) async throws -> Wakeup {
        try await withCheckedThrowingContinuation { (waiter: Waiter) in
            let outcome: Result<Wakeup, any Error>? = state.withLock { state in
                // An end that comes before this line is seen here; one that comes later finds the waiter.
                if isEnded() { return .failure(CancellationError()) }
                guard let entry = state.entries[execution], entry.version <= version else { return .success(.change) }
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
