package import Everyline
import Synchronization

extension InMemoryStores: Ledger {
    package func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead {
        try record(execution).ledger
    }

    package func block(of execution: ExecutionID, holding offset: Offset) async throws -> LedgerBlock? {
        try record(execution).ledgerBlocks.last { $0.events.first <= offset && offset <= $0.events.last }
    }

    package func append(
        _ append: LedgerAppend, to execution: ExecutionID, at now: Timestamp
    ) async throws -> LedgerHead? {
        try state.withLock { state in
            guard var record = state.executions[execution] else { throw LogStoreError.unknownExecution }
            guard let next = append.apply(to: record.ledger) else { return nil }
            record.add(append, becoming: next, at: now)
            state.executions[execution] = record
            return next
        }
    }
}

extension InMemoryStores.Record {
    fileprivate mutating func add(_ append: LedgerAppend, becoming next: LedgerHead, at now: Timestamp) {
        ledger = next
        if let block = append.block {
            blocks.append(block.events)
            ledgerBlocks.append(block)
        }
        start(at: now)
        execution.head = head.offset
        execution.logBytes = head.bytes
        if let outcome = append.outcome { end(outcome, told: append.block?.events.latest ?? now, at: now) }
    }
}
