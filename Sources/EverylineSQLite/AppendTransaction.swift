import Everyline
import GRDB
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Carries out a batch of appends inside one transaction. Each log's row is read once and written once, whatever the
/// number of its appends.
struct AppendTransaction {
    /// Whether a log ended.
    private(set) var hasEnded = false

    private let db: Database
    private let now: Timestamp
    private let limit: ByteCount
    private let incarnation: Incarnation?
    private var logs: [ExecutionID: Log] = [:]

    private struct Log {
        var row: LogRow
        var end: (outcome: ExecutionOutcome, at: Timestamp)?
        var hasStarted = false
        var isChanged = false

        func appended(_ block: EventBlock?) -> Appended {
            Appended(head: row.head, block: block, isStopRequested: row.status == .terminating)
        }
    }

    init(_ db: Database, at now: Timestamp, limit: ByteCount, in incarnation: Incarnation?) {
        self.incarnation = incarnation
        self.db = db
        self.now = now
        self.limit = limit
    }

    /// - Throws: what fails the whole batch.
    /// - Returns: the outcome of this append; a refusal has changed nothing.
    mutating func append(_ append: LogAppend) throws -> Result<Appended, LogStoreError> {
        var log: Log
        do {
            log = try logs.removeValue(forKey: append.execution) ?? Log(row: LogRow(append.execution, in: db))
        } catch let error as LogStoreError {
            // Unknown or damaged, which is no other log's business.
            return .failure(error)
        }
        defer { logs[append.execution] = log }
        switch try decide(append, log.row) {
        case .refuse(let error):
            return .failure(error)
        case .held:
            // Also an empty body is a sign that the producer is there.
            start(&log)
            return .success(log.appended(nil))
        case .add(let block):
            start(&log)
            try insert(block, into: log.row)
            log.row.head = log.row.head.adding(block)
            log.isChanged = true
            if block.endsLog, let outcome = append.body.outcome {
                let time = Execution.endTime(told: block.latest, started: log.row.started ?? now, now: now)
                log.end = (outcome, time)
            }
            return .success(log.appended(block))
        }
    }

    private func decide(_ append: LogAppend, _ log: LogRow) throws -> AppendRule.Decision {
        var restoration: Restoration?
        if let known = append.incarnation, let incarnation {
            restoration = try log.restoration(since: known, to: incarnation, in: db)
        }
        var rule = AppendRule(append, at: log.head, limit: limit, restoration: restoration)
        while let wanted = rule.wanted {
            do {
                rule.compare(try log.read(after: wanted.offset, limit: wanted.limit, in: db))
            } catch let error as LogStoreError {
                // A damaged log is no other log's business.
                return .refuse(error)
            }
        }
        return rule.decision
    }

    /// Writes the logs' rows.
    mutating func finish() throws {
        for (_, log) in logs where log.isChanged {
            try write(log)
            if log.end != nil { hasEnded = true }
        }
    }

    private func start(_ log: inout Log) {
        guard log.row.status == .starting else { return }
        log.row.status = .running
        log.row.started = log.row.started ?? now
        log.hasStarted = true
        log.isChanged = true
    }

    private func insert(_ block: EventBlock, into log: LogRow) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO block (execution, first, last, latest_ms, events, crc) VALUES (?, ?, ?, ?, ?, ?)")
        let latest = max(block.latest, log.head.latest).milliseconds
        for piece in block.pieces(limit: SQLiteLogStore.blockBytes) {
            try statement.execute(arguments: [
                log.number, Int64(piece.first.rawValue), Int64(piece.last.rawValue), latest,
                Data(piece.bytes.readableBytesView), piece.bytes.withUnsafeReadableBytes(BlockChecksum.of),
            ])
        }
    }

    private func write(_ log: Log) throws {
        let head = log.row.head
        let statement = try db.cachedStatement(
            sql: "UPDATE execution SET head = ?, log_bytes = ?, latest_ms = ? WHERE number = ?")
        try statement.execute(arguments: [
            Int64(head.offset.rawValue), head.bytes, head.latest.milliseconds, log.row.number,
        ])
        // Apart, because naming an indexed column writes its index too.
        if log.hasStarted {
            try db.cachedStatement(
                sql: "UPDATE execution SET status = ?, started_ms = ? WHERE number = ?"
            ).execute(arguments: [log.row.status.rawValue, log.row.started?.milliseconds, log.row.number])
        }
        guard let (outcome, time) = log.end else { return }
        try db.cachedStatement(
            sql: """
                UPDATE execution SET status = ?, exit_code = ?, reason = ?, ended_ms = ?, merged = 0 WHERE number = ?
                """
        ).execute(arguments: [
            outcome.status.rawValue, outcome.exitCode, outcome.reason?.rawValue, time.milliseconds, log.row.number,
        ])
    }
}
