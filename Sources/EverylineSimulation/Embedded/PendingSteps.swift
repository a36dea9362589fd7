import Everyline
import NIOCore
import Synchronization

/// Where the tasks of a simulated server leave what they wait for: each step stands here until the world lets it
/// happen.
final class PendingSteps: Sendable {
    enum Step: Sendable {
        case append([LogAppend], CheckedContinuation<[Result<Appended, LogStoreError>], any Error>)
        case head(CheckedContinuation<LogHead, any Error>)
        case read(after: Offset, limit: ByteCount, CheckedContinuation<LogRead, any Error>)
        /// Waits for room in the viewer's socket, then hands the messages over.
        case send([ByteBuffer], CheckedContinuation<Void, any Error>)
        case sleep(Duration, CheckedContinuation<Void, any Error>)
    }

    struct Entry: Sendable {
        let server: Int
        /// The stream that waits; -1 for the writer and for producers.
        let stream: Int
        var step: Step
    }

    /// What a task says without waiting.
    enum Word: Sendable {
        case answered(request: Int, Result<Appended, LogStoreError>)
        /// The outcome of sending a pending line.
        case pendingTaken(PendingRequest, Result<LogHead, LogStoreError>)
        case took(stream: Int, [EventBlock])
        case closed(stream: Int, code: UInt16)
        case ended(Result<LogHead, LogStoreError>)

        /// The stream that speaks; -1 for the others.
        var stream: Int {
            switch self {
            case .took(let stream, _), .closed(let stream, _): stream
            case .answered, .ended, .pendingTaken: -1
            }
        }
    }

    private struct State {
        var now = Duration.zero
        var entries: [Entry] = []
        var words: [Word] = []
        var deadBefore = 0
    }

    private let state = Mutex(State())

    /// By the clock of the server's machine.
    var now: ContinuousClock.Instant { Self.start + state.withLock { $0.now } }
    private static let start = ContinuousClock.now

    func advance(to now: Int64) { state.withLock { $0.now = .milliseconds(now) } }

    // A feed wakes its waiters in the order of a hash table, which is another one in each process. What several streams
    // did at one moment is therefore taken stream by stream: the same seed must give the same run.

    func takeEntries() -> [Entry] {
        let entries = state.withLock { state in
            defer { state.entries.removeAll(keepingCapacity: true) }
            return state.entries
        }
        return Self.ordered(entries, by: \.stream)
    }

    func takeWords() -> [Word] {
        let words = state.withLock { state in
            defer { state.words.removeAll(keepingCapacity: true) }
            return state.words
        }
        return Self.ordered(words, by: \.stream)
    }

    private static func ordered<Element>(_ elements: [Element], by stream: (Element) -> Int) -> [Element] {
        guard elements.count > 1 else { return elements }
        return elements.enumerated().sorted {
            (stream($0.element), $0.offset) < (stream($1.element), $1.offset)
        }.map(\.element)
    }

    func say(_ word: Word) { state.withLock { $0.words.append(word) } }

    /// From now on no step of a server before this one is taken any more.
    func markDead(before server: Int) { state.withLock { $0.deadBefore = server } }

    /// Puts a step up; says so if its server is dead.
    func put(_ step: Step, server: Int, stream: Int) -> Bool {
        state.withLock { state in
            guard server >= state.deadBefore else { return false }
            state.entries.append(Entry(server: server, stream: stream, step: step))
            return true
        }
    }
}

/// The server's process is gone, and with it all tasks that waited in it.
struct ServerGone: Error {}

extension PendingSteps.Step {
    /// Ends the wait without an answer.
    func fail(_ error: any Error) {
        switch self {
        case .append(_, let continuation): continuation.resume(throwing: error)
        case .head(let continuation): continuation.resume(throwing: error)
        case .read(_, _, let continuation): continuation.resume(throwing: error)
        case .send(_, let continuation): continuation.resume(throwing: error)
        case .sleep(_, let continuation): continuation.resume(throwing: error)
        }
    }
}

/// One party's view of the store: every call waits on the board.
struct BoardLogStore: LogStore {
    let board: PendingSteps
    let server: Int
    let stream: Int

    func append(_ appends: [LogAppend], at now: Timestamp) async throws -> [Result<Appended, LogStoreError>] {
        try await withCheckedThrowingContinuation { put(.append(appends, $0)) }
    }

    func head(of execution: ExecutionID) async throws -> LogHead {
        try await withCheckedThrowingContinuation { put(.head($0)) }
    }

    func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        try await withCheckedThrowingContinuation { put(.read(after: offset, limit: limit, $0)) }
    }

    func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        preconditionFailure("the world knows where a time is")
    }

    func send(_ messages: [ByteBuffer]) async throws {
        try await withCheckedThrowingContinuation { put(.send(messages, $0)) }
    }

    func sleep(for time: Duration) async throws {
        try await withCheckedThrowingContinuation { put(.sleep(time, $0)) }
    }

    private func put(_ step: PendingSteps.Step) {
        if !board.put(step, server: server, stream: stream) { step.fail(ServerGone()) }
    }
}
