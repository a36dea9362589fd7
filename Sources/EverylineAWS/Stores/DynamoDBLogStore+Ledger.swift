package import Everyline
import NIOCore

extension DynamoDBLogStore: Ledger {
    package func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead {
        try await unavailable {
            let meta = try await meta(execution)
            known[execution] = meta
            return meta.head
        }
    }

    package func parked(_ lines: ClosedRange<UInt64>, of execution: ExecutionID) async throws -> SourceRun? {
        try await unavailable {
            try await table.get(RecordKey.parked(execution, lines)).map { try ParkedItem.run(lines, in: $0) }
        }
    }

    package func write(_ change: LedgerChange, to execution: ExecutionID, at now: Timestamp) async throws -> Bool {
        try await unavailable {
            // When the execution began is read anew for its end; when its records expire, and how they are written,
            // never changes.
            let known = change.outcome == nil ? known[execution] : nil
            let meta = if let known { known } else { try await meta(execution) }
            let end = change.block.flatMap { block in
                change.outcome.map { HeadChange.End($0, by: block, of: meta.execution, at: now) }
            }
            let blocks = try change.block.map {
                try BlockItem.items(
                    $0, of: execution, runningMaximum: max($0.latest, change.from.log.latest),
                    expires: meta.record.expires, format: meta.record.format)
            }
            var writes = HeadChange(change, at: now, end: end).writes(blocks ?? [], meta)
            if let run = change.parks {
                writes.append(.put(try ParkedItem.item(run, of: execution, expires: meta.record.expires), if: nil))
            }
            writes += change.unparks.map { .delete(RecordKey.parked(execution, $0), if: nil) }
            return try await table.transact(writes, token: Self.token()) == .done
        }
    }
}
