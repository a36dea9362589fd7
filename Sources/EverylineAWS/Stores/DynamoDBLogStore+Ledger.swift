package import Everyline
import NIOCore

extension DynamoDBLogStore: Ledger {
    package func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead {
        try await unavailable { try await meta(execution).head }
    }

    /// A block that was too large for one item is given in the parts that it is stored in.
    package func block(of execution: ExecutionID, holding offset: Offset) async throws -> LedgerBlock? {
        try await unavailable {
            guard offset > .zero else { return nil }
            var query = blocks(of: execution, from: offset)
            query.limit = 1
            guard let item = try await table.query(query).items.first else {
                // Nothing so far, or no such execution.
                _ = try await meta(execution)
                return nil
            }
            let block = try BlockItem(item)
            guard block.events.first <= offset else { throw Self.hole }
            return LedgerBlock(
                events: block.events, eventIDs: try block.eventIDs(), runningMaximum: block.runningMaximum)
        }
    }

    package func append(
        _ append: LedgerAppend, to execution: ExecutionID, at now: Timestamp
    ) async throws -> LedgerHead? {
        try await unavailable {
            // The head can't move between the reading and the write without this being refused; a note beside it can, and
            // then it is read anew.
            for _ in 0..<Self.noteAttempts {
                let meta = try await meta(execution)
                guard let next = append.apply(to: meta.head) else { return nil }
                let end = append.block.flatMap { block in
                    append.outcome.map { HeadChange.End($0, by: block.events, of: meta.execution, at: now) }
                }
                let change = HeadChange(from: meta.head, to: next, at: now, end: end)
                let items = try append.block.map {
                    try BlockItem.items(
                        $0.events, of: execution, runningMaximum: $0.runningMaximum, expires: meta.expires)
                }
                if try await write(items ?? [], change, meta) { return next }
            }
            throw LogStoreError.unavailable("too many note something beside the same log")
        }
    }

    private static let noteAttempts = 4

    private func write(_ items: [Attributes], _ change: HeadChange, _ meta: ExecutionItem) async throws -> Bool {
        guard !items.isEmpty else {
            let written = try await table.update(
                RecordKey.meta(meta.execution.id), change.update, if: change.condition)
            if case .done = written { return true }
            return false
        }
        return try await table.transact(change.writes(items, meta), token: Self.token()) == .done
    }
}
