import Everyline
import Synchronization

/// Where the workers that take lines leave what they wait for: each call of a port stands here until the world lets it happen. So
/// the sequencer and the reconciler that ship take their steps in the world's time, and a fault can strike between any two of them.
final class LedgerBoard: Sendable {
    enum Call: Sendable {
        case head
        case parked(ClosedRange<UInt64>)
        case write(LedgerChange)
        case viewers
        case ring([ConnectionID])
        case readSource(from: Timestamp, at: SourcePosition?)
        case requestRepair
    }

    enum Answer: Sendable {
        case head(LedgerHead)
        case run(SourceRun?)
        case written(Bool)
        case viewers([ConnectionID])
        case page(SourcePage)
        case done
    }

    struct Entry: Sendable {
        let process: Int
        let call: Call
        let continuation: CheckedContinuation<Answer, any Error>
    }

    /// What became of a worker's message; `nil` for one that goes back to its queue.
    typealias Word = (process: Int, outcome: Reconciler.Outcome?)

    private struct State {
        var entries: [Entry] = []
        var words: [Word] = []
        var dead: Set<Int> = []
        var time = Timestamp.epoch
    }

    private let state = Mutex(State())

    /// The clock of the worker that is running.
    var time: Timestamp {
        get { state.withLock { $0.time } }
        set { state.withLock { $0.time = newValue } }
    }

    func call(_ call: Call, by process: Int) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            let isAlive = state.withLock { state in
                guard !state.dead.contains(process) else { return false }
                state.entries.append(Entry(process: process, call: call, continuation: continuation))
                return true
            }
            if !isAlive { continuation.resume(throwing: WorkerGone()) }
        }
    }

    func say(_ outcome: Reconciler.Outcome?, by process: Int) { state.withLock { $0.words.append((process, outcome)) } }

    func takeEntry() -> Entry? { state.withLock { $0.entries.popLast() } }
    func takeWord() -> Word? { state.withLock { $0.words.popLast() } }

    /// From now on no call of the worker is taken.
    func bury(_ process: Int) { _ = state.withLock { $0.dead.insert(process) } }

    func removeAll() { state.withLock { $0 = State() } }
}

/// The worker has crashed.
struct WorkerGone: Error {}

/// One worker's view of what it talks to.
struct BoardPorts: Ledger, ConnectionStore, Doorbell, LogSource {
    let board: LedgerBoard
    let process: Int

    private func ask<Value>(_ call: LedgerBoard.Call, _ value: (LedgerBoard.Answer) -> Value?) async throws -> Value {
        guard let answer = value(try await board.call(call, by: process)) else {
            preconditionFailure("the answer to another call")
        }
        return answer
    }

    func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead {
        try await ask(.head) { if case .head(let head) = $0 { head } else { nil } }
    }

    func parked(_ lines: ClosedRange<UInt64>, of execution: ExecutionID) async throws -> SourceRun? {
        try await ask(.parked(lines)) { if case .run(let run) = $0 { .some(run) } else { nil } }
    }

    func write(_ change: LedgerChange, to execution: ExecutionID, at now: Timestamp) async throws -> Bool {
        try await ask(.write(change)) { if case .written(let isWritten) = $0 { isWritten } else { nil } }
    }

    func read(
        _ execution: ExecutionID, from start: Timestamp, at position: SourcePosition?
    ) async throws -> SourcePage {
        try await ask(.readSource(from: start, at: position)) { if case .page(let page) = $0 { page } else { nil } }
    }

    func connections(of execution: ExecutionID, at now: Timestamp) async throws -> [ConnectionID] {
        try await ask(.viewers) { if case .viewers(let viewers) = $0 { viewers } else { nil } }
    }

    func ring(_ connections: [ConnectionID], of execution: ExecutionID) async throws {
        _ = try await board.call(.ring(connections), by: process)
    }

    func requestRepair() async throws { _ = try await board.call(.requestRepair, by: process) }

    // What these workers don't ask for.
    func head(of execution: ExecutionID) async throws -> LogHead { unused() }
    func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead { unused() }
    func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset { unused() }
    func connect(_ id: ConnectionID, _ connection: ViewerConnection) async throws { unused() }
    func connection(_ id: ConnectionID, of execution: ExecutionID) async throws -> ViewerConnection? { unused() }
    func connections(with key: APIKey.ID, at now: Timestamp) async throws -> [ConnectionPlace] { unused() }
    func execution(of id: ConnectionID) async throws -> ExecutionID? { unused() }
    func update(
        _ id: ConnectionID, of execution: ExecutionID, _ update: ConnectionUpdate
    ) async throws -> ViewerConnection? { unused() }

    private func unused() -> Never { preconditionFailure("no sequencer and no reconciler asks for this") }
}
