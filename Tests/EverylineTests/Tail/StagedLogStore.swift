import Everyline
import EverylineTesting
import Synchronization

/// A log store that acts at a chosen place of a call, so that a race happens every time.
struct StagedLogStore: LogStore {
    let stores: InMemoryStores
    /// Runs before a batch is committed.
    var beforeCommit: @Sendable (_ appends: [LogAppend]) async throws -> Void = { _ in }
    /// Runs after a batch was committed, before that is said.
    var afterCommit: @Sendable (_ appends: [LogAppend]) async throws -> Void = { _ in }
    /// Runs after a read, before its answer is given.
    var afterRead: @Sendable (_ found: LogRead) async throws -> Void = { _ in }
    /// Runs after the head was read, before it is given.
    var afterHead: @Sendable (_ head: LogHead) async throws -> Void = { _ in }

    func append(_ appends: [LogAppend], at now: Timestamp) async throws -> [Result<Appended, LogStoreError>] {
        try await beforeCommit(appends)
        let results = try await stores.append(appends, at: now)
        try await afterCommit(appends)
        return results
    }

    func head(of execution: ExecutionID) async throws -> LogHead {
        let head = try await stores.head(of: execution)
        try await afterHead(head)
        return head
    }

    func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        let found = try await stores.read(execution, after: offset, limit: limit)
        try await afterRead(found)
        return found
    }

    func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        try await stores.offset(in: execution, before: time)
    }
}

/// Lets one thing happen once.
final class Once: Sendable {
    private let isDone = Mutex(false)

    /// - Returns: whether this is the first call.
    func take() -> Bool {
        isDone.withLock { isDone in
            defer { isDone = true }
            return !isDone
        }
    }
}

extension InMemoryStores {
    /// An execution with these lines in its log, a block each.
    static func holding(_ id: ExecutionID, _ messages: [String], ends: Bool = false) async throws -> InMemoryStores {
        let stores = InMemoryStores()
        _ = try await stores.create(
            Sample.execution(id.rawValue), appendToken: Sample.hash("t"), idempotency: nil)
        for message in messages { _ = try await stores.add([message], to: id) }
        if ends { _ = try await stores.add([], to: id, end: Sample.success) }
        return stores
    }

    /// Appends at the head; gives what was added.
    func add(_ messages: [String], to id: ExecutionID, end: ExecutionOutcome? = nil) async throws -> EventBlock {
        let head = try await head(of: id).offset
        let body = Sample.body(messages, after: head.rawValue, end: end)
        let results = try await append([LogAppend(body, to: id, after: head)], at: .epoch)
        guard let block = try results[0].get().block else { preconditionFailure("it was after the head") }
        return block
    }
}

extension [EventBlock] {
    /// The lines' texts; the end as `<end>`.
    func texts() throws -> [String] {
        try flatMap { try LogEvent.decode(lines: $0.bytes) }.map { event in
            if case .line(let line) = event.content { return line.message }
            return "<end>"
        }
    }
}
