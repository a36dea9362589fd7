import Hummingbird
import Everyline
import NIOCore
import Synchronization

/// Counts the bytes that were sent to viewers and downloads and wait in this process for the clients to read them.
///
/// No client waits for it. Beyond the limit it closes the client whose bytes have waited longest, and refuses new
/// streams until those bytes are free.
final class UnreadBudget: Sendable {
    private struct Holder {
        let bytes: ByteCount
        /// `nil` once it was called.
        var close: (@Sendable () -> Void)?
    }

    private struct State {
        var holders: [UInt64: Holder] = [:]
        /// The numbers of the holders, and of some that have gone, in the order in which they came.
        var order = CircularBuffer<UInt64>(initialCapacity: 0)
        var lastNumber: UInt64 = 0
        var total: ByteCount = 0
        /// What those hold that were hung up on.
        var leaving: ByteCount = 0
        var closed: UInt64 = 0
    }

    let limit: ByteCount
    private let state = Mutex(State())

    init(limit: ByteCount) { self.limit = limit }

    /// How many bytes wait to be read.
    var total: ByteCount { state.withLock(\.total) }

    /// How many clients were hung up on.
    var closed: UInt64 { state.withLock(\.closed) }

    /// How many entries are kept to know who is furthest behind.
    var remembered: Int { state.withLock(\.order.count) }

    /// - Throws: ``ProblemError``, `unavailable`, while more waits than may.
    func requireRoom() throws {
        guard state.withLock({ $0.total <= limit }) else {
            throw ProblemError(.unavailable, "Too much waits for clients that don't read. Try again later.")
        }
    }

    /// Counts bytes that a client has still to read, until what is returned is released.
    ///
    /// - Parameter close: hangs up on the client. It is called at most once, by the call of `hold` that makes the total
    ///   too large.
    func hold(_ bytes: ByteCount, closing close: @escaping @Sendable () -> Void) -> Waiting {
        let (number, closing) = state.withLock { state in
            state.lastNumber += 1
            state.holders[state.lastNumber] = Holder(bytes: bytes, close: close)
            state.order.append(state.lastNumber)
            state.total += bytes
            return (state.lastNumber, Self.closeFurthestBehind(&state, limit: limit))
        }
        for close in closing { close() }
        return Waiting(number, in: self)
    }

    /// Bytes that wait for one client.
    final class Waiting: Sendable {
        private let number: UInt64
        private let budget: UnreadBudget
        private let isReleased = Atomic(false)

        fileprivate init(_ number: UInt64, in budget: UnreadBudget) {
            self.number = number
            self.budget = budget
        }

        deinit { release() }

        /// The client has read them, or has gone.
        func release() {
            guard !isReleased.exchange(true, ordering: .relaxed) else { return }
            budget.remove(number)
        }
    }

    private static func closeFurthestBehind(_ state: inout State, limit: ByteCount) -> [@Sendable () -> Void] {
        var closing: [@Sendable () -> Void] = []
        while state.total - state.leaving > limit, let number = state.order.popFirst() {
            guard let holder = state.holders[number], let close = holder.close else { continue }
            state.holders[number]?.close = nil
            state.leaving += holder.bytes
            state.closed += 1
            closing.append(close)
        }
        return closing
    }

    private func remove(_ number: UInt64) {
        state.withLock { state in
            guard let holder = state.holders.removeValue(forKey: number) else { return }
            state.total -= holder.bytes
            if holder.close == nil { state.leaving -= holder.bytes }
            while let first = state.order.first, state.holders[first] == nil { state.order.removeFirst() }
            // One that waits long keeps the numbers of those behind it that have gone.
            guard state.order.count > 2 * state.holders.count + 64 else { return }
            state.order.removeAll { state.holders[$0] == nil }
        }
    }
}

/// Writes a large answer no faster than its client reads: of what comes next nothing is made before the client has
/// taken what was written, and what waits for it is counted in the ``UnreadBudget``.
struct PacedBody: Sendable {
    let context: EverylineContext
    let unread: UnreadBudget

    /// - Parameter held: how many bytes the answer keeps in memory until then; those of the piece if it isn't said.
    func write(
        _ piece: ByteBuffer, held: ByteCount? = nil, to writer: inout any ResponseBodyWriter
    ) async throws {
        // An empty piece would end a chunked body.
        guard piece.readableBytes > 0 else { return }
        let bytes = held ?? piece.readableBytes
        try await writer.write(piece)
        try await context.whenTaken(bytes, countedIn: unread)
    }
}
