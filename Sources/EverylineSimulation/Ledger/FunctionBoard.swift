import Everyline
import EverylineAWS
import NIOCore
import Synchronization

/// Where the functions leave what they wait for: each call of a port stands here until the world lets it happen. So the
/// code that ships takes its steps in the world's time, and a fault can be injected between any two of them.
final class FunctionBoard: Sendable {
    enum Call: Sendable {
        // The ledger.
        case ledgerHead(ExecutionID)
        case parked(ExecutionID, ClosedRange<UInt64>)
        case write(ExecutionID, LedgerChange)
        case head(ExecutionID)
        case read(ExecutionID, after: Offset, limit: ByteCount)
        case offset(ExecutionID, before: Timestamp)
        // Connections and tokens.
        case connect(ConnectionID, ViewerConnection)
        case update(ConnectionID, ExecutionID, ConnectionUpdate)
        case connection(ConnectionID, ExecutionID)
        case viewers(ExecutionID)
        case connections(APIKey.ID)
        case execution(ConnectionID)
        case token(String, ExecutionID)
        // The gateway.
        case post(ByteBuffer, ConnectionID)
        case close(ConnectionID)
        // Queues.
        case notify([ConnectionID], ExecutionID)
        case reconcile(ReconcileMessage, after: Duration)
        case requeue(SQSEvent.Record, after: Duration)
        // The platform.
        case readSource(ExecutionID, from: Timestamp, at: SourcePosition?)
        case inspect(ExecutionID)
    }

    enum Answer: Sendable {
        case ledgerHead(LedgerHead)
        case run(SourceRun?)
        case written(Bool)
        case head(LogHead)
        case read(LogRead)
        case offset(Offset)
        case connection(ViewerConnection?)
        case viewers([ConnectionID])
        case places([ConnectionPlace])
        case execution(ExecutionID?)
        case token(StreamToken?)
        case posted(PostResult)
        case page(SourcePage)
        case task(TaskState)
        case done
    }

    typealias Waiter = CheckedContinuation<Answer, any Error>

    struct Entry: Sendable {
        let process: Int
        let call: Call
        let waiter: Waiter
    }

    /// What a function says at its end.
    enum Word: Sendable {
        /// These messages must come again.
        case settled(failed: [String])
        /// The gateway's integration has answered.
        case answered(status: Int)
        case done
    }

    private struct State {
        var entries: [Entry] = []
        var words: [(process: Int, word: Word)] = []
        var dead: Set<Int> = []
        var time = Timestamp.epoch
        var batches: [[SourceEvent]] = []
    }

    private let state = Mutex(State())

    /// The process in which a task runs: what a warm function keeps from one invocation to the next, all of them share.
    @TaskLocal static var process = -1

    /// The clock of the process that is running.
    var time: Timestamp {
        get { state.withLock { $0.time } }
        set { state.withLock { $0.time = newValue } }
    }

    /// What stands in the messages of the queue of logs' events, whose bodies are numbers here.
    var batches: [[SourceEvent]] {
        get { state.withLock { $0.batches } }
        set { state.withLock { $0.batches = newValue } }
    }

    func events(of body: String) throws -> [SourceEvent] {
        try state.withLock { state in
            guard let index = Int(body), state.batches.indices.contains(index) else {
                throw LambdaEventError.malformed("not a batch")
            }
            return state.batches[index]
        }
    }

    func call(_ call: Call) async throws -> Answer {
        let process = Self.process
        return try await withCheckedThrowingContinuation { waiter in
            let isAlive = state.withLock { state in
                guard !state.dead.contains(process) else { return false }
                state.entries.append(Entry(process: process, call: call, waiter: waiter))
                return true
            }
            if !isAlive { waiter.resume(throwing: ProcessGone()) }
        }
    }

    func say(_ word: Word) {
        let process = Self.process
        state.withLock { $0.words.append((process, word)) }
    }

    func takeEntries() -> [Entry] {
        state.withLock { state in
            defer { state.entries.removeAll(keepingCapacity: true) }
            return state.entries
        }
    }

    func takeWord() -> Word? { state.withLock { $0.words.popLast()?.word } }

    /// From now on no call of the process is taken.
    func markDead(_ process: Int) { _ = state.withLock { $0.dead.insert(process) } }

    func removeAll() { state.withLock { $0 = State() } }
}

/// The process has crashed.
struct ProcessGone: Error {}
