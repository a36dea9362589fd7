import Everyline
import Synchronization

/// The standard input of commands, on its way from clients to runners: in memory only, an ``InputBuffer`` an execution.
///
/// A buffer is there from the first time that the execution's runner asks for it until the log's end. A server that was
/// started anew has none: the runner's next question says where to go on, and the client sends again what the runner
/// hasn't got.
final class Inputs: Sendable {
    /// How much all executions' input may be. What has no room waits at its client.
    ///
    /// One may hold as much as it leaves free: so many that aren't read leave room for the next ones.
    static let total: ByteCount = .mebibytes(64)
    /// How much one may hold in any case: as much as a terminal.
    static let share: ByteCount = .kibibytes(4)

    /// Wakes those who wait for what is written or taken.
    let changes = LogFeed()
    private let state = Mutex(State())

    private struct State {
        var buffers: [ExecutionID: InputBuffer] = [:]
        var count: ByteCount = 0

        /// Changes a buffer, and counts what it holds then.
        mutating func change<Value>(
            _ execution: ExecutionID, _ buffer: InputBuffer, _ change: (inout InputBuffer) -> Value
        ) -> Value {
            var changed = buffer
            buffers[execution] = nil
            let value = change(&changed)
            buffers[execution] = changed
            count += changed.count - buffer.count
            return value
        }
    }

    /// What is written has other bytes than what is there.
    struct Different: Error {}

    /// Takes what a client writes, as far as there is room.
    ///
    /// - Returns: the buffer then, and whether anything was new; `nil` if no runner has asked for it.
    /// - Throws: ``Different``; nothing of it is taken then.
    func write(
        _ lines: [InputLine], after place: UInt64, to execution: ExecutionID
    ) throws -> (buffer: InputBuffer, isNew: Bool)? {
        let written: (InputBuffer, Bool)? = try state.withLock { state in
            guard let buffer = state.buffers[execution] else { return nil }
            guard !buffer.contradicts(lines, after: place) else { throw Different() }
            let room = max((Self.total - state.count - buffer.count) / 2, Self.share - buffer.count)
            return state.change(execution, buffer) { buffer in
                let isNew = buffer.write(lines, after: place, room: room)
                return (buffer, isNew)
            }
        }
        if written?.1 == true { changes.announceChange(of: execution) }
        return written.map { (buffer: $0.0, isNew: $0.1) }
    }

    /// Learns what a runner has, and makes the buffer if there is none.
    func take(through place: UInt64, isClosed: Bool, of execution: ExecutionID) {
        state.withLock { state in
            let buffer = state.buffers[execution] ?? InputBuffer(after: place)
            state.change(execution, buffer) { $0.take(through: place, isClosed: isClosed) }
        }
        changes.announceChange(of: execution)
    }

    /// What is there for a runner; nothing without a buffer.
    func lines(
        after place: UInt64, size: TerminalSize?, limit: ByteCount, of execution: ExecutionID
    ) -> [InputLine] {
        state.withLock { $0.buffers[execution]?.lines(after: place, size: size, limit: limit) ?? [] }
    }

    /// Forgets the input of an execution that has ended.
    func forget(_ execution: ExecutionID) {
        let isForgotten = state.withLock { state in
            guard let buffer = state.buffers.removeValue(forKey: execution) else { return false }
            state.count -= buffer.count
            return true
        }
        if isForgotten { changes.announceChange(of: execution) }
    }
}
