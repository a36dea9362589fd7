import Everyline
import Synchronization

/// Bytes of memory that many requests share. A request that needs more than are left waits for them for a bounded time;
/// requests are served in the order in which they came.
final class ByteBudget: Sendable {
    /// The bytes didn't become free in time, or there will never be so many.
    struct Exhausted: Error {}

    private struct Waiter {
        let number: UInt64
        let bytes: ByteCount
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var used: ByteCount = 0
        /// In the order in which they came.
        var waiters: [Waiter] = []
        var lastNumber: UInt64 = 0
        /// Requests that gave up before they began to wait.
        var gone: Set<UInt64> = []
    }

    let limit: ByteCount
    private let patience: Duration
    private let state = Mutex(State())

    /// - Parameter patience: how long a request waits for bytes at the most.
    init(limit: ByteCount, patience: Duration) {
        self.limit = limit
        self.patience = patience
    }

    /// How many bytes are taken.
    var used: ByteCount { state.withLock(\.used) }

    /// How many wait for bytes.
    var waiting: Int { state.withLock(\.waiters.count) }

    /// A lease of these bytes, waited for if need be.
    ///
    /// - Throws: ``Exhausted``, `CancellationError`.
    func lease(_ bytes: ByteCount = 0) async throws -> Lease {
        let lease = Lease(of: self)
        try await lease.grow(by: bytes)
        return lease
    }

    /// A lease of these bytes, if they are free now.
    func leaseAtOnce(_ bytes: ByteCount) -> Lease? {
        guard takeAtOnce(bytes) else { return nil }
        let lease = Lease(of: self)
        lease.add(bytes)
        return lease
    }

    /// A request's part of the budget. Its bytes are free again when the last reference is released.
    final class Lease: Sendable {
        private let budget: ByteBudget
        private let bytes = Mutex<ByteCount>(0)

        fileprivate init(of budget: ByteBudget) { self.budget = budget }

        deinit { budget.give(back: bytes.withLock(\.self)) }

        /// Takes more bytes, and waits for them if need be.
        ///
        /// - Throws: ``Exhausted``, `CancellationError`; then it is as large as before.
        func grow(by more: ByteCount) async throws {
            try await budget.take(more)
            add(more)
        }

        fileprivate func add(_ more: ByteCount) { bytes.withLock { $0 += more } }
    }

    private func takeAtOnce(_ bytes: ByteCount) -> Bool {
        state.withLock { state in
            // No request overtakes one that waits.
            guard state.waiters.isEmpty, state.used + bytes <= limit else { return false }
            state.used += bytes
            return true
        }
    }

    private func take(_ bytes: ByteCount) async throws {
        if takeAtOnce(bytes) { return }
        guard bytes <= limit else { throw Exhausted() }
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let isTaken = await withTaskGroup(of: Bool?.self) { group in
            group.addTask { await self.wait(number, for: bytes) }
            group.addTask { [patience] in
                // The patience of a request is a time, so this waits for nothing else. The group cancels the sleep once
                // the other task has its bytes, and giving up changes nothing then; a request that is cancelled gives
                // up at once.
                try? await Task.sleep(for: patience)
                self.giveUp(number)
                return nil
            }
            var isTaken = false
            for await result in group {
                isTaken = isTaken || result == true
                group.cancelAll()
            }
            return isTaken
        }
        state.withLock { _ = $0.gone.remove(number) }
        guard isTaken else {
            try Task.checkCancellation()
            throw Exhausted()
        }
    }

    /// - Returns: whether it has the bytes.
    private func wait(_ number: UInt64, for bytes: ByteCount) async -> Bool {
        await withCheckedContinuation { continuation in
            let answer: Bool? = state.withLock { state in
                if state.gone.contains(number) { return false }
                if state.waiters.isEmpty, state.used + bytes <= limit {
                    state.used += bytes
                    return true
                }
                state.waiters.append(Waiter(number: number, bytes: bytes, continuation: continuation))
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    private func giveUp(_ number: UInt64) {
        let (waiter, served) = state.withLock { state -> (Waiter?, [Waiter]) in
            guard let index = state.waiters.firstIndex(where: { $0.number == number }) else {
                state.gone.insert(number)
                return (nil, [])
            }
            let waiter = state.waiters.remove(at: index)
            // It may have held up smaller ones.
            return (waiter, serve(&state))
        }
        waiter?.continuation.resume(returning: false)
        for waiter in served { waiter.continuation.resume(returning: true) }
    }

    private func give(back bytes: ByteCount) {
        let served = state.withLock { state in
            state.used -= bytes
            return serve(&state)
        }
        for waiter in served { waiter.continuation.resume(returning: true) }
    }

    /// Takes out the requests that have waited longest, as many as there are bytes for.
    private func serve(_ state: inout State) -> [Waiter] {
        var count = 0
        while count < state.waiters.count, state.used + state.waiters[count].bytes <= limit {
            state.used += state.waiters[count].bytes
            count += 1
        }
        defer { state.waiters.removeFirst(count) }
        return Array(state.waiters[..<count])
    }
}
