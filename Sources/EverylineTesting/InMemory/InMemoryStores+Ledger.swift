package import Everyline
import Synchronization

extension InMemoryStores: Ledger {
    package func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead {
        let record = try record(execution)
        var head = record.ledger
        head.isStopRequested = record.execution.status == .terminating
        return head
    }

    package func parked(_ lines: ClosedRange<UInt64>, of execution: ExecutionID) async throws -> SourceRun? {
        try record(execution).parked[lines]
    }

    package func write(_ change: LedgerChange, to execution: ExecutionID, at now: Timestamp) async throws -> Bool {
        try state.withLock { state in
            guard var record = state.executions[execution] else { throw LogStoreError.unknownExecution }
            guard change.applies(to: record.ledger) else { return false }
            record.carryOut(change, at: now)
            state.executions[execution] = record
            return true
        }
    }
}

extension InMemoryStores.Record {
    fileprivate mutating func carryOut(_ change: LedgerChange, at now: Timestamp) {
        ledger = change.to
        if let run = change.parks { parked[run.lines] = run }
        for lines in change.unparks { parked[lines] = nil }
        start(at: now)
        guard let block = change.block else { return }
        blocks.append(block)
        execution.head = head.offset
        execution.logBytes = head.bytes
        if let outcome = change.outcome { end(outcome, told: block.latest, at: now) }
    }
}
