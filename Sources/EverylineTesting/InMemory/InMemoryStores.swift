package import Everyline
import Synchronization

/// All three stores in memory, over one state, as SQLite has them over one database.
package final class InMemoryStores: Sendable {
    struct State {
        var executions: [ExecutionID: Record] = [:]
        /// In the order of their making.
        var order: [ExecutionID] = []
        var keys: [APIKey] = []
        var tokens: [SecretHash: StreamToken] = [:]
        var incarnation: Incarnation
    }

    struct Record {
        var execution: Execution
        var appendToken: SecretHash
        var idempotency: IdempotencyKey?
        var ledger = LedgerHead()
        var blocks: [EventBlock] = []
        var parked: [ClosedRange<UInt64>: SourceRun] = [:]
        var history: LogHistory

        var head: LogHead { ledger.log }

        func block(after offset: Offset, limit: ByteCount) -> EventBlock? {
            blocks.first { $0.last > offset }?.suffix(after: offset)?.prefix(limit: limit)
        }

        mutating func start(at now: Timestamp) {
            guard execution.status == .starting else { return }
            execution.status = .running
            execution.startedAt = now
        }

        mutating func end(_ outcome: ExecutionOutcome, told: Timestamp, at now: Timestamp) {
            execution.status = outcome.status
            execution.exitCode = outcome.exitCode
            execution.reason = outcome.reason
            execution.endedAt = Execution.endTime(told: told, started: execution.startedAt ?? now, now: now)
        }
    }

    let state: Mutex<State>
    let logLimit: ByteCount

    package init(logLimit: ByteCount = .gibibytes(4)) {
        self.logLimit = logLimit
        var generator = SystemGenerator()
        state = Mutex(State(incarnation: Incarnation(using: &generator)))
    }

    /// Says that the data were put back from a backup.
    package func markRestored() {
        var generator = SystemGenerator()
        let next = Incarnation(using: &generator)
        state.withLock { state in
            state.incarnation = next
            for id in state.order {
                let head = state.executions[id]?.head
                state.executions[id]?.history.restore(to: next, base: head.flatMap { $0.isEnded ? nil : $0.offset })
            }
        }
    }
}

extension InMemoryStores: LogStore {
    package func append(_ appends: [LogAppend], at now: Timestamp) async throws -> [Result<Appended, LogStoreError>] {
        state.withLock { state in
            appends.map { append in
                guard var record = state.executions[append.execution] else { return .failure(.unknownExecution) }
                defer { state.executions[append.execution] = record }
                return record.append(append, at: now, limit: logLimit)
            }
        }
    }

    package var incarnation: Incarnation? { state.withLock { $0.incarnation } }

    package func restoration(of execution: ExecutionID, since known: Incarnation) async throws -> Restoration? {
        try record(execution).history.restoration(since: known)
    }

    package func head(of execution: ExecutionID) async throws -> LogHead { try record(execution).head }

    package func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        let record = try record(execution)
        return LogRead(block: record.block(after: offset, limit: limit), head: record.head)
    }

    package func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        let record = try record(execution)
        for block in record.blocks {
            for event in try LogEvent.decode(lines: block.bytes) where event.timestamp >= time {
                return Offset(event.offset.rawValue - 1)
            }
        }
        return record.head.offset
    }

    func record(_ id: ExecutionID) throws -> Record {
        guard let record = state.withLock({ $0.executions[id] }) else { throw LogStoreError.unknownExecution }
        return record
    }
}

extension InMemoryStores.Record {
    fileprivate mutating func append(
        _ append: LogAppend, at now: Timestamp, limit: ByteCount
    ) -> Result<Appended, LogStoreError> {
        var rule = AppendRule(
            append, at: head, limit: limit, restoration: append.incarnation.flatMap(history.restoration))
        while let wanted = rule.wanted, let block = block(after: wanted.offset, limit: wanted.limit) {
            rule.compare(block)
        }
        if case .refuse(let error) = rule.decision { return .failure(error) }
        start(at: now)
        guard case .add(let block) = rule.decision else { return .success(appended(nil)) }
        blocks.append(block)
        ledger.log = head.adding(block)
        execution.head = head.offset
        execution.logBytes = head.bytes
        if let outcome = append.body.outcome, block.endsLog { end(outcome, told: block.latest, at: now) }
        return .success(appended(block))
    }

    private func appended(_ block: EventBlock?) -> Appended {
        Appended(head: head, block: block, isStopRequested: execution.status == .terminating)
    }
}
